"""What the page of a table shows: its tracks, what a model predicted for each out of fold, and which sound alike.

Nothing here changes with an edit: tracks are as the table has them, predictions and places on the map as a benchmark
with the edits of that time found them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.audio import AUDIO_SUFFIXES
from genreclf.datasets.edits import edit_tables
from genreclf.errors import RequestError
from genreclf.pages.svg import glyph
from genreclf.pages.wording import clean, model_title
from genreclf.progress import SILENT, Progress
from genreclf.reports.charts.trackmap import colour_of, framed, shape_of
from genreclf.reports.outcome import model_columns, ranked_predictions, rows_of, under_first
from genreclf.similarity.metrics import fit_space
from genreclf.tables.cells import unescape

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison
    from genreclf.tables.table import FeatureTable

_NEIGHBOURS = 8
_MARK = 4.6  # pixels
_LIKELIEST = 5  # genres shown with their probabilities
_IDENTITY = ("protocol", "fold", "track_id", "model")


def predict_tracks(table: FeatureTable, *, model: str, progress: Progress) -> Comparison:
    """Out-of-fold probabilities of one model, with artists disjoint where they are known and that is possible.

    Raises
    ------
    RequestError : there is no such model, or the table cannot be evaluated.
    """
    from genreclf.evaluation.benchmark import benchmark
    from genreclf.models import resolve

    resolve(model)
    options: dict[str, Any] = {"models": [model], "probabilities": True, "repeats": 1, "progress": progress}
    if table.groups is not None:
        try:
            return benchmark(table, protocol="cv-artist", **options)
        except RequestError as error:
            progress.message(f"note: not artist-disjoint: {error}")
    return benchmark(table, protocol="cv-random", **options)


def open_exploration(
    table: FeatureTable,
    *,
    edits: Path,
    music: Path,
    report: Path | None = None,
    model: str = "svc",
    progress: Progress = SILENT,
) -> Exploration:
    """The tracks of a table with predictions from a report, or else from a model that is fitted now.

    Parameters
    ----------
    edits : a file of edits, which the model is fitted with where there is one.
    music : the folder from which the paths of the table start.
    report : the folder of a benchmark's report on this table.
    model : a name in `genreclf.models.MODELS`.

    Raises
    ------
    RequestError : a file or a folder cannot be used, or the table cannot be evaluated.
    """
    from genreclf.evaluation.comparison import Comparison

    if not music.is_dir():
        raise RequestError(f"{music}: no such folder; name the folder from which the paths of the table start")
    [edited] = edit_tables([table], edits if edits.exists() else None)
    if report is not None:
        return Exploration(table, Comparison.read(report), music)
    return Exploration(table, predict_tracks(edited, model=model, progress=progress), music)


def edits_beside(table: str, name: str) -> Path:
    """The file that edits of a table go to: ``TABLE.edits.csv`` beside it, or here for what is no file."""
    path = Path(table)
    return path.with_suffix(".edits.csv") if path.exists() else Path(f"{name}.edits.csv")


@dataclass(frozen=True, eq=False)
class Exploration:
    """The tracks of a table and what a comparison found about them.

    Parameters
    ----------
    table : as it was read, without edits.
    comparison : of this table, with or without edits.
    music : the folder from which the paths of the table start.
    """

    table: FeatureTable
    comparison: Comparison
    music: Path

    def __post_init__(self) -> None:
        if not set(self.table.ids) & set(self.comparison.predictions["track_id"]):
            raise RequestError(f"{self.table.name}: the report is of other tracks; give one of this table")

    @cached_property
    def model(self) -> str:
        """The model whose predictions are shown: the best that has probabilities, else the best."""
        known = set(self._all_probabilities["model"]) if len(self._all_probabilities) else set()
        models = model_columns(self.comparison)
        return next((model for model in models if model in known), models[0] if models else "")

    @cached_property
    def _all_probabilities(self) -> pd.DataFrame:
        return under_first(self.comparison, self.comparison.probabilities)

    @cached_property
    def audio(self) -> list[Path | None]:
        """Where the sound of each track is; None for what has no path, leads out of `music` or is no audio."""
        paths = self.table.frame["path"] if "path" in self.table.frame else [""] * len(self.table)
        return [self._sound(str(path)) for path in paths]

    def _sound(self, name: str) -> Path | None:
        root = os.path.abspath(self.music)  # noqa: PTH100 - links stay as they are, '..' does not
        place = os.path.abspath(os.path.join(root, os.fsdecode(_bytes_of(unescape(name)))))  # noqa: PTH100, PTH118
        inside = place.startswith(os.path.join(root, ""))  # noqa: PTH118
        sound = os.path.splitext(place)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122
        return Path(place) if name and inside and sound and "\0" not in place else None

    @cached_property
    def _points(self) -> np.ndarray:
        filled = self.table.filled
        return fit_space(filled, self.table.y, metric="euclidean")(filled)

    def neighbours(self, row: int) -> list[dict[str, Any]]:
        """The nearest tracks by other artists, by Euclidean distance of standardised features: a metric without labels.

        Raises
        ------
        IndexError : there is no such row.
        """
        distance = np.linalg.norm(self._points - self._points[row], axis=1)
        groups = self.table.groups
        distance[row if groups is None else groups == groups[row]] = np.inf
        nearest = np.argsort(distance, kind="stable")[:_NEIGHBOURS]
        return [
            {"row": int(near), "distance": round(float(distance[near]), 2)}
            for near in nearest
            if np.isfinite(distance[near])
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything that the page shows from the beginning, in plain values."""
        table = self.table
        genres = sorted(set(table.genres) - {""}, key=lambda genre: (-(table.y == genre).sum(), genre))
        return {
            "table": clean(table.name),
            "label": clean(table.label),
            "model": model_title(self.model) if self.model else "",
            "genres": genres,
            "marks": [
                {"d": glyph(shape_of(k), 0, 0, _MARK), "colour": colour_of(k)} for k in range(max(len(genres) + 24, 40))
            ],
            "tracks": self._tracks(),
        }

    def _tracks(self) -> list[dict[str, Any]]:
        frame = self.table.frame
        texts = [name for name in ("track_id", "genre", "artist", "title", "path") if name in frame]
        rows = rows_of(frame[texts].fillna("").astype(str))
        places, predictions, issues = self._places(), self._predictions(), self._issues()
        for row, playable in zip(rows, self.audio, strict=True):
            track = row["track_id"]
            row["playable"] = playable is not None
            row.update(places.get(track, {}) | predictions.get(track, {}) | issues.get(track, {}))
        return rows

    def _places(self) -> dict[str, dict[str, float]]:
        tracks = self.comparison.tracks
        if not {"map_x", "map_y"} <= set(tracks.columns):
            return {}
        tracks = tracks[np.isfinite(tracks[["map_x", "map_y"]].to_numpy(dtype=float)).all(axis=1)]
        if len(tracks) < 2:
            return {}
        places = framed(tracks[["map_x", "map_y"]].to_numpy(dtype=float))[0]
        return {
            str(track): {"x": round(float(x), 4), "y": round(float(y), 4)}
            for track, (x, y) in zip(tracks["track_id"], places, strict=True)
        }

    def _predictions(self) -> dict[str, dict[str, Any]]:
        """For each track what was predicted, and the likeliest genres with their probabilities where there are some."""
        if not self.model:
            return {}
        frame = ranked_predictions(self.comparison)
        found: dict[str, dict[str, Any]] = {
            str(track): {"predicted": str(genre)}
            for track, genre in zip(frame["track_id"], frame[self.model], strict=True)
        }
        known = self._all_probabilities
        known = known[known["model"] == self.model] if len(known) else known
        genres = [str(name) for name in known.columns if name not in _IDENTITY]
        values = np.nan_to_num(known[genres].to_numpy(dtype=float)) if genres else np.empty((0, 0))
        for track, row in zip(known["track_id"] if genres else (), values, strict=True):
            order = np.argsort(-row, kind="stable")[:_LIKELIEST]
            likeliest = [[genres[k], round(float(row[k]), 4)] for k in order]
            found.setdefault(str(track), {})["probabilities"] = likeliest
        return found

    def _issues(self) -> dict[str, dict[str, Any]]:
        """For each label issue what is suggested, and how large the issue is."""
        return {
            str(row["track_id"]): {"suggested": str(row["suggested"]), "score": float(row["score"])}
            for row in rows_of(self.comparison.label_issues)
        }


def _bytes_of(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")
