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
_STEPS = (1, 1, 1, 1, 1, 2, 4, 8, 8)
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
    padded = np.pad(samples, (FRAME_LENGTH // 2, FRAME_LENGTH // 2 + _BLOCK * HOP_LENGTH))
    window = hann(FRAME_LENGTH).astype(np.float32)
    bands = mel_bands(sample_rate, n_fft=FRAME_LENGTH, n_mels=N_BANDS)
    spectra = np.empty((FRAME_LENGTH + 2, _BLOCK), dtype=np.float32)
    found = np.empty((N_BANDS, n_frames), dtype=np.float32)
    for start in range(0, n_frames, _BLOCK):
        fourier.write_spectra(padded, window, spectra, hop=HOP_LENGTH, start=start)
        kernels.write_band_amplitudes(spectra, *bands, found, start)
    return found


def modulations(series: np.ndarray, *, frame_rate: float) -> np.ndarray:
    """Level, spread and share of nine speeds of modulation, as logarithms.

    Each filter's output is computed from the bins that it lets through alone. The slow ones move so little that every
    second, fourth or eighth point of the output gives the mean of its envelope.

    Parameters
    ----------
    series : (bands, frames) float32, not negative.
    frame_rate : in Hz.

    Returns
    -------
    (11 * bands,) float64: the bands' means, their standard deviations, and for each filter, fastest first, the mean
    envelope over the mean.
    """
    from scipy.fft import ifft, rfft

    n = series.shape[1]
    spectrum = rfft(series, axis=1)
    mean = series.mean(axis=1, dtype=np.float64)
    found = [np.log(mean + _LEVEL_FLOOR), np.log(series.std(axis=1, dtype=np.float64) + _LEVEL_FLOOR)]
    for step, gains in zip(_STEPS, modulation_filters(n, frame_rate), strict=True):
        size = n // step
        filtered = np.zeros((len(series), size), dtype=np.complex64)
        np.multiply(spectrum[:, 1 : 1 + len(gains)], gains, out=filtered[:, : len(gains)])
        envelope = np.abs(ifft(filtered, axis=1, overwrite_x=True)).mean(axis=1) * (size / n)
        found.append(np.log((envelope + _MODULATION_FLOOR) / (mean + _LEVEL_FLOOR)))
    return np.concatenate(found)


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
