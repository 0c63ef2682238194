"""Calibration error: how far certainty is from accuracy, without the part that chance alone makes.

Tracks are sorted by the probability of the predicted genre into bins of equal size. In each, mean certainty and
accuracy differ, if only because the bin holds few tracks; squared, chance always adds. That part, the variance of
the difference over artists, is subtracted before the root is taken, so a calibrated model has an error of about 0
however few tracks there are, and resampling does not raise it.

Source: Kumar, Liang and Ma (2019), Verified Uncertainty Calibration (the debiased estimator, here with variances
over artists rather than tracks).
"""

from __future__ import annotations

import numpy as np

from genreclf.evaluation.uncertainty import Interval, degrees_of_freedom

_BINS = 15
_TRACKS_PER_BIN = 10


def calibration_error(
    y: np.ndarray, probabilities: np.ndarray, groups: np.ndarray, *, level: float = 0.95
) -> tuple[float, Interval]:
    """Root mean square difference of certainty and accuracy, debiased, with its interval.

    Parameters
    ----------
    y : (tracks,), genre codes.
    probabilities : (tracks, genres), rows that sum to one.
    groups : (tracks,), any labels; tracks of one group err together.

    Returns
    -------
    The error, 0 where chance explains all of it, and its interval; the standard error is that of the square.
    """
    from scipy.stats import t as student

    certainty = probabilities.max(axis=1)
    excess = (probabilities.argmax(axis=1) == y) - certainty
    n = len(y)
    bins = max(1, min(_BINS, n // _TRACKS_PER_BIN))
    bin_of = np.empty(n, dtype=int)
    bin_of[np.argsort(certainty, kind="stable")] = np.arange(n) * bins // n
    size = np.bincount(bin_of, minlength=bins)
    gap = np.bincount(bin_of, weights=excess, minlength=bins) / size
    variance, by_group = _variances(excess - gap[bin_of], groups, bin_of, size)
    share = size / n
    square = float(share @ (gap**2 - variance))
    contributions = by_group @ (2 * share * gap)
    deviation, df = float(np.sqrt((contributions**2).sum())), float(degrees_of_freedom(contributions))
    quantile = float(student.ppf((1 + level) / 2, df))
    low, high = (float(np.sqrt(max(0.0, square + sign * quantile * deviation))) for sign in (-1, 1))
    return float(np.sqrt(max(0.0, square))), Interval(low, high, deviation, df)


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
