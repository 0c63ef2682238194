"""What the charts and pages ask of a comparison: contenders, confusions, the tracks that nobody gets right."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from genreclf.models import is_baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def value_of(row: Mapping[str, Any], name: str) -> float:
    """A number of a row; NaN where there is none."""
    try:
        return float(row.get(name, math.nan))
    except (TypeError, ValueError):
        return math.nan


def score_of(row: Mapping[str, Any], name: str = "macro_f1") -> tuple[float, float, float]:
    """A score with both ends of its interval."""
    return value_of(row, name), value_of(row, f"{name}_low"), value_of(row, f"{name}_high")


def is_tied(row: Mapping[str, Any]) -> bool:
    """Whether a row of the scores can't be told apart from the best."""
    return str(row.get("tied_with_best")) in ("True", "1", "1.0")


def contenders(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models that learn, in the order given."""
    return scores[~scores["model"].map(is_baseline).astype(bool)].reset_index(drop=True)


def baselines(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models that only know how frequent each genre is."""
    return scores[scores["model"].map(is_baseline).astype(bool)].reset_index(drop=True)


def model_columns(comparison: Comparison) -> list[str]:
    """The contenders that have predictions, best first."""
    known = set(comparison.predictions.columns)
    return [str(model) for model in contenders(comparison.ranking)["model"] if model in known]


def ranked_predictions(comparison: Comparison) -> pd.DataFrame:
    """The predictions under the protocol that the ranking goes by."""
    predictions = comparison.predictions
    return predictions[predictions["protocol"] == comparison.protocol].reset_index(drop=True)


def genres_of(comparison: Comparison) -> list[str]:
    """The genres that tracks have under the first protocol, sorted."""
    return sorted({str(genre) for genre in ranked_predictions(comparison)["genre"]})


@dataclass(frozen=True)
class Confusion:
    """How often the tracks of a genre (row) were said to be of a genre (column)."""

    genres: tuple[str, ...]
    counts: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Counts over the tracks of the row's genre; 0 where it has none."""
        import numpy as np

        totals = self.counts.sum(axis=1, keepdims=True)
        return np.asarray(self.counts / np.maximum(totals, 1))


def confusion_of(comparison: Comparison, model: str) -> Confusion:
    """The confusion matrix of a model under the first protocol."""
    import pandas as pd

    predictions = ranked_predictions(comparison)
    answered = predictions[predictions[model].notna()]
    genres = sorted({*answered["genre"].astype(str), *answered[model].astype(str)})
    table = pd.crosstab(answered["genre"].astype(str), answered[model].astype(str))
    counts = table.reindex(index=genres, columns=genres, fill_value=0).to_numpy()
    return Confusion(genres=tuple(genres), counts=counts)


@dataclass(frozen=True)
class HardTrack:
    """A track that most models got wrong."""

    track_id: str
    name: str
    genre: str
    wrong: int
    answers: tuple[str, ...]


def hardest_tracks(comparison: Comparison, *, most: int = 20) -> tuple[list[HardTrack], int]:
    """The tracks that more than half of the models got wrong, hardest first, and how many there are.

    Among equally hard ones, those on which the models agree come first: a whole panel that says the same other
    genre is the likeliest sign of a wrong label.
    """
    models = model_columns(comparison)
    predictions = ranked_predictions(comparison)
    if not models or predictions.empty:
        return [], 0
    truth = predictions["genre"].astype(str).tolist()
    answers = list(zip(*(predictions[model].astype(str) for model in models), strict=True))
    misses = [Counter(a for a in row if a != genre) for row, genre in zip(answers, truth, strict=True)]
    order = predictions.assign(
        wrong=[sum(m.values()) for m in misses],
        agreement=[max(m.values(), default=0) for m in misses],
    )
    order = order[order["wrong"] * 2 > len(models)]
    order = order.sort_values(["wrong", "agreement", "track_id"], ascending=[False, False, True], kind="stable")
    names = track_names(comparison)
    hard = [
        HardTrack(
            track_id=str(row["track_id"]),
            name=names.get(str(row["track_id"]), str(row["track_id"])),
            genre=str(row["genre"]),
            wrong=int(row["wrong"]),
            answers=tuple(str(row[model]) for model in models),
        )
        for _, row in order.head(most).iterrows()
    ]
    return hard, len(order)


def track_names(comparison: Comparison) -> dict[str, str]:
    """What to call each track: artist and title where known, else its path, else its id."""
    tracks = comparison.tracks
    if tracks.empty:
        return {}
    columns = {name: _texts(tracks, name) for name in ("track_id", "artist", "title", "path")}
    names = {}
    for track_id, artist, title, path in zip(*columns.values(), strict=True):
        spoken = " \u2013 ".join(part for part in (artist, title) if part) if title else path or track_id
        names[track_id] = spoken
    return names


def track_paths(comparison: Comparison) -> dict[str, str]:
    """The path of each track, where known."""
    tracks = comparison.tracks
    if tracks.empty:
        return {}
    return dict(zip(_texts(tracks, "track_id"), _texts(tracks, "path"), strict=True))


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    if column not in frame:
        return [""] * len(frame)
    return [str(value) for value in frame[column].fillna("")]
