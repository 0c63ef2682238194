"""Scores of probabilities: one-vs-rest ROC AUC, log loss, Brier score, top-2 and top-3 accuracy, calibration, AURC.

The probability of the genre that a model predicts is its confidence. A model is calibrated if, of the tracks with a
confidence of 70 %, it gets 70 in 100 right, see `genreclf.evaluation.calibration_error`; the area under the
risk-coverage curve (AURC) says how well confidence parts right from wrong, see `genreclf.evaluation.selective`.

Sources: Hand and Till (2001) for AUC with many classes (here each against the rest, macro average); DeLong, DeLong and
Clarke-Pearson (1988) for its variance; Brier (1950), Verification of forecasts expressed in terms of probability (the
original, multi-class form, from 0 to 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.calibration_error import calibration_error
from genreclf.evaluation.selective import area, risk_coverage
from genreclf.evaluation.uncertainty import Estimate, Jackknife

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison

RELIABILITY_BINS = 10


def score_probabilities(
    repeats: Sequence[np.ndarray], predictions: Sequence[np.ndarray], jackknife: Jackknife
) -> dict[str, float]:
    """Every score of one model's probabilities, each with ``_low`` and ``_high``; means over the repeats.

    Parameters
    ----------
    repeats : for each repeat (tracks, genres), rows that sum to one.
    predictions : for each repeat (tracks,), codes of the predicted genres, mostly the most probable ones.

    Returns
    -------
    ``roc_auc, log_loss, brier_score, top_2_accuracy, top_3_accuracy, calibration_error, aurc``; no accuracy of as many
    genres as there are.
    """
    y, genres = jackknife.y, jackknife.n_genres
    scores = {
        "roc_auc": [roc_auc(probabilities, jackknife) for probabilities in repeats],
        "log_loss": [jackknife.mean(log_loss(y, shares), (0.0, np.inf)) for shares in repeats],
        "brier_score": [jackknife.mean(brier(y, shares), (0.0, 2.0)) for shares in repeats],
    } | {
        f"top_{k}_accuracy": [jackknife.mean(within_top(y, shares, k)) for shares in repeats]
        for k in (2, 3)
        if k < genres
    }
    sure = [(p[np.arange(len(y)), y_pred], y_pred == y) for p, y_pred in zip(repeats, predictions, strict=True)]
    scores["aurc"] = [aurc(confidence, right, jackknife) for confidence, right in sure]
    found: dict[str, float] = {}
    for name, estimates in scores.items():
        found |= Estimate.mean(estimates).columns(name)
    errors = [calibration_error(confidence, right, jackknife.groups) for confidence, right in sure]
    names = ("calibration_error", "calibration_error_low", "calibration_error_high")
    return found | dict(zip(names, np.mean(errors, axis=0).tolist(), strict=True))


def roc_auc(probabilities: np.ndarray, jackknife: Jackknife) -> Estimate:
    """Area under the ROC curve of each genre against the rest, mean over the genres that have tracks.

    A track of the genre contributes the share of other tracks that have a lower probability, any other track the share
    of the genre's tracks that have a higher one; ties count half.
    """
    from scipy.stats import rankdata

    y = jackknife.y
    known = [k for k in range(jackknife.n_genres) if 0 < (y == k).sum() < len(y)]
    influence, areas = np.zeros(len(y)), []
    for k in known:
        given, positive = probabilities[:, k], y == k
        n, others = positive.sum(), (~positive).sum()
        ranks = rankdata(given)
        share = np.empty(len(y))
        share[positive] = (ranks[positive] - rankdata(given[positive])) / others
        share[~positive] = 1 - (ranks[~positive] - rankdata(given[~positive])) / n
        areas.append(share[positive].mean())
        influence += (share - areas[-1]) / np.where(positive, n, others) / len(known)
    value = float(np.mean(areas)) if areas else float("nan")
    return Estimate(value, jackknife.linear(influence), jackknife.factor)


def aurc(confidence: np.ndarray, right: np.ndarray, jackknife: Jackknife) -> Estimate:
    """Area under the risk-coverage curve; `confidence` and `right` are (tracks,)."""
    value, influence = area(confidence, right)
    return Estimate(value, jackknife.linear(influence), jackknife.factor)


def log_loss(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(tracks,), negative logarithm of the probability of the true genre."""
    return np.asarray(-np.log(np.maximum(probabilities[np.arange(len(y)), y], np.finfo(float).eps)))


def brier(y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """(tracks,), squared distance of the probabilities from 1 for the true genre and 0 for the others."""
    return np.asarray(((probabilities - np.eye(probabilities.shape[1])[y]) ** 2).sum(axis=1))


def within_top(y: np.ndarray, probabilities: np.ndarray, k: int) -> np.ndarray:
    """(tracks,), 1 where the true genre is among the `k` most probable; of equal ones the first count, else 0."""
    top = np.argsort(-probabilities, axis=1, kind="stable")[:, :k]
    return np.asarray((top == y[:, None]).any(axis=1).astype(float))


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
    """The bins that hold tracks, by confidence, and the expected calibration error over them.

    `risks` are the shares of errors among the 1, 2, ... most confident tracks.
    """

    bins: tuple[Bin, ...]
    error: float
    risks: tuple[float, ...]


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
    risks = tuple(risk_coverage(confidence, right)[1].tolist())
    return Reliability(tuple(bins), calibration_error(confidence, right, np.arange(len(right)))[0], risks)


def reliability_of(comparison: Comparison, model: str) -> Reliability | None:
    """The reliability of a model under the first protocol; None where its probabilities were not kept."""
    frame = comparison.probabilities
    if frame.empty:
        return None
    frame = frame[(frame["protocol"] == comparison.protocol) & (frame["model"] == model)]
    genres = [name for name in frame.columns if name not in ("protocol", "fold", "track_id", "model")]
    truth = comparison.predictions[comparison.predictions["protocol"] == comparison.protocol]
    # The probabilities' columns are named by the genres, and a genre may be called genre.
    names = {"genre": "\0truth", model: "\0prediction"}
    truth = truth[["fold", "track_id", *names]].rename(columns=names).astype({"track_id": "str"})
    joined = frame.astype({"track_id": "str"}).merge(truth, on=["fold", "track_id"]).dropna(how="all", subset=genres)
    if joined.empty:
        return None
    values = joined[genres].fillna(0.0).to_numpy(dtype=float)
    y_pred = joined["\0prediction"].astype(str).to_numpy(dtype=object)
    place = {genre: column for column, genre in enumerate(genres)}
    confidence = values[np.arange(len(values)), [place[genre] for genre in y_pred]]
    return reliability(confidence, y_pred == joined["\0truth"].astype(str).to_numpy(dtype=object))


def _bins(confidence: np.ndarray, bins: int) -> np.ndarray:
    return np.asarray(np.clip((confidence * bins).astype(int), 0, bins - 1))
