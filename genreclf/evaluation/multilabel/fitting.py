"""Fits of taggers: one tagger on one fold, with its thresholds chosen inside the training part."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError, one_line
from genreclf.evaluation.multilabel.folds import folds_of_tags
from genreclf.models.tagger_fitting import FittedTagger, fit_tagger
from genreclf.models.threads import one_thread

if TYPE_CHECKING:
    from genreclf.evaluation.folds import Fold
    from genreclf.evaluation.groups import Groups
    from genreclf.models.taggers import TaggerSpec

INNER_FOLDS = 3
_MANY_TRACKS = 2000  # of which two inner folds choose thresholds as well, in two thirds of the time
_REFERENCE_SIZE = 6000 * 50


@dataclass(frozen=True, eq=False)
class TagData:
    """What is fitted on: the same for every fit.

    Parameters
    ----------
    X : (tracks, features).
    Y : (tracks, tags), bool.
    genres : (tracks, 1), genre codes, for the baseline that knows them.
    groups : which tracks stay together.
    """

    X: np.ndarray
    Y: np.ndarray
    genres: np.ndarray
    groups: Groups


@dataclass(frozen=True, eq=False)
class TagFit:
    """One tagger to fit on one fold.

    Parameters
    ----------
    entry : the tagger.
    number : the fold's number, from 1.
    fold : rows to train on and to test on.
    grouped : whether artists stay on one side inside the training part as well.
    precision : that each threshold shall reach; None chooses those of the best F1.
    """

    entry: TaggerSpec
    number: int
    fold: Fold
    grouped: bool
    seed: int
    tags: int
    precision: float | None = None

    @property
    def seconds(self) -> float:
        """A rough guess of how long it takes, to start the longest first."""
        return self.entry.cost * INNER_FOLDS * len(self.fold.train) * self.tags / _REFERENCE_SIZE

    def __str__(self) -> str:
        return f"{self.entry.name}, fold {self.number}"


@dataclass(frozen=True, eq=False)
class TagOutcome:
    """What came of a fit.

    Parameters
    ----------
    scores, probabilities : (tested, tags), the tagger's own scores, and what they mean.
    thresholds : (tags,).
    fit_seconds, predict_seconds : of CPU time; fitting includes the thresholds.
    """

    scores: np.ndarray
    probabilities: np.ndarray
    thresholds: np.ndarray
    fit_seconds: float
    predict_seconds: float

    @property
    def y_pred(self) -> np.ndarray:
        """(tested, tags), bool."""
        return np.asarray(self.probabilities >= self.thresholds)


def fit_one(fit: TagFit, data: TagData) -> TagOutcome:
    """Fit one tagger on one fold, on one thread, and let it predict the tested tracks.

    Raises
    ------
    RequestError : it cannot be fitted to these tracks.
    """
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _fit(fit, data)
        except RequestError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a model raises is passed on with its name
            raise RequestError(f"{fit}: cannot be fitted: {one_line(error)}") from None


def _fit(fit: TagFit, data: TagData) -> TagOutcome:
    X = data.genres if fit.entry.of_genre else data.X
    started = time.process_time()
    fitted = fit_rows(fit.entry, X, data, fit.fold.train, grouped=fit.grouped, seed=fit.seed, precision=fit.precision)
    made = time.process_time()
    scores = fitted.model.decision_function(X[fit.fold.test])
    probabilities = fitted.model.probabilities(scores)
    return TagOutcome(scores, probabilities, fitted.thresholds, made - started, time.process_time() - made)


def fit_rows(
    entry: TaggerSpec,
    X: np.ndarray,
    data: TagData,
    rows: np.ndarray,
    *,
    grouped: bool,
    seed: int,
    precision: float | None = None,
) -> FittedTagger:
    """Fit a tagger to some rows, with folds inside them that keep apart what the outer folds do."""
    tied = data.groups.widest if grouped else data.groups.recordings
    if len(np.unique(tied[rows])) < 2:
        tied = np.arange(len(tied))
    pairs = folds_of_tags(
        data.Y[rows], tied[rows], folds=INNER_FOLDS if len(rows) < _MANY_TRACKS else 2, seed=seed
    ).pairs()
    impute = bool(np.isnan(X).any())
    return fit_tagger(entry, X[rows], data.Y[rows], pairs, seed=seed, impute=impute, precision=precision)
