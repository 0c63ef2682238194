"""Harmonic and percussive power: how much of a track rings on and how much is struck.

Sustained sounds are ridges along time in the spectrogram, strokes are ridges along frequency. A running median
along each direction keeps the one and drops the other; a soft mask of the two splits the spectrum.

Source: Fitzgerald (2010), Harmonic/Percussive Separation using Median Filtering.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import FRAME_LENGTH, HOP_LENGTH, hann

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

COLUMNS = ("harmonic_power", "percussive_power")


def describe(spectra: Spectra) -> np.ndarray:
    """Mean square of the harmonic and of the percussive part, as an array of two.

    The two masks sum to one everywhere, so the percussive part is the track less its harmonic part: one inverse
    transform gives both.
    """
    from genreclf.features import kernels

    overlapped, weight = _overlapped_harmonic(spectra)
    return np.array(kernels.mean_squares(spectra.samples, overlapped, weight, FRAME_LENGTH // 2))


def harmonic_part(spectra: Spectra) -> np.ndarray:
    """(n,) float32, the harmonic part of the track."""
    overlapped, weight = _overlapped_harmonic(spectra)
    middle = slice(FRAME_LENGTH // 2, FRAME_LENGTH // 2 + len(spectra.samples))
    return np.asarray(overlapped[middle] / weight[middle])


def _overlapped_harmonic(spectra: Spectra) -> tuple[np.ndarray, np.ndarray]:
    """The overlapped frames of the harmonic part, from half a frame before the track on, and their windows' weight."""
    from genreclf.features import fourier, kernels
    from genreclf.features.medians import median_of_frames

    along_time = kernels.transposed(median_of_frames(spectra.magnitude))
    along_frequency = median_of_frames(spectra.by_bin)
    transform = spectra.transform
    mask = kernels.soft_mask(along_time, along_frequency, len(transform) * fourier.BLOCK)
    window = hann(FRAME_LENGTH).astype(np.float32)
    return fourier.overlapped(transform, mask, window, hop=HOP_LENGTH), overlap_weight(len(spectra.magnitude))


@lru_cache(maxsize=2)
def overlap_weight(n_frames: int) -> np.ndarray:
    """What the squared windows of `n_frames` frames add up to: float32, a value a sample from the first frame on."""
    quarters = np.square(hann(FRAME_LENGTH)).reshape(-1, HOP_LENGTH)
    weight = np.zeros((n_frames + len(quarters) - 1, HOP_LENGTH))
    for i, quarter in enumerate(quarters):
        weight[i : i + n_frames] += quarter
    return weight.ravel().astype(np.float32)
