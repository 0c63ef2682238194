"""What charts and pages read from a comparison: ranked models, confusions, misclassified tracks."""

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

Score = tuple[float, float, float]


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dictionaries."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def value_of(row: Mapping[str, Any], name: str) -> float:
    """A number of a row; NaN where there is none."""
    try:
        return float(row.get(name, math.nan))
    except (TypeError, ValueError):
        return math.nan


def score_of(row: Mapping[str, Any], name: str = "macro_f1") -> Score:
    """A score with both ends of its interval."""
    return value_of(row, name), value_of(row, f"{name}_low"), value_of(row, f"{name}_high")


def is_tied(row: Mapping[str, Any]) -> bool:
    """Whether a model that does not score highest may be the best."""
    return str(row.get("tied_with_best")) in ("True", "1", "1.0")


def contenders(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models that learn, in the order given."""
    return scores[~scores["model"].map(is_baseline).astype(bool)].reset_index(drop=True)


def baselines(scores: pd.DataFrame) -> pd.DataFrame:
    """The rows of the models that only know how frequent each genre is."""
    return scores[scores["model"].map(is_baseline).astype(bool)].reset_index(drop=True)


def training_unit(comparison: Comparison) -> str:
    """What training sets are counted in: artists, or recordings where no artist is known."""
    table = comparison.run.get("table")
    return "recordings" if isinstance(table, dict) and table.get("artists", 0) is None else "artists"


def under_first(comparison: Comparison, frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of the protocol that the ranking goes by."""
    return frame[frame["protocol"] == comparison.protocol].reset_index(drop=True) if "protocol" in frame else frame


def model_columns(comparison: Comparison) -> list[str]:
    """The contenders that have predictions, best first."""
    known = set(comparison.predictions.columns)
    return [str(model) for model in contenders(comparison.ranking)["model"] if model in known]


def ranked_predictions(comparison: Comparison) -> pd.DataFrame:
    """The predictions under the protocol that the ranking goes by."""
    return under_first(comparison, comparison.predictions)


@dataclass(frozen=True)
class Confusion:
    """How many tracks of a genre (row) were predicted as a genre (column)."""

    genres: tuple[str, ...]
    counts: np.ndarray

    @property
    def shares(self) -> np.ndarray:
        """Counts over the tracks of the row's genre; 0 where it has none."""
        import numpy as np

        return np.asarray(self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1))


def confusion_of(comparison: Comparison, model: str) -> Confusion:
    """The confusion matrix of a model under the first protocol."""
    import pandas as pd

    predictions = ranked_predictions(comparison)[["genre", model]].dropna().astype(str)
    genres = sorted({*predictions["genre"], *predictions[model]})
    table = pd.crosstab(predictions["genre"], predictions[model])
    return Confusion(tuple(genres), table.reindex(index=genres, columns=genres, fill_value=0).to_numpy())


@dataclass(frozen=True)
class MisclassifiedTrack:
    """A track that most models misclassified.

    Parameters
    ----------
    wrong : number of models that misclassified it.
    suggested : the genre that models take it for, and `confidence`, their mean probability of that genre; NaN where
        no model has probabilities.
    predictions : of each model.
    """

    track_id: str
    genre: str
    wrong: int
    suggested: str
    confidence: float
    predictions: tuple[str, ...]


def misclassified_tracks(comparison: Comparison, *, most: int = 20) -> tuple[list[MisclassifiedTrack], int]:
    """Tracks that more than half of the models misclassified, and how many there are.

    The most confidently misclassified come first; where no model has probabilities, those that most models
    misclassified as the same genre. Each genre has at most its share of the places, as long as there are others.
    """
    models = model_columns(comparison)
    probable = _probable_genres(comparison)
    found = []
    columns = ranked_predictions(comparison)[["track_id", "genre", *models]].astype(str)
    for track_id, genre, *predictions in columns.itertuples(index=False):
        errors = Counter(prediction for prediction in predictions if prediction != genre)
        if errors.total() * 2 > len(models):
            usual, agreed = max(errors.items(), key=lambda item: item[1])
            suggested, confidence = probable.get(track_id, (usual, math.nan))
            track = MisclassifiedTrack(track_id, genre, errors.total(), suggested, confidence, tuple(predictions))
            sure = -confidence if math.isfinite(confidence) else 0.0
            found.append(((sure, -track.wrong, -agreed, track_id), track))
    ordered = [track for _, track in sorted(found, key=lambda entry: entry[0])]
    share, taken = math.ceil(most / max(len({track.genre for track in ordered}), 1)), Counter[str]()
    places: list[tuple[bool, int]] = []
    for place, track in enumerate(ordered):
        taken[track.genre] += 1
        places.append((taken[track.genre] > share, place))
    return [ordered[place] for place in sorted(place for _, place in sorted(places)[:most])], len(found)


def _probable_genres(comparison: Comparison) -> dict[str, tuple[str, float]]:
    """For each track, the most probable of the other genres, and its mean probability over the models."""
    tracks = comparison.tracks
    if "wrong_genre" not in tracks or "wrong_confidence" not in tracks:
        return {}
    known = tracks[tracks["wrong_confidence"].notna()]
    pairs = zip(known["wrong_genre"].astype(str), known["wrong_confidence"].astype(float), strict=True)
    return dict(zip(known["track_id"].astype(str), pairs, strict=True))


def track_names(comparison: Comparison) -> dict[str, str]:
    """A name for each track: artist and title where known, else its path, else its id."""
    names = {}
    for track_id, row in _texts(comparison).items():
        titled = " \u2013 ".join(filter(None, (row.get("artist"), row["title"]))) if row.get("title") else ""
        names[track_id] = titled or row.get("path") or track_id
    return names


def track_paths(comparison: Comparison) -> dict[str, str]:
    """The path of each track, where known."""
    return {track_id: row.get("path", "") for track_id, row in _texts(comparison).items()}


def _texts(comparison: Comparison) -> dict[str, dict[str, str]]:
    columns = [name for name in ("track_id", "artist", "title", "path") if name in comparison.tracks]
    rows = rows_of(comparison.tracks[columns].fillna("").astype(str)) if columns else []
    return {row["track_id"]: row for row in rows}
