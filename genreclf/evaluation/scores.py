"""Scores of predictions: macro-F1 first, then the usual others, each with its interval.

All but Matthews correlation lie between 0 and 1, and all are computed from the numbers of correctly predicted, true
and predicted tracks of each genre. As in scikit-learn, 0 / 0 counts as 0, and macro averages run over the genres that
are true or predicted for some track. The tracks of all folds are counted together.

Source of Matthews correlation with many classes: Gorodkin (2004), Comparing two K-category assignments by a
K-category correlation coefficient.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from genreclf.evaluation.uncertainty import Counts, Estimate, Jackknife, count


def f1_by_genre(counts: Counts) -> np.ndarray:
    """(..., genres), harmonic mean of precision and recall."""
    return _ratio(2 * counts.hits, counts.true + counts.predicted)


def precision_by_genre(counts: Counts) -> np.ndarray:
    """(..., genres), the share of the tracks predicted as a genre that belong to it."""
    return _ratio(counts.hits, counts.predicted)


def recall_by_genre(counts: Counts) -> np.ndarray:
    """(..., genres), the share of a genre's tracks that were predicted as such."""
    return _ratio(counts.hits, counts.true)


def macro_f1(counts: Counts) -> np.ndarray:
    """(...), mean of `f1_by_genre`."""
    return _macro(f1_by_genre(counts), counts)


def macro_precision(counts: Counts) -> np.ndarray:
    """(...), mean of `precision_by_genre`."""
    return _macro(precision_by_genre(counts), counts)


def macro_recall(counts: Counts) -> np.ndarray:
    """(...), mean of `recall_by_genre`."""
    return _macro(recall_by_genre(counts), counts)


def accuracy(counts: Counts) -> np.ndarray:
    """(...), the share of the tracks whose genre was predicted correctly."""
    return _ratio(counts.hits.sum(axis=-1), counts.true.sum(axis=-1))


def balanced_accuracy(counts: Counts) -> np.ndarray:
    """(...), mean recall of the genres that have tracks."""
    tested = counts.true > 0
    return _ratio((recall_by_genre(counts) * tested).sum(axis=-1), tested.sum(axis=-1))


def matthews_correlation(counts: Counts) -> np.ndarray:
    """(...), correlation of true and predicted genres, from -1 to 1."""
    tracks = counts.true.sum(axis=-1)
    covariance = counts.hits.sum(axis=-1) * tracks - (counts.true * counts.predicted).sum(axis=-1)
    true, predicted = (tracks**2 - (part**2).sum(axis=-1) for part in (counts.true, counts.predicted))
    return _ratio(covariance, np.sqrt(np.maximum(true * predicted, 0)))


SCORES: dict[str, Callable[[Counts], np.ndarray]] = {
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_precision": macro_precision,
    "macro_recall": macro_recall,
    "matthews_correlation": matthews_correlation,
}


def score(predictions: Sequence[np.ndarray], jackknife: Jackknife) -> dict[str, float]:
    """Every score of one model with its interval: ``macro_f1, macro_f1_low, macro_f1_high, accuracy, ...``.

    Parameters
    ----------
    predictions : for each repeat (tracks,), codes of the predicted genres; scores are means over the repeats.
    """

    def every(counts: Counts) -> np.ndarray:
        return np.stack([formula(counts) for formula in SCORES.values()], axis=-1)

    found: dict[str, float] = {}
    for name, estimates in zip(
        SCORES, zip(*(jackknife.scores(y_pred, every) for y_pred in predictions), strict=True), strict=True
    ):
        bounds = (-1.0, 1.0) if name == "matthews_correlation" else (0.0, 1.0)
        found |= replace(Estimate.mean(estimates), bounds=bounds).columns(name)
    return found


def score_genres(
    predictions: Sequence[np.ndarray], genres: tuple[str, ...], jackknife: Jackknife
) -> list[dict[str, object]]:
    """One row for each genre: ``genre, support, precision, recall, f1, f1_low, f1_high``; means over the repeats."""
    repeats = [count(jackknife.y, y_pred, len(genres)) for y_pred in predictions]
    precision = np.mean([precision_by_genre(counts) for counts in repeats], axis=0)
    recall = np.mean([recall_by_genre(counts) for counts in repeats], axis=0)
    f1 = zip(*(jackknife.scores(y_pred, f1_by_genre) for y_pred in predictions), strict=True)
    return [
        {
            "genre": genre,
            "support": int(repeats[0].true[k]),
            "precision": float(precision[k]),
            "recall": float(recall[k]),
            **Estimate.mean(estimates).columns("f1"),
        }
        for k, (genre, estimates) in enumerate(zip(genres, f1, strict=True))
    ]


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    zeros = np.zeros(np.broadcast(part, whole).shape)
    return np.asarray(np.divide(part, whole, out=zeros, where=whole > 0))


def _macro(by_genre: np.ndarray, counts: Counts) -> np.ndarray:
    """Mean over the genres that were true or predicted for some track; the others have 0 in `by_genre`."""
    there = (counts.true + counts.predicted) > 0
    return _ratio(by_genre.sum(axis=-1), there.sum(axis=-1))
