"""Which models may be the best: a set that holds every best model in 95 of 100 comparisons.

The best of several scores is partly the best by chance, so tests against it that do not know that it was picked find
differences where there are none. Here each model is compared with the mean of the others, all at once: while the
largest studentised difference, in either direction, exceeds what equal models reach in 95 of 100 draws, the model
furthest behind is left out. Draws are from the normal distribution with the covariance of the differences over
artists, studentised with their degrees of freedom.

Of equal models this errs as seldom as the largest difference of any pair, and it finds a model that is ahead or
behind more often: the mean of several scores varies less than a single one, and there are fewer differences to allow
for. ``benchmarks/intervals.py`` measures both.

Source: Hansen, Lunde and Nason (2011), The Model Confidence Set (section 3.1.2, statistic of the deviations from the
mean, here two-sided).
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
    p_values, p_value = np.ones(len(scores)), 0.0
    values, contributions = _differences(scores)
    rng = np.random.default_rng(seed)
    live = list(range(len(scores)))
    while len(live) > 1:
        others = np.ix_(live, live)
        ahead = values[others].sum(axis=1) / (len(live) - 1)
        t, drawn = _studentised(ahead, contributions[others].sum(axis=1).T / (len(live) - 1), draws, rng)
        p_value = max(p_value, (1 + int((drawn >= np.abs(t).max()).sum())) / (1 + draws))
        p_values[live.pop(int(t.argmin()))] = p_value
    return BestSet(p_values, p_values >= LEVEL)


def _differences(scores: Sequence[Sequence[Estimate]]) -> tuple[np.ndarray, np.ndarray]:
    """(models, models), by how much each is ahead of each, and (models, models, groups), deviations of it."""
    models = len(scores)
    values = np.zeros((models, models))
    contributions = np.zeros((models, models, len(scores[0][0].contributions)))
    for i in range(models):
        for j in range(i):
            both = zip(scores[i], scores[j], strict=False)
            difference = Estimate.mean([one - other for one, other in both])
            values[i, j], values[j, i] = difference.value, -difference.value
            contributions[i, j] = difference.deviations
            contributions[j, i] = -contributions[i, j]
    return values, contributions


def _studentised(
    values: np.ndarray, contributions: np.ndarray, draws: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(values,) over their standard errors, and (draws,) the largest absolute one of values that are 0 in truth.

    `contributions` is (groups, values). A value that no group moves is 0 in both.
    """
    errors = np.sqrt((contributions**2).sum(axis=0))
    known = errors > 1e-12
    t = np.divide(values, errors, out=np.zeros_like(values), where=known)
    if not known.any():
        return t, np.zeros(draws)
    parts = contributions[:, known] / errors[known]
    eigenvalues, vectors = np.linalg.eigh(parts.T @ parts)
    root = vectors * np.sqrt(np.maximum(eigenvalues, 0))
    df = 1 / np.mean(1 / degrees_of_freedom(parts))
    drawn = rng.normal(size=(draws, parts.shape[1])) @ root.T / np.sqrt(rng.chisquare(df, size=(draws, 1)) / df)
    return t, np.abs(drawn).max(axis=1)
