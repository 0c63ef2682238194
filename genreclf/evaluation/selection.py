"""Selection: choosing the best model at little cost, and the score of that choice, made inside the folds.

The score of the winner of a comparison is optimistic, as it was chosen on the tracks that it is scored on. Here each
outer fold's training part is all that its choice sees: the models are compared on folds made inside it, and the
outer fold is scored by the predictions of the model chosen there.

Choosing is a race. Models of many trees run with a quarter of them, and parameters are not searched. A model that the
first inner fold shows to be behind the best by more than a standard error of the difference is not fitted on the
others. A model of many trees that is as far behind over the first inner folds of all outer folds together does not
enter the comparison of full models.

Sources: Cawley and Talbot (2010), On Over-fitting in Model Selection and Subsequent Selection Bias in Performance
Evaluation; Jamieson and Talwalkar (2016), Non-stochastic Best Arm Identification and Hyperparameter Optimization.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.errors import RequestError
from genreclf.evaluation.fitting import Data, Fit, Fitted, fit_all
from genreclf.evaluation.folds import Fold, inner_folds
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife, count

if TYPE_CHECKING:
    from distributed import Client

    from genreclf.evaluation.plans import Plan
    from genreclf.models.entry import ModelSpec
    from genreclf.progress import Progress

INNER_FOLDS = 3
_STANDARD_ERRORS = 1.0

Outcomes = Sequence[tuple[Fit, Fitted]]


@dataclass(frozen=True, eq=False)
class Selection:
    """The choice of the best model inside every fold of a plan.

    Parameters
    ----------
    models : names of the models to choose from.
    chosen : the model chosen in each outer fold.
    behind : models of many trees that need not be fitted in full, as they are behind.
    """

    plan: Plan
    models: tuple[str, ...]
    chosen: tuple[str, ...]
    behind: tuple[str, ...]

    def needs(self, fit: Fit) -> bool:
        """Whether a fit makes the predictions of a chosen model for its outer fold."""
        first = fit.protocol == self.plan.protocol and not fit.repeat and not fit.step
        return first and self.chosen[fit.number - 1] == fit.model

    def macro_f1(self, outcomes: Outcomes, jackknife: Jackknife) -> Estimate:
        """The score of the chosen models' predictions.

        Parameters
        ----------
        outcomes : among them all fits that it `needs`.
        jackknife : over the groups of ``plan.tested``.
        """
        y_pred = np.zeros(len(jackknife.y), dtype=np.intp)
        for fit, fitted in outcomes:
            if self.needs(fit):
                y_pred[np.searchsorted(self.plan.tested, fit.fold.test)] = fitted.y_pred
        return jackknife.score(y_pred, macro_f1)

    def as_json(self, score: Estimate) -> dict[str, object]:
        """Plain values, for ``run.json``."""
        chosen = dict(Counter(self.chosen).most_common())
        names = {"models": list(self.models), "behind": list(self.behind)}
        return {**score.columns("macro_f1"), **names, "chosen": chosen, "inner_folds": INNER_FOLDS}


def select(
    plan: Plan,
    models: Sequence[ModelSpec],
    data: Data,
    *,
    seed: int,
    jobs: int | None,
    client: Client | None = None,
    progress: Progress,
) -> Selection:
    """Choose a model inside the training part of every fold of a plan.

    Parameters
    ----------
    models : those to choose from, without baselines.

    Raises
    ------
    RequestError : there is no model, or a training part has too few tracks for inner folds.
    """
    if not models:
        raise RequestError("no model to choose from")
    pool: dict[str, Any] = {"jobs": jobs, "client": client, "progress": progress}
    pairs = [_inner(fold, data, grouped=plan.grouped, seed=seed) for fold in plan.folds]
    candidates = [tuple(model.name for model in models) for _ in plan.folds]
    outcomes: list[tuple[Fit, Fitted]] = []
    behind: set[str] = set()
    for rounds in (slice(0, 1), slice(1, None)):
        fits = [
            Fit(
                plan.protocol,
                outer,
                model.lighter,
                fold,
                columns=np.arange(data.X.shape[1]),
                grouped=plan.grouped,
                step=("inner",),
                seed=seed,
            )
            for outer, (folds, names) in enumerate(zip(pairs, candidates, strict=True), start=1)
            for model in models
            if model.name in names and len(names) > 1
            for fold in folds[rounds]
        ]
        outcomes += zip(fits, fit_all(fits, data, **pool), strict=True) if fits else []
        if fits and not rounds.start:
            behind = _behind(outcomes, data)
            candidates = [
                tuple(name for name in names if name not in _behind(_of_fold(outcomes, outer), data))
                for outer, names in enumerate(candidates, start=1)
            ]
    chosen = tuple(_best(names, _of_fold(outcomes, k), data) for k, names in enumerate(candidates, start=1))
    names = tuple(model.name for model in models)
    return Selection(plan, names, chosen, tuple(model.name for model in models if model.light and model.name in behind))


def _inner(fold: Fold, data: Data, *, grouped: bool, seed: int) -> list[Fold]:
    train = fold.train
    artists = data.artists[train] if grouped and data.artists is not None else None
    made = inner_folds(data.y[train], data.recordings[train], artists, folds=INNER_FOLDS, seed=seed)
    return [Fold(train[inner.train], train[inner.test]) for inner in made.folds]


def _of_fold(outcomes: Outcomes, outer: int) -> list[tuple[Fit, Fitted]]:
    return [(fit, fitted) for fit, fitted in outcomes if fit.number == outer]


def _together(outcomes: Outcomes) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """For each model the tested rows of all its fits, and its predictions for them."""
    parts: dict[str, list[tuple[Fit, Fitted]]] = {}
    for fit, fitted in outcomes:
        parts.setdefault(fit.model, []).append((fit, fitted))
    return {
        name: (
            np.concatenate([fit.fold.test for fit, _ in found]),
            np.concatenate([fitted.y_pred for _, fitted in found]),
        )
        for name, found in parts.items()
    }


def _behind(outcomes: Outcomes, data: Data) -> set[str]:
    """The models that are behind the best by more than a standard error, all tested on the same rows."""
    tied = data.recordings if data.artists is None else data.artists
    scores = {
        name: Jackknife.over(data.y[rows], tied[rows], data.genres).score(y_pred, macro_f1)
        for name, (rows, y_pred) in _together(outcomes).items()
    }
    best = max(scores.values(), key=lambda score: score.value)
    gaps = {name: best - score for name, score in scores.items()}
    return {name for name, gap in gaps.items() if gap.value > _STANDARD_ERRORS * gap.standard_error}


def _best(names: tuple[str, ...], outcomes: Outcomes, data: Data) -> str:
    """The model with the highest macro-F1 over all inner folds together."""
    if len(names) == 1:
        return names[0]
    found = _together(outcomes)
    return max(names, key=lambda name: float(macro_f1(count(data.y[found[name][0]], found[name][1], data.genres))))
