"""Label issues: the tracks whose genre is most likely wrong, by confident learning.

Probabilities are out of fold, with artists on one side: a model that has seen other tracks of an artist would know
the artist's label, right or wrong. The threshold of a genre is the mean probability of that genre over the tracks
labelled with it, so that a model that is sure of one genre and timid in another is asked no more of either. A track
whose probability of a genre reaches the threshold counts as one of that genre (of several, the most probable). Counts
of pairs of label and genre form the confident joint; with its rows scaled to the number of tracks of each label, it
estimates how many tracks of a label belong to each other genre. Of each pair, so many tracks are issues, those whose
probability of the genre exceeds that of the label the most (the paper's pruning by noise rate).

Source: Northcutt, Jiang and Chuang (2021), Confident Learning: Estimating Uncertainty in Dataset Labels, JAIR 70.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.record import TRACK_COLUMNS
from genreclf.models import is_baseline

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.predictions import Predictions
    from genreclf.tables.table import FeatureTable


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Labels that are most likely wrong.

    Parameters
    ----------
    thresholds : (genres,), the mean probability of each genre over the tracks labelled with it; NaN without any.
    confident_joint : (genres, genres), tracks of a label (row) that count as a genre (column).
    tracks : (issues,), positions of the tracks, the likeliest issue first.
    suggested : (issues,), a genre for each, more probable than its label.
    """

    thresholds: np.ndarray
    confident_joint: np.ndarray
    tracks: np.ndarray
    suggested: np.ndarray


def find_label_issues(y: np.ndarray, probabilities: np.ndarray) -> LabelIssues:
    """Find the tracks that most likely belong to another genre than their label.

    Parameters
    ----------
    y : (tracks,), codes of the labels.
    probabilities : (tracks, genres), of models that were not trained on the track.
    """
    everyone, n_genres = np.arange(len(y)), probabilities.shape[1]
    counts, own = np.bincount(y, minlength=n_genres), probabilities[everyone, y]
    sums = np.bincount(y, weights=own, minlength=n_genres)
    thresholds = np.divide(sums, counts, out=np.full(n_genres, np.nan), where=counts > 0)
    # A mean of equal probabilities may exceed them by rounding.
    confident = np.where(probabilities >= thresholds - 1e-12, probabilities, -1.0)
    genre, counted = confident.argmax(axis=1), confident.max(axis=1) >= 0
    joint = np.zeros((n_genres, n_genres), dtype=np.intp)
    np.add.at(joint, (y[counted], genre[counted]), 1)
    estimated = np.rint(joint * (counts / np.maximum(joint.sum(axis=1), 1))[:, None]).astype(int)
    excess = np.zeros_like(probabilities)
    for label, other in np.argwhere(estimated):
        rows = everyone[y == label]
        more = probabilities[rows, other] - own[rows]
        likeliest = np.argsort(-more, kind="stable")[: estimated[label, other]]
        excess[rows[likeliest], other] = more[likeliest]
    suggested, most = excess.argmax(axis=1), excess.max(axis=1)
    tracks = np.argsort(-most, kind="stable")[: np.count_nonzero(most > 0)]
    return LabelIssues(thresholds, joint, tracks, suggested[tracks])


def mean_probabilities(predictions: Predictions) -> np.ndarray | None:
    """(tested, genres), means over the models that learn and have probabilities, and over their repeats.

    None where there is no such model.
    """
    found = [repeats.mean(axis=0) for model, repeats in predictions.probabilities.items() if not is_baseline(model)]
    return np.mean(found, axis=0) if found else None


def label_issue_frame(predictions: Predictions, table: FeatureTable) -> pd.DataFrame:
    """The table ``label_issues`` of a `Comparison`; empty where no model has probabilities."""
    import pandas as pd

    probabilities = mean_probabilities(predictions)
    if probabilities is None:
        return pd.DataFrame()
    issues = find_label_issues(predictions.y, probabilities)
    y, names = predictions.y[issues.tracks], np.array(predictions.genres, dtype=object)
    own, other = probabilities[issues.tracks, y], probabilities[issues.tracks, issues.suggested]
    rows = table.frame.iloc[predictions.rows[issues.tracks]].reset_index(drop=True)
    known = [name for name in TRACK_COLUMNS if name in rows]
    return pd.DataFrame(
        {
            "track_id": rows["track_id"],
            "genre": names[y],
            "suggested": names[issues.suggested],
            "probability": np.round(own, 6),
            "confidence": np.round(other, 6),
            "score": np.round(other - own, 6),
            **{name: rows[name] for name in known},
        }
    )


def wrong_genre_frame(predictions: Predictions, ids: np.ndarray) -> pd.DataFrame:
    """``track_id, wrong_genre, wrong_confidence``: the most probable of the other genres, and its mean probability."""
    import pandas as pd

    probabilities = mean_probabilities(predictions)
    if probabilities is None:
        return pd.DataFrame({"track_id": ids[predictions.rows]})
    others = probabilities.copy()
    others[np.arange(len(others)), predictions.y] = -1.0
    wrong = others.argmax(axis=1)
    return pd.DataFrame(
        {
            "track_id": ids[predictions.rows],
            "wrong_genre": np.array(predictions.genres, dtype=object)[wrong],
            "wrong_confidence": np.round(others.max(axis=1), 4),
        }
    )
