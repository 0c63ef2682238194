"""Made-up music for the demo: eight styles that overlap, an artist for every four clips.

A clip is drawn in three steps from one seed: a style sets how fast, bright, dense, drummed and distorted its music
is; an artist leans from there towards a second style and has habits of its own; a clip varies on its artist. So
tracks of one artist are more alike than tracks of one style, as in real collections, and no model tells all
clips apart.

`make_tagged_music` draws another collection, in which each instrument of a clip sounds or does not: the tags are known.

Notes are read from a band-limited wavetable, drums are decaying sines and noise, and a short reverberation is a
convolution with decaying noise.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genreclf.errors import unknown
from genreclf.files import write_whole
from genreclf.progress import AUTOMATIC, Progress

if TYPE_CHECKING:
    from genreclf.datasets.manifest import Manifest

SAMPLE_RATE = 22050
SECONDS = 10.0
ARTISTS_PER_STYLE = 6
CLIPS_PER_ARTIST = 4
LEANING = 0.45
HABITS = 0.4
VARIATION = 0.4


class Manner(NamedTuple):
    """How music is played, each trait on its own scale."""

    tempo: float  # beats a minute
    brightness: float  # share of energy in the upper partials, 0 to 1
    sustain: float  # seconds for a note to fade to a third
    density: float  # lead notes a beat
    register: float  # MIDI note around which the lead moves
    pad: float  # level of the chords
    bass: float  # levels, as are the next four
    lead: float
    kick: float
    snare: float
    hat: float
    swing: float  # how late the off-beat comes, 0 straight to 1 a triplet
    minor: float  # chance of a minor chord
    drive: float  # how hard the mix is pressed into a soft clipper
    room: float  # level of the reverberation
    hiss: float  # level of steady noise


STYLES = {
    "ambient": Manner(66, 0.15, 2.5, 0.5, 67, 0.9, 0.3, 0.3, 0.0, 0.0, 0.05, 0.0, 0.5, 0.6, 0.8, 0.02),
    "ballad": Manner(76, 0.35, 0.9, 1.0, 69, 0.6, 0.5, 0.7, 0.3, 0.3, 0.1, 0.0, 0.3, 0.8, 0.4, 0.004),
    "blues": Manner(92, 0.5, 0.5, 1.5, 62, 0.4, 0.7, 0.8, 0.4, 0.5, 0.3, 0.8, 0.6, 1.6, 0.2, 0.008),
    "chiptune": Manner(140, 0.85, 0.25, 3.0, 76, 0.2, 0.6, 0.9, 0.3, 0.3, 0.3, 0.0, 0.3, 1.0, 0.0, 0.0),
    "dub": Manner(112, 0.25, 0.6, 0.7, 64, 0.5, 1.0, 0.3, 0.8, 0.4, 0.3, 0.2, 0.7, 1.0, 0.7, 0.01),
    "house": Manner(124, 0.55, 0.35, 2.0, 70, 0.5, 0.8, 0.4, 1.0, 0.4, 0.6, 0.1, 0.6, 1.2, 0.2, 0.002),
    "rock": Manner(128, 0.7, 0.6, 1.8, 60, 0.7, 0.7, 0.7, 0.8, 0.9, 0.5, 0.0, 0.4, 3.0, 0.2, 0.01),
    "swing": Manner(150, 0.4, 0.4, 2.0, 70, 0.3, 0.8, 0.8, 0.2, 0.3, 0.6, 1.0, 0.3, 0.9, 0.3, 0.006),
}
INSTRUMENTS = {"bass": ("bass",), "chords": ("pad",), "drums": ("kick", "snare"), "hi-hat": ("hat",), "lead": ("lead",)}
QUIETEST = 0.4  # level of an instrument that sounds

_FLOORS = Manner(50, 0.05, 0.1, 0.25, 48, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
_CEILINGS = Manner(190, 0.95, 3.0, 4.0, 84, 1.3, 1.3, 1.3, 1.3, 1.3, 1.3, 1.0, 1.0, 4.0, 1.0, 0.05)

_FIRST = ("Amber", "Brass", "Copper", "Drift", "Ember", "Fable", "Glass", "Hollow", "Iron", "Juniper", "Kettle",
          "Lunar")  # fmt: skip
_SECOND = ("Arcade", "Bloom", "Canyon", "Dynamo", "Engine", "Foxes", "Garden", "Harbour", "Index", "Larks", "Mirror")
_TITLES = ("Night Bus", "Paper Moon", "Salt", "Low Tide", "Signal", "Second Floor", "Half Light", "Return")


@dataclass(frozen=True)
class Clip:
    """One clip to be made: whose it is, what it is called, its manner, the seed of its notes, and its tags."""

    style: str
    artist: str
    title: str
    manner: Manner
    seed: int
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Where the clip stands below the folder of the collection."""
        return f"{self.style}/{self.artist} - {self.title}.flac"


