"""Mel-frequency cepstral coefficients: the shape of the spectrum as the ear groups it, in 20 numbers a frame.

The orthonormal type II cosine transform of 128 mel bands in dB.

Source: Davis and Mermelstein (1980), Comparison of Parametric Representations for Monosyllabic Word Recognition in
Continuously Spoken Sentences.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

N_COEFFICIENTS = 20


def series(spectra: Spectra) -> np.ndarray:
    """The 20 coefficients of each frame: (20, frames)."""
    return mfcc(spectra.mel_decibels)


def shared_series(spectra: Spectra) -> np.ndarray:
    """The same, remembered for the families that need it."""
    return spectra.shared(series)


def mfcc(mel_decibels: np.ndarray) -> np.ndarray:
    """Cepstral coefficients of a mel spectrogram.

    Parameters
    ----------
    mel_decibels : (frames, bands), float32.

    Returns
    -------
    (20, frames), float32.
    """
    from genreclf.features import kernels

    product: np.ndarray = kernels.project(mel_decibels, _cosines(mel_decibels.shape[1]))
    return product.T


@lru_cache(maxsize=4)
def _cosines(n_bands: int) -> np.ndarray:
    """(bands, 20), the first columns of the orthonormal type II cosine transform."""
    angles = np.pi / n_bands * np.outer(np.arange(n_bands) + 0.5, np.arange(N_COEFFICIENTS))
    scale = np.full(N_COEFFICIENTS, np.sqrt(2.0 / n_bands))
    scale[0] = np.sqrt(1.0 / n_bands)
    return np.asarray(np.cos(angles) * scale, dtype=np.float32)
