"""Learning curve: how a score grows with the artists trained on, and what more of them would bring.

An inverse power law, score(n) = limit - loss * n ** -rate, is fitted to scores of several training sizes. Rates from
0.25 to 1 are tried, those between a hard and an easy learning problem; for each the other two are linear least
squares. The same tracks are tested at every size, so the scores err together: the fit is repeated on draws with
their covariance over artists, which gives the curve's interval.

Sources: Cortes, Jackel, Solla, Vapnik and Denker (1993), Learning Curves: Asymptotic Values and Rate of Convergence;
Figueroa, Zeng-Treitler, Kandula and Ngo (2012), Predicting sample size required for classification performance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.fitting import Fit, Fitted
from genreclf.evaluation.folds import Fold
from genreclf.evaluation.predictions import Predictions, gather
from genreclf.evaluation.uncertainty import Estimate

if TYPE_CHECKING:
    from genreclf.evaluation.plans import Plan
    from genreclf.models.entry import ModelSpec

SHARES = (0.125, 0.25, 0.5, 0.75, 1.0)
REPEATS = 3
_STEP = "learning curve"
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
    draws: int = 1000,
    seed: int = 42,
) -> LearningCurve:
    """Fit a learning curve.

    Parameters
    ----------
    sizes : (sizes,), at least three different training sizes.
    scores : (sizes,), mean over the repeats.
    contributions : (sizes, groups), the `deviations` of `genreclf.evaluation.uncertainty.Estimate`.
    spread : (sizes,), standard errors of the means over repeats, each with its own training artists; None for none.

    Raises
    ------
    ValueError : fewer than three sizes.
    """
    if len(np.unique(sizes)) < 3:
        raise ValueError(f"{len(np.unique(sizes))} training sizes make no curve; give at least 3")
    own = np.zeros(len(sizes)) if spread is None else spread
    covariance = contributions @ contributions.T + np.diag(own**2)
    values, vectors = np.linalg.eigh(covariance)
    noise = np.random.default_rng(seed).normal(size=(draws, len(sizes)))
    drawn = scores + noise @ (vectors * np.sqrt(np.maximum(values, 0))).T
    limit, loss, rate = _fit(sizes, scores[None])[0]
    return LearningCurve(float(limit), float(loss), float(rate), _fit(sizes, drawn))


def learning_curve_fits(
    plan: Plan, models: Sequence[ModelSpec], y: np.ndarray, groups: np.ndarray, *, features: int, seed: int
) -> list[Fit]:
    """The fits on parts of the training artists, for each model, share, fold and repeat.

    Parameters
    ----------
    y, groups : (rows,), genre codes and what is left out together, of all rows of the table.
    features : number of features.
    """
    found = []
    for repeat in range(REPEATS):
        folds = plan.repeats[repeat % len(plan.repeats)]
        for number, fold in enumerate(folds, start=1):
            order = _in_drawn_order(fold.train, y, groups, np.random.default_rng([seed, repeat, number]))
            for share in SHARES:
                part = Fold(np.sort(order[: max(1, round(share * len(order)))]), fold.test)
                if len(np.unique(y[part.train])) < 2:
                    continue
                found += [
                    Fit(
                        plan.protocol,
                        number,
                        model,
                        part,
                        np.arange(features),
                        grouped=plan.grouped,
                        step=(_STEP, f"{share:g}", str(repeat)),
                        seed=seed,
                    )
                    for model in models
                    if not model.baseline
                ]
    return found


def learning_curve_rows(
    predictions: Predictions, outcomes: Sequence[tuple[Fit, Fitted]], groups: np.ndarray, *, seed: int
) -> list[dict[str, Any]]:
    """Rows of the table ``learning_curve``: for each model its scores by size, then what twice the artists would bring.

    Shares at which a fold would not train on two genres are left out; so are models with fewer than three sizes.
    """
    steps = sorted({fit.step for fit, _ in outcomes if fit.step[:1] == (_STEP,)})
    scores: dict[str, dict[str, list[Estimate]]] = {}
    sizes: dict[str, list[tuple[int, int]]] = {}
    for step in steps:
        parts = [(fit, fitted) for fit, fitted in outcomes if fit.step == step]
        folds = predictions.plan.repeats[int(step[2]) % len(predictions.plan.repeats)]
        if len({fit.number for fit, _ in parts}) < len(folds):
            continue
        plan = replace(predictions.plan, repeats=(folds,))
        jackknife = predictions.jackknife
        found = gather(plan, predictions.genres, parts, jackknife, draws=predictions.draws, seed=predictions.seed)
        for model, estimate in found.macro_f1.items():
            scores.setdefault(model, {}).setdefault(step[1], []).append(estimate)
        sizes.setdefault(step[1], []).extend(
            (len(np.unique(groups[fit.fold.train])), len(fit.fold.train)) for fit, _ in parts
        )
    rows = []
    for model in (name for name in predictions.ranked if len(scores.get(name, {})) >= 3):
        rows += _rows_of_model(predictions.protocol, model, scores[model], sizes, seed)
    return rows


def _rows_of_model(
    protocol: str,
    model: str,
    scores: dict[str, list[Estimate]],
    sizes: dict[str, list[tuple[int, int]]],
    seed: int,
) -> list[dict[str, Any]]:
    shares = sorted(scores, key=float)
    means = [Estimate.mean(scores[share]) for share in shares]
    counts = np.array([np.mean(sizes[share], axis=0) for share in shares])
    rows: list[dict[str, Any]] = [
        {"protocol": protocol, "model": model, "artists": float(n), "tracks": float(tracks), "extrapolated": False}
        | estimate.columns("macro_f1")
        for (n, tracks), estimate in zip(counts, means, strict=True)
    ]
    curve = fit_learning_curve(
        counts[:, 0],
        np.array([mean.value for mean in means]),
        np.stack([mean.deviations for mean in means]),
        spread=np.array([np.std([e.value for e in scores[s]], ddof=1) / len(scores[s]) ** 0.5 for s in shares]),
        seed=seed,
    )
    last, twice = float(counts[-1, 0]), 2 * float(counts[-1, 0])
    low, high = curve.interval(twice)
    gain, gain_low, gain_high = curve.gain(last, twice)
    row = {"protocol": protocol, "model": model, "artists": twice, "tracks": 2 * float(counts[-1, 1])}
    row |= {"extrapolated": True, "macro_f1": curve(twice), "macro_f1_low": low, "macro_f1_high": high}
    return [*rows, row | {"gain": gain, "gain_low": gain_low, "gain_high": gain_high}]


def _in_drawn_order(train: np.ndarray, y: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The training rows artist by artist, in an order in which every part holds the genres in about their shares."""
    codes, first, of_row = np.unique(groups[train], return_index=True, return_inverse=True)
    genre, drawn = y[train][first], rng.random(len(codes))
    place = np.empty(len(codes))
    for k in np.unique(genre):
        here = np.flatnonzero(genre == k)
        place[here[np.argsort(drawn[here])]] = (np.arange(len(here)) + 0.5) / len(here)
    return np.asarray(train[np.lexsort((drawn[of_row], place[of_row]))])


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
