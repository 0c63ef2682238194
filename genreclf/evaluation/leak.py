"""Artist leak: how much better a model looks when its artists stand on both sides of the split.

Sources: Pampalk, Flexer and Widmer (2005), Improvements of audio-based music similarity and genre
classification; Flexer (2007), A closer look on artist filters for musical genre classification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife

if TYPE_CHECKING:
    from genreclf.evaluation.predictions import Predictions


def leak_rows(safe: Predictions, random: Predictions, groups: np.ndarray) -> list[dict[str, Any]]:
    """Rows of the table ``leak``, one for each model, in the order of the artist-disjoint ranking.

    Parameters
    ----------
    safe, random : predictions of the same models for the same tracks, with artist-disjoint and with random folds.
    groups : (rows of the table,), what is left out together.
    """
    rows, in_safe, in_random = np.intersect1d(safe.rows, random.rows, return_indices=True)
    jackknife = Jackknife.over(safe.y[in_safe], groups[rows], len(safe.genres), trained=safe.jackknife.trained)

    def mean(y_pred: np.ndarray, places: np.ndarray) -> Estimate:
        return Estimate.mean([jackknife.score(repeat[places], macro_f1) for repeat in y_pred])

    found = []
    for model in safe.ranked:
        repeats = min(len(safe.y_pred[model]), len(random.y_pred[model]))
        disjoint = mean(safe.y_pred[model][:repeats], in_safe)
        mixed = mean(random.y_pred[model][:repeats], in_random)
        row = {"model": model, "macro_f1_safe": disjoint.value, "macro_f1_random": mixed.value}
        found.append(row | (mixed - disjoint).columns("leak"))
    return found