def make_demo_music(
    folder: Path | str,
    *,
    styles: Sequence[str] | None = None,
    clips: int = CLIPS_PER_ARTIST,
    seconds: float = SECONDS,
    seed: int = 42,
    jobs: int | None = None,
    progress: Progress = AUTOMATIC,
) -> Manifest:
    """Write the collection as FLAC files with tags, a folder a style; clips that are there already stay.

    Parameters
    ----------
    folder : where the folders of the styles are made.
    styles : some of `STYLES`; None for all.
    clips : of each artist, at most `CLIPS_PER_ARTIST`.
    seconds : the duration of a clip.
    seed : the same seed gives the same music.

    Returns
    -------
    The manifest of the folder, as `genreclf.datasets.folder.scan` reads it.

    Raises
    ------
    RequestError : the folder cannot be written to, or there is no such style.
    """
    from genreclf.datasets.folder import scan

    for style in styles or ():
        if style not in STYLES:
            raise unknown("style", style, STYLES)
    every = [clip for clip in collection(seed=seed) if styles is None or clip.style in styles]
    chosen = [clip for place, clip in enumerate(every) if place % CLIPS_PER_ARTIST < clips]
    _write_missing(chosen, Path(folder), jobs, progress, seconds=seconds)
    return scan([Path(folder)])


def make_tagged_music(
    folder: Path, *, artists: int = 40, seed: int = 42, jobs: int | None = None, progress: Progress = AUTOMATIC
) -> Manifest:
    """Write clips of which each instrument sounds in about half, as FLAC files; what is there already stays.

    Parameters
    ----------
    folder, seed : as for `make_demo_music`.
    artists : each has four clips.

    Returns
    -------
    A manifest whose tags are the instruments that sound, `INSTRUMENTS`.

    Raises
    ------
    RequestError : the folder cannot be written to.
    """
    from genreclf.datasets.manifest import Manifest, Track

    clips = tagged_collection(artists=artists, seed=seed)
    _write_missing(clips, folder, jobs, progress)
    tracks = (Track(c.name, folder / c.name, c.name, c.style, c.artist, title=c.title, tags=c.tags) for c in clips)
    return Manifest.of("instruments", tracks)


def tagged_collection(*, artists: int = 40, seed: int = 42) -> list[Clip]:
    """The clips of `make_tagged_music`, in a fixed order; in each of them at least one instrument sounds."""
    rng = np.random.default_rng([seed, 1])
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    clips = []
    for number in range(artists):
        style = list(STYLES)[number % len(STYLES)]
        centre = _artist_manner(style, rng)
        for title in rng.permutation(len(_TITLES))[:CLIPS_PER_ARTIST]:
            tags = [name for name in INSTRUMENTS if rng.uniform() < 0.5] or [list(INSTRUMENTS)[int(title) % 5]]
            manner = _sounding(_varied(centre, VARIATION, rng), tags)
            artist = names[number % len(names)]
            clips.append(Clip(style, artist, _TITLES[title], manner, int(rng.integers(2**31)), tuple(tags)))
    return clips


def _sounding(manner: Manner, tags: Sequence[str]) -> Manner:
    """The manner with some instruments sounding, and the others silent."""
    levels = {
        level: max(getattr(manner, level), QUIETEST) if name in tags else 0.0
        for name, parts in INSTRUMENTS.items()
        for level in parts
    }
    return manner._replace(**levels)


