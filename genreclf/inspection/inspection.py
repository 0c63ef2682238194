"""An inspection: one track's series, numbers and genre."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.audio import DURATION

if TYPE_CHECKING:
    from genreclf.inspection.percentiles import FeaturePercentile
    from genreclf.inspection.series import TrackSeries
    from genreclf.inspection.timeline import Timeline
    from genreclf.tables.table import FeatureTable


@dataclass(frozen=True, eq=False)
class Inspection:
    """One track as the features see it.

    Parameters
    ----------
    path : the file.
    start : where the excerpt begins, in seconds; None where the middle was taken.
    series : what is heard at each time.
    features : the row of features, by column.
    percentiles : the same, each with its percentile among the tracks of a table.
    table_name, table_tracks : of that table; empty and 0 without one.
    timeline : genre probabilities over time, where a model was given.
    model_name : of that model.
    """

    path: Path
    start: float | None
    series: TrackSeries
    features: Mapping[str, float]
    percentiles: tuple[FeaturePercentile, ...]
    table_name: str = ""
    table_tracks: int = 0
    timeline: Timeline | None = None
    model_name: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the page shows in plain values, for programs; seconds are of the track, missing values are None."""
        return {
            "path": str(self.path),
            "start": self.start,
            "seconds": self.series.seconds,
            "sample_rate": self.series.sample_rate,
            "table": {"name": self.table_name, "tracks": self.table_tracks} if self.table_tracks else None,
            "features": {
                p.feature: {"value": p.value if math.isfinite(p.value) else None, "percentile": p.percentile}
                for p in self.percentiles
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
    from genreclf.inspection.percentiles import feature_percentiles
    from genreclf.inspection.series import series_of
    from genreclf.inspection.timeline import timeline_of
    from genreclf.tables.table import FeatureTable

    read = table if table is None or isinstance(table, FeatureTable) else FeatureTable.read(table)
    samples, rate = load(path, sample_rate=find_feature_set("study").sample_rate, offset=offset, duration=duration)
    features = describe(samples, rate)
    return Inspection(
        path=Path(path),
        start=offset,
        series=series_of(samples, rate),
        features=features,
        percentiles=feature_percentiles(features, read),
        table_name="" if read is None else read.name,
        table_tracks=0 if read is None else len(read),
        timeline=None if model is None else timeline_of(Path(path), Path(model), length=len(samples) / rate),
        model_name="" if model is None else Path(model).name,
    )
