"""Calibration error: how far confidence is from accuracy, without the part that chance alone makes.

Tracks are sorted by the probability of the predicted genre into bins of equal size. In each, mean confidence and
accuracy differ, if only because the bin holds few tracks; squared, chance always adds. That part, the variance of
the difference over artists, is subtracted before the root is taken, so a calibrated model has an error of about 0
however few tracks there are, and resampling does not raise it.

Source: Kumar, Liang and Ma (2019), Verified Uncertainty Calibration (the debiased estimator, here with variances
over artists rather than tracks).
"""

from __future__ import annotations

import numpy as np

from genreclf.evaluation.uncertainty import LEVEL, degrees_of_freedom

_BINS = 15
_TRACKS_PER_BIN = 10


def calibration_error(confidence: np.ndarray, right: np.ndarray, groups: np.ndarray) -> tuple[float, float, float]:
    """Root mean square difference of confidence and accuracy, debiased, with its interval.

    Parameters
    ----------
    confidence : (tracks,), the probability of the predicted genre.
    right : (tracks,), whether the prediction was right.
    groups : (tracks,), any labels; tracks of one group err together.

    Returns
    -------
    The error, 0 where chance explains all of it, and the ends of its interval.
    """
    from scipy.stats import t as student

    excess = right - confidence
    n = len(right)
    bins = max(1, min(_BINS, n // _TRACKS_PER_BIN))
    edges = np.quantile(confidence, np.arange(1, bins) / bins)
    bin_of = np.unique(np.searchsorted(edges, confidence), return_inverse=True)[1]  # equal ones share a bin
    size = np.bincount(bin_of)
    gap = np.bincount(bin_of, weights=excess) / size
    variance, by_group = _variances(excess - gap[bin_of], groups, bin_of, size)
    share = size / n
    square = float(share @ (gap**2 - variance))
    contributions = by_group @ (2 * share * gap)
    half = student.ppf(1 - LEVEL / 2, degrees_of_freedom(contributions)) * np.sqrt((contributions**2).sum())
    error, low, high = np.sqrt(np.maximum(0.0, [square, square - half, square + half]))
    return float(error), float(low), float(high)


def _variances(
    excess: np.ndarray, groups: np.ndarray, bin_of: np.ndarray, size: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(bins,) variance of each bin's mean over groups; (groups, bins) what each group adds to it."""
    codes = np.unique(groups, return_inverse=True)[1]
    by_group = np.zeros((int(codes.max()) + 1, len(size)))
    np.add.at(by_group, (codes, bin_of), excess)
    by_group /= size
    there = np.zeros(by_group.shape, dtype=bool)
    there[codes, bin_of] = True
    number = there.sum(axis=0)
    return (by_group**2).sum(axis=0) * number / np.maximum(number - 1, 1), by_group
