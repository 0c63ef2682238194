"""Hubness: how much the nearest neighbours in many dimensions are always the same tracks, and how to reduce that.

A hub is a track that is near to nearly everything. Hubness is the skewness of the k-occurrence, of how often a track
is among the k nearest of others. Mutual proximity reduces it: what counts is the chance that both tracks would find
others farther away.

Sources: Radovanović, Nanopoulos and Ivanović (2010), Hubs in Space; Schnitzer, Flexer, Schedl and Widmer (2012),
Local and Global Scaling Reduce Hubs in Space.
"""

from __future__ import annotations

import numpy as np

BLOCK_BYTES = 64 << 20
SAMPLE = 2_000  # tracks from which hubness and spreads of distance are estimated in large tables


def occurrence_skew(neighbours: np.ndarray, tracks: int) -> float:
    """Hubness: the skewness of how often each track is among the nearest of others.

    Parameters
    ----------
    neighbours : (queries, k), rows of tracks.
    tracks : how many tracks there are.
    """
    counts = np.bincount(neighbours.ravel(), minlength=tracks).astype(float)
    centred = counts - counts.mean()
    deviation = np.sqrt((centred**2).mean())
    return float((centred**3).mean() / deviation**3) if deviation > 0 else 0.0


def mutual_proximity(distances: np.ndarray, spread: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The chance that both of two tracks would find a random track farther away than each other.

    Each one's distances to all tracks are taken as normal, and the two as independent.

    Parameters
    ----------
    distances : (rows, columns).
    spread, other : (rows, 2) and (columns, 2), mean and standard deviation of each one's distances.
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


def spread_of_distances(points: np.ndarray, all_points: np.ndarray, *, seed: int) -> np.ndarray:
    """Mean and standard deviation of the distances from each point to the tracks, or to a sample of many."""
    if len(all_points) > SAMPLE:
        chosen = np.random.default_rng(seed).permutation(len(all_points))[:SAMPLE]
        all_points = all_points[np.sort(chosen)]
    rows = max(1, BLOCK_BYTES // (8 * len(all_points)))
    found = []
    for start in range(0, len(points), rows):
        distances = pairwise(points[start : start + rows].astype(np.float64), all_points.astype(np.float64))
        deviation = np.maximum(distances.std(axis=1), 1e-12)
        found.append(np.column_stack([distances.mean(axis=1), deviation]))
    return np.concatenate(found)
