"""genreclf's extraction beside plain librosa's: time by stage, and how far the values lie apart.

    python benchmarks/extraction.py [--feature-set SET] [--rounds N] [--floor] [--jobs N] [FILE ...]

Both describe the same files in turn, in one process and one thread, warm; every figure is the median over files and
rounds, in milliseconds of the processor, so that a busy machine disturbs it little. Without files, four clips of 30 s
are made up. After decoding, resampling and the transform, a stage is a family of the feature set, statistics included:
for librosa its `plain` function, which computes its own spectra (those of ``fma`` share theirs), for genreclf what it
adds to the spectra that all stages share. A difference is the largest of a stage's values, over the largest value.

``--floor`` compares with what nobody can avoid, each by the usual library (libsndfile, soxr, scipy): decoding,
resampling, one forward and one inverse Fourier transform; for ``fma``, decoding, one transform at the file's rate, and
the decimations of the constant-Q transform. For sets other than ``study`` the time over that of ``study`` is given too.
``--jobs N`` times whole extractions of the files with one worker and with N.

Worker processes keep their memory from track to track; for times as theirs, set ``MALLOC_MMAP_THRESHOLD_=33554432`` and
``MALLOC_TRIM_THRESHOLD_=268435456`` (glibc).
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
from scipy.fft import irfft, rfft
from threadpoolctl import threadpool_limits

from genreclf import audio
from genreclf.extraction import extract
from genreclf.features import (
    FEATURE_SETS,
    Spectra,
    chroma,
    compile_kernels,
    describe_plainly,
    extract_features,
    find_feature_set,
    plain_librosa,
)
from genreclf.features.spectra import FRAME_LENGTH, HOP_LENGTH, hann

WINDOW = {"offset": 0.0, "duration": 30.0}


class Stopwatch:
    """Collects the processor's seconds of named stages."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def __call__(self, stage: str, work: Callable[[], Any]) -> Any:
        """Do the work, and note how long it took."""
        began = time.process_time()
        result = work()
        self.seconds[stage].append(time.process_time() - began)
        return result

    def median(self, stage: str) -> float:
        """The median seconds of a stage."""
        return statistics.median(self.seconds[stage])


def time_stages(path: Path, feature_set: str, plain: Stopwatch, ours: Stopwatch) -> dict[str, float]:
    """Run each stage both ways; return the largest difference of each stage's values, relative to their largest."""
    apart = {}

    def compare(stage: str, theirs: Callable[[], Any], own: Callable[[], Any]) -> Any:
        a, b = plain(stage, theirs), ours(stage, own)
        apart[stage] = float(np.abs(np.asarray(a) - np.asarray(b)).max() / np.abs(a).max())
        return a

    chosen = find_feature_set(feature_set)
    _, rate = audio.load(path, sample_rate=None, **WINDOW)
    sound = compare(
        "decode",
        lambda: plain_librosa.load(path, sample_rate=None, **WINDOW)[0],
        lambda: audio.load(path, sample_rate=None, **WINDOW)[0],
    )
    if chosen.sample_rate not in {None, rate}:
        sound = compare(
            "resample",
            lambda: librosa.resample(sound, orig_sr=rate, target_sr=chosen.sample_rate),
            lambda: audio.resample(sound, rate, chosen.sample_rate),
        )
        rate = chosen.sample_rate
    theirs, own = Spectra(sound, rate), Spectra(sound, rate, phases=any(family.phases for family in chosen.parts))
    compare("STFT", lambda: np.abs(librosa.stft(sound)), lambda: own.by_bin)
    for family in chosen.parts:
        if family.plain:
            compare(family.name, lambda: family.plain(theirs), lambda: family.describe(own))  # noqa: B023
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


