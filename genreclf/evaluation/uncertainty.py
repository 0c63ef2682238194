"""Uncertainty of scores: intervals over artists, for a procedure that would be trained again.

An interval is for one quantity: the expected score of this procedure, trained on as many tracks, for artists that
it has not seen. Two things move a score away from it: the artists that were tested, and the artists that were
trained on. In a cross-validation they are the same artists, which makes their effects add up.

The first is measured by leaving one artist out at a time: of the tracks of each genre the others count for more, so
that no genre shrinks or vanishes. What a score loses by it, times the root of (n - 1) / n for a genre of n artists,
is the artist's contribution; the sum of their squares is the variance of the stratified jackknife. Contributions
add up as scores do: those of a difference of scores are the differences, those of a mean over repeats the mean.

The second cannot be read off the predictions. The standard error of a cross-validation is multiplied by
`TRAINING_FACTOR`, which was fitted by simulation; ``benchmarks/coverage.py`` measures again how often the intervals
cover. Of a single split, whose test artists train nothing, the jackknife's standard error holds as it is.

Sources: Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 11; Cameron and Miller (2015), A
Practitioner's Guide to Cluster-Robust Inference; Satterthwaite (1946) for the degrees of freedom; Bates, Hastie and
Tibshirani (2024), Cross-Validation: What Does It Estimate and How Well Does It Do It?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

TRAINING_FACTOR = 1.2
"""True over jackknife standard error of a cross-validated macro-F1.

