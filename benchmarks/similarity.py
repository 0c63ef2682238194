"""Times indexes and queries on made-up rows, and the recall of the approximate search against the exact one.

Run it with the sizes to try, for example ``python benchmarks/similarity.py 1000 100000 1000000``. Rows are Gaussian
clouds in 57 features, drawn from 100 centres. Above 100,000 tracks the search is approximate (the extra usearch); its
recall at 10 is measured against an exact search for the same 100 queries.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from genreclf.similarity.index import EXACT_LIMIT, build_index
from genreclf.tables.table import FeatureTable

FEATURES = 57
QUERIES = 100
K = 10


def made_up_rows(tracks: int, *, seed: int = 0) -> FeatureTable:
    """A table of made-up tracks in eight genres."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=2.0, size=(100, FEATURES))
    cloud = rng.integers(100, size=tracks)
    X = centres[cloud] + rng.normal(size=(tracks, FEATURES))
    identity = {"track_id": np.arange(tracks).astype(str).astype(object), "genre": (cloud % 8).astype(str)}
    names = [f"mfcc_mean_{i:02d}" for i in range(FEATURES)]
    frame = pd.concat([pd.DataFrame(identity), pd.DataFrame(X, columns=names)], axis=1)
    return FeatureTable(frame, tuple(names), name="made-up")


def measure(tracks: int, *, approximate: bool) -> str:
    table = made_up_rows(tracks)
    started = time.perf_counter()
    index = build_index(table, approximate=approximate)
    if approximate:
        index.neighbours(index.points[:QUERIES].repeat(10, axis=0), K)
    built = time.perf_counter() - started
    asked = np.random.default_rng(1).permutation(tracks)[:QUERIES]
    times, found = [], []
    for row in asked:
        started = time.perf_counter()
        near, _ = index.neighbours(index.points[row : row + 1], K)
        times.append(time.perf_counter() - started)
        found.append(set(near[0].tolist()))
    recall = 1.0
    if approximate:
        right, _ = replace(index, approximate=False).neighbours(index.points[asked], K)
        recall = float(np.mean([len(f & set(r.tolist())) / K for f, r in zip(found, right, strict=True)]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    kind = "usearch" if approximate else "exact"
    median = 1000 * statistics.median(times)
    return f"{tracks:>9,}  {kind:>8}  {built:>8.2f} s  {median:>9.3f} ms  {recall:>9.3f}  {peak:>8.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sizes", type=int, nargs="*", default=[1_000, 100_000])
    print(f"{'tracks':>9}  {'search':>8}  {'index':>10}  {'query':>12}  {'recall@10':>9}  {'peak':>11}")
    for size in parser.parse_args().sizes:
        if size <= EXACT_LIMIT:
            print(measure(size, approximate=False), flush=True)
        print(measure(size, approximate=True), flush=True)


if __name__ == "__main__":
    main()
