"""Compares ways to search a large index: time to build, size, time of a query, and recall@10 against exact search.

    python benchmarks/vectors.py 100000
    python benchmarks/vectors.py 1000000 --ways exact,lists-32,lists-16,faiss-ivf-flat --limit 720

Candidates are the inverted lists that genreclf uses (`genreclf.similarity.lists`), in 32 and 16 bits a coordinate, and
usearch, hnswlib and faiss where these are installed. Every candidate runs in a process of its own, on one thread unless
`--threads` says otherwise; of each library's own setting for a wider search, the first is taken whose recall reaches
0.99, or the widest tried. Vectors are added in fifty parts; a build whose additions have used up the CPU seconds of
`--limit` is stopped, and its line says how far it was.

Vectors look like standardised features: genres, artists within them and tracks within those, in 30 latent dimensions of
falling variance that are mixed into 185 correlated columns, a third of them skewed, each with noise of its own. Queries
are tracks of the same artists that are not indexed. Size is what has to be held to answer, serialised. Times are CPU
seconds to build, and CPU milliseconds of a query: the median of one at a time, and the mean of 500 at once.
"""

from __future__ import annotations

import argparse
import importlib.util
import math
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

FEATURES, LATENT = 185, 30
GENRES, PER_ARTIST = 16, 40
QUERIES, K = 500, 10
RECALL = 0.99
PARTS = 50

Search = Callable[[np.ndarray, int], np.ndarray]  # (queries, features) and the width to rows, (queries, K)


