"""An inspection: one track's series, numbers and genre."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.audio import DURATION
from genreclf.display import Displayed
from genreclf.errors import RequestError

if TYPE_CHECKING:
    from genreclf.inspection.series import TrackSeries
    from genreclf.inspection.timeline import Timeline
    from genreclf.tables.table import FeatureTable

_SET = "study"  # its numbers are those of the series that the page draws


@dataclass(frozen=True, eq=False, repr=False)
class Inspection(Displayed):
    """One track as the features see it.

    Parameters
    ----------
    path : the file.
    start : where the excerpt begins, in seconds; None where the middle was taken.
    series : the series behind the features.
    features : the row of features, by column.
    percentiles : see `feature_percentiles`.
    table_name, table_tracks : of that table; empty and 0 without one.
    timeline : genre probabilities over time, where a model was given.
    model_name : of that model.
    """

    path: Path
    start: float | None
    series: TrackSeries
    features: Mapping[str, float]
    percentiles: Mapping[str, float] = field(default_factory=dict)
    table_name: str = ""
    table_tracks: int = 0
    timeline: Timeline | None = None
    model_name: str = ""

    def __repr__(self) -> str:
        genre = "" if self.timeline is None else f", {self.timeline.y_pred} by {self.model_name}"
        return f"<inspection of {self.path}: {self.series.seconds:.1f} s, {len(self.features)} features{genre}>"

    def as_json(self) -> dict[str, Any]:
        """What the page shows in plain values, for programs; seconds are of the track, missing values are None."""
        return {
            "path": str(self.path),
            "start": self.start,
            "seconds": self.series.seconds,
            "sample_rate": self.series.sample_rate,
            "table": {"name": self.table_name, "tracks": self.table_tracks} if self.table_tracks else None,
            "features": {
                name: {"value": value if math.isfinite(value) else None, "percentile": self.percentiles.get(name)}
                for name, value in self.features.items()
            },
            "genres": None if self.timeline is None else {"model": self.model_name} | self.timeline.as_json(),
        }


def inspect_track(
    path: Path | str,
    *,
    table: FeatureTable | Path | str | None = None,
    model: Path | str | None = None,
    offset: float | None = None,
    duration: float = DURATION,
) -> Inspection:
    """Look at one track as the features of the set ``study`` see it.

    Parameters
    ----------
    path : a sound file.
    table : a feature table, for the percentile of each number among its tracks.
    model : a trained model, for genre probabilities over the whole track.
    offset, duration : the excerpt to show, in seconds; without an offset the middle, as for `extract_features`.

    Raises
    ------
    TrackError : the file cannot be read or described.
    RequestError : the table, the model or the excerpt cannot be used.
    """
    from genreclf.audio import load
    from genreclf.features import describe, find_feature_set
    from genreclf.inspection.series import series_of
    from genreclf.inspection.timeline import timeline_of
    from genreclf.loading import load as load_model
    from genreclf.tables.table import FeatureTable

    read = table if table is None or isinstance(table, FeatureTable) else FeatureTable.read(table)
    samples, rate = load(path, sample_rate=find_feature_set(_SET).sample_rate, offset=offset, duration=duration)
    features = describe(samples, rate, feature_set=_SET)
    timeline = None
    if model is not None:
        timeline = timeline_of(
            load_model(model, task="single-label").predict_segments(path), length=len(samples) / rate
        )
    return Inspection(
        path=Path(path),
        start=offset,
        series=series_of(samples, rate),
        features=features,
        percentiles={} if read is None else feature_percentiles(features, read),
        table_name="" if read is None else read.name,
        table_tracks=0 if read is None else len(read),
        timeline=timeline,
        model_name="" if model is None else Path(model).name,
    )


def feature_percentiles(features: Mapping[str, float], table: FeatureTable) -> dict[str, float]:
    """For each feature that the table has, the share of its tracks below, counting equal ones by half, from 0 to 1.

    Raises
    ------
    RequestError : the table holds none of the features.
    """
    columns = {name: table.filled[:, place] for place, name in enumerate(table.features) if name in features}
    if not columns:
        raise RequestError(
            f"{table.name} holds none of the {len(features)} features of this track; give a table that "
            "'genreclf extract' wrote with the same feature set"
        )
    return {
        name: float(((column < features[name]).mean() + (column <= features[name]).mean()) / 2)
        for name, column in columns.items()
        if len(column)
    }
