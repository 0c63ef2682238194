"""Mutation fuzzing of the audio readers: damaged files of every format must give finite features or one reason.

    python benchmarks/fuzz.py --n 10000

Real encoded files are made first (wav in several sample formats, flac, ogg, opus, mp3, aiff), each is damaged in
one to four ways (bits flipped, bytes overwritten, cut short, pieces repeated, removed or exchanged, headers given
extreme numbers, junk before the start), and each damaged file is described in a worker process with a time limit.
A crash is a worker that died, a hang one that ran out of its time. The exit code is 1 if there was either, or a
row that is not finite.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import tempfile
import time
from collections import Counter
from functools import cache, partial
from pathlib import Path

import numpy as np

from genreclf.features import extract_features
from genreclf.workers import run

SECONDS = 1.5
FORMATS = {
    "wav16": ("WAV", "PCM_16", ".wav"),
    "wav24": ("WAV", "PCM_24", ".wav"),
    "wavfloat": ("WAV", "FLOAT", ".wav"),
    "wavdouble": ("WAV", "DOUBLE", ".wav"),
    "wavadpcm": ("WAV", "IMA_ADPCM", ".wav"),
    "flac": ("FLAC", "PCM_16", ".flac"),
    "ogg": ("OGG", "VORBIS", ".ogg"),
    "opus": ("OGG", "OPUS", ".opus"),
    "mp3": ("MP3", "MPEG_LAYER_III", ".mp3"),
    "aiff": ("AIFF", "PCM_16", ".aiff"),
    "au": ("AU", "PCM_16", ".au"),
}


@cache
def encoded(name: str) -> bytes:
    """A short stereo file of the format: two notes and a little noise."""
    import soundfile

    rate = 48000 if name == "opus" else 44100
    rng = np.random.default_rng(0)
    seconds = np.arange(int(SECONDS * rate)) / rate
    left = 0.4 * np.sin(2 * np.pi * 440 * seconds) + 0.02 * rng.standard_normal(seconds.size)
    right = 0.4 * np.sin(2 * np.pi * 660 * seconds)
    container, subtype, _ = FORMATS[name]
    file = io.BytesIO()
    soundfile.write(file, np.column_stack([left, right]), rate, format=container, subtype=subtype)
    return file.getvalue()


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """The data with one to four damages."""
    for _ in range(int(rng.integers(1, 5))):
        if len(data) < 2:
            break
        data = DAMAGES[int(rng.integers(len(DAMAGES)))](bytearray(data), rng)
    return data


def _flip_bits(data: bytearray, rng: np.random.Generator) -> bytes:
    for place in rng.integers(len(data), size=int(rng.integers(1, 50))):
        data[place] ^= 1 << int(rng.integers(8))
    return bytes(data)


def _overwrite(data: bytearray, rng: np.random.Generator) -> bytes:
    first = int(rng.integers(len(data)))
    junk = rng.bytes(int(rng.integers(1, 400)))
    data[first : first + len(junk)] = junk
    return bytes(data)


def _extreme_header(data: bytearray, rng: np.random.Generator) -> bytes:
    """Put an extreme whole number somewhere into the first bytes, where headers keep lengths and counts."""
    width = (1, 2, 4, 8)[int(rng.integers(4))]
    half = 1 << (8 * width - 1)
    value = (0, 1, half - 1, half, 2 * half - 1)[int(rng.integers(5))]
    first = int(rng.integers(min(len(data), 120)))
    data[first : first + width] = value.to_bytes(width, "little" if rng.uniform() < 0.5 else "big")
    return bytes(data)


def _cut(data: bytearray, rng: np.random.Generator) -> bytes:
    return bytes(data[: int(rng.integers(len(data)))])


def _remove(data: bytearray, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(len(data), size=2).tolist())
    return bytes(data[:first] + data[last:])


def _repeat(data: bytearray, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(len(data), size=2).tolist())
    return bytes(data[:last] + data[first:last] + data[last:])


def _junk_before(data: bytearray, rng: np.random.Generator) -> bytes:
    return rng.bytes(int(rng.integers(1, 5000))) + bytes(data)


def _splice(data: bytearray, rng: np.random.Generator) -> bytes:
    other = encoded(list(FORMATS)[int(rng.integers(len(FORMATS)))])
    first = int(rng.integers(len(data)))
    return bytes(data[:first]) + other[int(rng.integers(len(other))) :]


DAMAGES = (_flip_bits, _flip_bits, _overwrite, _extreme_header, _extreme_header, _cut, _remove, _repeat, _junk_before)
DAMAGES = (*DAMAGES, _splice)


def describe_damaged(case: int, *, folder: Path, seed: int) -> dict[str, float]:
    """Make case number `case`, describe it and take it away again."""
    rng = np.random.default_rng([seed, case])
    name = list(FORMATS)[case % len(FORMATS)]
    path = folder / f"{case}{FORMATS[name][2]}"
    path.write_bytes(damaged(encoded(name), rng))
    try:
        row = extract_features(path)
    finally:
        path.unlink()
    assert all(map(math.isfinite, row.values())), f"case {case}: not finite"
    return row


def fuzz(*, n: int, seed: int, jobs: int | None, timeout: float) -> dict[str, object]:
    """Describe n damaged files and count what came of them."""
    start = time.perf_counter()
    counts: dict[str, Counter[str]] = {name: Counter() for name in FORMATS}
    bad: list[str] = []
    with tempfile.TemporaryDirectory(prefix="genreclf-fuzz-") as folder:
        work = partial(describe_damaged, folder=Path(folder), seed=seed)
        for outcome in run(work, range(n), jobs=jobs, timeout=timeout):
            code = outcome.error.code if outcome.error else "described"
            counts[list(FORMATS)[outcome.index % len(FORMATS)]][code] += 1
            if code in ("crashed", "timeout", "internal"):
                bad.append(f"case {outcome.index}: {outcome.error}")
    total = sum(counts.values(), Counter())
    return {
        "files": n,
        "seed": seed,
        "crashes": total["crashed"],
        "hangs": total["timeout"],
        "not finite or faults": total["internal"],
        "outcomes": dict(total.most_common()),
        "by format": {name: dict(count.most_common()) for name, count in counts.items()},
        "bad": bad[:20],
        "seconds": round(time.perf_counter() - start, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000, help="how many damaged files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=None)
    parser.add_argument("--timeout", type=float, default=20.0, help="seconds that one file may take")
    options = parser.parse_args()
    found = fuzz(n=options.n, seed=options.seed, jobs=options.jobs, timeout=options.timeout)
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return 1 if found["crashes"] or found["hangs"] or found["not finite or faults"] else 0


if __name__ == "__main__":
    # Workers find functions by the name of their module, which `__main__` is not for them.
    from fuzz import main as main_of_module

    sys.exit(main_of_module())