def vectors(tracks: int, *, part: int = 0) -> np.ndarray:
    """(tracks, features), float32, standardised; every part has the same genres, and artists of its own."""
    falling = 1 / np.sqrt(np.arange(1, LATENT + 1))
    rng = np.random.default_rng(0)
    genres = rng.normal(size=(GENRES, LATENT))
    mixing = (falling[:, None] * rng.normal(size=(LATENT, FEATURES))).astype(np.float32)
    rng = np.random.default_rng([1, part])
    artists = max(2, tracks // PER_ARTIST)
    artist = rng.integers(artists, size=tracks)
    centres = genres[rng.integers(GENRES, size=artists)] + 0.8 * rng.normal(size=(artists, LATENT))
    made = np.empty((tracks, FEATURES), dtype=np.float32)
    for start in range(0, tracks, 1 << 16):
        part = slice(start, start + (1 << 16))
        latent = (centres[artist[part]] + 0.8 * rng.normal(size=(len(artist[part]), LATENT))).astype(np.float32)
        made[part] = latent @ mixing + 0.5 * rng.normal(size=(len(latent), FEATURES))
    skewed = made[:, ::3]
    np.exp(skewed / (2 * skewed.std(axis=0)), out=skewed)
    made -= made.mean(axis=0)
    made /= made.std(axis=0)
    return made


def exact(points: np.ndarray, queries: np.ndarray) -> np.ndarray:
    squares = np.einsum("ij,ij->i", points, points)
    found = []
    for start in range(0, len(queries), 50):
        distances = squares - 2 * (queries[start : start + 50] @ points.T)
        found.append(np.argpartition(distances, K - 1, axis=1)[:, :K])
    return np.concatenate(found)


class TooSlowError(Exception):
    """A build has used up its time; the argument is the share that was done."""


@dataclass(frozen=True)
class Build:
    """What is indexed, (rows, features), on so many threads and in so many CPU seconds."""

    points: np.ndarray
    threads: int = 1
    limit: float = math.inf

    def add(self, add: Callable[[np.ndarray, np.ndarray], object]) -> None:
        """Have the rows and their points added part by part."""
        started = time.process_time()
        for rows in np.array_split(np.arange(len(self.points)), PARTS):
            if time.process_time() - started > self.limit:
                raise TooSlowError(rows[0] / len(self.points))
            add(rows, self.points[rows[0] : rows[-1] + 1])


Built = tuple[int, Search, list[int]]  # the size in bytes, how to search, and the widths to try


def build_exact(build: Build) -> Built:
    return build.points.nbytes, lambda queries, _: exact(build.points, queries), [0]


def build_lists(build: Build, bits: int) -> Built:
    from genreclf.similarity.lists import Block, Lists, nearest_rows, rounded, squared_lengths, steps_of

    points = build.points
    made = Lists.fit(points, seed=0)
    home = made.assign(points)
    order = np.argsort(home, kind="stable")
    ends = np.searchsorted(home[order], np.arange(len(made.centres) + 1))
    steps = steps_of(points) if bits == 16 else None
    held = points[order] if steps is None else rounded(points, steps, order)
    squares = squared_lengths(points)[order]

    def search(queries: np.ndarray, probes: int) -> np.ndarray:
        found = []
        for query in queries:
            near = made.nearest(query)[:probes]
            parts = (slice(ends[n], ends[n + 1]) for n in near)
            blocks = (Block(rows.start, held[rows], steps, squares[rows]) for rows in parts)
            found.append(order[nearest_rows(query, K, blocks)[0]])
        return np.array(found)

    return held.nbytes + squares.nbytes + made.centres.nbytes + ends.nbytes, search, [made.probes]


def build_usearch(build: Build, kind: str) -> Built:
    from usearch.index import Index

    index = Index(ndim=build.points.shape[1], metric="l2sq", dtype=kind)
    scale = 127 / np.quantile(np.abs(build.points[:10_000]), 0.999)  # eight bits for all but the outermost

    def coded(points: np.ndarray) -> np.ndarray:
        return np.clip(np.rint(points * scale), -127, 127).astype(np.int8) if kind == "i8" else points

    def search(queries: np.ndarray, width: int) -> np.ndarray:
        index.expansion_search = width
        return np.asarray(index.search(coded(queries), K).keys).reshape(len(queries), K)

    build.add(lambda rows, points: index.add(rows, coded(points), threads=build.threads))
    return index.serialized_length, search, [64, 128, 256, 512]


def build_hnswlib(build: Build) -> Built:
    import hnswlib

    index = hnswlib.Index("l2", build.points.shape[1])
    index.init_index(len(build.points), M=16, ef_construction=100)
    build.add(lambda rows, points: index.add_items(points, rows, num_threads=build.threads))

    def search(queries: np.ndarray, width: int) -> np.ndarray:
        index.set_ef(width)
        return index.knn_query(queries, K, num_threads=1)[0]

    return index.index_file_size(), search, [16, 32, 64, 128, 256, 512]


def build_faiss(build: Build, factory: str) -> Built:
    import faiss

    points = build.points
    faiss.omp_set_num_threads(build.threads)
    index = faiss.index_factory(points.shape[1], factory.format(lists=round(2 * np.sqrt(len(points)))))
    sample = np.random.default_rng(0).permutation(len(points))[: 128 * round(np.sqrt(len(points)))]
    index.train(points[np.sort(sample)])
    if "HNSW" in factory:
        index.hnsw.efConstruction = 100
    build.add(lambda _, points: index.add(points))
    space = faiss.ParameterSpace()
    setting = "efSearch" if "HNSW" in factory else "nprobe"
    if "Refine" in factory:
        space.set_index_parameter(index, "k_factor_rf", 10)

    def search(queries: np.ndarray, width: int) -> np.ndarray:
        space.set_index_parameter(index, setting, width)
        return index.search(queries, K)[1]

    return len(faiss.serialize_index(index)), search, [4, 8, 16, 32, 64, 128, 256, 512]


WAYS: dict[str, tuple[str, Callable[[Build], Built]]] = {
    "exact": ("numpy", build_exact),
    **{f"lists-{bits}": ("numpy", partial(build_lists, bits=bits)) for bits in (32, 16)},
    **{f"usearch-{kind}": ("usearch", partial(build_usearch, kind=kind)) for kind in ("f32", "f16", "i8")},
    "hnswlib": ("hnswlib", build_hnswlib),
    **{
        f"faiss-{name}": ("faiss", partial(build_faiss, factory=factory))
        for name, factory in {
            "ivf-flat": "IVF{lists},Flat",
            "ivf-fp16": "IVF{lists},SQfp16",
            "ivf-sq8": "IVF{lists},SQ8",
            "ivf-pq": "IVF{lists},PQ37",
            "ivf-pq4": "IVF{lists},PQ37x4",
            "opq-ivf-pq": "OPQ32_128,IVF{lists},PQ32",
            "opq-ivf-pq-refined": "OPQ32_128,IVF{lists},PQ32,Refine(SQfp16)",
            "hnsw": "HNSW16",
        }.items()
    },
}


def data(tracks: int, keep: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Points with the queries behind them, and the true neighbours of the queries; kept in a folder between runs."""
    files = [keep / f"{tracks}.{name}.npy" for name in ("vectors", "neighbours")] if keep else []
    if files and all(file.exists() for file in files):
        return np.load(files[0]), np.load(files[1])
    made = vectors(tracks + QUERIES)
    right = exact(made[:-QUERIES], made[-QUERIES:])
    for file, array in zip(files, (made, right), strict=False):
        np.save(file, array)
    return made, right


def measure(way: str, tracks: int, threads: int, limit: float, keep: Path | None) -> str:
    from threadpoolctl import threadpool_limits

    made, right = data(tracks, keep)
    points, queries = made[:-QUERIES], made[-QUERIES:]
    with threadpool_limits(threads):
        cpu = time.process_time()
        try:
            size, search, widths = WAYS[way][1](Build(points, threads, limit))
        except TooSlowError as slow:
            return f"| {way} | {tracks:,} | not done: {slow.args[0]:.0%} in {time.process_time() - cpu:.0f} CPU s |"
        cpu = time.process_time() - cpu
        for width in widths:
            found = search(queries, width)
            recall = np.mean([len(set(f) & set(r)) / K for f, r in zip(found, right, strict=True)])
            if recall >= RECALL:
                break
        one = np.median([_time_of(search, queries[row : row + 1], width) for row in range(200)])
        batch = _time_of(search, queries, width) / QUERIES
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return (
        f"| {way} | {tracks:,} | {cpu:.0f} | {size / tracks:.0f} | {width} | {1000 * one:.2f} | "
        f"{1000 * batch:.2f} | {recall:.3f} | {peak:.1f} |"
    )


def _time_of(search: Search, queries: np.ndarray, width: int) -> float:
    started = time.process_time()
    search(queries, width)
    return time.process_time() - started


def results(ways: list[str], tracks: int, threads: int, limit: float, keep: Path | None) -> Iterator[str]:
    for way in ways:
        if importlib.util.find_spec(WAYS[way][0]) is None:
            yield f"| {way} | not installed |"
            continue
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            yield pool.apply(measure, (way, tracks, threads, limit, keep))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tracks", type=int, nargs="?", default=100_000)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--limit", type=float, default=1200, help="CPU seconds for the additions of a build")
    parser.add_argument("--keep", type=Path, help="a folder in which the vectors are kept for the next run")
    options = parser.parse_args()
    columns = ("way", "vectors", "build, CPU s", "bytes a vector", "width", "ms a query", "ms in a batch")
    print(f"| {' | '.join((*columns, 'recall@10', 'peak GB'))} |")
    print("|---" * (len(columns) + 2) + "|")
    for line in results(options.ways.split(","), options.tracks, options.threads, options.limit, options.keep):
        print(line, flush=True)


if __name__ == "__main__":
    main()
