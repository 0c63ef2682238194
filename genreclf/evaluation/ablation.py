"""Ablation: what each feature family is worth: alone, added to those before it, and when it is shuffled.

Source of the last: Breiman (2001), Random Forests, section 10. Here whole families are shuffled together, as the
features of a family can stand in for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.fitting import Fit, Fitted
from genreclf.evaluation.predictions import Predictions, gather
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate
from genreclf.models import is_baseline

if TYPE_CHECKING:
    from genreclf.evaluation.plans import Plan
    from genreclf.models.entry import ModelSpec


def steps(families: Sequence[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The sets of families to score: each alone, then added one after another in the order of the table."""
    alone = [("alone", (family,)) for family in families]
    return alone + [("added", tuple(families[: k + 1])) for k in range(len(families))]


def family_positions(features: Sequence[str], families: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
    """The positions of each family's features in the table."""
    place = {name: k for k, name in enumerate(features)}
    return {family: np.array([place[name] for name in names]) for family, names in families.items()}


def ablation_fits(
    plan: Plan, models: Sequence[ModelSpec], positions: Mapping[str, np.ndarray], *, seed: int, tuned: bool = False
) -> list[Fit]:
    """The fits that an ablation needs: one for each model, fold and set of families.

    The step with all families is the comparison itself, unless its parameters are `tuned`: every step is fitted with
    the default parameters, so that the steps differ by their features alone.
    """
    sets = dict.fromkeys(chosen for _, chosen in steps(list(positions)) if tuned or len(chosen) < len(positions))
    return [
        Fit(
            plan.protocol,
            number,
            model,
            fold,
            grouped=plan.grouped,
            columns=np.sort(np.concatenate([positions[family] for family in chosen])),
            step=chosen,
            seed=seed,
        )
        for chosen in sets
        for model in models
        if not model.baseline
        for number, fold in enumerate(plan.folds, start=1)
    ]


def ablation_rows(
    predictions: Predictions, outcomes: Sequence[tuple[Fit, Fitted]], positions: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Rows of the table ``ablation``, from `ablation_fits`, all of the first division of the folds.

    A step without fits is the comparison itself. A step that adds a family is compared with the one before it, on the
    same tracks.
    """
    rows: list[dict[str, Any]] = []
    before: dict[str, Estimate] = {}
    first = [(fit, fitted) for fit, fitted in outcomes if not fit.repeat]
    for step, chosen in steps(list(positions)):
        scores = _of_step(predictions, [(fit, fitted) for fit, fitted in first if fit.step == chosen])
        for model, estimate in scores.items():
            if is_baseline(model):
                continue
            row: dict[str, Any] = {"protocol": predictions.protocol, "model": model, "step": step}
            features = sum(len(positions[family]) for family in chosen)
            row |= {"families": "+".join(chosen), "features": features, **estimate.columns("macro_f1")}
            if step == "added":
                gain = estimate - before[model] if model in before else None
                before[model] = estimate
                row |= gain.columns("gain") if gain else {}
            rows.append(row)
    return sorted(rows, key=lambda row: predictions.ranked.index(row["model"]))


def _of_step(predictions: Predictions, outcomes: Sequence[tuple[Fit, Fitted]]) -> dict[str, Estimate]:
    """Macro-F1 of each model in a step of the ablation, in the first division of the folds."""
    if not outcomes:
        return {model: estimates[0] for model, estimates in predictions.repeats.items()}
    whole = predictions
    found = gather(whole.plan, whole.genres, outcomes, whole.jackknife, draws=whole.draws, seed=whole.seed)
    return found.macro_f1


def importance_rows(
    predictions: Predictions, outcomes: Sequence[tuple[Fit, Fitted]], families: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of the table ``importance``: how far macro-F1 drops when a family is shuffled over the test tracks."""
    rows: list[dict[str, Any]] = []
    for model in predictions.ranked:
        parts = [(fit, fitted.shuffled) for fit, fitted in outcomes if fit.model == model and not fit.repeat]
        shuffled = [
            (np.searchsorted(predictions.rows, fit.fold.test), y_pred) for fit, y_pred in parts if y_pred is not None
        ]
        if not shuffled:
            continue
        together = np.zeros((*shuffled[0][1].shape[:2], len(predictions.rows)), dtype=np.intp)
        for places, y_pred in shuffled:
            together[:, :, places] = y_pred
        whole = predictions.repeats[model][0]
        for family, repeats in zip(families, together, strict=True):
            drop = Estimate.mean([whole - predictions.jackknife.score(y_pred, macro_f1) for y_pred in repeats])
            row = {"protocol": predictions.protocol, "model": model, "family": family}
            rows.append({**row, **drop.columns("drop")})
    return rows
