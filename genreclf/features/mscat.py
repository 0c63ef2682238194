"""Modulation: how each mel band swells and falls, from 60 down to a quarter of a time a second.

The amplitude of 40 mel bands, 172 times a second, goes through nine band-pass filters an octave apart; the mean of each
one's envelope, over the band's mean, says how much of the band's movement has that speed: tremolo and beats at the top,
notes around 4 Hz, phrases at the bottom. It is the first order of a scattering transform over mel bands.

Sources: Anden and Mallat (2014), Deep Scattering Spectrum; Lee and others (2009), Automatic Music Genre Classification
Based on Modulation Spectral Analysis of Spectral and Cepstral Features.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import hann, mel_bands

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

FRAME_LENGTH = 512
HOP_LENGTH = 128
N_BANDS = 40
N_FILTERS = 9
STATISTICS = ("mean", "std", *(f"mod{octave}" for octave in range(N_FILTERS)))
COLUMNS = tuple(f"mscat_{statistic}_{band:02d}" for statistic in STATISTICS for band in range(1, N_BANDS + 1))

_BLOCK = 128
_HIGHEST_CENTRE = 0.35
_RELATIVE_WIDTH = 0.35
_REACH = 4.5
_STEPS = (1, 1, 2, 4, 8, 8, 8, 8, 8)  # from point to point of a filter's output
_BETWEEN = (0, 0, 1, 3, 7, 3, 1, 0, 0)  # places to which it is interpolated between two of them
_TAPS = 10
_BANDWIDTH = 0.4
_LEVEL_FLOOR, _MODULATION_FLOOR = 1e-5, 1e-6


def describe(spectra: Spectra) -> np.ndarray:
    """(440,), level, spread and modulations of the track's bands, see `modulations`."""
    return modulations(amplitudes(spectra.samples, spectra.sample_rate), frame_rate=spectra.sample_rate / HOP_LENGTH)


