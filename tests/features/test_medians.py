"""The network of running medians, and its medians against scipy's."""

import numpy as np
import pytest
from made_matrices import matrices
from scipy.ndimage import median_filter

from genreclf.features.kernels import transposed
from genreclf.features.medians import (
    ROWS,
    WIDTH,
    WINDOWS,
    median_of_frames,
    median_steps,
    medians_of_windows,
    sort,
)


@pytest.mark.parametrize("frames", [1, 5, 14, 15, 16, 17, 30, 31, 32, 47, 100])
@pytest.mark.parametrize("bins", [8, 9, 33, 129])
def test_running_medians_are_those_of_scipy_to_the_last_bit(frames, bins):
    for name, x in matrices((frames, bins)):
        along_time = median_filter(x, size=(WIDTH, 1), mode="reflect")
        along_frequency = median_filter(x, size=(1, WIDTH), mode="reflect")
        np.testing.assert_array_equal(median_of_frames(x), along_time, err_msg=name)
        np.testing.assert_array_equal(median_of_frames(transposed(x)), along_frequency.T, err_msg=name)


@pytest.mark.parametrize("frames", [2, 3, 4])
def test_running_medians_of_very_short_tracks_mirror_them_over_and_over(frames):
    for name, x in matrices((frames, 9)):
        mirrored = np.pad(x, ((15, 15), (0, 0)), mode="symmetric")
        expected = [np.median(mirrored[t : t + WIDTH], axis=0) for t in range(frames)]
        np.testing.assert_array_equal(median_of_frames(x), expected, err_msg=name)


def test_the_median_network_holds_for_thresholds_and_so_for_any_values():
    # By the zero-one principle a network of comparisons is right for all values if it is for zeros and ones.
    rng = np.random.default_rng(0)
    for share in np.linspace(0.3, 0.7, 200):
        values = [int(x) for x in rng.random(WINDOWS + WIDTH - 1) < share]
        expected = [int(sum(values[i : i + WIDTH]) > WIDTH // 2) for i in range(WINDOWS)]
        assert medians_of_windows(values, lambda a, b: (min(a, b), max(a, b))) == expected


def test_the_median_network_needs_few_comparisons():
    count = 0

    def order(a, b):
        nonlocal count
        count += 1
        return min(a, b), max(a, b)

    medians_of_windows(list(range(WINDOWS + WIDTH - 1)), order)
    assert count < 23 * WINDOWS


def test_the_recorded_steps_are_the_network():
    steps, medians, n_rows = median_steps()
    work = np.random.default_rng(0).random(n_rows)
    values = work[:ROWS].copy()
    for a, b, low, high in steps:
        lower, higher = min(work[a], work[b]), max(work[a], work[b])
        if low >= 0:
            work[low] = lower
        if high >= 0:
            work[high] = higher
    expected = [np.median(values[i : i + WIDTH]) for i in range(WINDOWS)]
    np.testing.assert_array_equal(work[medians], expected)
    assert n_rows < 64


@pytest.mark.parametrize("length", [1, 2, 4, 8])
def test_batchers_network_sorts(length):
    for bits in range(2**length):
        values = [bits >> i & 1 for i in range(length)]
        assert sort(values, lambda a, b: (min(a, b), max(a, b))) == sorted(values)
