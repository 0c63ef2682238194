"""Harmonic and percussive power: how much of a track rings on and how much is struck.

Sustained sounds are ridges along time in the spectrogram, strokes are ridges along frequency. A running median
along each direction keeps the one and drops the other; a soft mask of the two splits the spectrum.

Source: Fitzgerald (2010), Harmonic/Percussive Separation using Median Filtering.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import FRAME_LENGTH, HOP_LENGTH, hann

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

COLUMNS = ("harmonic_power", "percussive_power")

_BLOCK = 64


def describe(spectra: Spectra) -> np.ndarray:
    """Mean square of the harmonic and of the percussive part, as an array of two.

    The two masks sum to one everywhere, so the percussive part is the track less its harmonic part: one inverse
    transform gives both.
    """
    harmonic = spectra.harmonic.astype(np.float64)
    percussive = spectra.samples - harmonic
    return np.array([np.mean(harmonic**2), np.mean(percussive**2)])


def harmonic_part(spectra: Spectra) -> np.ndarray:
    """(n,) float32, the harmonic part of the track."""
    from genreclf.features import kernels

    magnitude = spectra.magnitude
    ridges_in_time = kernels.running_median(magnitude)
    ridges_in_frequency = kernels.running_median(np.ascontiguousarray(magnitude.T)).T
    mask = kernels.soft_mask(ridges_in_time, ridges_in_frequency)
    return istft(spectra.stft * mask, n_samples=len(spectra.samples))


def istft(transform: np.ndarray, *, n_samples: int) -> np.ndarray:
    """Invert `spectra.stft` by weighted overlap and add.

    Parameters
    ----------
    transform : (frames, 1025) complex64.
    n_samples : length of the result.

    Returns
    -------
    (n_samples,) float32.
    """
    from scipy.fft import irfft

    window = hann(FRAME_LENGTH).astype(np.float32)
    signal = np.zeros(HOP_LENGTH * (len(transform) - 1) + FRAME_LENGTH, dtype=np.float32)
    weight = np.zeros_like(signal)
    for start in range(0, len(transform), _BLOCK):
        frames = irfft(transform[start : start + _BLOCK], n=FRAME_LENGTH) * window
        for i, frame in enumerate(frames, start=start):
            signal[i * HOP_LENGTH : i * HOP_LENGTH + FRAME_LENGTH] += frame
            weight[i * HOP_LENGTH : i * HOP_LENGTH + FRAME_LENGTH] += window**2
    middle = slice(FRAME_LENGTH // 2, FRAME_LENGTH // 2 + n_samples)
    return signal[middle] / weight[middle]
