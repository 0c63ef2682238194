"""Inputs: what a model takes of a track, a row of features or a series, from sound or from a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genreclf.errors import RequestError, with_path

if TYPE_CHECKING:
    from pathlib import Path

    from genreclf.audio import Source
    from genreclf.models.bundle.manifest import BundleManifest
    from genreclf.series import Header, Series
    from genreclf.tables.table import FeatureTable

_SILENT_DB = -60.0  # root mean square about the mean, of full scale


class ModelInput(Protocol):
    """How sound becomes what a model takes; small, as each track of a worker is sent with it."""

    @property
    def sample_rate(self) -> int | None:
        """In Hz, of the sound that is described; None for the file's own."""

    @property
    def duration(self) -> float | None:
        """Seconds that are described at a time; None for the whole track."""

    def describe(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """What the model takes of (n,) samples."""

    def gather(self, described: Sequence[np.ndarray], track_ids: Sequence[str] | None = None) -> Any:  # noqa: ANN401
        """What it takes of several, an array or a `Series`."""


@dataclass(frozen=True)
class Columns:
    """A row of features.

    Parameters
    ----------
    feature_set : one of `genreclf.features.FEATURE_SETS`.
    features : those of its columns that the model has, in order.
    duration : see `ModelInput`.
    """

    feature_set: str
    features: tuple[str, ...]
    duration: float | None

    @property
    def sample_rate(self) -> int | None:
        """See `ModelInput`."""
        from genreclf.features import FEATURE_SETS

        return FEATURE_SETS[self.feature_set].sample_rate

    def describe(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """(features,)."""
        from genreclf.features import describe

        row = describe(samples, sample_rate, feature_set=self.feature_set)
        return np.array([row[name] for name in self.features])

    def gather(self, described: Sequence[np.ndarray], track_ids: Sequence[str] | None = None) -> np.ndarray:  # noqa: ARG002
        """(n, features)."""
        return np.array(described)


@dataclass(frozen=True)
class Frames:
    """A series.

    Parameters
    ----------
    header : its kind, and what it is made with.
    """

    header: Header

    @property
    def sample_rate(self) -> int | None:
        """See `ModelInput`."""
        from genreclf.features.series import find_kind

        return find_kind(self.header.kind).sample_rate

    @property
    def duration(self) -> float | None:
        """See `ModelInput`."""
        return self.header.parameters.get("duration")

    def describe(self, samples: np.ndarray, sample_rate: int) -> np.ndarray:
        """(frames, bins) float16."""
        from genreclf.features.description import describe_series

        return describe_series(samples, sample_rate, kind=self.header.kind)

    def gather(self, described: Sequence[np.ndarray], track_ids: Sequence[str] | None = None) -> Series:
        """A series of n tracks."""
        from genreclf.series import series_of_arrays

        header = self.header
        return series_of_arrays(
            header.kind,
            described,
            frame_rate=header.frame_rate,
            track_ids=track_ids,
            parameters=header.parameters,
            weights=header.weights,
        )


def input_of(manifest: BundleManifest) -> Columns | Frames:
    """How sound becomes what a model takes.

    Raises
    ------
    RequestError : it was made for what this genreclf cannot compute, or with other weights of a network.
    """
    header = manifest.series
    return _columns_input(manifest) if header is None else _frames_input(header)


def _columns_input(manifest: BundleManifest) -> Columns:
    from genreclf.features import FEATURE_SETS

    if manifest.feature_set not in FEATURE_SETS:
        made = f"the feature set {manifest.feature_set!r}" if manifest.feature_set else "a table from elsewhere"
        raise RequestError(
            f"this model was made for {made}, so it cannot predict audio; "
            f"train on a table that genreclf extract made with one of {', '.join(FEATURE_SETS)}"
        )
    chosen = FEATURE_SETS[manifest.feature_set]
    columns = set(chosen.columns)
    unknown = [name for name in manifest.features if name not in columns]
    rate = manifest.feature_parameters.get("sample_rate")
    if unknown or rate != chosen.sample_rate:
        what = f"the feature {unknown[0]!r}" if unknown else f"a sample rate of {rate}"
        raise RequestError(
            f"this model was made with {what}, which the feature set {chosen.name} of this genreclf lacks; "
            "extract and train again"
        )
    for name, digest in chosen.weights().items():
        if manifest.versions.get(name, digest) != digest:
            raise _other_weights(name)
    return Columns(manifest.feature_set, manifest.features, manifest.feature_parameters.get("duration"))


def _frames_input(header: Header) -> Frames:
    from genreclf.features import SERIES
    from genreclf.features.series import find_kind

    try:
        kind = find_kind(header.kind)
    except RequestError:
        kind = None
    if kind is None or not header.parameters:
        raise RequestError(
            f"this model was made for series from elsewhere, {header.kind[:80]!r}, so it cannot predict audio; train "
            f"on series that genreclf extract made, one of {', '.join(SERIES)}"
        )
    rate = header.parameters.get("sample_rate")
    if (header.bins, header.frame_rate, rate) != (kind.bins, kind.frame_rate, kind.sample_rate):
        raise RequestError(
            f"this model was made with {header.kind} series of {header.bins} bins at {header.frame_rate:g} frames/s, "
            "which this genreclf makes otherwise; extract and train again"
        )
    if header.weights != kind.weights():
        raise _other_weights(kind.network)
    return Frames(header)


def _other_weights(network: str) -> RequestError:
    return RequestError(
        f"this model was made with other weights of {network} than those on this machine; extract and train again"
    )


def describe_excerpt(source: Source, made: ModelInput) -> np.ndarray:
    """What a model takes of a track as a table has it: its middle, or all of a short one.

    Raises
    ------
    TrackError : the track cannot be read or described.
    """
    from genreclf.audio import load, name_of

    samples, rate = load(source, sample_rate=made.sample_rate, duration=made.duration)
    with with_path(name_of(source)):
        return made.describe(samples, rate)


def describe_segments(source: Source, made: ModelInput) -> tuple[np.ndarray, Any, bool]:
    """Start of each segment in seconds, (segments,), what a model takes of them, and whether all are silent.

    Without a duration the track is one segment.
    """
    from genreclf.audio import SHORTEST_SECONDS, load, segments

    rate, duration = made.sample_rate, made.duration
    if duration is None:
        samples, rate = load(source, sample_rate=rate, duration=None)
        pieces: Iterable[tuple[float, np.ndarray]] = [(0.0, samples)]
    else:
        if rate is None:
            _, rate = load(source, sample_rate=None, offset=0.0, duration=SHORTEST_SECONDS)
        pieces = segments(source, sample_rate=rate, duration=duration)
    starts, described, silent = [], [], True
    for start, samples in pieces:
        starts.append(start)
        described.append(made.describe(samples, rate))
        silent = silent and float(np.std(samples, dtype=np.float64)) < 10 ** (_SILENT_DB / 20)
    return np.array(starts), made.gather(described), silent


def rows_of(
    table: FeatureTable, manifest: BundleManifest, *, imputes: bool, series: Series | str | Path | None = None
) -> Any:  # noqa: ANN401 - (tracks, features), or a `Series`
    """What a model takes of the tracks of a table.

    Parameters
    ----------
    imputes : whether the model fills empty cells.
    series : see `genreclf.series.find_series`; None takes the model's kind beside the table.

    Raises
    ------
    RequestError : the table lacks features of the model, or was made with others, or holds values that the model
        cannot take; or there are no such series of its tracks.
    """
    if manifest.series is None:
        if series is not None:
            raise RequestError(f"this model takes {manifest.inputs}, not series; leave out `series`")
        return _columns_of(table, manifest, imputes=imputes)
    from genreclf.series import series_of

    header = manifest.series
    found = series_of(table, header.kind if series is None else series)
    if name := header.difference(found.header):
        raise RequestError(
            f"{table.name}: series made with {name} {getattr(found.header, name)}, the model with "
            f"{getattr(header, name)}; extract them with that value"
        )
    return found


def _columns_of(table: FeatureTable, manifest: BundleManifest, *, imputes: bool) -> np.ndarray:
    missing = [name for name in manifest.features if name not in set(table.features)]
    if missing:
        raise RequestError(
            f"{table.name}: lacks {len(missing)} of the model's {len(manifest.features)} features, first "
            f"{missing[0]!r}; extract it with the feature set of the training table"
            + (f", {manifest.feature_set}" if manifest.feature_set else "")
        )
    window = table.meta.get("parameters") or {}
    for name, value in manifest.feature_parameters.items():
        if name in window and manifest.feature_set and window[name] != value:
            raise RequestError(
                f"{table.name}: made with {name} {window[name]}, the model with {value}; extract it with that value"
            )
    X = np.ascontiguousarray(table.frame[list(manifest.features)].to_numpy(dtype=np.float64))
    empty = np.isnan(X)
    if empty.any() and not imputes:
        row, column = (int(place[0]) for place in np.nonzero(empty))
        raise RequestError(
            f"{table.name}: track {table.ids[row]!r} has no value in column {manifest.features[column]!r}, "
            "and the model was trained on a table without empty cells; fill the cell or remove the row"
        )
    return X
