"""Times the index of similar tracks as its user meets it: made, written, opened, asked, filtered and added to.

    python benchmarks/similarity.py 1000 100000 1000000

Rows are those of ``benchmarks/vectors.py``, as a feature table of 185 columns. An index of up to 100,000 tracks is
searched exactly, a larger one in lists; its recall at 10 is measured against exact search for the same tracks, in the
same index. More than a million tracks are made a million at a time, each added to the index of those before. Times
are CPU time of one thread.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from vectors import FEATURES, GENRES, vectors

from genreclf.similarity.indexing import build_index, open_index
from genreclf.tables.table import FeatureTable

QUERIES = 100
K = 10
PART = 1_000_000


def made_up_rows(tracks: int, *, first: int = 0) -> FeatureTable:
    """A table of made-up tracks."""
    numbers = pd.Series(np.arange(first, first + tracks))
    identity = {
        "track_id": "t" + numbers.astype(str),
        "genre": "genre " + (numbers % GENRES).astype(str),
        "artist": "artist " + (numbers // 40).astype(str),
        "title": "title " + numbers.astype(str),
        "path": "music/" + (numbers // 1000).astype(str) + "/" + numbers.astype(str) + ".mp3",
    }
    names = [f"mfcc_mean_{i:03d}" for i in range(FEATURES)]
    features = pd.DataFrame(vectors(tracks, part=first).astype(np.float64), columns=names, copy=False)
    return FeatureTable(pd.concat([pd.DataFrame(identity), features], axis=1), tuple(names), name="made-up")


def spent(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.process_time()
    done = work()
    return time.process_time() - started, done


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def make(place: Path, tracks: int, bits: int | None) -> dict[str, float]:
    table = made_up_rows(min(tracks, PART))
    before = peak()
    building, index = spent(lambda: build_index(table, bits=bits))
    writing, _ = spent(lambda: index.save(place))
    made = {"build, s": building, "write, s": writing, "table, GB": before, "peak, GB": peak()}
    if tracks <= PART:
        return made
    growing = [added(place, PART, first) for first in range(PART, tracks, PART)]
    return made | {"add a million, s": statistics.median(growing), "peak, GB": peak()}


def added(place: Path, tracks: int, first: int) -> float:
    """CPU seconds in which more tracks are added."""
    table = made_up_rows(tracks, first=first)
    return spent(lambda: open_index(place).extend(table).save(place))[0]


def ask(place: Path, tracks: int, bits: int | None) -> dict[str, float]:
    del bits
    open_index(place)  # imports
    opening, index = spent(lambda: open_index(place))
    rows = np.random.default_rng(1).permutation(tracks)[:QUERIES]
    ids = [f"t{row}" for row in rows]
    first, _ = spent(lambda: index.query(ids[0], K))
    times, found = zip(*[spent(lambda track=track: index.query(track, K)) for track in ids], strict=True)
    filtered = [spent(lambda track=track: index.query(track, K, other_artists=True))[0] for track in ids[:20]]
    exact, right = zip(
        *[spent(lambda track=track: index.query(track, K, exact=True)) for track in ids[:50]], strict=True
    )
    shared = [len(set(f["track_id"]) & set(r["track_id"])) / K for f, r in zip(found, right, strict=False)]
    return {
        "open, ms": 1000 * opening,
        "first query, ms": 1000 * first,
        "query, ms": 1000 * statistics.median(times),
        "other artists, ms": 1000 * statistics.median(filtered),
        "exact, ms": 1000 * statistics.median(exact),
        "recall@10": float(np.mean(shared)),
        "memory, GB": peak(),
    }


def add(place: Path, tracks: int, bits: int | None) -> dict[str, float]:
    del bits
    adding = added(place, tracks // 10, tracks)
    files = [place] if place.is_file() else list(place.iterdir())
    points = sum(file.stat().st_size for file in files if file.name.endswith((".points.npy", ".steps.npy")))
    figures = {"add a tenth, s": adding, "bytes a track": sum(file.stat().st_size for file in files) / (1.1 * tracks)}
    return figures | ({"bytes a vector": points / (1.1 * tracks)} if points else {})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=[1_000, 100_000])
    parser.add_argument("--bits", type=int, choices=(16, 32))
    options = parser.parse_args()
    sizes = options.sizes
    for size in sizes:
        figures: dict[str, float] = {"tracks": size}
        with tempfile.TemporaryDirectory() as folder:
            for step in (make, ask, add):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    figures |= pool.apply(step, (Path(folder) / "index", size, options.bits))
        print(
            "\n".join(f"| {name} | {value:,.{3 if value < 10 else 0}f} |" for name, value in figures.items()),
            flush=True,
        )


if __name__ == "__main__":
    main()
