"""Hubness: how far, in many dimensions, the nearest neighbours are always the same tracks, and how to reduce that.

A hub is a track that is close to nearly every other. Hubness is the skewness of the k-occurrence, which counts how
often a track is among the k nearest neighbours of others. Mutual proximity reduces it: a distance becomes the
probability that both tracks would find a random track farther away than each other.

Sources: Radovanović, Nanopoulos and Ivanović (2010), Hubs in Space; Schnitzer, Flexer, Schedl and Widmer (2012),
Local and Global Scaling Reduce Hubs in Space.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

BLOCK_BYTES = 64 << 20
_SMALLEST_SPREAD = 1e-12  # for tracks at one and the same distance from all others


def occurrence_skew(neighbours: np.ndarray, tracks: int) -> float:
    """Hubness: the skewness of how often each track is among the nearest neighbours of others.

    Parameters
    ----------
    neighbours : (queries, k), rows of tracks.
    tracks : number of tracks.
    """
    from scipy.stats import skew

    counts = np.bincount(neighbours.ravel(), minlength=tracks)
    return float(skew(counts)) if np.ptp(counts) else 0.0


def mutual_proximity(distances: np.ndarray, spread: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The probability that both of two tracks would find a random track farther away than each other.

    The distances from each track are taken as normally distributed, and those from two tracks as independent.

    Parameters
    ----------
    distances : (rows, columns).
    spread, other : (rows, 2) and (columns, 2), see `spread_of_distances`.
    """
    from scipy.special import ndtr

    farther = ndtr((spread[:, :1] - distances) / spread[:, 1:])
    farther *= ndtr((other[:, 0] - distances) / other[:, 1])
    return np.asarray(farther)


def pairwise(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Euclidean distances, (rows of A, rows of B), by one matrix product."""
    squared = -2.0 * (A @ B.T)
    squared += (A * A).sum(axis=1)[:, None]
    squared += (B * B).sum(axis=1)
    np.maximum(squared, 0.0, out=squared)
    return np.asarray(np.sqrt(squared, out=squared))


def spread_of_distances(points: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of the distances from each point to all others, (points, 2)."""
    found = []
    for rows in blocks(len(points), len(others)):
        distances = pairwise(points[rows], others)
        found.append(np.column_stack([distances.mean(axis=1), np.maximum(distances.std(axis=1), _SMALLEST_SPREAD)]))
    return np.concatenate(found)


def blocks(points: int, others: int) -> Iterator[slice]:
    """Parts of the points whose distances to all others fit into bounded memory."""
    rows = max(1, BLOCK_BYTES // (8 * others))
    for start in range(0, points, rows):
        yield slice(start, start + rows)
