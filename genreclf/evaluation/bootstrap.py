"""Bootstrap over groups: how far a score would move if other artists had been tested.

The tracks of one artist are not independent, so whole groups are drawn with replacement, as many as there are.
A draw is a row of counts: how often each group was drawn. Every score of every model is computed on the same draws,
so differences between models are paired. `Estimate` is what comes of it: a score, and its value on each draw.

Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

LEVEL = 0.05  # of every test; every interval covers 1 - LEVEL
_CHUNK = 64


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Draws of groups.

    Parameters
    ----------
    groups : (tracks,), the group of each track, counted from 0.
    counts : (draws, groups), how often each group was drawn.
    """

    groups: np.ndarray
    counts: np.ndarray

    @classmethod
    def over(cls, groups: np.ndarray, *, draws: int = 1000, seed: int = 42) -> Bootstrap:
        """Draw groups with replacement.

        Parameters
        ----------
        groups : (tracks,), any labels; tracks of one label are drawn together.
        """
        codes = np.unique(groups, return_inverse=True)[1]
        number = int(codes.max()) + 1
        rng = np.random.default_rng(seed)
        counts = np.empty((draws, number), dtype=np.float32)
        for draw in range(draws):
            counts[draw] = np.bincount(rng.integers(number, size=number), minlength=number)
        return cls(codes, counts)

    @classmethod
    def once(cls, tracks: int) -> Bootstrap:
        """A single draw that holds every track once."""
        return cls(np.zeros(tracks, dtype=np.intp), np.ones((1, 1), dtype=np.float32))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the drawn tracks: (tracks,) to (draws,), or (tracks, columns) to (draws, columns)."""
        flat = values.reshape(len(values), -1)
        by_group = np.zeros((self.counts.shape[1], flat.shape[1]))
        np.add.at(by_group, self.groups, flat)
        return (self.counts @ by_group).reshape(len(self.counts), *values.shape[1:])

    def cells(self, codes: np.ndarray, number: int) -> np.ndarray:
        """Count the drawn tracks of each code: (draws, number).

        Parameters
        ----------
        codes : (tracks,), integers from 0 to ``number - 1``.
        """
        from scipy.sparse import coo_matrix

        shape = (self.counts.shape[1], number)
        by_group = coo_matrix((np.ones(len(codes), dtype=np.float32), (self.groups, codes)), shape=shape).tocsr()
        return np.asarray((by_group.T @ self.counts.T).T, dtype=np.float64)

    def weights(self) -> Iterator[np.ndarray]:
        """How often each track was drawn, (up to 64 draws, tracks) at a time."""
        for start in range(0, len(self.counts), _CHUNK):
            yield self.counts[start : start + _CHUNK][:, self.groups]


@dataclass(frozen=True, eq=False)
class Estimate:
    """A score on all tracks, and the same score on each draw of a bootstrap, (draws,).

    The difference of two estimates is paired if both were made on the same draws.
    """

    value: float
    drawn: np.ndarray

    def __sub__(self, other: Estimate) -> Estimate:
        return Estimate(self.value - other.value, self.drawn - other.drawn)

    @property
    def interval(self) -> tuple[float, float]:
        """The percentile interval; draws on which the score is undefined (NaN) are left out."""
        known = self.drawn[np.isfinite(self.drawn)]
        if not len(known):
            return float("nan"), float("nan")
        level = 1 - LEVEL
        low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def columns(self, name: str) -> dict[str, float]:
        """The score and its interval as columns of a table: ``name, name_low, name_high``."""
        low, high = self.interval
        return {name: self.value, f"{name}_low": low, f"{name}_high": high}
