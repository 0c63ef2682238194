"""Pooling: a series as a row, the mean and the standard deviation of each bin over a track's frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable


def pooled_table(table: FeatureTable, series: Series) -> FeatureTable:
    """The same tracks with the mean and the standard deviation of each bin of their series as features."""
    import pandas as pd

    from genreclf.features.statistics import column_names

    columns = column_names(series.kind, series.bins, statistics=("mean", "std"))
    identity = table.frame.drop(columns=list(table.features)).reset_index(drop=True)
    features = pd.DataFrame(pooled(series).astype(np.float64), columns=list(columns))
    return table.with_frame(pd.concat([identity, features], axis=1), columns)


def pooled(series: Series) -> np.ndarray:
    """(tracks, 2 * bins), mean and standard deviation of each bin over a track's frames."""
    found = np.empty((len(series), 2 * series.bins), dtype=np.float32)
    for place, frames in zip(found, series, strict=True):
        place[:] = mean_and_std(frames[None])[0]
    return found


def mean_and_std(frames: np.ndarray) -> np.ndarray:
    """(n, 2 * bins) float32 of (n, frames, bins)."""
    values = frames.astype(np.float32)
    return np.concatenate([values.mean(axis=1), values.std(axis=1)], axis=1)
