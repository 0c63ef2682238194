"""Sequences: what networks need of series, whose tracks differ in length."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from genreclf.series.series import BATCH

if TYPE_CHECKING:
    from genreclf.series import Series

_MOST_VALUES = 1 << 22  # of tracks that are predicted together; a network of squares takes 32 times as many and more


def moments(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each bin, (bins,) float32, tracks counting alike; 1 for a bin that is constant."""
    mean = squares = np.zeros(series.bins)
    for frames in series:
        values = frames.astype(np.float64)
        mean, squares = mean + values.mean(axis=0), squares + (values**2).mean(axis=0)
    mean, squares = mean / len(series), squares / len(series)
    std = np.sqrt(np.maximum(squares - mean**2, 0))
    return mean.astype(np.float32), np.where(std > 1e-4, std, 1.0).astype(np.float32)


def of_one_length(series: Series) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """All tracks, in batches of tracks of the same length: their numbers, and (n, frames, bins) float32."""
    for length in np.unique(series.lengths):
        numbers = np.flatnonzero(series.lengths == length)
        size = max(1, min(BATCH, _MOST_VALUES // (int(length) * series.bins)))
        for start in range(0, len(numbers), size):
            chosen = numbers[start : start + size]
            yield chosen, series.batch(chosen)[0]


def filled(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """A padded batch, (n, frames, bins), whose shorter tracks are repeated to its end."""
    for place in np.flatnonzero(lengths < values.shape[1]):
        values[place] = np.resize(values[place, : lengths[place]], values.shape[1:])
    return values
