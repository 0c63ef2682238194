"""Held-out predictions summed up: what a model's own training tracks say of it, for its file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.probability_scores import score_probabilities
from genreclf.evaluation.scores import score
from genreclf.evaluation.selective import risk_coverage, set_thresholds
from genreclf.evaluation.uncertainty import Jackknife
from genreclf.models.bundle.manifest import HeldOutSummary

if TYPE_CHECKING:
    from genreclf.models.calibration import HeldOut

_OF_PREDICTIONS = ("macro_f1", "accuracy")
_OF_PROBABILITIES = ("log_loss", "brier_score", "calibration_error", "aurc")


def summarise(held_out: HeldOut, y: np.ndarray, groups: np.ndarray, *, protocol: str) -> HeldOutSummary:
    """Sum up what a model predicted for tracks that it was not fitted on.

    Parameters
    ----------
    y : (tracks,), true genre codes.
    groups : (tracks,), artists.
    protocol : how the folds were made.
    """
    genres, rows = held_out.probabilities.shape[1], np.arange(len(y))
    jackknife = Jackknife.over(y, groups, genres, trained=True)
    found = score([held_out.y_pred], jackknife)
    scores = {name: found[name] for base in _OF_PREDICTIONS for name in (base, f"{base}_low", f"{base}_high")}
    for prefix, probabilities in (("", held_out.probabilities), ("uncalibrated_", held_out.uncalibrated)):
        if probabilities is not None:
            found = score_probabilities([probabilities], [held_out.y_pred], jackknife)
            scores |= {
                f"{prefix}{name}{end}": found[f"{name}{end}"]
                for name in _OF_PROBABILITIES
                for end in ("", "_low", "_high")
            }
    confidence, risks = risk_coverage(held_out.probabilities[rows, held_out.y_pred], held_out.y_pred == y)
    place = np.maximum(np.ceil(np.arange(101) / 100 * len(y) - 1e-9).astype(int) - 1, 0)
    # All tracks of a confidence are answered or none is.
    place = np.searchsorted(-confidence, -confidence[place], side="right") - 1
    sets = set_thresholds(held_out.probabilities[rows, y], groups, np.arange(1, 100) / 100)
    return HeldOutSummary(
        protocol=protocol,
        scores={name: float(value) if math.isfinite(value) else None for name, value in scores.items()},
        thresholds=_shares(confidence[place]),
        accuracies=_shares(1 - risks[place]),
        set_thresholds=_shares(sets),
    )


def _shares(values: np.ndarray) -> tuple[float, ...]:
    return tuple(np.clip(values, 0.0, 1.0).tolist())
