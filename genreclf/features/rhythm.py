"""Tempo: how many beats a minute the onsets suggest.

Onset strength is the mean rise of the mel bands in dB from one frame to the next. Its autocorrelation in windows
of eight seconds, each scaled to 1 at lag 0, is averaged over the track and weighted by a log-normal preference for
120 beats a minute; the strongest lag is the tempo. A track without any onset has no such lag: the preference alone
then decides, and the tempo is the one nearest to 120 that a whole number of frames can have.

Sources: Ellis (2007), Beat Tracking by Dynamic Programming; Grosche, Mueller and Kurth (2010), Cyclic Tempogram.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import FRAME_LENGTH, HOP_LENGTH

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

COLUMNS = ("tempo",)

_WINDOW_SECONDS = 8.0
_PREFERRED_TEMPO = 120.0
_FASTEST_TEMPO = 320.0


def describe(spectra: Spectra) -> np.ndarray:
    """The tempo, in beats a minute, as an array of one."""
    return np.array([tempo(onset_strength(spectra.mel_decibels), sample_rate=spectra.sample_rate)])


def onset_strength(mel_decibels: np.ndarray) -> np.ndarray:
    """Mean rise of the bands from frame to frame.

    Parameters
    ----------
    mel_decibels : (frames, bands), float32.

    Returns
    -------
    (frames,), float32, not negative; moved by two frames to undo the centring of frames, as librosa does.
    """
    rise = np.maximum(np.float32(0), mel_decibels[1:] - mel_decibels[:-1]).mean(axis=1)
    shift = 1 + FRAME_LENGTH // (2 * HOP_LENGTH)
    strength = np.zeros(len(mel_decibels), dtype=np.float32)
    strength[shift:] = rise[: max(0, len(strength) - shift)]
    return strength


def tempo(strength: np.ndarray, *, sample_rate: int) -> float:
    """The likeliest tempo in beats a minute of an onset strength (frames,)."""
    window = int(_WINDOW_SECONDS * sample_rate) // HOP_LENGTH
    periodicity = mean_autocorrelation(strength, window=window)
    with np.errstate(divide="ignore"):
        tempi = 60.0 * sample_rate / (HOP_LENGTH * np.arange(window, dtype=np.float64))
    preference = np.full(window, -np.inf)
    lags = tempi < _FASTEST_TEMPO
    preference[lags] = -0.5 * (np.log2(tempi[lags]) - np.log2(_PREFERRED_TEMPO)) ** 2
    return float(tempi[np.argmax(np.log1p(1e6 * periodicity) + preference)])


def mean_autocorrelation(strength: np.ndarray, *, window: int) -> np.ndarray:
    """Autocorrelation of the windows around each frame, each scaled to 1 at lag 0, averaged over the frames.

    Scaling and averaging are linear, so the power spectra are averaged and one inverse transform does for all.

    Returns
    -------
    (window,) float64, one value a lag; all zero where no window holds an onset.
    """
    from genreclf.features import kernels

    spectrum = kernels.mean_spectrum_of_windows(_padded(strength, window), window)
    return np.fft.irfft(spectrum, n=2 * window)[:window]


def autocorrelation(strength: np.ndarray, *, window: int) -> np.ndarray:
    """Autocorrelation of the window around each frame, scaled to 1 at lag 0.

    Returns
    -------
    (window, frames) float64, one row a lag; all zero where a window holds no onset.
    """
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(window) / window)
    windows = np.lib.stride_tricks.sliding_window_view(_padded(strength, window), window) * hann
    power = np.abs(np.fft.rfft(windows, n=2 * window)) ** 2
    found = np.fft.irfft(power, n=2 * window)[:, :window].T
    return np.asarray(found / np.where(found[0] > 0, found[0], 1))


def _padded(strength: np.ndarray, window: int) -> np.ndarray:
    """(frames + window - 1,), float64, the strength with a window's half on each side, falling to zero."""
    padded = np.pad(strength.astype(np.float64), window // 2, mode="linear_ramp", end_values=0)
    return padded[: len(strength) + window - 1]
