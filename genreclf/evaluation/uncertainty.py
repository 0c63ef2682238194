"""Uncertainty of scores: intervals over artists, for a procedure that would be trained again.

An interval is for one quantity: the expected score of this procedure, trained on as many tracks of as many artists,
for artists that it has not seen. Two things move a score away from it: the artists that were tested, and the artists
that were trained on. In a cross-validation they are the same artists, which makes their effects add up.

The first is measured by leaving one artist out at a time: of the tracks of each genre the others count for more, so
that no genre shrinks or vanishes. What a score loses by it, times the root of (n - 1) / n for a genre of n artists,
is the artist's contribution; the sum of their squares is the variance of the stratified jackknife. Contributions
add up as scores do: those of a difference of scores are the differences, those of a mean over repeats the mean.

The second cannot be read off the predictions. In a cross-validation the variance of a contribution is multiplied by
1.3 + 2 / n, where n is the effective number of artists of the genre: of few artists, one more or less changes what is
learnt. Models that are compared share part of the luck, so that the standard error of a difference grows by less.
The constants were fitted by simulation (see `TRAINING`); ``benchmarks/intervals.py`` measures again how often the
intervals cover, also in settings that the constants were not fitted on. Of a single split, whose test artists train
nothing, the jackknife's standard error holds as it is.

Sources: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 11; Cameron and Miller (2015), A
Practitioner's Guide to Cluster-Robust Inference; Satterthwaite (1946) for the degrees of freedom; Bates, Hastie and
Tibshirani (2024), Cross-Validation: What Does It Estimate and How Well Does It Do It?
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

LEVEL = 0.05  # of every test; every interval covers 1 - LEVEL

TRAINING = (1.3, 2.0)
"""True over jackknife variance of a cross-validated macro-F1: the first, and the second over the effective artists.

Fitted on linear discriminant analysis in five folds, Gaussian features with strong artist effects: 200 tracks of 69
artists (sizes as in Emotify), 200 artists of one track, two genres of 60 tracks, and genres of 250, 100, 50 and 25
tracks. The true standard error is there 1.13 to 1.27 times the jackknife's, most where a genre has few artists.
"""

PAIRED = 0.96
"""Of the factor of a score's standard error, the part that stays for the difference of two models' scores.

