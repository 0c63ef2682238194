"""Scores of tags: ROC AUC and average precision of each tag and macro, F1 at thresholds, and ranking scores.

Each score comes with the influence of every track on it: its derivative by the track's weight. Influences add up over
the tracks of an artist to the artist's contribution to the variance (the infinitesimal jackknife), which goes into the
same intervals and tests as the scores of genres, see `genreclf.evaluation.uncertainty`.

ROC AUC and average precision compare tracks of one fold only, as scores of differently trained models are not on one
scale: that of a tag is the mean over its folds, weighted by the pairs of a track with and one without the tag, or by
the tracks with it. A fold takes no part for a tag that it cannot test: where all or none of its tracks, trained on or
tested, have the tag. Within a fold the scores are scikit-learn's.

Sources: Jaeckel (1972), The Infinitesimal Jackknife; Forman and Scholz (2010), Apples-to-Apples in Cross-Validation
Studies; Tsoumakas, Katakis and Vlahavas (2010), Mining Multi-label Data.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genreclf.evaluation.uncertainty import TRAINING, Estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

PRECISION_AT = (1, 3)
_BLOCK = 1 << 23  # comparisons of two tags that stand in memory at a time


class Part(NamedTuple):
    """A score of some tracks, and the influence of each on it, (tracks,); the score is NaN where it has no meaning."""

    value: float
    influence: np.ndarray


def roc_auc(y: np.ndarray, score: np.ndarray, fold: np.ndarray) -> Part:
    """The share of pairs of a track with the tag and one without, of one fold, that are in the right order.

    Parameters
    ----------
    y, score, fold : (tracks,), bool, numbers, and fold numbers. A tie counts half.
    """
    right, pairs = np.zeros(len(y)), np.zeros(len(y))
    for number in np.unique(fold):
        rows = np.flatnonzero(fold == number)
        with_tag, without = rows[y[rows]], rows[~y[rows]]
        right[with_tag] = _below(score[with_tag], score[without])
        right[without] = len(with_tag) - _below(score[without], score[with_tag])
        pairs[with_tag], pairs[without] = len(without), len(with_tag)
    total = pairs[y].sum()
    if not total:
        return Part(float("nan"), np.zeros(len(y)))
    value = right[y].sum() / total
    return Part(float(value), (right - value * pairs) / total)


def _below(scores: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(scores,), how many of the others are below each, ties counting half."""
    ordered = np.sort(others)
    sides = [np.searchsorted(ordered, scores, side=side) for side in ("left", "right")]
    return np.asarray((sides[0] + sides[1]) / 2)


def average_precision(y: np.ndarray, score: np.ndarray, fold: np.ndarray) -> Part:
    """The mean precision at the rank of each track with the tag, among the tracks of its fold."""
    sums, influence, number = 0.0, np.zeros(len(y)), int(y.sum())
    folds = [rows for k in np.unique(fold) if (y[rows := np.flatnonzero(fold == k)]).any()]
    for rows in folds:
        own, found = _average_precision(y[rows], score[rows])
        sums += own
        influence[rows] = found
    if not number:
        return Part(float("nan"), influence)
    value = sums / number
    return Part(value, (influence - value * y) / number)


def _average_precision(y: np.ndarray, score: np.ndarray) -> tuple[float, np.ndarray]:
    """The sum of the precisions at the tracks with the tag, and its derivative by each track's weight."""
    order = np.argsort(-score, kind="stable")
    hit = y[order].astype(float)
    ends = np.append(np.flatnonzero(np.diff(score[order])), len(order) - 1)  # of tracks with one and the same score
    block = np.searchsorted(ends, np.arange(len(order)))
    above = (ends + 1).astype(float)
    precision = np.cumsum(hit)[ends] / above
    hits = np.bincount(block, weights=hit)
    # A track's weight changes the precision at its own rank and at every rank below.
    later = [np.cumsum((hits * part / above)[::-1])[::-1] for part in (np.ones(len(ends)), precision)]
    change = hit * precision[block] + hit * later[0][block] - later[1][block]
    influence = np.empty(len(y))
    influence[order] = change
    return float((hits * precision).sum()), influence


def f1(y: np.ndarray, y_pred: np.ndarray) -> Part:
    """Harmonic mean of precision and recall; arrays are bool, (tracks,), or (tracks, tags) with all tags together."""
    both = 2.0 * (y & y_pred)
    whole = y.astype(float) + y_pred
    if both.ndim > 1:
        both, whole = both.sum(axis=1), whole.sum(axis=1)
    total = whole.sum()
    if not total:
        return Part(0.0, np.zeros(len(y)))
    value = both.sum() / total
    return Part(float(value), (both - value * whole) / total)


