"""Scores: macro-F1 first, then the usual others, each with its interval.

All are shares from 0 to 1 and are computed from confusion counts, ``confusion[..., i, j]`` being the tracks of
genre i that were called j. As in scikit-learn, a ratio of nought by nought counts as 0, and the macro average
runs over the genres that were true or predicted for some track. Tracks of all folds are counted together.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genreclf.evaluation.bootstrap import Bootstrap, interval


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
    """(..., genres), the share of the tracks called a genre that are of it."""
    return _ratio(_hits(confusion), confusion.sum(axis=-2))


def recall_by_genre(confusion: np.ndarray) -> np.ndarray:
    """(..., genres), the share of the tracks of a genre that were called it."""
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
    """(...), the share of the tracks that were called what they are."""
    return _ratio(_hits(confusion).sum(axis=-1), confusion.sum(axis=(-1, -2)))


def balanced_accuracy(confusion: np.ndarray) -> np.ndarray:
    """(...), mean recall of the genres that were asked for."""
    asked = confusion.sum(axis=-1) > 0
    return _ratio((recall_by_genre(confusion) * asked).sum(axis=-1), asked.sum(axis=-1))


SCORES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "macro_f1": macro_f1,
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_precision": macro_precision,
    "macro_recall": macro_recall,
}


def score(y: np.ndarray, y_pred: np.ndarray, genres: int, bootstrap: Bootstrap) -> dict[str, float]:
    """Every score of one model with its interval: ``macro_f1, macro_f1_low, macro_f1_high, accuracy, ...``.

    Parameters
    ----------
    y, y_pred : (tracks,), codes of the true and of the predicted genres.
    """
    whole = confusion_counts(y, y_pred, genres)
    drawn = drawn_confusions(bootstrap, y, y_pred, genres)
    found: dict[str, float] = {}
    for name, formula in SCORES.items():
        low, high = interval(formula(drawn))
        found |= {name: float(formula(whole)), f"{name}_low": low, f"{name}_high": high}
    return found


def score_genres(
    y: np.ndarray, y_pred: np.ndarray, genres: tuple[str, ...], bootstrap: Bootstrap
) -> list[dict[str, object]]:
    """One row a genre: ``genre, support, precision, recall, f1, f1_low, f1_high``."""
    whole = confusion_counts(y, y_pred, len(genres))
    drawn = f1_by_genre(drawn_confusions(bootstrap, y, y_pred, len(genres)))
    rows: list[dict[str, object]] = []
    for k, genre in enumerate(genres):
        low, high = interval(drawn[:, k])
        rows.append(
            {
                "genre": genre,
                "support": int(whole[k].sum()),
                "precision": float(precision_by_genre(whole)[k]),
                "recall": float(recall_by_genre(whole)[k]),
                "f1": float(f1_by_genre(whole)[k]),
                "f1_low": low,
                "f1_high": high,
            }
        )
    return rows


def _hits(confusion: np.ndarray) -> np.ndarray:
    return np.diagonal(confusion, axis1=-2, axis2=-1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    zeros = np.zeros(np.broadcast(part, whole).shape)
    return np.asarray(np.divide(part, whole, out=zeros, where=whole > 0))


def _macro(by_genre: np.ndarray, confusion: np.ndarray) -> np.ndarray:
    """Mean over the genres that were true or predicted for some track; the others have 0 in `by_genre`."""
    there = (confusion.sum(axis=-1) + confusion.sum(axis=-2)) > 0
    return _ratio(by_genre.sum(axis=-1), there.sum(axis=-1))
