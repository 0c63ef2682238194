"""Inverted lists: the nearest of millions of points, found by looking only where they can be.

K-means divides the points into lists. A query is compared with the points of the `probes` lists whose centres are
nearest to it, so the search is approximate unless it looks through all lists. How many lists hold nearly all true
neighbours is measured while the lists are made.

Points in 16 bits are whole multiples of a step for each dimension, which take half of the memory. Distances to them
are measured in single precision.

Sources: Sivic and Zisserman (2003), Video Google; Jégou, Douze and Schmid (2011), Product Quantization for Nearest
Neighbor Search, section IV (inverted file).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from genreclf.models.threads import one_thread
from genreclf.similarity.hubness import blocks, pairwise

RECALL = 0.993  # of the ten nearest, for which the probes are chosen; tracks that are not indexed lose a little more
_PER_LIST = 64  # points from which k-means learns
_ITERATIONS = 10
_ASKED = 400  # points whose true neighbours say how many lists it takes
NEIGHBOURS = 10
_ROWS = 1 << 14
_LARGEST_CODE = (1 << 15) - 1
_MOST_MOVED = 2e-3  # of the length of a point, root mean square, by which 16 bits may move it


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
        squares, twice = (self.centres**2).sum(axis=1), -2 * self.centres.T
        parts = []
        with one_thread():
            for rows in blocks(len(points), len(self.centres)):
                compared = points[rows] @ twice  # less the points' own squares, which all centres share
                compared += squares
                parts.append(compared.argmin(axis=1))
        return np.concatenate(parts)

    def nearest(self, query: np.ndarray) -> np.ndarray:
        """All lists, those first whose centres are nearest to a query, (dimensions,)."""
        return np.argsort(pairwise(query[None], self.centres)[0], kind="stable")


class Block(NamedTuple):
    """Points that lie one after the other.

    Parameters
    ----------
    first : number of the first row.
    points : (rows, dimensions), float32, or int16 with `steps`.
    steps : (dimensions,), by which points in 16 bits are multiplied.
    squares : (rows,), squared lengths of the points, where they are known.
    keep : which rows count, (rows,), bool; all where None.
    """

    first: int
    points: np.ndarray
    steps: np.ndarray | None = None
    squares: np.ndarray | None = None
    keep: np.ndarray | None = None

    def coordinates(self) -> np.ndarray:
        """The points, float32."""
        return self.points if self.steps is None else np.multiply(self.points, self.steps, dtype=np.float32)

    def compared(self, query: np.ndarray) -> np.ndarray:
        """Squared distances to a query, less its own squared length, (rows,); roughly right for points close to it."""
        squares = squared_lengths(self.coordinates()) if self.squares is None else self.squares
        query = -2 * query
        if self.steps is None:
            return np.asarray(self.points @ query + squares)
        return np.asarray(self.points.astype(np.float32) @ (self.steps * query) + squares)


def squared_lengths(points: np.ndarray) -> np.ndarray:
    """Of points, (rows, dimensions): (rows,)."""
    return np.asarray(np.einsum("ij,ij->i", points, points))


def nearest_rows(query: np.ndarray, k: int, blocks: Iterable[Block]) -> tuple[np.ndarray, np.ndarray]:
    """The nearest points to a query, (dimensions,): at most `k` rows, nearest first, and their distances."""
    # One product a block is as fast as memory is read, but of points close to each other only roughly right; so the
    # nearest by it, and some more, are ranked by their differences.
    seen, squares = [], [np.zeros(0, dtype=np.float32)]
    for block in blocks:
        found = block.compared(query)
        if block.keep is not None:
            found[~block.keep] = np.inf
        seen.append(block)
        squares.append(found)
    rough = np.concatenate(squares)
    few = np.argpartition(rough, 2 * k)[: 2 * k] if len(rough) > 2 * k else np.arange(len(rough))
    few = few[np.isfinite(rough[few])]
    if not len(few):
        return np.zeros(0, dtype=np.intp), np.zeros(0)
    ends = np.cumsum([len(found) for found in squares])
    places = np.searchsorted(ends, few, side="right") - 1
    inside = few - ends[places]
    rows = np.array([seen[place].first for place in places]) + inside
    near = np.stack([_point(seen[place], row) for place, row in zip(places, inside, strict=True)])
    distances = np.sqrt(((near.astype(np.float64) - query) ** 2).sum(axis=1))
    order = np.lexsort((rows, distances))[:k]
    return rows[order], distances[order]


def _point(block: Block, row: int) -> np.ndarray:
    point = block.points[row]
    return np.asarray(point if block.steps is None else point * block.steps)


def steps_of(points: np.ndarray) -> np.ndarray | None:
    """The steps with which 16 bits reach all coordinates of points, (rows, dimensions): (dimensions,), float32.

    None where they would be too coarse, as an outlier makes them: the rounding would move the points by more than
    0.2 % of their median length. On features of real music, shorter moves changed fewer than 5 of 1,000 neighbours.
    """
    largest = np.maximum(points.max(axis=0), -points.min(axis=0))
    steps = (np.where(largest > 0, largest, 1) / _LARGEST_CODE).astype(np.float32)
    if not (steps >= np.finfo(np.float32).tiny).all():
        return None
    length = np.median(np.sqrt(squared_lengths(points)))
    moved = math.sqrt((steps.astype(np.float64) ** 2).sum() / 12)  # of a uniform distribution
    return steps if moved <= _MOST_MOVED * length else None


def rounded(points: np.ndarray, steps: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Points, (rows, dimensions), in another order and in 16 bits; made in parts to bound memory."""
    codes = np.empty((len(order), len(steps)), dtype=np.int16)
    for start in range(0, len(order), _ROWS):
        part = slice(start, start + _ROWS)
        codes[part] = np.clip(np.rint(points[order[part]] / steps), -_LARGEST_CODE, _LARGEST_CODE)
    return codes


def _probes(points: np.ndarray, centres: np.ndarray, rng: np.random.Generator) -> int:
    """The fewest nearest lists that hold the share `RECALL` of the true neighbours of a sample."""
    asked = np.sort(rng.permutation(len(points))[:_ASKED])
    near = _others(points, asked, min(NEIGHBOURS, len(points) - 1))
    home = Lists(centres, 0).assign(points[near.ravel()]).reshape(near.shape)
    ranks = np.argsort(np.argsort(pairwise(points[asked], centres), axis=1), axis=1)
    needed = np.sort(np.take_along_axis(ranks, home, axis=1).ravel())
    return int(needed[math.ceil(RECALL * len(needed)) - 1]) + 1


def _others(points: np.ndarray, asked: np.ndarray, k: int) -> np.ndarray:
    """The rows of the `k` nearest other points of some rows, (asked, k)."""
    near, distances = np.zeros((len(asked), 0), dtype=np.intp), np.zeros((len(asked), 0), dtype=np.float32)
    for start in range(0, len(points), _ROWS):
        found = pairwise(points[asked], points[start : start + _ROWS])
        inside = np.flatnonzero((asked >= start) & (asked < start + _ROWS))
        found[inside, asked[inside] - start] = np.inf
        here = _smallest(found, k)
        near = np.hstack([near, start + here])
        distances = np.hstack([distances, np.take_along_axis(found, here, axis=1)])
        best = _smallest(distances, k)
        near, distances = np.take_along_axis(near, best, axis=1), np.take_along_axis(distances, best, axis=1)
    return near


def _smallest(distances: np.ndarray, k: int) -> np.ndarray:
    """The columns of the `k` smallest of each row, in no order."""
    return np.argpartition(distances, min(k, distances.shape[1]) - 1, axis=1)[:, :k]