def label_ranking_average_precision(Y: np.ndarray, scores: np.ndarray) -> Part:
    """For each tag of a track, the share of tags ranked as high that the track has: mean over its tags, and tracks.

    A track with all of the tags, or none, counts as 1, as in scikit-learn.
    """
    number = Y.sum(axis=1)
    each = np.ones(len(Y))
    rows_at_once = max(1, _BLOCK // Y.shape[1] ** 2)
    for start in range(0, len(Y), rows_at_once):
        true, part = Y[start : start + rows_at_once], scores[start : start + rows_at_once]
        not_below = part[:, None, :] >= part[:, :, None]
        right = (not_below & true[:, None, :]).sum(axis=2)
        found = (true * right / not_below.sum(axis=2)).sum(axis=1)
        each[start : start + rows_at_once] = found / np.maximum(true.sum(axis=1), 1)
    return _mean(np.where((number == 0) | (number == Y.shape[1]), 1.0, each))


def precision_at(Y: np.ndarray, scores: np.ndarray, k: int) -> Part:
    """The share of the `k` tags ranked highest that the track has; among equals, the first tags rank higher."""
    first = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return _mean(np.take_along_axis(Y, first, axis=1).mean(axis=1))


def _mean(values: np.ndarray) -> Part:
    return Part(float(values.mean()), (values - values.mean()) / len(values))


@dataclass(frozen=True, eq=False)
class TagScores:
    """What there is to score against: the tested tracks, their tags, folds and artists.

    Parameters
    ----------
    Y : (tracks, tags), bool.
    fold : (tracks,), fold numbers.
    testable : (tracks, tags), bool: whether the track's fold can test the tag.
    groups : (tracks,), artist codes.
    trained : whether the artists also trained the models, as in a cross-validation.
    """

    Y: np.ndarray
    fold: np.ndarray
    testable: np.ndarray
    groups: np.ndarray
    trained: bool

    @cached_property
    def tested(self) -> np.ndarray:
        """The tags that some fold can test, by position."""
        return np.flatnonzero(self.testable.any(axis=0))

    @cached_property
    def concentration(self) -> np.ndarray:
        """(tags,), one over the effective number of artists of each tag."""
        codes = np.unique(self.groups, return_inverse=True)[1]
        counts = np.zeros((int(codes.max()) + 1, self.Y.shape[1]))
        np.add.at(counts, codes, self.Y)
        return np.asarray((counts**2).sum(axis=0) / np.maximum(counts.sum(axis=0), 1) ** 2)

    def estimate(self, part: Part, concentration: float) -> Estimate:
        """A score with the contribution of each artist."""
        codes = np.unique(self.groups, return_inverse=True)[1]
        scale = 1 / np.sqrt(max(1 - concentration, 0.5))
        factor = float(np.sqrt(TRAINING[0] + TRAINING[1] * concentration)) if self.trained else 1.0
        return Estimate(part.value, np.bincount(codes, weights=part.influence) * scale, factor)

    def by_tag(self, scores: np.ndarray, y_pred: np.ndarray) -> dict[str, list[Estimate]]:
        """ROC AUC, average precision and F1 of each tag that can be tested."""
        found: dict[str, list[Estimate]] = {"roc_auc": [], "average_precision": [], "f1": []}
        for tag in self.tested:
            rows = np.flatnonzero(self.testable[:, tag])
            y, score, fold = self.Y[rows, tag], scores[rows, tag], self.fold[rows]
            parts = (roc_auc(y, score, fold), average_precision(y, score, fold), f1(y, y_pred[rows, tag]))
            for name, part in zip(found, parts, strict=True):
                influence = np.zeros(len(self.Y))
                influence[rows] = part.influence
                found[name].append(self.estimate(Part(part.value, influence), float(self.concentration[tag])))
        return found

    def overall(self, probabilities: np.ndarray, y_pred: np.ndarray) -> dict[str, Estimate]:
        """Micro F1, label-ranking average precision and precision at k, over all tracks."""
        parts = {
            "micro_f1": f1(self.Y & self.testable, y_pred & self.testable),
            "lrap": label_ranking_average_precision(self.Y, probabilities),
        } | {f"precision_at_{k}": precision_at(self.Y, probabilities, k) for k in PRECISION_AT if k <= self.Y.shape[1]}
        sizes = np.unique(self.groups, return_counts=True)[1].astype(float)
        concentration = float((sizes**2).sum() / sizes.sum() ** 2)
        return {name: self.estimate(part, concentration) for name, part in parts.items()}


def macro(estimates: Sequence[Estimate]) -> Estimate:
    """The mean over tags, each with its own contributions."""
    made = Estimate.mean(estimates)
    factor = float(np.mean([np.mean(estimate.factor) for estimate in estimates]))
    return Estimate(made.value, made.contributions, factor, made.bounds)
