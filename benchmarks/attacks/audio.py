"""Sounds of every encoding against ``librosa.load`` by value; and damaged ones, which must give finite features."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from typing import Any

import decoding
import fuzz
import numpy as np
from attacks.cases import check

from genreclf import audio
from genreclf.errors import TrackError
from genreclf.features import extract_features

CASES = 8
SECONDS = 60.0
_BLOCK = 8192  # samples
_AUDIOREAD = 2.0**-15
_RATES = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 96000)
# Containers and sample formats that libsndfile writes; an mp3 by its quality, constant or variable.
_WRITTEN = {
    "MP3": ("MPEG_LAYER_III",),
    "WAV": ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "IMA_ADPCM", "GSM610"),
    "W64": ("PCM_16", "FLOAT"),
    "RF64": ("PCM_16",),
    "AIFF": ("PCM_16", "PCM_24", "FLOAT"),
    "AU": ("PCM_16", "ALAW"),
    "CAF": ("PCM_16", "ALAC_16"),
    "FLAC": ("PCM_S8", "PCM_16", "PCM_24"),
    "OGG": ("VORBIS", "OPUS"),
}


def missing() -> str:
    return "" if importlib.util.find_spec("av") else "PyAV is not installed, which writes the mp3s"


def prepare(folder: Path) -> list[decoding.Mp3]:
    """The mp3s of the grid; what every case imports is imported once."""
    import librosa
    import soundfile

    path = folder / "warm.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 22050), 22050)
    extract_features(path)
    librosa.load(path)
    return list(decoding.grid())


def case(rng: np.random.Generator, place: Path, grid: list[decoding.Mp3], number: int) -> tuple[str, dict[str, float]]:
    if number % 4 == 3:
        return _damaged(rng, place), {}
    path, how, cut = _of_grid(rng, place, grid) if number % 4 == 0 else _written(rng, place)
    difference = _difference(path, how, cut=cut)
    check(difference in (0, None), "wrong value", f"{how}: {difference}")
    return "same" if difference == 0 else "librosa does not read it", {}


def _of_grid(rng: np.random.Generator, place: Path, grid: list[decoding.Mp3]) -> tuple[Path, str, bool]:
    """An mp3 as LAME writes it by way of FFmpeg."""
    encoding = grid[rng.integers(len(grid))]
    path = place / "sound.mp3"
    content = encoding.content(n_samples=int(rng.uniform(3, 20) * encoding.sample_rate))
    front = int(rng.integers(3000)) if encoding.front == "cut" else 0
    path.write_bytes(content[front:])
    return path, f"{encoding} without {front} bytes", False


def _written(rng: np.random.Generator, place: Path) -> tuple[Path, str, bool]:
    """A sound of any kind as libsndfile writes it, perhaps cut at its end."""
    import soundfile

    kind = str(rng.choice(["MP3", *_WRITTEN]))
    subtype, channels = str(rng.choice(_WRITTEN[kind])), int(rng.integers(1, 3 if kind == "MP3" else 7))
    rate = int(rng.choice([48000] if subtype == "OPUS" else _RATES[:7] if kind == "MP3" else _RATES))
    channels = 1 if subtype == "GSM610" else min(channels, 2) if subtype == "IMA_ADPCM" else channels
    sound = decoding.music(rate)[rng.integers(2, size=channels), : int(rng.uniform(0.2, 12) * rate)].T
    how: dict[str, Any] = {}
    if kind in ("MP3", "OGG", "FLAC"):
        how["compression_level"] = round(float(rng.uniform(0, 0.99)), 2)  # 1.0 is refused for MP3
    if kind == "MP3":
        how["bitrate_mode"] = str(rng.choice(["CONSTANT", "VARIABLE"]))
    path = place / f"sound.{kind.lower()}"
    soundfile.write(path, sound, rate, format=kind, subtype=subtype, **how)
    content = path.read_bytes()
    kept = int(rng.uniform(0.5, 1) * len(content)) if rng.uniform() < 0.3 else len(content)
    path.write_bytes(content[:kept])
    return (
        path,
        f"{kind} {subtype} {rate} Hz {channels} channels {len(sound)} samples {how} {kept} bytes",
        kept < len(content),
    )


def _difference(path: Path, how: str, *, cut: bool) -> float | None:
    """The largest difference from librosa's samples; None where librosa cannot read the file.

    Of a file that is cut at its end, decoders differ in what they make of the last block, and librosa may turn to
    audioread, whose samples have 16 bits.
    """
    import librosa

    try:
        whole = librosa.load(path, sr=None)[0]
    except Exception:  # noqa: BLE001 - soundfile and audioread raise what they like
        return None
    try:
        if not cut:
            return decoding.largest_difference(path)
        samples, _ = audio.load(path, sample_rate=None, duration=None)
    except TrackError as refused:
        check(refused.code in ("too-short", "empty"), "wrong value", f"{how}: refused: {refused}")
        return None
    check(len(samples) > len(whole) - _BLOCK, "wrong value", f"{how}: {len(samples)} samples, librosa {len(whole)}")
    common = max(0, min(len(samples), len(whole)) - _BLOCK)
    difference = float(np.abs(samples[:common] - whole[:common]).max(initial=0))
    return difference if difference > _AUDIOREAD else 0.0


def _damaged(rng: np.random.Generator, place: Path) -> str:
    name = str(rng.choice(list(fuzz.FORMATS)))
    path = place / f"sound{fuzz.FORMATS[name][2]}"
    path.write_bytes(fuzz.damaged(fuzz.encoded(name), rng))
    try:
        row = extract_features(path)
    except TrackError as refused:
        return f"damaged: {refused.code}"
    check(all(map(math.isfinite, row.values())), "wrong value", f"{name}: not finite")
    return "damaged: described"
