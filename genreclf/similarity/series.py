"""Series in an index: tracks are compared by their pooled series in the place of the features of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError
from genreclf.models.pooling import mean_and_std, pooled_table

if TYPE_CHECKING:
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable

_MARK = "series:"  # before the kind, in the place of the feature set


def with_series(table: FeatureTable, series: Series | str | Path) -> FeatureTable:
    """The same tracks with columns of their series in the place of features.

    Parameters
    ----------
    series : see `genreclf.series.find_series`.

    Raises
    ------
    RequestError : there are no such series, or not of all tracks.
    """
    from genreclf.series import series_of

    found = series_of(table, series)
    header = found.header
    weights = {header.kind: header.weights} if header.weights else {}
    meta = {"feature_set": _MARK + header.kind, "parameters": header.parameters, "weights": weights}
    return replace(pooled_table(table, found), meta=meta if header.parameters else {})


def kind_of(feature_set: str) -> str | None:
    """The kind of series that columns are of; None where they are features."""
    return feature_set.removeprefix(_MARK) if feature_set.startswith(_MARK) else None


def describe_track(
    path: Path, kind: str, *, columns: int, weights: Mapping[str, str], window: Mapping[str, float | None]
) -> np.ndarray:
    """What an index takes of a file, (columns,).

    Parameters
    ----------
    columns : of the index, two for each bin.
    weights : digest of the weights that computed the series of the index, by kind.
    window : duration and offset.

    Raises
    ------
    RequestError : the kind is not known here, or has other bins or weights.
    TrackError : the file cannot be read or described.
    """
    from genreclf.features.description import describe_file
    from genreclf.features.series import find_kind

    chosen = find_kind(kind)
    if columns != 2 * chosen.bins:
        raise RequestError(
            f"this index was made with {kind} series of {columns // 2} bins, which this genreclf makes with "
            f"{chosen.bins}; extract and index again"
        )
    if weights.get(kind, "") != chosen.weights():
        raise RequestError(
            f"this index was made with other weights of {chosen.network} than those on this machine; extract and index "
            "again"
        )
    _, frames = describe_file(path, feature_set=None, series=(chosen,), **window)
    row: np.ndarray = mean_and_std(frames[kind][None])[0].astype(np.float64)
    return row
