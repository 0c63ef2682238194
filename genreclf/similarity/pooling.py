"""Series as columns of an index: the mean and the standard deviation of each bin over a track's frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError
from genreclf.models.segments import mean_and_std, pooled

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


def pooled_table(table: FeatureTable, series: Series) -> FeatureTable:
    """The same tracks with the mean and the standard deviation of each bin of their series as features."""
    import pandas as pd

    from genreclf.features.statistics import column_names

    columns = column_names(series.kind, series.bins, statistics=("mean", "std"))
    identity = table.frame.drop(columns=list(table.features)).reset_index(drop=True)
    features = pd.DataFrame(pooled(series).astype(np.float64), columns=list(columns))
    return table.with_frame(pd.concat([identity, features], axis=1), columns)


def kind_of(feature_set: str) -> str | None:
    """The kind of series that columns are of; None where they are features."""
    return feature_set.removeprefix(_MARK) if feature_set.startswith(_MARK) else None


def describe_track(
    path: Path, kind: str, *, weights: Mapping[str, str], window: Mapping[str, float | None]
) -> np.ndarray:
    """The columns of a file, (2 * bins,).

    Parameters
    ----------
    weights : digest of the weights that computed the series of the index, by kind.
    window : duration and offset.

    Raises
    ------
    RequestError : the kind is not known here, or its weights are others.
    TrackError : the file cannot be read or described.
    """
    from genreclf.features.description import describe_file
    from genreclf.features.series import find_kind

    chosen = find_kind(kind)
    if weights.get(kind, "") != chosen.weights():
        raise RequestError(
            f"this index was made with other weights of {chosen.network} than those on this machine; extract and index "
            "again"
        )
    _, frames = describe_file(path, feature_set=None, series=(chosen,), **window)
    row: np.ndarray = mean_and_std(frames[kind][None])[0].astype(np.float64)
    return row
