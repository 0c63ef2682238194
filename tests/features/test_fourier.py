"""Fourier transforms of many frames, against scipy's."""

import numba
import numpy as np
import pytest
from made_sounds import noise
from scipy.fft import irfft, rfft

from genreclf.features import describe, fourier, vectors

STEPS = {"_write_spectra", "_overlap_add", "product_with_squares"}


@pytest.fixture(params=["steps", "plain"])
def both_ways(request, monkeypatch):
    """With the steps that are written for the compiler, and as if they could not be."""
    monkeypatch.setattr(vectors, "without_steps", set(STEPS) if request.param == "plain" else set())


@pytest.fixture
def no_step_failed(monkeypatch):
    monkeypatch.setattr(vectors, "without_steps", set())
    return vectors.without_steps


def test_a_plain_function_takes_the_place_of_one_that_cannot_be_compiled(no_step_failed):
    @vectors.step
    def broken(numbers: vectors.Array, place: vectors.Index):
        numbers[place] = numbers.data.no_such_part

    @vectors.or_plain(lambda numbers: numbers + 1)
    @numba.njit
    def moved(numbers):
        broken(numbers, np.uint64(0))
        return numbers

    with pytest.warns(RuntimeWarning, match="moved cannot be compiled here"):
        np.testing.assert_array_equal(moved(np.zeros(8)), np.ones(8))
    np.testing.assert_array_equal(moved(np.zeros(8)), np.ones(8))  # without another attempt, and a warning
    assert no_step_failed == {"moved"}


def test_features_are_the_same_without_steps(no_step_failed):
    sound = noise(3.0)
    expected = describe(sound, 22050, feature_set="texture")
    assert not no_step_failed
    no_step_failed |= STEPS
    found = describe(sound, 22050, feature_set="texture")
    assert found != expected
    np.testing.assert_allclose(list(found.values()), list(expected.values()), rtol=1e-3, atol=1e-3)


def frames_of(signal, length, hop, count, start=0):
    windows = np.lib.stride_tricks.sliding_window_view(signal, length)[::hop]
    return windows[start : start + count].astype(np.float64)


@pytest.mark.parametrize("length", [16, 32, 64, 128, 256, 512, 1024, 2048])
@pytest.mark.parametrize(("precision", "tolerance"), [("float64", 1e-7), ("float32", 1e-6)])
@pytest.mark.parametrize("hop", [5, 512])
@pytest.mark.usefixtures("both_ways")
def test_spectra_are_those_of_scipy(length, precision, tolerance, hop):
    rng = np.random.default_rng(length)
    signal = rng.standard_normal(length + 26 * hop).astype(np.float32)
    window = rng.random(length).astype(precision)
    expected = rfft(frames_of(signal, length, hop, 24, start=3) * window).T
    for first, last in ((0, length // 2 + 1), (2, length // 2), (length // 2, length // 2 + 1)):
        for blocks in (1, 3):
            spectra = np.empty((blocks, 2 * (last - first), 24 // blocks), dtype=np.float32)
            fourier.write_spectra(signal, window, spectra, hop=hop, start=3, first_bin=first)
            real, imag = np.split(np.hstack(list(spectra)), 2)
            atol = tolerance * np.abs(expected).max()
            np.testing.assert_allclose(real + 1j * imag, expected[first:last], rtol=0, atol=atol)


@pytest.mark.parametrize("frames", [1, 32, 33])
@pytest.mark.usefixtures("both_ways")
def test_centred_spectra_are_those_of_the_signal_among_zeros(frames):
    signal = np.random.default_rng(0).standard_normal(40 * 16).astype(np.float32)
    window = np.ones(64, dtype=np.float32)
    expected = rfft(frames_of(np.pad(signal, 32), 64, 16, frames)).T
    for bins, width, made in ((None, 32, 32), ((4, 9), 9, 16)):
        chosen = expected if bins is None else expected[slice(*bins)]
        spectra = fourier.centred_spectra(signal, window, hop=16, frames=frames, bins=bins, width=width)
        assert spectra.shape == (-(-frames // made), 2 * len(chosen), made)
        real, imag = np.split(np.hstack(list(spectra))[:, :frames], 2)
        np.testing.assert_allclose(real + 1j * imag, chosen, atol=1e-4)


@pytest.mark.usefixtures("both_ways")
def test_silence_is_zero_and_an_impulse_is_flat():
    signal = np.zeros(4096, dtype=np.float32)
    spectra = np.ones((1, 2 * 513, 8), dtype=np.float32)
    fourier.write_spectra(signal, np.ones(1024), spectra, hop=64)
    assert not spectra.any()
    signal[0] = 1
    fourier.write_spectra(signal, np.ones(1024), spectra, hop=64)
    np.testing.assert_array_equal(spectra[0, :, 0], np.repeat([1.0, 0.0], 513))
    assert not spectra[0, :, 1:].any()


@pytest.mark.parametrize(("samples", "frames"), [(1024 + 7 * 256 - 1, 8), (10_000, 9)])
@pytest.mark.usefixtures("both_ways")
def test_frames_beyond_the_signal_or_of_no_whole_batch_are_refused(samples, frames):
    signal, spectra = np.zeros(samples, dtype=np.float32), np.empty((1, 2, frames), dtype=np.float32)
    with pytest.raises(ValueError, match="frames of 1024 from 0 on"):
        fourier.write_spectra(signal, np.ones(1024), spectra, hop=256)


@pytest.mark.parametrize("blocks", [1, 2])
@pytest.mark.parametrize(("length", "hop"), [(2048, 512), (64, 16), (32, 32)])
@pytest.mark.usefixtures("both_ways")
def test_overlapped_frames_are_those_of_scipy(blocks, length, hop):
    count = blocks * fourier.BLOCK
    rng = np.random.default_rng(count)
    spectra = rng.standard_normal((length + 2, count)).astype(np.float32)
    spectra[length // 2 + 1] = spectra[-1] = 0  # the ends of a real signal's spectrum have no imaginary part
    gains, window = (rng.random(shape).astype(np.float32) for shape in ((length // 2 + 1, count), length))
    real, imag = np.split(spectra * np.tile(gains, (2, 1)), 2)
    frames = irfft((real + 1j * imag).T, n=length) * window
    expected = np.zeros(length + (count - 1) * hop)
    for t, frame in enumerate(frames):
        expected[t * hop : t * hop + length] += frame
    found = fourier.overlapped(np.stack(np.hsplit(spectra, blocks)), gains, window, hop=hop)
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * np.abs(expected).max())
