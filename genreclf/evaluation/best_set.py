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

from genreclf.evaluation.uncertainty import TRAINING_FACTOR, degrees_of_freedom

LEVEL = 0.05


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


def best_set(
    scores: Sequence[np.ndarray],
    contributions: Sequence[np.ndarray],
    *,
    factor: float = TRAINING_FACTOR,
    level: float = LEVEL,
    draws: int = 2000,
    seed: int = 42,
) -> BestSet:
    """Find the models that may be the best.

    Parameters
    ----------
    scores : for each model (repeats,), higher is better. A model may have fewer repeats than another; two models are
        compared on the repeats that both have.
    contributions : for each model (repeats, groups), see `genreclf.evaluation.uncertainty.Jackknife`.
    factor : of the standard errors, see `genreclf.evaluation.uncertainty`.
    """
    models = len(scores)
    p_values = np.ones(models)
    if models > 1:
        t, drawn, first, second = _statistics(scores, contributions, factor, draws, seed)
        live, p_value = np.ones(models, dtype=bool), 0.0
        while live.sum() > 1:
            pairs = live[first] & live[second]
            exceeded = int((drawn[:, pairs].max(axis=1) >= np.abs(t[pairs]).max()).sum())
            p_value = max(p_value, (1 + exceeded) / (1 + draws))
            worst = _worst(t, first, second, live)
            p_values[worst] = p_value
            live[worst] = False
    return BestSet(p_values, p_values >= level)


def _statistics(
    scores: Sequence[np.ndarray], contributions: Sequence[np.ndarray], factor: float, draws: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(pairs,) studentised differences; (draws, pairs) absolute ones without any cause; the pairs."""
    pairs = [(i, j, min(len(scores[i]), len(scores[j]))) for i in range(len(scores)) for j in range(i + 1, len(scores))]
    first, second = np.array([(i, j) for i, j, _ in pairs]).T
    differences = np.array([(scores[i][:n] - scores[j][:n]).mean() for i, j, n in pairs])
    parts = np.stack([(contributions[i][:n] - contributions[j][:n]).mean(axis=0) for i, j, n in pairs], axis=1)
    deviations = np.sqrt((parts**2).sum(axis=0))
    known = deviations > 1e-12
    scaled = np.divide(parts, deviations, out=np.zeros_like(parts), where=known)
    t = np.divide(differences, factor * deviations, out=np.zeros_like(differences), where=known)
    df = 1 / np.mean(1 / degrees_of_freedom(parts[:, known])) if known.any() else np.inf
    rng = np.random.default_rng(seed)
    values, vectors = np.linalg.eigh(scaled.T @ scaled)
    root = vectors * np.sqrt(np.maximum(values, 0))
    drawn = np.abs(rng.normal(size=(draws, len(pairs))) @ root.T)
    if np.isfinite(df):
        drawn /= np.sqrt(rng.chisquare(df, size=(draws, 1)) / df)
    return t, drawn, first, second


def _worst(t: np.ndarray, first: np.ndarray, second: np.ndarray, live: np.ndarray) -> int:
    """The model that falls furthest behind any other."""
    behind = np.full(len(live), np.inf)
    pairs = live[first] & live[second]
    np.minimum.at(behind, first[pairs], t[pairs])
    np.minimum.at(behind, second[pairs], -t[pairs])
    return int(np.where(live, behind, np.inf).argmin())
