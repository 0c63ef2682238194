"""Fitting taggers: the one way from tracks with tags to probabilities and thresholds.

Scores of tracks that a tagger was not fitted on, from folds inside the training part, turn the scores of a tagger
without probabilities into some (Platt's sigmoid for each tag), and choose the threshold of each tag: the one of the
best F1 there, or the lowest that reaches a precision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import expit

from genreclf.models.calibration import logistic_line

if TYPE_CHECKING:
    from genreclf.models.taggers import TaggerSpec

Pairs = Sequence[tuple[np.ndarray, np.ndarray]]


@dataclass(eq=False)
class CalibratedTagger:
    """A fitted tagger with a line from the score to the log-odds of each tag.

    Parameters
    ----------
    estimator : the fitted pipeline.
    slopes, intercepts : (tags,), of the lines.
    """

    estimator: Any
    slopes: np.ndarray
    intercepts: np.ndarray

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """(tracks, tags), the tagger's own scores."""
        return np.asarray(self.estimator.decision_function(X))

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(tracks, tags), each from 0 to 1."""
        return np.asarray(self.probabilities(self.decision_function(X)))

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        """(tracks, tags), the probabilities of the tagger's own scores."""
        return np.asarray(expit(scores * self.slopes + self.intercepts))


@dataclass(frozen=True, eq=False)
class FittedTagger:
    """A tagger, its thresholds, and what it predicted for tracks that it was not fitted on.

    Parameters
    ----------
    model : the tagger.
    thresholds : (tags,), a track has the tags whose probability is at least the threshold.
    held_out : (tracks, tags), scores of the training tracks from the inner folds; NaN where no fold tests a track.
    """

    model: CalibratedTagger
    thresholds: np.ndarray
    held_out: np.ndarray


def fit_tagger(
    entry: TaggerSpec,
    X: np.ndarray,
    Y: np.ndarray,
    folds: Pairs,
    *,
    seed: int,
    impute: bool = False,
    precision: float | None = None,
) -> FittedTagger:
    """Fit a tagger, its probabilities and its thresholds.

    Parameters
    ----------
    X, Y : (tracks, features), and (tracks, tags), bool.
    folds : rows to train on and to test on, inside these tracks.
    impute : whether empty cells (NaN) are filled by medians of what is fitted on.
    precision : that each threshold shall reach; None chooses those of the best F1.
    """
    scores = np.full(Y.shape, np.nan)
    for train, test in folds:
        fitted = entry.build(seed, impute=impute).fit(X[train], Y[train])
        scores[test] = fitted.decision_function(X[test])
    pipeline = entry.build(seed, impute=impute).fit(X, Y)
    model = CalibratedTagger(pipeline, np.ones(Y.shape[1]), np.zeros(Y.shape[1]))
    known = np.isfinite(scores).all(axis=1)
    if not pipeline.named_steps["model"].probabilistic:
        for tag in pipeline.named_steps["model"].varying_:
            model.slopes[tag], model.intercepts[tag] = logistic_line(scores[known, tag], Y[known, tag])
    probabilities = model.probabilities(scores[known])
    thresholds = [threshold(y, p, precision=precision) for y, p in zip(Y[known].T, probabilities.T, strict=True)]
    return FittedTagger(model, np.array(thresholds), scores)


def threshold(y: np.ndarray, probabilities: np.ndarray, *, precision: float | None = None) -> float:
    """The threshold of the best F1, or the lowest of those that reach a precision; 1 where none does.

    It lies half-way between the probabilities of two tracks.

    Parameters
    ----------
    y, probabilities : (tracks,), bool and numbers from 0 to 1.
    """
    order = np.argsort(-probabilities, kind="stable")
    ordered, hits = probabilities[order], np.cumsum(y[order])
    last = np.append(np.diff(ordered) != 0, True)  # of tracks of one and the same probability
    chosen, hits = np.flatnonzero(last) + 1, hits[last]
    if not hits[-1]:
        return 1.0
    if precision is None:
        best = int((2 * hits / (chosen + hits[-1])).argmax())
    else:
        enough = np.flatnonzero(hits / chosen >= precision)
        if not len(enough):
            return 1.0
        best = int(enough[-1])
    here = ordered[chosen[best] - 1]
    following = ordered[chosen[best]] if chosen[best] < len(ordered) else 0.0
    return float((here + following) / 2)
