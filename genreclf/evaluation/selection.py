"""Selection: the score of choosing the best model, with the choice made inside the folds.

The score of the winner of a comparison is optimistic, as it was chosen on the tracks that it is scored on. Here each
outer fold's training part is all that its choice sees: the models are compared on folds made inside it, and the
outer fold is scored by the predictions of the model chosen there. A model that the first inner fold shows to be worse
than the best (by more than two standard errors of the difference) is not fitted on the others, and parameters
are not searched inside, so that the choice costs less than the comparison itself.

Source: Cawley and Talbot (2010), On Over-fitting in Model Selection and Subsequent Selection Bias in Performance
Evaluation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError
from genreclf.evaluation.fitting import Data, Fit, Fitted, fit_all
from genreclf.evaluation.folds import Fold, inner_folds
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife, count

if TYPE_CHECKING:
    from genreclf.evaluation.plans import Plan
    from genreclf.evaluation.predictions import Predictions
    from genreclf.models.entry import ModelSpec
    from genreclf.progress import Progress

INNER_FOLDS = 3
_STANDARD_ERRORS = 2.0


@dataclass(frozen=True, eq=False)
class Selection:
    """What the choice of the best model would have scored.

    Parameters
    ----------
    chosen : the model chosen in each outer fold.
    macro_f1 : of the chosen models' predictions.
    """

    chosen: tuple[str, ...]
    macro_f1: Estimate

    def as_json(self) -> dict[str, object]:
        """Plain values, for ``run.json``."""
        counts = dict(Counter(self.chosen).most_common())
        return self.macro_f1.columns("macro_f1") | {"chosen": counts, "inner_folds": INNER_FOLDS}


def select(
    plan: Plan,
    models: Sequence[ModelSpec],
    predictions: Predictions,
    data: Data,
    *,
    seed: int,
    jobs: int | None,
    progress: Progress,
) -> Selection:
    """Choose a model inside the training part of every fold of a plan, and score the choices.

    Parameters
    ----------
    models : those to choose from, without baselines.
    predictions : of all of them under this plan; the first repeat is used.

    Raises
    ------
    RequestError : a training part has too few tracks for inner folds.
    """
    pairs = [_inner(fold, data, grouped=plan.grouped, seed=seed) for fold in plan.folds]
    candidates = [tuple(model.name for model in models) for _ in plan.folds]
    outcomes: list[tuple[Fit, Fitted]] = []
    for rounds in (slice(0, 1), slice(1, None)):
        fits = [
            Fit(
                plan.protocol,
                outer,
                model,
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
        outcomes += zip(fits, fit_all(fits, data, jobs=jobs, progress=progress), strict=True) if fits else []
        if not rounds.start:
            candidates = [_contenders(names, outer, outcomes, data) for outer, names in enumerate(candidates, start=1)]
    chosen = tuple(_best(names, outer, outcomes, data) for outer, names in enumerate(candidates, start=1))
    y_pred = np.zeros(len(predictions.rows), dtype=np.intp)
    for number, name in enumerate(chosen, start=1):
        tested = predictions.fold[0] == number
        y_pred[tested] = predictions.y_pred[name][0, tested]
    return Selection(chosen, predictions.jackknife.score(y_pred, macro_f1))


def _inner(fold: Fold, data: Data, *, grouped: bool, seed: int) -> list[Fold]:
    train = fold.train
    artists = data.artists[train] if grouped and data.artists is not None else None
    made = inner_folds(data.y[train], data.recordings[train], artists, folds=INNER_FOLDS, seed=seed)
    return [Fold(train[inner.train], train[inner.test]) for inner in made.folds]


def _contenders(
    names: tuple[str, ...], outer: int, outcomes: Sequence[tuple[Fit, Fitted]], data: Data
) -> tuple[str, ...]:
    """The models that the first inner fold does not show to be worse than the best."""
    found = {fit.model: (fit, fitted) for fit, fitted in outcomes if fit.number == outer}
    if not found:
        return names
    tested = next(iter(found.values()))[0].fold.test
    tied = data.recordings if data.artists is None else data.artists
    jackknife = Jackknife.over(data.y[tested], tied[tested], data.genres)
    scores = {name: jackknife.score(fitted.y_pred, macro_f1) for name, (_, fitted) in found.items()}
    best = max(scores.values(), key=lambda score: score.value)
    gaps = {name: best - score for name, score in scores.items()}
    return tuple(name for name, gap in gaps.items() if gap.value <= _STANDARD_ERRORS * gap.standard_error)


def _best(names: tuple[str, ...], outer: int, outcomes: Sequence[tuple[Fit, Fitted]], data: Data) -> str:
    """The model with the highest macro-F1 over all inner folds together."""

    def score(name: str) -> float:
        parts = [(fit, fitted) for fit, fitted in outcomes if (fit.number, fit.model) == (outer, name)]
        y = np.concatenate([data.y[fit.fold.test] for fit, _ in parts])
        return float(macro_f1(count(y, np.concatenate([fitted.y_pred for _, fitted in parts]), data.genres)))

    if not names:
        raise RequestError("no model to choose from")
    return names[0] if len(names) == 1 else max(names, key=score)
