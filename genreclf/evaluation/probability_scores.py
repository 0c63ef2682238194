"""Scores of probabilities: one-vs-rest ROC AUC, log loss, expected calibration error, and reliability.

The highest probability of a track is its confidence. A model is calibrated if, of the tracks with a confidence of
70 %, it gets 70 in 100 right; the expected calibration error is the mean distance between confidence and accuracy over
bins of equal width, weighted by the tracks in them.

Sources: Hand and Till (2001) for AUC with many classes (here each against the rest, macro average); Guo, Pleiss,
Sun and Weinberger (2017), On Calibration of Modern Neural Networks, for the calibration error in 15 bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.bootstrap import Bootstrap, Estimate

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison

RELIABILITY_BINS = 10
_BINS = 15


def score_probabilities(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> dict[str, float]:
    """``roc_auc, log_loss, calibration_error``, each with ``_low`` and ``_high``.

    Parameters
    ----------
    y : (tracks,), genre codes.
    probabilities : (tracks, genres), rows that sum to one.
    """
    whole = Bootstrap.once(len(y))
    found: dict[str, float] = {}
    for name, formula in (("roc_auc", roc_auc), ("log_loss", log_loss), ("calibration_error", calibration_error)):
        value = float(formula(y, probabilities, whole)[0])
        found |= Estimate(value, formula(y, probabilities, bootstrap)).columns(name)
    return found


def roc_auc(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), area under the ROC curve of each genre against the rest, mean over the genres.

    A genre that has no track in a draw, or every track, is left out of that draw's mean.
    """
    genres = probabilities.shape[1]
    parts = [_areas(y == k, probabilities[:, k], bootstrap) for k in range(genres)]
    areas = np.stack(parts, axis=1)
    known = np.isfinite(areas)
    total = np.where(known, areas, 0.0).sum(axis=1)
    unknown = np.full(len(areas), np.nan)
    return np.asarray(np.divide(total, known.sum(axis=1), out=unknown, where=known.any(axis=1)))


def log_loss(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), mean negative logarithm of the probability of the true genre."""
    given = np.maximum(probabilities[np.arange(len(y)), y], np.finfo(float).eps)
    return np.asarray(bootstrap.sums(-np.log(given)) / bootstrap.sums(np.ones(len(y))))


def calibration_error(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), expected calibration error over 15 bins of confidence."""
    return _calibration_error(probabilities.max(axis=1), probabilities.argmax(axis=1) == y, bootstrap, _BINS)


@dataclass(frozen=True)
class Bin:
    """The tracks of about one confidence.

    Parameters
    ----------
    confidence, right : their mean confidence and their accuracy, with its 95 % Wilson interval from `low` to `high`.
    """

    tracks: int
    confidence: float
    right: float
    low: float
    high: float


@dataclass(frozen=True)
class Reliability:
    """The bins that hold tracks, by confidence, and the expected calibration error over them."""

    bins: tuple[Bin, ...]
    error: float


def reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    """Put tracks into ten bins of confidence.

    Parameters
    ----------
    confidence : (tracks,), the probability of the predicted genre, in [0, 1].
    right : (tracks,), whether the prediction was right.
    """
    from scipy.stats import binomtest

    index = _bins(confidence, RELIABILITY_BINS)
    bins = []
    for chosen in (index == number for number in np.unique(index)):
        hits, tracks = int(right[chosen].sum()), int(chosen.sum())
        low, high = binomtest(hits, tracks).proportion_ci(method="wilson")
        bins.append(Bin(tracks, float(confidence[chosen].mean()), hits / tracks, float(low), float(high)))
    error = _calibration_error(confidence, right, Bootstrap.once(len(right)), RELIABILITY_BINS)
    return Reliability(tuple(bins), float(error[0]))


def reliability_of(comparison: Comparison, model: str) -> Reliability | None:
    """The reliability of a model under the first protocol; None where its probabilities were not kept."""
    frame = comparison.probabilities
    if frame.empty:
        return None
    frame = frame[(frame["protocol"] == comparison.protocol) & (frame["model"] == model)]
    genres = [name for name in frame.columns if name not in ("protocol", "fold", "track_id", "model")]
    truth = comparison.predictions[comparison.predictions["protocol"] == comparison.protocol]
    # The probabilities' columns are named by the genres, and a genre may be called genre.
    truth = truth[["fold", "track_id", "genre"]].rename(columns={"genre": "\0truth"}).astype({"track_id": "str"})
    joined = frame.astype({"track_id": "str"}).merge(truth, on=["fold", "track_id"]).dropna(how="all", subset=genres)
    if joined.empty:
        return None
    values = joined[genres].fillna(0.0).to_numpy(dtype=float)
    y_pred = np.array(genres, dtype=object)[values.argmax(axis=1)]
    return reliability(values.max(axis=1), y_pred == joined["\0truth"].astype(str).to_numpy(dtype=object))


def _bins(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.asarray(np.clip((confidence * bins).astype(int), 0, bins - 1))


def _calibration_error(confidence: np.ndarray, right: np.ndarray, bootstrap: Bootstrap, bins: int) -> np.ndarray:
    excess = np.zeros((len(right), bins))
    excess[np.arange(len(right)), _bins(confidence, bins)] = right - confidence
    return np.asarray(np.abs(bootstrap.sums(excess)).sum(axis=1) / bootstrap.sums(np.ones(len(right))))


def _areas(positive: np.ndarray, given: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), area under the ROC curve of one genre against the rest; NaN where one side is empty.

    It is the share of pairs in which the track of the genre has the higher probability; ties count half.
    """
    order = np.argsort(given, kind="stable")
    ordered, hits = given[order], np.flatnonzero(positive[order])
    less = np.searchsorted(ordered, ordered[hits], side="left")
    at_most = np.searchsorted(ordered, ordered[hits], side="right")
    areas = []
    for drawn in bootstrap.weights():
        weights = drawn[:, order]
        of_genre = weights[:, hits].astype(np.float64)
        weights[:, hits] = 0
        rest = np.zeros((len(weights), len(order) + 1))
        np.cumsum(weights, axis=1, out=rest[:, 1:])
        wins = (of_genre * (rest[:, less] + rest[:, at_most])).sum(axis=1) / 2
        pairs = of_genre.sum(axis=1) * rest[:, -1]
        areas.append(np.divide(wins, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))
    return np.concatenate(areas)
