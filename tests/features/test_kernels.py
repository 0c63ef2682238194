"""Each compiled loop against its plain counterpart, on random and on awkward input."""

from itertools import pairwise

import librosa
import numpy as np
import pytest
import scipy.stats
from made_matrices import matrices

from genreclf.features import kernels, spectra


@pytest.mark.parametrize("shape", [(1, 1), (7, 40), (33, 16), (8, 32)])
def test_a_transpose_is_that_of_numpy(shape):
    x = np.random.default_rng(0).random(shape).astype(np.float32)
    np.testing.assert_array_equal(kernels.transposed(x), x.T)


def test_masks_are_those_of_librosa_with_zeros_after_them():
    for (name, kept), (_, other) in zip(matrices((20, 33), 1), matrices((20, 33), 2), strict=True):
        mask = kernels.soft_mask(kept, other, 40)
        expected = librosa.util.softmask(kept, other, power=2, split_zeros=True)
        np.testing.assert_allclose(mask[:, :33], expected, rtol=1e-5, err_msg=name)
        assert not mask[:, 33:].any()


def test_magnitudes_are_those_of_the_complex_numbers_however_small():
    spectra = np.random.default_rng(0).standard_normal((2 * 5, 16)).astype(np.float32)
    for scale in (1.0, 1e-30):
        scaled = spectra * np.float32(scale)
        expected = np.abs(scaled[:5].astype(complex) + 1j * scaled[5:])[:, :13]
        for blocks in (1, 2):
            found = np.zeros((5, 15), dtype=np.float32)
            kernels.write_magnitudes(np.stack(np.hsplit(scaled, blocks)), found, 2)
            np.testing.assert_allclose(found[:, 2:], expected, rtol=1e-6)


@pytest.mark.parametrize("n", [1, 31, 32, 70])
def test_the_product_with_squares_is_that_of_numpy(n):
    rng = np.random.default_rng(n)
    weights, columns = rng.random((4, 24)).astype(np.float32), rng.standard_normal((21, n)).astype(np.float32)
    for product in (kernels.product_with_squares, kernels._plain_product_with_squares):
        np.testing.assert_allclose(product(weights, columns), weights[:, :21] @ columns**2, rtol=1e-5)


def test_mel_power_is_the_product_with_librosas_filters():
    for name, magnitude in matrices((11, 1025)):
        expected = magnitude**2 @ librosa.filters.mel(sr=22050, n_fft=2048).T
        power = kernels.mel_power(kernels.transposed(magnitude), *spectra.mel_bands(22050))
        np.testing.assert_allclose(power, expected, rtol=2e-5, err_msg=name)


@pytest.mark.parametrize("inner", [3, 128, 1025])
def test_project_is_a_matrix_product(inner):
    rng = np.random.default_rng(0)
    rows, matrix = (rng.standard_normal(shape).astype(np.float32) for shape in ((7, inner), (inner, 20)))
    np.testing.assert_allclose(kernels.project(rows, matrix), rows @ matrix, rtol=1e-4, atol=1e-5)


