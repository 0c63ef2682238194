"""genreclf's extraction beside plain librosa's: seconds a stage, and how far the values lie apart.

    python benchmarks/extraction.py [--rounds N] [--floor] [--jobs N] [--feature-set study|fma] [FILE ...]

Both describe the same files in turn, in one process and one thread, warm; every figure is the median over files and
rounds. Without files, four clips of 30 s are made up. A stage of plain librosa is the call that its composition makes
(see `plain_librosa`), which computes its own spectra; a stage of genreclf is what it adds to the spectra that all
stages share, so its first lines hold what later ones need. A difference is the largest of a stage's values, over the
largest value.

``--floor`` compares with what nobody can avoid: decoding, resampling, one forward and one inverse Fourier transform,
each by the fastest way at hand. ``--jobs N`` times whole extractions of the files with one worker and with N.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import soundfile
from threadpoolctl import threadpool_limits

from genreclf import audio
from genreclf.extraction import extract
from genreclf.features import (
    compile_kernels,
    describe_plainly,
    extract_features,
    find_feature_set,
    mfcc,
    plain_librosa,
    power,
    rhythm,
    tonnetz,
)
from genreclf.features.spectra import FRAME_LENGTH, Spectra, stft
from genreclf.features.statistics import summarise

WINDOW = {"offset": 0.0, "duration": 30.0}


class Stopwatch:
    """Collects the seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def __call__(self, stage: str, work: Callable[[], Any]) -> Any:
        """Do the work, and note how long it took."""
        began = time.perf_counter()
        result = work()
        self.seconds[stage].append(time.perf_counter() - began)
        return result

    def median(self, stage: str) -> float:
        """The median seconds of a stage."""
        return statistics.median(self.seconds[stage])


def time_stages(path: Path, plain: Stopwatch, ours: Stopwatch) -> dict[str, float]:
    """Run each stage both ways; return the largest difference of each stage's values, relative to their largest."""
    apart = {}

    def compare(stage: str, theirs: Callable[[], Any], own: Callable[[], Any]) -> tuple[Any, Any]:
        a, b = plain(stage, theirs), ours(stage, own)
        difference = np.abs(np.asarray(a, dtype=complex) - np.asarray(b, dtype=complex)).max()
        apart[stage] = float(difference / np.abs(a).max())
        return a, b

    (samples, rate), _ = (
        plain("decode", lambda: plain_librosa.load(path, sample_rate=None, **WINDOW)),
        ours("decode", lambda: audio.load(path, sample_rate=None, **WINDOW)),
    )
    apart["decode"] = float(np.abs(samples - audio.load(path, sample_rate=None, **WINDOW)[0]).max())
    sound, _ = compare(
        "resample",
        lambda: librosa.resample(samples, orig_sr=rate, target_sr=22050),
        lambda: audio.resample(samples, rate, 22050),
    )
    spectra = Spectra(sound, 22050)
    compare("STFT", lambda: librosa.stft(sound), lambda: spectra.stft.T)
    ours("STFT", lambda: spectra.magnitude)
    ours.seconds["STFT"][-2:] = [sum(ours.seconds["STFT"][-2:])]
    series, _ = compare("MFCC", lambda: librosa.feature.mfcc(y=sound, sr=22050), lambda: mfcc.series(spectra))
    compare("Tonnetz", lambda: librosa.feature.tonnetz(y=sound, sr=22050), lambda: tonnetz.series(spectra))
    compare("tempo", lambda: plain_librosa.tempo(spectra), lambda: rhythm.describe(spectra)[0])
    compare("HPSS", lambda: plain_librosa.powers(spectra), lambda: power.describe(spectra))
    compare(
        "statistics",
        lambda: plain_librosa.summary(series),
        lambda: summarise(series),
    )
    return apart


def time_whole(
    path: Path, feature_set: str, plain: Stopwatch, ours: Stopwatch
) -> tuple[dict[str, float], dict[str, float]]:
    """Describe a file both ways, from its bytes to its row; return both rows."""
    rate = find_feature_set(feature_set).sample_rate
    theirs = plain(
        "all",
        lambda: describe_plainly(*plain_librosa.load(path, sample_rate=rate, **WINDOW), feature_set=feature_set),
    )
    own = ours("all", lambda: extract_features(path, feature_set=feature_set, **WINDOW))
    return theirs, own


def time_floor(path: Path, floor: Stopwatch) -> None:
    """Decode, resample, transform and transform back, and nothing else."""
    from scipy.fft import irfft
    from soxr import resample

    def decode() -> tuple[np.ndarray, int]:
        with soundfile.SoundFile(path) as file:
            sound = file.read(int(30 * file.samplerate), dtype="float32", always_2d=True)
            return sound[:, 0] if sound.shape[1] == 1 else 0.5 * (sound[:, 0] + sound[:, 1]), file.samplerate

    samples, rate = floor("decode", decode)
    sound = floor("resample", lambda: resample(samples, rate, 22050, quality="HQ"))
    transform = floor("STFT", lambda: stft(sound))
    floor(
        "inverse STFT",
        lambda: [irfft(transform[i : i + 64], n=FRAME_LENGTH) for i in range(0, len(transform), 64)],
    )