def _write_missing(
    clips: Sequence[Clip], folder: Path, jobs: int | None, progress: Progress, *, seconds: float = SECONDS
) -> None:
    """Write the clips that are not there yet."""
    from functools import partial

    from genreclf.workers import run

    missing = [clip for clip in clips if not (folder / clip.name).exists()]
    progress.begin("make music", len(missing))
    for outcome in run(partial(_write, folder=folder, seconds=seconds), missing, jobs=jobs):
        if outcome.error is not None:
            raise outcome.error
        progress.advance(missing[outcome.index].name)
    progress.end()


def collection(*, seed: int = 42) -> list[Clip]:
    """The clips of the collection: styles x artists x clips, in a fixed order."""
    rng = np.random.default_rng(seed)
    names = [f"{first} {second}" for first in _FIRST for second in _SECOND]
    names = [names[i] for i in rng.permutation(len(names))]
    clips = []
    for style in STYLES:
        for _ in range(ARTISTS_PER_STYLE):
            artist, centre = names.pop(), _artist_manner(style, rng)
            for title in rng.permutation(len(_TITLES))[:CLIPS_PER_ARTIST]:
                manner = _varied(centre, VARIATION, rng)
                clips.append(Clip(style, artist, _TITLES[title], manner, int(rng.integers(2**31))))
    return clips


def _artist_manner(style: str, rng: np.random.Generator) -> Manner:
    """An artist's manner: the style's, leaning towards another style, with habits."""
    others = [name for name in STYLES if name != style]
    other = STYLES[others[int(rng.integers(len(others)))]]
    lean = LEANING * rng.uniform()
    blend = (1 - lean) * np.array(STYLES[style]) + lean * np.array(other)
    return _varied(Manner(*blend.tolist()), HABITS, rng)


def _varied(centre: Manner, amount: float, rng: np.random.Generator) -> Manner:
    """A manner near another, within the bounds of what can be played.

    The step of each trait is a share of its spread over the styles.
    """
    spread = np.std(list(STYLES.values()), axis=0)
    step = amount * spread * rng.standard_normal(len(centre))
    return Manner(*np.clip(np.array(centre) + step, _FLOORS, _CEILINGS).tolist())


def _write(clip: Clip, *, folder: Path, seconds: float) -> None:
    import soundfile

    encoded = io.BytesIO()
    with soundfile.SoundFile(encoded, "w", SAMPLE_RATE, 1, format="FLAC", subtype="PCM_16") as file:
        file.artist, file.title, file.album = clip.artist, clip.title, f"{clip.artist} Plays"
        file.write(play(clip, seconds=seconds))
    write_whole(folder / clip.name, encoded.getvalue())


