"""Inverted lists: the nearest of millions of points, found by looking only where they can be.

K-means divides the points into lists. A query is compared with the points of the `probes` lists whose centres are
nearest to it, so the search is approximate unless it looks through all lists. How many lists hold nearly all true
neighbours is measured while the lists are made.

Sources: Sivic and Zisserman (2003), Video Google; Jégou, Douze and Schmid (2011), Product Quantization for Nearest
Neighbor Search, section IV (inverted file).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from genreclf.models.threads import one_thread
from genreclf.similarity.hubness import blocks, pairwise

RECALL = 0.99  # of the ten nearest, for which the probes are chosen
_PER_LIST = 64  # points from which k-means learns
_ITERATIONS = 10
_ASKED = 400  # points whose true neighbours say how many lists it takes
_NEIGHBOURS = 10
_ROWS = 1 << 14


@dataclass(frozen=True, eq=False)
class Lists:
    """The centres of the lists, and how many are looked through.

    Parameters
    ----------
    centres : (lists, dimensions), float32.
    probes : lists that a query looks through.
    """

    centres: np.ndarray
    probes: int

    @classmethod
    def fit(cls, points: np.ndarray, *, seed: int) -> Lists:
        """Divide points, (rows, dimensions), into about twice as many lists as the root of their number."""
        from sklearn.cluster import KMeans
        from sklearn.exceptions import ConvergenceWarning

        rng = np.random.default_rng(seed)
        count = max(1, min(round(2 * math.sqrt(len(points))), len(points) // 8))
        sample = points[np.sort(rng.permutation(len(points))[: _PER_LIST * count])]
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct points than lists: some stay empty
            means = KMeans(count, init="random", n_init=1, max_iter=_ITERATIONS, random_state=seed).fit(sample)
            centres = np.ascontiguousarray(means.cluster_centers_, dtype=np.float32)
            return cls(centres, _probes(points, centres, rng))

    def assign(self, points: np.ndarray) -> np.ndarray:
        """The list of each point, (rows,): that of the nearest centre."""
        with one_thread():
            parts = [
                pairwise(points[rows], self.centres).argmin(axis=1) for rows in blocks(len(points), len(self.centres))
            ]
        return np.concatenate(parts)

    def nearest(self, query: np.ndarray) -> np.ndarray:
        """All lists, those first whose centres are nearest to a query, (dimensions,)."""
        return np.argsort(pairwise(query[None], self.centres)[0], kind="stable")


def nearest_rows(
    query: np.ndarray, k: int, parts: Iterable[tuple[int, np.ndarray, np.ndarray | None]]
) -> tuple[np.ndarray, np.ndarray]:
    """The nearest points to a query, (dimensions,): at most `k` rows, nearest first, and their distances.

    Parameters
    ----------
    parts : the number of the first row, points, (rows, dimensions), float32, and which of them count, (rows,).
    """
    # One product a part is as fast as memory is read, but of points close to each other only roughly right; so the
    # nearest by it, and some more, are ranked by their differences.
    seen, squares = [], [np.zeros(0, dtype=np.float32)]
    for first, points, keep in parts:
        found = np.einsum("ij,ij->i", points, points) - 2 * (points @ query)
        if keep is not None:
            found[~keep] = np.inf
        seen.append((first, points))
        squares.append(found)
    rough = np.concatenate(squares)
    few = np.argpartition(rough, 2 * k)[: 2 * k] if len(rough) > 2 * k else np.arange(len(rough))
    few = few[np.isfinite(rough[few])]
    if not len(few):
        return np.zeros(0, dtype=np.intp), np.zeros(0)
    ends = np.cumsum([len(found) for found in squares])
    places = np.searchsorted(ends, few, side="right") - 1
    rows = np.array([seen[place][0] for place in places]) + few - ends[places]
    near = np.stack([seen[place][1][row] for place, row in zip(places, few - ends[places], strict=True)])
    distances = np.sqrt(((near.astype(np.float64) - query) ** 2).sum(axis=1))
    order = np.lexsort((rows, distances))[:k]
    return rows[order], distances[order]


def _probes(points: np.ndarray, centres: np.ndarray, rng: np.random.Generator) -> int:
    """The fewest nearest lists that hold the share `RECALL` of the true neighbours of a sample."""
    asked = np.sort(rng.permutation(len(points))[:_ASKED])
    near = _others(points, asked, min(_NEIGHBOURS, len(points) - 1))
    home = Lists(centres, 0).assign(points[near.ravel()]).reshape(near.shape)
    ranks = np.argsort(np.argsort(pairwise(points[asked], centres), axis=1), axis=1)
    needed = np.sort(np.take_along_axis(ranks, home, axis=1).ravel())
    return int(needed[math.ceil(RECALL * len(needed)) - 1]) + 1


def _others(points: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """The rows of the `k` nearest other points of some rows, (asked, k)."""
    near, distances = np.zeros((len(asked), 0), dtype=np.intp), np.zeros((len(asked), 0), dtype=np.float32)
    for start in range(0, len(points), _ROWS):
        found = pairwise(points[asked], points[start : start + _ROWS])
        rows = np.broadcast_to(np.arange(start, start + found.shape[1]), found.shape)
        found[rows == asked[:, None]] = np.inf
        near, distances = np.hstack([near, rows]), np.hstack([distances, found])
        best = np.argpartition(distances, min(k, distances.shape[1]) - 1, axis=1)[:, :k]
        near, distances = np.take_along_axis(near, best, axis=1), np.take_along_axis(distances, best, axis=1)
    return near