def amplitudes(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Amplitude of 40 mel bands, the root of their power.

    Parameters
    ----------
    samples : (n,) float32.

    Returns
    -------
    (40, frames) float32, a frame each 128 samples, the number of frames cut to a multiple of eight.
    """
    from genreclf.features import fourier, kernels

    n_frames = (1 + len(samples) // HOP_LENGTH) // 8 * 8
    padded = fourier.centred(samples, FRAME_LENGTH, hop=HOP_LENGTH, frames=n_frames + _BLOCK)
    window = hann(FRAME_LENGTH).astype(np.float32)
    bands = mel_bands(sample_rate, n_fft=FRAME_LENGTH, n_mels=N_BANDS)
    spectra = np.empty((1, FRAME_LENGTH + 2, _BLOCK), dtype=np.float32)
    found = np.empty((N_BANDS, n_frames), dtype=np.float32)
    for start in range(0, n_frames, _BLOCK):
        fourier.write_spectra(padded, window, spectra, hop=HOP_LENGTH, start=start)
        kernels.write_band_amplitudes(spectra[0], *bands, found, start)
    return found


def modulations(series: np.ndarray, *, frame_rate: float) -> np.ndarray:
    """Level, spread and share of nine speeds of modulation, as logarithms.

    Each filter's output is computed from the bins that it lets through alone: of the slow ones only every second,
    fourth or eighth point, between which as many are interpolated as give the mean of the envelope.

    Parameters
    ----------
    series : (bands, frames) float32, not negative.
    frame_rate : in Hz.

    Returns
    -------
    (11 * bands,) float64: the bands' means, their standard deviations, and for each filter, fastest first, the mean
    envelope over the mean.
    """
    from scipy.fft import rfft

    n = series.shape[1]
    spectrum = rfft(series, axis=1)
    mean = series.mean(axis=1, dtype=np.float64)
    centred = series - mean.astype(np.float32)[:, None]
    std = np.sqrt(np.einsum("bt,bt->b", centred, centred) / n)
    found = [np.log(mean + _LEVEL_FLOOR), np.log(std + _LEVEL_FLOOR)]
    for step, between, gains in zip(_STEPS, _BETWEEN, modulation_filters(n, frame_rate), strict=True):
        # The transform was of n points, its inverse is of fewer.
        envelope = mean_envelope(filtered(spectrum[:, 1:], gains, points=n // step), between=between) / step
        found.append(np.log((envelope + _MODULATION_FLOOR) / (mean + _LEVEL_FLOOR)))
    return np.concatenate(found)


def filtered(spectrum: np.ndarray, gains: np.ndarray, *, points: int) -> np.ndarray:
    """The inverse transform of a few bins of a spectrum, at so many points.

    The bins lie about 0 Hz, which leaves the envelope as it is: so fewer points hold them, and those between can be
    interpolated.

    Parameters
    ----------
    spectrum : (bands, bins or more) complex64.
    gains : (bins,) float32.

    Returns
    -------
    (bands, points) complex64.
    """
    from scipy.fft import ifft

    lower, bins = len(gains) // 2, len(gains)
    moved = np.zeros((len(spectrum), points), dtype=np.complex64)
    np.multiply(spectrum[:, lower:bins], gains[lower:], out=moved[:, : bins - lower])
    np.multiply(spectrum[:, :lower], gains[:lower], out=moved[:, points - lower :])
    return np.asarray(ifft(moved, axis=1, overwrite_x=True))


def mean_envelope(series: np.ndarray, *, between: int) -> np.ndarray:
    """(bands,), the mean magnitude of (bands, points) complex64 periodic series and of places between their points."""
    from genreclf.features import kernels

    if not between:
        return np.asarray(np.abs(series).mean(axis=1))
    neighbours = np.arange(1 - _TAPS // 2, series.shape[1] + _TAPS // 2)
    period = np.take(series, neighbours, axis=1, mode="wrap")
    return kernels.interpolated_envelopes(period.view(np.float32), interpolation(between))


@lru_cache(maxsize=4)
def interpolation(count: int) -> np.ndarray:
    """Weights of ten neighbouring points for the fifth and so many places, evenly spaced, between it and the sixth.

    Of all weights they leave the least mean square error in a series without frequencies beyond a fifth of its rate.

    Returns
    -------
    (count + 1, 10) float32.
    """
    points = np.arange(_TAPS) - (_TAPS // 2 - 1)
    places = np.arange(count + 1) / (count + 1)
    among, towards = (np.sinc(_BANDWIDTH * (points[:, None] - ends)) for ends in (points, places))
    return np.asarray(np.linalg.lstsq(among, towards, rcond=1e-12)[0].T, dtype=np.float32)


@lru_cache(maxsize=4)
def modulation_filters(n_frames: int, frame_rate: float) -> tuple[np.ndarray, ...]:
    """Gains of the nine Morlet filters at the bins of a transform of `n_frames` frames, from bin 1 on.

    Of centre c and width 0.35 c: a Gaussian, less what it has at 0 Hz. Where a filter has nothing left, and at half the
    frame rate and above, its bins are left out.

    Returns
    -------
    Nine of (bins,) float32, at least one bin each.
    """
    frequencies = np.arange(1, max(2, n_frames // 2)) * (frame_rate / n_frames)
    filters = []
    for octave in range(N_FILTERS):
        centre = _HIGHEST_CENTRE * frame_rate / 2**octave
        width = _RELATIVE_WIDTH * centre
        count = max(1, int(np.searchsorted(frequencies, centre + _REACH * width)))
        within = frequencies[:count]
        at_zero = np.exp(-0.5 * (centre / width) ** 2)
        gains = np.exp(-0.5 * ((within - centre) / width) ** 2) - at_zero * np.exp(-0.5 * (within / width) ** 2)
        filters.append(gains.astype(np.float32))
    return tuple(filters)
