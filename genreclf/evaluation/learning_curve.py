"""Learning curve: how a score grows with the artists trained on, and what more of them would bring.

An inverse power law, score(n) = limit - loss * n ** -rate, is fitted to scores of several training sizes. Rates from
0.25 to 1 are tried, those between a hard and an easy learning problem; for each the other two are linear least
squares. The same tracks are tested at every size, so the scores err together: the fit is repeated on draws with
their covariance over artists, which gives the curve's interval.

Sources: Cortes, Jackel, Solla, Vapnik and Denker (1993), Learning Curves: Asymptotic Values and Rate of Convergence;
Figueroa, Zeng-Treitler, Kandula and Ngo (2012), Predicting sample size required for classification performance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genreclf.evaluation.uncertainty import TRAINING_FACTOR

_RATES = np.linspace(0.25, 1.0, 16)


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """A fitted curve.

    Parameters
    ----------
    limit, loss, rate : the curve's parameters.
    drawn : (draws, 3), those of each draw.
    """

    limit: float
    loss: float
    rate: float
    drawn: np.ndarray

    def __call__(self, n: float) -> float:
        """The score of training on `n` artists (or tracks, whichever the sizes were)."""
        return float(_curve(np.array([[self.limit, self.loss, self.rate]]), n)[0])

    def interval(self, n: float, level: float = 0.95) -> tuple[float, float]:
        """The percentile interval of the score at `n`."""
        low, high = np.quantile(_curve(self.drawn, n), [(1 - level) / 2, (1 + level) / 2])
        return float(low), float(high)

    def gain(self, start: float, end: float, level: float = 0.95) -> tuple[float, float, float]:
        """What growing from `start` to `end` brings: the difference and its interval."""
        drawn = _curve(self.drawn, end) - _curve(self.drawn, start)
        low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
        return self(end) - self(start), float(low), float(high)


def fit_learning_curve(
    sizes: np.ndarray,
    scores: np.ndarray,
    contributions: np.ndarray,
    *,
    spread: np.ndarray | None = None,
    factor: float = TRAINING_FACTOR,
    draws: int = 1000,
    seed: int = 42,
) -> LearningCurve:
    """Fit a learning curve.

    Parameters
    ----------
    sizes : (sizes,), at least three different training sizes.
    scores : (sizes,), mean over the repeats.
    contributions : (sizes, groups), see `genreclf.evaluation.uncertainty.Jackknife`.
    spread : (sizes,), standard errors of the means over repeats, each with its own training artists; None for none.

    Raises
    ------
    ValueError : fewer than three sizes.
    """
    if len(np.unique(sizes)) < 3:
        raise ValueError(f"{len(np.unique(sizes))} training sizes make no curve; give at least 3")
    own = np.zeros(len(sizes)) if spread is None else spread
    covariance = factor**2 * contributions @ contributions.T + np.diag(own**2)
    values, vectors = np.linalg.eigh(covariance)
    noise = np.random.default_rng(seed).normal(size=(draws, len(sizes)))
    drawn = scores + noise @ (vectors * np.sqrt(np.maximum(values, 0))).T
    limit, loss, rate = _fit(sizes, scores[None])[0]
    return LearningCurve(float(limit), float(loss), float(rate), _fit(sizes, drawn))


def _fit(sizes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(draws, 3), limit, loss and rate of least squares for each row of scores; a loss is never negative."""
    best = np.full(len(scores), np.inf)
    found = np.empty((len(scores), 3))
    for rate in _RATES:
        x = sizes.astype(float) ** -rate
        centred = x - x.mean()
        loss = np.maximum(-(scores @ centred) / (centred @ centred), 0.0)
        limit = scores.mean(axis=1) + loss * x.mean()
        errors = ((scores - limit[:, None] + loss[:, None] * x) ** 2).sum(axis=1)
        better = errors < best - 1e-15
        best[better] = errors[better]
        found[better] = np.stack([limit, loss, np.full(len(scores), rate)], axis=1)[better]
    return found


def _curve(parameters: np.ndarray, n: float) -> np.ndarray:
    """(draws,), scores at a size, from 0 to 1."""
    limit, loss, rate = parameters.T
    return np.asarray(np.clip(limit - loss * n**-rate, 0.0, 1.0))
