"""The price of leaking: how much better a model looks when its artists stand on both sides of the split.

Sources: Pampalk, Flexer and Widmer (2005), Improvements of audio-based music similarity and genre
classification; Flexer (2007), A closer look on artist filters for musical genre classification.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.evaluation.bootstrap import Bootstrap, interval
from genreclf.evaluation.scores import confusion_counts, drawn_confusions, macro_f1

if TYPE_CHECKING:
    from genreclf.evaluation.predictions import Predictions


def leak_rows(
    safe: Predictions, random: Predictions, groups: np.ndarray, *, draws: int = 1000, seed: int = 42
) -> list[dict[str, Any]]:
    """Rows of the frame ``leak``, one a model, in the order of the artist-safe ranking.

    Parameters
    ----------
    safe, random : predictions of the same models for the same tracks, with artists apart and at random.
    groups : (rows of the table,), what is drawn together.

    Returns
    -------
    The difference is paired: both scores are taken on the same draws of artists.
    """
    rows, in_safe, in_random = np.intersect1d(safe.rows, random.rows, return_indices=True)
    bootstrap = Bootstrap.over(groups[rows], draws=draws, seed=seed)
    genres, y = len(safe.genres), safe.y[in_safe]
    found = []
    for model in safe.ranked():
        both = (safe.y_pred[model][in_safe], random.y_pred[model][in_random])
        scores = [float(macro_f1(confusion_counts(y, y_pred, genres))) for y_pred in both]
        drawn = [macro_f1(drawn_confusions(bootstrap, y, y_pred, genres)) for y_pred in both]
        low, high = interval(drawn[1] - drawn[0])
        found.append(
            {
                "model": model,
                "macro_f1_safe": scores[0],
                "macro_f1_random": scores[1],
                "leak": scores[1] - scores[0],
                "leak_low": low,
                "leak_high": high,
            }
        )
    return found
