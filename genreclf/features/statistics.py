"""The seven statistics that turn a series of frames into a few numbers.

Skew and kurtosis are the biased moment ratios m3 / m2^1.5 and m4 / m2^2 - 3 (Fisher), as ``scipy.stats`` gives
by default. A series without spread has neither; here both are 0 then, so that a silent track still has a row.
"""

from __future__ import annotations

import numpy as np

STATISTICS = ("mean", "std", "skew", "kurtosis", "median", "min", "max")


def column_names(family: str, size: int, *, statistics: tuple[str, ...] = STATISTICS) -> tuple[str, ...]:
    """Name the columns of `size` series: ``mfcc_mean_01``, ``mfcc_mean_02``, ..., a statistic at a time."""
    return tuple(f"{family}_{statistic}_{i + 1:02d}" for statistic in statistics for i in range(size))


def summarise(series: np.ndarray, *, statistics: tuple[str, ...] = STATISTICS) -> np.ndarray:
    """Reduce each series to its statistics.

    Parameters
    ----------
    series : (size, frames), finite, at least one frame.
    statistics : which, and in which order.

    Returns
    -------
    (len(statistics) * size,) in the order of `column_names`, float64.
    """
    from genreclf.features import kernels

    rows = np.ascontiguousarray(series, dtype=np.float64)
    values = kernels.moments(rows)
    values[STATISTICS.index("median")] = np.median(rows, axis=1)
    order = [STATISTICS.index(name) for name in statistics]
    return values[order].ravel()