Fitted on four such settings, so that in about 5 % of comparisons any of several equal models is called worse.
"""


class Counts(NamedTuple):
    """Tracks of each genre, (..., genres): correctly predicted, true, and predicted ones."""

    hits: np.ndarray
    true: np.ndarray
    predicted: np.ndarray


def count(y: np.ndarray, y_pred: np.ndarray, n_genres: int) -> Counts:
    """Count tracks by genre; `y` and `y_pred` are (tracks,) genre codes."""
    hits, true, predicted = (np.bincount(codes, minlength=n_genres) for codes in (y[y == y_pred], y, y_pred))
    return Counts(hits.astype(float), true.astype(float), predicted.astype(float))


@dataclass(frozen=True, eq=False)
class Estimate:
    """A score with what each group contributes to it.

    Parameters
    ----------
    value : on all tracks.
    contributions : (groups,), see `Jackknife`. The difference of two estimates is paired if their groups are the same.
    factor : of each contribution to the standard error, (groups,) or one for all.
    bounds : what the score cannot leave.
    """

    value: float
    contributions: np.ndarray
    factor: np.ndarray | float = 1.0
    bounds: tuple[float, float] = (0.0, 1.0)

    def __sub__(self, other: Estimate) -> Estimate:
        wide = self.bounds[1] - self.bounds[0]
        return Estimate(
            self.value - other.value,
            self.contributions - other.contributions,
            np.maximum(1.0, PAIRED * np.maximum(self.factor, other.factor)),
            (-wide, wide),
        )

    @classmethod
    def mean(cls, estimates: Sequence[Estimate]) -> Estimate:
        """The mean of several, as of repeats of a cross-validation."""
        value = float(np.mean([e.value for e in estimates]))
        contributions = np.mean([e.contributions for e in estimates], axis=0)
        factor = np.max(np.stack([np.asarray(e.factor) for e in estimates]), axis=0)
        return cls(value, contributions, factor, estimates[0].bounds)

    @property
    def deviations(self) -> np.ndarray:
        """(groups,), contributions to the standard error: their squares add up to its square."""
        return np.asarray(self.factor * self.contributions)

    @property
    def standard_error(self) -> float:
        """Of the value, training included where the factor says so."""
        return float(np.sqrt((self.deviations**2).sum()))

    @property
    def interval(self) -> tuple[float, float]:
        """Student's t interval, without ends where the score is not a number.

        A score on its bound that no group moves (every prediction is right) gets the exact binomial interval of as
        many groups.
        """
        from scipy.stats import t as student

        if not np.isfinite(self.value) or not np.isfinite(self.contributions).all():
            return float("nan"), float("nan")
        low, high = self.bounds
        if self.standard_error <= 1e-12:
            reach = 1 - (LEVEL / 2) ** (1 / len(self.contributions)) if self.bounds == (0.0, 1.0) else 0.0
            return self.value - reach * (self.value == high), self.value + reach * (self.value == low)
        df = float(degrees_of_freedom(self.deviations))
        half = float(student.ppf(1 - LEVEL / 2, df)) * self.standard_error
        return max(low, self.value - half), min(high, self.value + half)

    @property
    def p_value(self) -> float:
        """Two-sided, of the hypothesis that the true value is 0; 1 where nothing tells."""
        from scipy.stats import t as student

        if self.standard_error <= 1e-12:
            return 1.0
        df = float(degrees_of_freedom(self.deviations))
        return float(2 * student.sf(abs(self.value) / self.standard_error, df))

    def columns(self, name: str) -> dict[str, float]:
        """The score and its interval as columns of a table: ``name, name_low, name_high``."""
        low, high = self.interval
        return {name: self.value, f"{name}_low": low, f"{name}_high": high}


@dataclass(frozen=True, eq=False)
class Jackknife:
    """Tested tracks with one group left out at a time.

    Parameters
    ----------
    y : (tracks,), genre codes from 0.
    groups : (tracks,), group codes from 0 without gaps; the tracks of one group are left out together.
    n_genres : number of genres.
    trained : the groups also trained the models that were tested, as in a cross-validation.
    """

    y: np.ndarray
    groups: np.ndarray
    n_genres: int
    trained: bool = False

    @classmethod
    def over(cls, y: np.ndarray, groups: np.ndarray, n_genres: int, *, trained: bool = False) -> Jackknife:
        """Take any group labels."""
        return cls(y, np.unique(groups, return_inverse=True)[1], n_genres, trained)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1

    def score(self, y_pred: np.ndarray, formula: Callable[[Counts], np.ndarray]) -> Estimate:
        """Score predictions.

        Parameters
        ----------
        y_pred : (tracks,), predicted genre codes.
        formula : counts by genre to one score.
        """
        return self.scores(y_pred, lambda counts: np.asarray(formula(counts))[..., None])[0]

    def scores(self, y_pred: np.ndarray, formula: Callable[[Counts], np.ndarray]) -> list[Estimate]:
        """Score predictions in several ways; `formula` makes (..., scores) of counts by genre."""
        whole = count(self.y, y_pred, self.n_genres)
        values = formula(whole)
        contributions = self._weighed(values - formula(self._left(y_pred, whole)))
        return [
            Estimate(float(value), column, self.factor) for value, column in zip(values, contributions.T, strict=True)
        ]

    def mean(self, values: np.ndarray, bounds: tuple[float, float] = (0.0, 1.0)) -> Estimate:
        """The mean of something over tracks, as of a loss: `values` is (tracks,)."""
        return Estimate(float(values.mean()), self.linear(values / len(values)), self.factor, bounds)

    def linear(self, influence: np.ndarray) -> np.ndarray:
        """(groups,), contributions to a score that is a sum of (tracks,) influences."""
        left, _, genre, scale = self._pairs
        by_genre = np.bincount(self.y, weights=influence, minlength=self.n_genres)[genre]
        leaving = np.bincount(left.pair, weights=influence)
        change = np.where(scale > 0, (by_genre - leaving) * scale - by_genre, 0.0)
        return self._weighed(-np.bincount(left.group, weights=change, minlength=self.n_groups))

    @cached_property
    def _pairs(self) -> tuple[_Pairs, np.ndarray, np.ndarray, np.ndarray]:
        """Each group with each of its genres; its tracks, its genre, and the scale that makes up for them.

        A genre that is one group's alone would vanish with it; it stays as it is (scale 0), and the group contributes
        nothing by it.
        """
        keys, pair = np.unique(self.groups * self.n_genres + self.y, return_inverse=True)
        group, genre = np.divmod(keys, self.n_genres)
        leaving = np.bincount(pair)
        tracks = np.bincount(self.y, minlength=self.n_genres)[genre]
        scale = tracks / np.maximum(tracks - leaving, 1) * (leaving < tracks)
        return _Pairs(pair, group), leaving, genre, scale

    @cached_property
    def _weights(self) -> np.ndarray:
        """(groups,), the root of (n - 1) / n, a mean over the group's genres."""
        n = np.bincount(self._pairs[2], minlength=self.n_genres)
        return np.asarray(np.sqrt(self._by_group((n - 1) / np.maximum(n, 1))))

    @cached_property
    def factor(self) -> np.ndarray | float:
        """(groups,), of the standard errors of estimates, see `TRAINING`; 1 without training."""
        if not self.trained:
            return 1.0
        _, tracks, genre, _ = self._pairs
        total, squares = (np.bincount(genre, weights=w, minlength=self.n_genres) for w in (tracks, tracks**2.0))
        return np.asarray(np.sqrt(TRAINING[0] + TRAINING[1] * self._by_group(squares / np.maximum(total, 1) ** 2)))

    def _by_group(self, of_genre: np.ndarray) -> np.ndarray:
        """(groups,), the mean over each group's tracks of something by genre."""
        return np.asarray(np.bincount(self.groups, weights=of_genre[self.y]) / np.bincount(self.groups))

    def _weighed(self, losses: np.ndarray) -> np.ndarray:
        """Contributions from what (groups, ...) scores lose without each group."""
        return np.asarray(losses * self._weights.reshape(-1, *[1] * (losses.ndim - 1)))

    def _left(self, y_pred: np.ndarray, whole: Counts) -> Counts:
        """(groups, genres), the counts without each group, the rest of its genres making up for it."""
        pairs, leaving, genre, scale = self._pairs
        stays = scale == 0
        of_genre = np.zeros((self.n_genres, self.n_genres))
        np.add.at(of_genre, (self.y, y_pred), 1)
        rows = np.zeros((len(leaving), self.n_genres))
        np.add.at(rows, (pairs.pair, y_pred), 1)
        rows = (of_genre[genre] - rows) * scale[:, None] - of_genre[genre]
        rows[stays] = 0.0
        change = np.zeros((self.n_groups, self.n_genres))
        np.add.at(change, pairs.group, rows)
        hits = np.repeat(whole.hits[None], self.n_groups, axis=0)
        np.add.at(hits, (pairs.group, genre), rows[np.arange(len(genre)), genre])
        return Counts(hits, np.broadcast_to(whole.true, hits.shape), whole.predicted + change)


class _Pairs(NamedTuple):
    """The pair of group and genre of each track, (tracks,), and the group of each pair, (pairs,)."""

    pair: np.ndarray
    group: np.ndarray


def degrees_of_freedom(contributions: np.ndarray) -> np.ndarray:
    """Satterthwaite's degrees of freedom of a sum of squared contributions, at least 1.

    Parameters
    ----------
    contributions : (groups, ...).

    Returns
    -------
    (...): groups - 2 for normal contributions of equal variance, fewer where a few large artists hold most of it.
    A squared normal deviate has three times its squared variance as its second moment, hence the 3.
    """
    squares = contributions**2
    fourth = (squares**2).sum(axis=0)
    total = squares.sum(axis=0) ** 2
    ratio = np.divide(total, fourth, out=np.full(np.shape(total), np.inf), where=fourth > 0)
    return np.asarray(np.maximum(3 * ratio - 2, 1.0))
