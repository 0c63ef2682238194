"""Bootstrap over groups: how far a score would move if other artists had been tested.

The tracks of one artist are not independent, so whole groups are drawn, with replacement, as many as there are.
A draw is a row of counts, how often each group was drawn; with them every score of every model is computed on
the same draws, which makes differences between models paired.

Source: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_CHUNK = 64


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Draws of groups.

    Parameters
    ----------
    groups : (tracks,), the group of each track, from 0 to the number of groups less one.
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

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Sum over the drawn tracks.

        Parameters
        ----------
        values : (tracks,) or (tracks, columns).

        Returns
        -------
        (draws,) or (draws, columns).
        """
        flat = values.reshape(len(values), -1)
        by_group = np.zeros((self.counts.shape[1], flat.shape[1]))
        np.add.at(by_group, self.groups, flat)
        return (self.counts @ by_group).reshape(len(self.counts), *values.shape[1:])

    def cells(self, codes: np.ndarray, number: int) -> np.ndarray:
        """Count the drawn tracks of each code.

        Parameters
        ----------
        codes : (tracks,), numbers from 0 to `number` less one.

        Returns
        -------
        (draws, number).
        """
        from scipy.sparse import coo_matrix

        shape = (self.counts.shape[1], number)
        by_group = coo_matrix((np.ones(len(codes), dtype=np.float32), (self.groups, codes)), shape=shape).tocsr()
        return np.asarray((by_group.T @ self.counts.T).T, dtype=np.float64)

    def weights(self) -> Iterator[np.ndarray]:
        """(some draws, tracks), how often each track was drawn; all draws, some at a time."""
        for start in range(0, len(self.counts), _CHUNK):
            yield self.counts[start : start + _CHUNK][:, self.groups]


def interval(drawn: np.ndarray, level: float = 0.95) -> tuple[float, float]:
    """The percentile interval of drawn scores; draws in which the score has no value are left out."""
    known = drawn[np.isfinite(drawn)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