def time_floor(path: Path, feature_set: str, floor: Stopwatch) -> None:
    """What nobody can avoid, and nothing else."""
    from soxr import resample

    def decode() -> tuple[np.ndarray, int]:
        with soundfile.SoundFile(path) as file:
            sound = file.read(int(30 * file.samplerate), dtype="float32", always_2d=True)
            return sound[:, 0] if sound.shape[1] == 1 else 0.5 * (sound[:, 0] + sound[:, 1]), file.samplerate

    samples, rate = floor("decode", decode)
    if feature_set == "fma":
        floor("STFT", lambda: transform(samples))
        floor("decimations", lambda: halve_repeatedly(samples, rate))
        return
    sound = floor("resample", lambda: resample(samples, rate, 22050, quality="HQ"))
    spectra = floor("STFT", lambda: transform(sound))
    floor("inverse STFT", lambda: [irfft(spectra[i : i + 64], n=FRAME_LENGTH) for i in range(0, len(spectra), 64)])


def transform(samples: np.ndarray) -> np.ndarray:
    """The short-time Fourier transform by scipy, (frames, 1025) complex64, in blocks that stay in the cache."""
    padded = np.pad(samples, FRAME_LENGTH // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FRAME_LENGTH)[::HOP_LENGTH]
    spectra = np.empty((len(frames), FRAME_LENGTH // 2 + 1), dtype=np.complex64)
    for start in range(0, len(frames), 64):
        spectra[start : start + 64] = rfft(frames[start : start + 64] * hann(FRAME_LENGTH))
    return spectra


def halve_repeatedly(samples: np.ndarray, rate: int) -> None:
    """As often as the constant-Q transform of the set ``fma`` does."""
    early = chroma.early_decimations(rate, tuning=0.0, bins_per_octave=12)
    for _ in range(early + chroma.N_OCTAVES - 1):
        samples = chroma.halve(samples)


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
    print(f"{'stage':20} {'librosa ms':>11} {'genreclf ms':>12} {'ratio':>7} {'difference':>11}")
    for stage in plain.seconds:
        theirs, own = plain.median(stage), ours.median(stage)
        difference = f"{apart[stage]:.1e}" if stage in apart else ""
        print(f"{stage:20} {1e3 * theirs:11.1f} {1e3 * own:12.1f} {theirs / own:7.1f} {difference:>11}")


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
    parser.add_argument("--feature-set", choices=FEATURE_SETS, default="study")
    wanted = parser.parse_args()
    print(f"compiling, if need be: {compile_kernels(wanted.feature_set):.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        paths = wanted.files or make_up_files(Path(folder))
        # Whatever is built or imported at a first use is not what is measured.
        time_whole(paths[0], wanted.feature_set, Stopwatch(), Stopwatch())
        plain, ours, floor, study = Stopwatch(), Stopwatch(), Stopwatch(), Stopwatch()
        rows: list[tuple[dict[str, float], dict[str, float]]] = []
        apart: dict[str, float] = {}
        for _ in range(wanted.rounds):
            for path in paths:
                for stage, difference in time_stages(path, wanted.feature_set, plain, ours).items():
                    apart[stage] = max(difference, apart.get(stage, 0.0))
                rows.append(time_whole(path, wanted.feature_set, plain, ours))
                if wanted.floor:
                    time_floor(path, wanted.feature_set, floor)
                    study("all", lambda: extract_features(path, feature_set="study", **WINDOW))  # noqa: B023
        print_table(plain, ours, apart)
        worst, where = differences([theirs for theirs, _ in rows], [own for _, own in rows])
        print(f"\nall features of {len(paths)} files: apart by at most {worst:.1e} standard deviations ({where})")
        if wanted.floor:
            unavoidable = sum(floor.median(stage) for stage in floor.seconds)
            parts = ", ".join(f"{stage} {1e3 * floor.median(stage):.1f}" for stage in floor.seconds)
            print(f"floor: {1e3 * unavoidable:.1f} ms ({parts})")
            print(f"all of it takes {ours.median('all') / unavoidable:.2f} times the floor")
            if wanted.feature_set != "study":
                print(f"and {ours.median('all') / study.median('all'):.2f} times what the set study takes")
        if wanted.jobs:
            print_scaling(paths, wanted.jobs, wanted.feature_set, wanted.rounds)


if __name__ == "__main__":
    main()