def play(clip: Clip, *, seconds: float = SECONDS) -> np.ndarray:
    """The samples of a clip, shape (samples,), float64 within [-0.9, 0.9]."""
    rng = np.random.default_rng(clip.seed)
    manner = clip.manner
    beat = 60.0 / manner.tempo
    chords = _progression(manner, rng)
    table = _wavetable(manner.brightness)
    mix = np.zeros(round(seconds * SAMPLE_RATE))
    for number in range(int(seconds / beat) + 1):
        start = number * beat
        chord = chords[number // 4 % len(chords)]
        if number % 4 == 0:
            for note in chord:
                _add(mix, start, manner.pad * 0.25 * _note(note, 4 * beat, table, max(manner.sustain, beat)))
        _add(mix, start, manner.bass * 0.5 * _note(chord[0] - 24, beat, table, manner.sustain))
        _lead(mix, start, beat, chord, table, manner, rng)
        _drums(mix, start, beat, number, manner, rng)
    mix += manner.hiss * rng.standard_normal(mix.size)
    return _mastered(mix, manner, rng)


def _progression(manner: Manner, rng: np.random.Generator) -> list[tuple[int, int, int]]:
    """Four triads around the middle of the keyboard, roots on steps of a scale that closes on the tonic."""
    root = int(rng.integers(48, 60))
    steps = [0, *rng.choice([2, 4, 5, 7, 9], size=3).tolist()]
    thirds = [3 if rng.uniform() < manner.minor else 4 for _ in steps]
    return [(root + step, root + step + third, root + step + 7) for step, third in zip(steps, thirds, strict=True)]


def _wavetable(brightness: float) -> np.ndarray:
    """One period with 1 to 24 partials that fall off the slower the brighter the sound."""
    partials = np.arange(1, 2 + round(23 * brightness))
    phase = 2 * np.pi * np.arange(2048) / 2048
    wave = np.sin(np.outer(partials, phase)).T @ partials ** (-2.5 + 1.7 * brightness)
    return np.asarray(wave / np.abs(wave).max())


def _note(midi: float, seconds: float, table: np.ndarray, sustain: float) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    frequency = 440.0 * 2 ** ((midi - 69) / 12)
    wave = table[(time * (frequency * table.size)).astype(np.int64) % table.size]
    release = np.minimum(1.0, (seconds - time) / 0.02)
    return np.asarray(wave * np.minimum(1.0, time / 0.005) * np.exp(-time / sustain) * release)


def _lead(
    mix: np.ndarray,
    start: float,
    beat: float,
    chord: Sequence[int],
    table: np.ndarray,
    manner: Manner,
    rng: np.random.Generator,
) -> None:
    """The lead's notes within one beat: chord tones near the register, with passing notes."""
    count = int(manner.density) + (rng.uniform() < manner.density % 1)
    for position in range(count):
        late = manner.swing * beat / 6 if position % 2 else 0.0
        tone = chord[int(rng.integers(3))] + int(rng.choice([0, 0, 0, 2, -1]))
        octave = round((manner.register - tone) / 12)
        length = beat / max(count, 1)
        sound = _note(tone + 12 * octave, length, table, manner.sustain)
        _add(mix, start + position * length + late, manner.lead * 0.4 * sound)


def _drums(mix: np.ndarray, start: float, beat: float, number: int, manner: Manner, rng: np.random.Generator) -> None:
    """Kick on the odd beats (on all of them where it is loud), snare on the even ones, hats on the halves."""
    time = np.arange(int(0.25 * SAMPLE_RATE)) / SAMPLE_RATE
    noise = rng.standard_normal(time.size)
    if number % 2 == 0 or manner.kick > 0.7:
        wave = np.sin(2 * np.pi * (50 * time - 12 * np.exp(-time / 0.03)))
        _add(mix, start, manner.kick * wave * np.exp(-time / 0.09))
    if number % 2 == 1:
        _add(mix, start, 0.35 * manner.snare * noise * np.exp(-time / 0.07))
    for half in (0.0, 0.5 + manner.swing / 6):
        _add(mix, start + half * beat, 0.15 * manner.hat * np.diff(noise, prepend=0.0) * np.exp(-time / 0.03))


def _add(mix: np.ndarray, start: float, sound: np.ndarray) -> None:
    """Add a sound at a time in seconds; what reaches past the end is cut."""
    first = round(start * SAMPLE_RATE)
    length = min(sound.size, mix.size - first)
    if length > 0:
        mix[first : first + length] += sound[:length]


def _mastered(mix: np.ndarray, manner: Manner, rng: np.random.Generator) -> np.ndarray:
    """The mix with its room, pressed into the clipper, at a level of its own."""
    if manner.room > 0:
        tail = np.arange(SAMPLE_RATE) / SAMPLE_RATE
        impulse = rng.standard_normal(tail.size) * np.exp(-tail / 0.35) / np.sqrt(SAMPLE_RATE)
        mix = mix + 2.0 * manner.room * _convolved(mix, impulse)
    mix = mix / (np.sqrt(np.mean(mix**2)) + 1e-9)
    pressed = np.tanh((0.3 + 0.5 * manner.drive) * mix)
    return np.asarray(pressed / np.abs(pressed).max() * rng.uniform(0.5, 0.9))


def _convolved(mix: np.ndarray, impulse: np.ndarray) -> np.ndarray:
    """The mix with each of its samples sounding on as an impulse response, as long as the mix."""
    from scipy.fft import irfft, next_fast_len, rfft  # scipy.signal takes long to import

    size = next_fast_len(mix.size + impulse.size - 1, real=True)
    return np.asarray(irfft(rfft(mix, size) * rfft(impulse, size), size)[: mix.size])
