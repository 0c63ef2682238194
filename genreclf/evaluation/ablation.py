"""Ablation: what each feature family is worth, alone, added to those before it, and when it is shuffled.

Source for the last: Breiman (2001), Random Forests, section 10; here whole families are shuffled together, as
features within a family stand in for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.bootstrap import interval
from genreclf.evaluation.fitting import Data, Fit, Fitted
from genreclf.evaluation.predictions import Predictions, gather
from genreclf.models import is_baseline

if TYPE_CHECKING:
    from genreclf.evaluation.protocols import Plan
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

    All families are what the comparison itself fits, unless its parameters are `tuned`: every step is fitted with
    the same parameters, those of the zoo, so that the steps differ by their features alone.
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
    predictions: Predictions, data: Data, outcomes: Sequence[tuple[Fit, Fitted]], positions: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    """Rows of the frame ``ablation``, from the fits of `ablation_fits`; steps without any are the comparison itself."""
    rows: list[dict[str, Any]] = []
    for step, chosen in steps(list(positions)):
        parts = [(fit, fitted) for fit, fitted in outcomes if fit.step == chosen]
        found = (
            gather(predictions.plan, predictions.genres, data, parts, predictions.bootstrap) if parts else predictions
        )
        for model, y_pred in found.y_pred.items():
            if is_baseline(model):
                continue
            low, high = interval(found.drawn_macro_f1(y_pred))
            rows.append(
                {
                    "protocol": predictions.protocol,
                    "model": model,
                    "step": step,
                    "families": "+".join(chosen),
                    "features": int(sum(len(positions[family]) for family in chosen)),
                    "macro_f1": found.macro_f1(y_pred),
                    "macro_f1_low": low,
                    "macro_f1_high": high,
                }
            )
    order = {model: k for k, model in enumerate(predictions.ranked())}
    return sorted(rows, key=lambda row: order[row["model"]])


def importance_rows(
    predictions: Predictions, outcomes: Sequence[tuple[Fit, Fitted]], families: Sequence[str]
) -> list[dict[str, Any]]:
    """Rows of the frame ``importance``: the macro-F1 that is lost when a family is shuffled over the test tracks."""
    rows: list[dict[str, Any]] = []
    for model in predictions.ranked():
        parts = [(fit, fitted) for fit, fitted in outcomes if fit.model == model and fitted.shuffled is not None]
        if not parts:
            continue
        whole = predictions.macro_f1(predictions.y_pred[model])
        drawn_whole = predictions.drawn_macro_f1(predictions.y_pred[model])
        shuffled = np.zeros((*_shape(parts), len(predictions.rows)), dtype=np.intp)
        for fit, fitted in parts:
            if fitted.shuffled is not None:
                shuffled[:, :, np.searchsorted(predictions.rows, fit.fold.test)] = fitted.shuffled
        for family, repeats in zip(families, shuffled, strict=True):
            drops = [whole - predictions.macro_f1(y_pred) for y_pred in repeats]
            drawn = np.mean([drawn_whole - predictions.drawn_macro_f1(y_pred) for y_pred in repeats], axis=0)
            low, high = interval(drawn)
            rows.append(
                {
                    "protocol": predictions.protocol,
                    "model": model,
                    "family": family,
                    "drop": float(np.mean(drops)),
                    "drop_low": low,
                    "drop_high": high,
                }
            )
    return rows


def _shape(parts: Sequence[tuple[Fit, Fitted]]) -> tuple[int, ...]:
    first = parts[0][1].shuffled
    return () if first is None else first.shape[:2]