def test_combined_magnitudes_are_those_of_the_matrix_product():
    rng = np.random.default_rng(0)
    spectra = rng.standard_normal((2 * 7, 30)).astype(np.float32)
    matrix = (rng.standard_normal((4, 7)) + 1j * rng.standard_normal((4, 7))) * (rng.random((4, 7)) < 0.5)
    rows, bins = np.nonzero(matrix)
    start = np.searchsorted(rows, np.arange(5))
    found = kernels.combined_magnitudes(spectra, start, bins, matrix[rows, bins].astype(np.complex64))
    np.testing.assert_allclose(found, np.abs(matrix @ (spectra[:7] + 1j * spectra[7:])).T, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("points", [1, 3, 40])
def test_interpolated_envelopes_are_those_of_the_weighted_neighbours(points):
    rng = np.random.default_rng(points)
    series = (rng.standard_normal((2, points + 3)) + 1j * rng.standard_normal((2, points + 3))).astype(np.complex64)
    weights = rng.standard_normal((5, 4)).astype(np.float32)
    neighbours = np.stack([series[:, tap : tap + points] for tap in range(4)])
    expected = np.abs(np.tensordot(weights, neighbours, axes=1)).mean(axis=(0, 2))
    found = kernels.interpolated_envelopes(series.view(np.float32), weights)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_mean_squares_are_those_of_the_part_and_of_the_rest():
    rng = np.random.default_rng(0)
    samples, overlapped, weight = (rng.random(n).astype(np.float32) + 0.1 for n in (50, 60, 60))
    part = overlapped[5:55] / weight[5:55]
    expected = [np.mean(part**2), np.mean((samples - part) ** 2)]
    np.testing.assert_allclose(kernels.mean_squares(samples, overlapped, weight, 5), expected, rtol=1e-5)


def test_moments_are_those_of_scipy():
    rng = np.random.default_rng(0)
    rows = np.stack([rng.standard_normal(500), rng.exponential(size=500), 1e6 + rng.random(500)])
    mean, std, skew, kurtosis, _, low, high = kernels.moments(rows)
    np.testing.assert_allclose(mean, rows.mean(axis=1))
    np.testing.assert_allclose(std, rows.std(axis=1), rtol=1e-9)
    np.testing.assert_allclose(skew, scipy.stats.skew(rows, axis=1), rtol=1e-6)
    np.testing.assert_allclose(kurtosis, scipy.stats.kurtosis(rows, axis=1), rtol=1e-6)
    np.testing.assert_array_equal(low, rows.min(axis=1))
    np.testing.assert_array_equal(high, rows.max(axis=1))


@pytest.mark.parametrize("row", [[0.0] * 9, [0.1] * 7, [1e300] * 3, [5.0]])
def test_moments_of_a_constant_have_no_spread_skew_or_kurtosis(row):
    mean, std, skew, kurtosis, _, low, high = kernels.moments(np.array([row]))[:, 0]
    assert low == high == row[0]
    assert mean == pytest.approx(row[0])
    assert std == skew == kurtosis == 0


@pytest.mark.parametrize("frames", [3, 20, 200])
def test_the_sliding_spectrum_is_the_mean_of_the_windows_spectra(frames):
    width = 24
    window = spectra.hann(width)
    for name, x in matrices((frames + width - 1, 1)):
        samples = x[:, 0].astype(np.float64)
        windows = np.lib.stride_tricks.sliding_window_view(samples, width) * window
        energy = np.square(windows).sum(axis=1)
        heard = energy > 0
        power = np.abs(np.fft.rfft(windows[heard], 2 * width)) ** 2 / energy[heard, None]
        found = kernels.mean_spectrum_of_windows(samples, width)
        np.testing.assert_allclose(found, power.sum(axis=0) / frames, atol=1e-9, err_msg=name)


def test_the_sliding_spectrum_forgets_a_loud_past():
    samples = np.zeros(400)
    samples[:50] = 1e6
    samples[300:] = np.random.default_rng(0).random(100)
    after = kernels.mean_spectrum_of_windows(samples[100:], 24) * 277
    before = kernels.mean_spectrum_of_windows(samples[:123], 24) * 100
    np.testing.assert_allclose(kernels.mean_spectrum_of_windows(samples, 24) * 377, before + after, rtol=1e-6)


def test_spectral_peaks_are_those_of_librosa():
    rng = np.random.default_rng(0)
    spectrum = np.abs(rng.standard_normal((1025, 30))).astype(np.float32) ** 2
    pitches, heights = librosa.piptrack(S=spectrum, sr=22050)
    found, magnitude = kernels.spectral_peaks(spectrum, spectrum.max(axis=0), 14, 372, np.float32(0.1), 22050 / 2048)
    at_peak = pitches > 0
    np.testing.assert_array_equal(found, pitches[at_peak])
    np.testing.assert_allclose(magnitude, heights[at_peak], rtol=1e-6)


def test_extremes_are_means_of_the_sorted_ends():
    rng = np.random.default_rng(0)
    magnitude = rng.random((9, 60)).astype(np.float32)
    edges, counts = np.array([0, 5, 6, 40, 60]), np.array([2, 1, 8, 20])
    peaks, valleys = kernels.extremes(kernels.transposed(magnitude), edges[:-1], edges[1:], counts)
    for band, (first, last) in enumerate(pairwise(edges)):
        ordered = np.sort(magnitude[:, first:last], axis=1)
        np.testing.assert_allclose(valleys[:, band], ordered[:, : counts[band]].mean(axis=1), rtol=1e-6)
        np.testing.assert_allclose(peaks[:, band], ordered[:, -counts[band] :].mean(axis=1), rtol=1e-6)