def differences(theirs: list[dict[str, float]], own: list[dict[str, float]]) -> tuple[float, str]:
    """The largest difference of any feature, in standard deviations over the files, and where it is."""
    names = list(own[0])
    a, b = (np.array([[row[name] for name in names] for row in rows]) for rows in (theirs, own))
    spread = a.std(axis=0)
    # A feature that is the same in all files is compared as it stands.
    apart = np.abs(a - b).max(axis=0) / np.where(spread > 0, spread, 1)
    return float(apart.max()), names[int(apart.argmax())]


def make_up_files(folder: Path, *, count: int = 4) -> list[Path]:
    """Clips of 30 s: chords that change with the beat over strokes of noise, as 44.1 kHz stereo mp3."""
    paths = []
    for number in range(count):
        rng = np.random.default_rng(number)
        beat = int(44100 * 60 / rng.integers(80, 160))
        times = np.arange(beat) / 44100
        parts = []
        for _ in range(-(-30 * 44100 // beat)):
            pitches = 110 * 2 ** (rng.integers(0, 48, 4) / 12)
            chord = 0.08 * np.sin(2 * np.pi * np.multiply.outer(times, pitches)).sum(axis=1)
            parts.append(chord + 0.2 * rng.standard_normal(beat) * np.exp(-times * 30))
        sound = np.concatenate(parts)[: 30 * 44100]
        path = folder / f"{number}.mp3"
        soundfile.write(path, np.stack([sound, 0.8 * sound], axis=1), 44100)
        paths.append(path)
    return paths


def print_table(plain: Stopwatch, ours: Stopwatch, apart: dict[str, float]) -> None:
    print(f"{'stage':12} {'librosa ms':>11} {'genreclf ms':>12} {'ratio':>7} {'difference':>11}")
    for stage in plain.seconds:
        theirs, own = plain.median(stage), ours.median(stage)
        difference = f"{apart[stage]:.1e}" if stage in apart else ""
        print(f"{stage:12} {1e3 * theirs:11.1f} {1e3 * own:12.1f} {theirs / own:7.1f} {difference:>11}")


def print_scaling(paths: list[Path], jobs: int, feature_set: str, rounds: int) -> None:
    """Whole extractions of all files with one worker and with `jobs`, in turn."""
    seconds: dict[int, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for workers in (1, jobs):
            with tempfile.TemporaryDirectory() as folder:
                done = extract(paths, Path(folder) / "table.csv", feature_set=feature_set, jobs=workers, **WINDOW)
                seconds[workers].append(done.seconds)
    one, many = (statistics.median(seconds[workers]) for workers in (1, jobs))
    print(
        f"\n{len(paths)} files: {one:.2f} s with one worker, {many:.2f} s with {jobs}: {one / many:.2f} times as fast"
    )


@threadpool_limits.wrap(limits=1)
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--floor", action="store_true", help="compare with what nobody can avoid")
    parser.add_argument("--jobs", type=int, help="time whole extractions with this many workers too")
    parser.add_argument("--feature-set", choices=("study", "fma"), default="study")
    wanted = parser.parse_args()
    print(f"compiling, if need be: {compile_kernels():.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        paths = wanted.files or make_up_files(Path(folder))
        # Whatever is built or imported at a first use is not what is measured.
        time_whole(paths[0], wanted.feature_set, Stopwatch(), Stopwatch())
        plain, ours, floor = Stopwatch(), Stopwatch(), Stopwatch()
        rows: list[tuple[dict[str, float], dict[str, float]]] = []
        apart: dict[str, float] = {}
        for _ in range(wanted.rounds):
            for path in paths:
                if wanted.feature_set == "study":
                    for stage, difference in time_stages(path, plain, ours).items():
                        apart[stage] = max(difference, apart.get(stage, 0.0))
                rows.append(time_whole(path, wanted.feature_set, plain, ours))
                time_floor(path, floor)
        print_table(plain, ours, apart)
        worst, where = differences([theirs for theirs, _ in rows], [own for _, own in rows])
        print(f"\nall features of {len(paths)} files: apart by at most {worst:.1e} standard deviations ({where})")
        if wanted.floor:
            unavoidable = sum(floor.median(stage) for stage in floor.seconds)
            parts = ", ".join(f"{stage} {1e3 * floor.median(stage):.1f}" for stage in floor.seconds)
            print(f"floor: {1e3 * unavoidable:.1f} ms ({parts})")
            print(f"all of it takes {ours.median('all') / unavoidable:.2f} times the floor")
        if wanted.jobs:
            print_scaling(paths, wanted.jobs, wanted.feature_set, wanted.rounds)


if __name__ == "__main__":
    main()