Fitted on linear discriminant analysis in five folds, Gaussian features with strong artist effects: 1.23 (200 tracks
of 69 artists, sizes as in Emotify), 1.19 (200 artists of one track), 1.29 (genres of 250, 100, 50 and 25 tracks,
where Student's t makes up for the rest). Weaker artist effects, other models and more tracks gave 1.05 to 1.22.
"""

_CELLS_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Interval:
    """A confidence interval with its standard error and degrees of freedom."""

    low: float
    high: float
    standard_error: float
    df: float


@dataclass(frozen=True, eq=False)
class Jackknife:
    """Tested tracks with one artist left out at a time.

    Parameters
    ----------
    y : (tracks,), genre codes from 0.
    groups : (tracks,), group codes from 0 without gaps; the tracks of one group are left out together.
    n_genres : number of genres.
    """

    y: np.ndarray
    groups: np.ndarray
    n_genres: int

    @classmethod
    def over(cls, y: np.ndarray, groups: np.ndarray, n_genres: int) -> Jackknife:
        """Take any group labels."""
        return cls(y, np.unique(groups, return_inverse=True)[1], n_genres)

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.groups.max()) + 1

    def contributions(self, y_pred: np.ndarray, formula: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """What each group adds to a score of predictions.

        Parameters
        ----------
        y_pred : (tracks,), predicted genre codes.
        formula : (..., genres, genres) confusion counts to (...) scores, or to (..., scores).

        Returns
        -------
        (groups,) or (groups, scores): the score of all tracks less the score without the group.
        """
        whole = formula(_confusion(self.y, y_pred, self.n_genres))
        return self._weighed(np.concatenate([whole - formula(left) for left in self._confusions(y_pred)]))

    def contributions_of_sums(
        self, values: np.ndarray, formula: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> np.ndarray:
        """What each group adds to a score that is a function of sums over tracks.

        Parameters
        ----------
        values : (tracks, columns).
        formula : (..., columns) sums to (...) scores; None takes the sums themselves.

        Returns
        -------
        (groups,) or (groups, scores).
        """
        total = values.sum(axis=0)
        left = total + self._changes(values)
        return self._weighed(total - left if formula is None else formula(total) - formula(left))

    def _weighed(self, losses: np.ndarray) -> np.ndarray:
        """Contributions of groups from what the score loses without each."""
        pair, group, genre, _ = self._pairs()
        n = np.bincount(genre, minlength=self.n_genres)[genre]
        tracks = np.bincount(pair)
        share = np.bincount(group, weights=tracks * (n - 1) / n) / np.bincount(group, weights=tracks)
        return np.asarray(losses * np.sqrt(share).reshape(-1, *[1] * (losses.ndim - 1)))

    def _pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Each group with each of its genres: the pair of each track; group, genre and scale of each pair.

        The scale makes up for the tracks that leave the genre. A genre that is one group's alone would vanish with
        it; it stays as it is, and the group contributes nothing by it.
        """
        keys, pair = np.unique(self.groups * self.n_genres + self.y, return_inverse=True)
        group, genre = np.divmod(keys, self.n_genres)
        leaving = np.bincount(pair)
        tracks = np.bincount(self.y, minlength=self.n_genres)[genre]
        return pair, group, genre, tracks / np.maximum(tracks - leaving, 1) * (leaving < tracks)

    def _changes(self, values: np.ndarray) -> np.ndarray:
        """(groups, columns), how the sums change when a group leaves and the rest of its genres makes up for it."""
        pair, group, genre, scale = self._pairs()
        by_genre = np.zeros((self.n_genres, values.shape[1]))
        np.add.at(by_genre, self.y, values)
        leaving = np.zeros((len(group), values.shape[1]))
        np.add.at(leaving, pair, values)
        stays = (scale > 0)[:, None]
        change = np.where(stays, (by_genre[genre] - leaving) * scale[:, None] - by_genre[genre], 0.0)
        changes = np.zeros((self.n_groups, values.shape[1]))
        np.add.at(changes, group, change)
        return changes

    def _confusions(self, y_pred: np.ndarray) -> Iterator[np.ndarray]:
        """(some groups, genres, genres), confusion counts without each group; all groups, some at a time."""
        pair, group, genre, scale = self._pairs()
        rows = np.zeros((len(group), self.n_genres))
        np.add.at(rows, (pair, y_pred), 1)
        whole = _confusion(self.y, y_pred, self.n_genres)
        rows = np.where((scale > 0)[:, None], (whole[genre] - rows) * scale[:, None], whole[genre])
        chunk = max(1, _CELLS_AT_ONCE // self.n_genres**2)
        for start in range(0, self.n_groups, chunk):
            here = (group >= start) & (group < start + chunk)
            left = np.repeat(whole[None], min(chunk, self.n_groups - start), axis=0)
            left[group[here] - start, genre[here]] = rows[here]
            yield left


def repeated(
    jackknife: Jackknife, predictions: Sequence[np.ndarray], formula: Callable[[np.ndarray], np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A score of repeated cross-validations of the same tracks.

    Parameters
    ----------
    predictions : for each repeat (tracks,) predicted genre codes.
    formula : (..., genres, genres) confusion counts to (...) scores.

    Returns
    -------
    (repeats,) scores and (repeats, groups) contributions.
    """
    scores = [float(formula(_confusion(jackknife.y, y_pred, jackknife.n_genres))) for y_pred in predictions]
    return np.array(scores), np.stack([jackknife.contributions(y_pred, formula) for y_pred in predictions])


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


def score_interval(
    score: float,
    contributions: np.ndarray,
    *,
    factor: float = 1.0,
    level: float = 0.95,
    bounds: tuple[float, float] = (0.0, 1.0),
) -> Interval:
    """Student's t interval of a score.

    Parameters
    ----------
    score : on all tracks, or its mean over repeats.
    contributions : (groups,), see `Jackknife`; for a mean over repeats their mean.
    factor : `TRAINING_FACTOR` for a cross-validation, 1 for a single split or for predictions as they are.
    bounds : what the score cannot leave.

    Returns
    -------
    An interval without ends where the score is not a number. A score on its bound that no artist moves (every
    prediction is right) gets the exact binomial interval of as many artists.
    """
    from scipy.stats import t as student

    nothing = float("nan")
    if not np.isfinite(score) or not np.isfinite(contributions).all():
        return Interval(nothing, nothing, nothing, nothing)
    low, high = bounds
    deviation = factor * float(np.sqrt((contributions**2).sum()))
    df = float(degrees_of_freedom(contributions))
    if deviation <= 1e-12:
        reach = (1 - ((1 - level) / 2) ** (1 / max(len(contributions), 1))) if bounds == (0.0, 1.0) else 0.0
        return Interval(score - reach if score == high else score, score + reach if score == low else score, 0.0, df)
    half = float(student.ppf((1 + level) / 2, df)) * deviation
    return Interval(max(low, score - half), min(high, score + half), deviation, df)


def _confusion(y: np.ndarray, y_pred: np.ndarray, n_genres: int) -> np.ndarray:
    cells = np.bincount(y * n_genres + y_pred, minlength=n_genres**2)
    return cells.reshape(n_genres, n_genres).astype(float)
