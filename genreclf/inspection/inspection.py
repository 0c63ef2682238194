"""An inspection: one track's series, numbers and genre, as a page or a picture."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.audio import DURATION

if TYPE_CHECKING:
    from genreclf.inspection.percentiles import Standing
    from genreclf.inspection.series import TrackSeries
    from genreclf.inspection.timeline import Timeline
    from genreclf.tables.table import FeatureTable


@dataclass(frozen=True, eq=False)
class Inspection:
    """One track as the features see it.

    Parameters
    ----------
    path : the file.
    start : where the stretch that is described begins, in seconds; None where the middle was taken.
    series : what is heard when.
    features : the row of features, by column.
    standings : the same with each one's place among the tracks of a table.
    table_name, table_tracks : of that table; empty and 0 without one.
    timeline : genre probabilities over time, where a model was given.
    model_name : of that model.
    """

    path: Path
    start: float | None
    series: TrackSeries
    features: Mapping[str, float]
    standings: tuple[Standing, ...]
    table_name: str = ""
    table_tracks: int = 0
    timeline: Timeline | None = None
    model_name: str = ""

    def as_json(self) -> dict[str, Any]:
        """What the page says in plain values, for programs; seconds are of the track, what has no value is None."""
        standings = {s.feature: {"value": _finite(s.value), "percentile": s.percentile} for s in self.standings}
        return {
            "path": str(self.path),
            "start": self.start,
            "seconds": self.series.seconds,
            "sample_rate": self.series.sample_rate,
            "table": {"name": self.table_name, "tracks": self.table_tracks} if self.table_tracks else None,
            "features": standings,
            "genres": None if self.timeline is None else {"model": self.model_name} | self.timeline.as_json(),
        }

    def write_html(self, path: Path | str) -> None:
        """Write one page that needs nothing from outside.

        Raises
        ------
        RequestError : the place cannot be written to.
        """
        from genreclf.files import write_whole
        from genreclf.inspection.page import inspection_page

        write_whole(Path(path), inspection_page(self))

    def write_png(self, path: Path | str) -> None:
        """Write the time-aligned panels as one picture.

        Raises
        ------
        RequestError : the place cannot be written to.
        """
        from genreclf.files import write_whole
        from genreclf.inspection.picture import inspection_picture

        write_whole(Path(path), inspection_picture(self))


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


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
    table : a feature table among whose tracks each number is placed.
    model : a trained model, for genre probabilities over the whole track.
    offset, duration : the stretch to show, in seconds; without an offset the middle, as for `extract_features`.

    Raises
    ------
    TrackError : the file cannot be read or described.
    RequestError : the table, the model or the stretch makes no sense.
    """
    from genreclf.audio import load
    from genreclf.features import describe, find_feature_set
    from genreclf.inspection.percentiles import standings
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
        standings=tuple(standings(features, read)),
        table_name="" if read is None else read.name,
        table_tracks=0 if read is None else len(read),
        timeline=None if model is None else timeline_of(Path(path), Path(model), length=len(samples) / rate),
        model_name="" if model is None else Path(model).name,
    )
