"""The shape of the spectrum in a few numbers: level, centroid, bandwidth, roll-off, contrast.

Frequencies in Hz are read as if the track had been sampled at 22,050 Hz, whatever its rate is: the Free Music Archive's
table was computed so, and rows have to match it. At 44,100 Hz the true frequencies are twice those given.

Sources: Tzanetakis and Cook (2002), Musical Genre Classification of Audio Signals (centroid, roll-off); Klapuri and
Davy (2007), Signal Processing Methods for Music Transcription (bandwidth); Jiang and others (2002), Music Type
Classification by Spectral Contrast Feature.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import FRAME_LENGTH, power_to_decibels

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

ASSUMED_RATE = 22050
N_BANDS = 7

_ROLLOFF = 0.85
_LOWEST_BAND_EDGE = 200.0
_EXTREMES = 0.02


def rms_series(spectra: Spectra) -> np.ndarray:
    """Root mean square of each frame under its window: (1, frames).

    In today's units. The data set's own table was made with librosa 0.5, which took the mean over the spectrum's bins
    without regard to the transform's length: its values are 2048 / sqrt(2050), or 45.2, times as large.
    """
    return spectra.shared(shape)[0:1]


def centroid_series(spectra: Spectra) -> np.ndarray:
    """Mean frequency of each frame, weighted by magnitude, in Hz: (1, frames)."""
    return spectra.shared(shape)[1:2]


def bandwidth_series(spectra: Spectra) -> np.ndarray:
    """Standard deviation of frequency in each frame, weighted by magnitude, in Hz: (1, frames)."""
    return spectra.shared(shape)[2:3]


def rolloff_series(spectra: Spectra) -> np.ndarray:
    """The frequency below which 85% of each frame's magnitude lies, in Hz: (1, frames)."""
    return spectra.shared(shape)[3:4]


def contrast_series(spectra: Spectra) -> np.ndarray:
    """Peaks over valleys in seven octave bands, in dB: (7, frames)."""
    return contrast(spectra.by_bin)


def shape(spectra: Spectra) -> np.ndarray:
    """Level, centroid, bandwidth and roll-off in one sweep: (4, frames)."""
    from genreclf.features import kernels

    return kernels.spectral_shape(spectra.by_bin, ASSUMED_RATE / FRAME_LENGTH, np.float32(_ROLLOFF))


def contrast(by_bin: np.ndarray) -> np.ndarray:
    """How far the peaks of each octave band stand above its valleys.

    Parameters
    ----------
    by_bin : (1025, frames) float32 magnitudes.

    Returns
    -------
    (7, frames) in dB; peaks and valleys are means of the highest and of the lowest fiftieth of a band's bins, and each
    is held within 80 dB of the track's highest.
    """
    from genreclf.features import kernels

    peaks, valleys = kernels.extremes(by_bin, *contrast_bands())
    return np.asarray(power_to_decibels(peaks) - power_to_decibels(valleys)).T


def contrast_bands() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First bin, one past the last bin, and number of bins that count as extreme, of each of the seven bands.

    Bands reach from 0 to 200 Hz, then an octave each; the last goes on to the highest bin.
    """
    edges = np.concatenate(([0.0], _LOWEST_BAND_EDGE * 2.0 ** np.arange(N_BANDS)))
    frequencies = np.arange(FRAME_LENGTH // 2 + 1) * (ASSUMED_RATE / FRAME_LENGTH)
    first = np.searchsorted(frequencies, edges[:-1], side="left")
    first[1:] -= 1
    last = np.searchsorted(frequencies, edges[1:], side="right")
    last[-1] = len(frequencies)
    extreme = np.maximum(1, np.rint(_EXTREMES * (last - first))).astype(np.int64)
    last[:-1] -= 1
    return first, last, extreme
