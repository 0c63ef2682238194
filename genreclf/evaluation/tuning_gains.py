"""Tuning gains: what the search for parameters adds to each model, as paired differences.

The default parameters are fitted on the folds of the first division, where the tuned ones are, and predict the same
tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from genreclf.evaluation.predictions import Predictions, gather

if TYPE_CHECKING:
    from genreclf.evaluation.fitting import Fit, Fitted

_STEP = ("default parameters",)


def default_fits(fits: Sequence[Fit]) -> list[Fit]:
    """The tuned ones of some fits with default parameters."""
    return [
        replace(fit, tune=False, calibrate=False, families=(), step=_STEP)
        for fit in fits
        if fit.tune and fit.entry.space and not fit.step
    ]


def tuning_gain_rows(predictions: Predictions, outcomes: Sequence[tuple[Fit, Fitted]]) -> list[dict[str, Any]]:
    """Rows of the table ``tuning_gains`` for one protocol, from `default_fits`, in the order of the ranking."""
    whole = predictions
    parts = [(fit, fitted) for fit, fitted in outcomes if fit.step == _STEP and fit.protocol == whole.protocol]
    found = gather(whole.plan, whole.genres, parts, whole.jackknife, draws=whole.draws, seed=whole.seed).macro_f1
    rows = []
    for model in (name for name in whole.ranked if name in found):
        tuned = whole.repeats[model][0]
        row = {"protocol": whole.protocol, "model": model, "macro_f1_default": found[model].value}
        rows.append(row | {"macro_f1_tuned": tuned.value} | (tuned - found[model]).columns("gain"))
    return rows
