"""Times the index of similar tracks as its user meets it: made, written, opened, asked, filtered and added to.

    python benchmarks/similarity.py 1000 100000 1000000

Rows are those of ``benchmarks/vectors.py``, as a feature table of 185 columns. An index of up to 100,000 tracks is
searched exactly, a larger one in lists; its recall at 10 is measured against exact search for the same tracks.
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

from genreclf.similarity.index import build_index, open_index
from genreclf.tables.table import FeatureTable

QUERIES = 100
K = 10


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
    features = pd.DataFrame(vectors(tracks, seed=first).astype(np.float64), columns=names, copy=False)
    return FeatureTable(pd.concat([pd.DataFrame(identity), features], axis=1), tuple(names), name="made-up")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def make(place: Path, tracks: int) -> dict[str, float]:
    table = made_up_rows(tracks)
    before = peak()
    building, index = timed(lambda: build_index(table))
    writing, _ = timed(lambda: index.save(place))
    return {"build, s": building, "write, s": writing, "table, GB": before, "peak, GB": peak()}


def ask(place: Path, tracks: int) -> dict[str, float]:
    opening, index = timed(lambda: open_index(place))
    rows = np.random.default_rng(1).permutation(tracks)[:QUERIES]
    ids = [f"t{row}" for row in rows]
    first, _ = timed(lambda: index.query(ids[0], K))
    times, found = zip(*[timed(lambda track=track: index.query(track, K)) for track in ids], strict=True)
    filtered = [timed(lambda track=track: index.query(track, K, other_artists=True))[0] for track in ids[:20]]
    exact, right = zip(
        *[timed(lambda track=track: index.query(track, K, exact=True)) for track in ids[:50]], strict=True
    )
    shared = [len(set(f["track_id"]) & set(r["track_id"])) / K for f, r in zip(found, right, strict=False)]
    return {
        "open, s": opening,
        "first query, ms": 1000 * first,
        "query, ms": 1000 * statistics.median(times),
        "other artists, ms": 1000 * statistics.median(filtered),
        "exact, ms": 1000 * statistics.median(exact),
        "recall@10": float(np.mean(shared)),
        "memory, GB": peak(),
    }


def add(place: Path, tracks: int) -> dict[str, float]:
    table = made_up_rows(tracks // 10, first=tracks)
    adding, _ = timed(lambda: open_index(place).extend(table).save(place))
    files = [place] if place.is_file() else list(place.iterdir())
    return {"add a tenth, s": adding, "bytes a track": sum(file.stat().st_size for file in files) / (1.1 * tracks)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=[1_000, 100_000])
    sizes = parser.parse_args().sizes
    for size in sizes:
        figures: dict[str, float] = {"tracks": size}
        with tempfile.TemporaryDirectory() as folder:
            for step in (make, ask, add):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    figures |= pool.apply(step, (Path(folder) / "index", size))
        if size == sizes[0]:
            print(f"| {' | '.join(figures)} |\n{'|---' * len(figures)}|")
        print(
            f"| {' | '.join(f'{value:,.3g}' if value < 1000 else f'{value:,.0f}' for value in figures.values())} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
