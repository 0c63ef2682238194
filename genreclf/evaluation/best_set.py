"""Which models may be the best: a set that holds every best model in 95 of 100 comparisons.

The best of several scores is partly the best by chance, so tests against it that do not know that it was picked find
differences where there are none. Here all pairs are tested at once: while the largest studentised difference
exceeds what differences without any cause reach in 95 of 100 draws, the worst model is left out. Draws are from
the normal distribution with the covariance of the differences over artists, studentised with their degrees of
freedom.

Source: Hansen, Lunde and Nason (2011), The Model Confidence Set (range statistic).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from genreclf.evaluation.uncertainty import LEVEL, Estimate, degrees_of_freedom


@dataclass(frozen=True, eq=False)
class BestSet:
    """The models that may be the best.

    Parameters
    ----------
    p_values : (models,), of the hypothesis that the model is among the best; 1 for the last that remains.
    members : (models,), whether it may be the best: its p-value is at least the level.
    """

    p_values: np.ndarray
    members: np.ndarray


def best_set(scores: Sequence[Sequence[Estimate]], *, draws: int = 1000, seed: int = 42) -> BestSet:
    """Find the models that may be the best.

    Parameters
    ----------
    scores : for each model its score in each repeat, higher is better. A model may have fewer repeats than another;
        two models are compared on the repeats that both have.
    draws : p-values are no smaller than 1 / (draws + 1).
    """
    models = len(scores)
    p_values = np.ones(models)
    if models > 1:
        t, drawn, first, second = _statistics(scores, draws, seed)
        live, p_value = np.ones(models, dtype=bool), 0.0
        while live.sum() > 1:
            pairs = live[first] & live[second]
            exceeded = int((drawn[:, pairs].max(axis=1) >= np.abs(t[pairs]).max()).sum())
            p_value = max(p_value, (1 + exceeded) / (1 + draws))
            worst = _worst(t, first, second, live)
            p_values[worst] = p_value
            live[worst] = False
    return BestSet(p_values, p_values >= LEVEL)


def _statistics(
    scores: Sequence[Sequence[Estimate]], draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(pairs,) studentised differences; (draws, pairs) absolute ones without any cause; the pairs."""
    pairs = [(i, j) for i in range(len(scores)) for j in range(i + 1, len(scores))]
    differences = [
        Estimate.mean([one - other for one, other in zip(scores[i], scores[j], strict=False)]) for i, j in pairs
    ]
    deviations = np.array([difference.standard_error for difference in differences])
    known = deviations > 1e-12
    values = np.array([difference.value for difference in differences])
    t = np.divide(values, deviations, out=np.zeros_like(values), where=known)
    parts = np.stack([difference.contributions for difference in differences], axis=1)[:, known]
    parts /= np.sqrt((parts**2).sum(axis=0))
    rng = np.random.default_rng(seed)
    eigenvalues, vectors = np.linalg.eigh(parts.T @ parts)
    drawn = np.zeros((draws, len(pairs)))
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    drawn[:, known] = np.abs(rng.normal(size=(draws, parts.shape[1])) @ root.T)
    if known.any():
        df = 1 / np.mean(1 / degrees_of_freedom(parts))
        drawn /= np.sqrt(rng.chisquare(df, size=(draws, 1)) / df)
    first, second = np.array(pairs).T
    return t, drawn, first, second


def _worst(t: np.ndarray, first: np.ndarray, second: np.ndarray, live: np.ndarray) -> int:
    """The model that falls furthest behind any other."""
    behind = np.full(len(live), np.inf)
    pairs = live[first] & live[second]
    np.minimum.at(behind, first[pairs], t[pairs])
    np.minimum.at(behind, second[pairs], -t[pairs])
    return int(np.where(live, behind, np.inf).argmin())
