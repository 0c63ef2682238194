"""Scores of predictions: macro-F1 first, then the usual others, each with its interval.

All lie between 0 and 1 and are computed from confusion matrices: ``confusion[..., i, j]`` counts the tracks of genre i
that were predicted as j. As in scikit-learn, 0 / 0 counts as 0, and macro averages run over the genres that are true
or predicted for some track. The tracks of all folds are counted together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genreclf.evaluation.bootstrap import Bootstrap, Estimate


def confusion_counts(y: np.ndarray, y_pred: np.ndarray, genres: int) -> np.ndarray:
    """(genres, genres), counts of true (row) and predicted (column) genre codes."""
    return np.bincount(y * genres + y_pred, minlength=genres * genres).reshape(genres, genres).astype(float)


def drawn_confusions(bootstrap: Bootstrap, y: np.ndarray, y_pred: np.ndarray, genres: int) -> np.ndarray:
    """(draws, genres, genres), the confusion counts of each draw."""
    return bootstrap.cells(y * genres + y_pred, genres * genres).reshape(-1, genres, genres)


def f1_by_genre(confusion: np.ndarray) -> np.ndarray:
    """(..., genres), harmonic mean of precision and recall."""
    return _ratio(2 * _hits(confusion), confusion.sum(axis=-1) + confusion.sum(axis=-2))


def precision_by_genre(confusion: np.ndarray) -> np.ndarray:
    """(..., genres), the share of the tracks predicted as a genre that belong to it."""
    return _ratio(_hits(confusion), confusion.sum(axis=-2))


def recall_by_genre(confusion: np.ndarray) -> np.ndarray:
    """(..., genres), the share of a genre's tracks that were predicted as such."""
    return _ratio(_hits(confusion), confusion.sum(axis=-1))


def macro_f1(confusion: np.ndarray) -> np.ndarray:
    """(...), mean of `f1_by_genre`."""
    return _macro(f1_by_genre(confusion), confusion)


def macro_precision(confusion: np.ndarray) -> np.ndarray:
    """(...), mean of `precision_by_genre`."""
    return _macro(precision_by_genre(confusion), confusion)


def macro_recall(confusion: np.ndarray) -> np.ndarray:
    """(...), mean of `recall_by_genre`."""
    return _macro(recall_by_genre(confusion), confusion)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """(...), the share of the tracks whose genre was predicted correctly."""
    return _ratio(_hits(confusion).sum(axis=-1), confusion.sum(axis=(-1, -2)))


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """(...), mean recall of the genres that have tracks."""
    tested = confusion.sum(axis=-1) > 0
    return _ratio((recall_by_genre(confusion) * tested).sum(axis=-1), tested.sum(axis=-1))


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_precision": macro_precision,
    "macro_recall": macro_recall,
}


def macro_f1_estimate(y: np.ndarray, y_pred: np.ndarray, genres: int, bootstrap: Bootstrap) -> Estimate:
    """Macro-F1 of some predictions, and on each draw."""
    whole, drawn = confusion_counts(y, y_pred, genres), drawn_confusions(bootstrap, y, y_pred, genres)
    return Estimate(float(macro_f1(whole)), macro_f1(drawn))


def score(y: np.ndarray, y_pred: np.ndarray, genres: int, bootstrap: Bootstrap) -> dict[str, float]:
    """Every score of one model with its interval: ``macro_f1, macro_f1_low, macro_f1_high, accuracy, ...``.

    Parameters
    ----------
    y, y_pred : (tracks,), codes of the true and of the predicted genres.
    """
    whole, drawn = confusion_counts(y, y_pred, genres), drawn_confusions(bootstrap, y, y_pred, genres)
    found: dict[str, float] = {}
    for name, formula in SCORES.items():
        found |= Estimate(float(formula(whole)), formula(drawn)).columns(name)
    return found


def score_genres(
    y: np.ndarray, y_pred: np.ndarray, genres: tuple[str, ...], bootstrap: Bootstrap
) -> list[dict[str, object]]:
    """One row for each genre: ``genre, support, precision, recall, f1, f1_low, f1_high``."""
    whole = confusion_counts(y, y_pred, len(genres))
    drawn = f1_by_genre(drawn_confusions(bootstrap, y, y_pred, len(genres)))
    precision, recall, f1 = precision_by_genre(whole), recall_by_genre(whole), f1_by_genre(whole)
    return [
        {
            "genre": genre,
            "support": int(whole[k].sum()),
            "precision": float(precision[k]),
            "recall": float(recall[k]),
            **Estimate(float(f1[k]), drawn[:, k]).columns("f1"),
        }
        for k, genre in enumerate(genres)
    ]


def _hits(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    zeros = np.zeros(np.broadcast(part, whole).shape)
    return np.asarray(np.divide(part, whole, out=zeros, where=whole > 0))


def _macro(by_genre: np.ndarray, confusion: np.ndarray) -> np.ndarray:
    """Mean over the genres that were true or predicted for some track; the others have 0 in `by_genre`."""
    there = (confusion.sum(axis=-1) + confusion.sum(axis=-2)) > 0
    return _ratio(by_genre.sum(axis=-1), there.sum(axis=-1))
