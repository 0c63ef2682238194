"""Scores of probabilities: ROC AUC one against the rest, log loss, expected calibration error.

Sources: Hand and Till (2001) for AUC with many classes (here each against the rest, macro average); Guo, Pleiss,
Sun and Weinberger (2017), On Calibration of Modern Neural Networks, for the calibration error in 15 bins.
"""

from __future__ import annotations

import numpy as np

from genreclf.evaluation.bootstrap import Bootstrap, interval

_BINS = 15


def score_probabilities(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> dict[str, float]:
    """``roc_auc, log_loss, calibration_error``, each with ``_low`` and ``_high``.

    Parameters
    ----------
    y : (tracks,), genre codes.
    probabilities : (tracks, genres), rows that sum to one.
    """
    one = Bootstrap(np.zeros(len(y), dtype=np.intp), np.ones((1, 1), dtype=np.float32))
    found: dict[str, float] = {}
    for name, formula in (("roc_auc", roc_auc), ("log_loss", log_loss), ("calibration_error", calibration_error)):
        low, high = interval(formula(y, probabilities, bootstrap))
        found |= {name: float(formula(y, probabilities, one)[0]), f"{name}_low": low, f"{name}_high": high}
    return found


def roc_auc(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), the chance that a track of a genre gets more for it than another track, mean over the genres.

    Genres without tracks in a draw, or with all of them, are left out of its mean.
    """
    genres = probabilities.shape[1]
    parts = [_areas(y == k, probabilities[:, k], bootstrap) for k in range(genres)]
    areas = np.stack(parts, axis=1)
    known = np.isfinite(areas)
    total = np.where(known, areas, 0.0).sum(axis=1)
    unknown = np.full(len(areas), np.nan)
    return np.asarray(np.divide(total, known.sum(axis=1), out=unknown, where=known.any(axis=1)))


def log_loss(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), mean of minus the logarithm of what the true genre got."""
    given = np.maximum(probabilities[np.arange(len(y)), y], np.finfo(float).eps)
    return np.asarray(bootstrap.sums(-np.log(given)) / bootstrap.sums(np.ones(len(y))))


def calibration_error(y: np.ndarray, probabilities: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), how far certainty is from accuracy, over 15 equal bins of certainty."""
    certainty = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    bins = np.minimum((certainty * _BINS).astype(int), _BINS - 1)
    excess = np.zeros((len(y), _BINS))
    excess[np.arange(len(y)), bins] = right - certainty
    return np.asarray(np.abs(bootstrap.sums(excess)).sum(axis=1) / bootstrap.sums(np.ones(len(y))))


def _areas(positive: np.ndarray, given: np.ndarray, bootstrap: Bootstrap) -> np.ndarray:
    """(draws,), area under the curve of one genre against the rest; not a number where one side is empty.

    A track of the genre wins over the others with less, and wins half over those with as much.
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
