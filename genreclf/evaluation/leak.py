"""Artist leak: how much better a model looks when its artists stand on both sides of the split.

Sources: Pampalk, Flexer and Widmer (2005), Improvements of audio-based music similarity and genre
classification; Flexer (2007), A closer look on artist filters for musical genre classification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.bootstrap import Bootstrap
from genreclf.evaluation.scores import macro_f1_estimate

if TYPE_CHECKING:
    from genreclf.evaluation.predictions import Predictions


def leak_rows(
    safe: Predictions, random: Predictions, groups: np.ndarray, *, draws: int = 1000, seed: int = 42
) -> list[dict[str, Any]]:
    """Rows of the table ``leak``, one for each model, in the order of the artist-safe ranking.

    Parameters
    ----------
    safe, random : predictions of the same models for the same tracks, with artist-disjoint and with random folds.
    groups : (rows of the table,), what is drawn together: both scores are taken on the same draws of artists.
    """
    rows, in_safe, in_random = np.intersect1d(safe.rows, random.rows, return_indices=True)
    bootstrap = Bootstrap.over(groups[rows], draws=draws, seed=seed)
    genres, y = len(safe.genres), safe.y[in_safe]
    found = []
    for model in safe.ranked:
        apart = macro_f1_estimate(y, safe.y_pred[model][in_safe], genres, bootstrap)
        mixed = macro_f1_estimate(y, random.y_pred[model][in_random], genres, bootstrap)
        row = {"model": model, "macro_f1_safe": apart.value, "macro_f1_random": mixed.value}
        found.append(row | (mixed - apart).columns("leak"))
    return found
