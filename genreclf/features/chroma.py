"""Chroma: how much sounds in each of the twelve pitch classes.

The constant-Q transform has filters a fixed fraction of an octave apart, each as many periods long as the others. It
goes down octave by octave: the top octave is filtered, the signal is decimated by two, and the same filters then
serve the octave below.

Sources: Brown (1991), Calculation of a Constant Q Spectral Transform; Schoerkhuber and Klapuri (2010), Constant-Q
Transform Toolbox for Music Processing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import TrackError
from genreclf.features.spectra import FRAME_LENGTH, HOP_LENGTH, hann
from genreclf.features.spectral import ASSUMED_RATE
from genreclf.features.tuning import estimate_tuning

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

N_OCTAVES = 7
LOWEST_PITCH = 440.0 * 2.0 ** (-45 / 12)

_SPARSITY = 0.01
_CENS_FRAMES = 41
_CENS_STEPS = (0.4, 0.2, 0.1, 0.05)
_CENTRE_OCTAVE, _OCTAVE_WIDTH = 5.0, 2.0
_HANN_BANDWIDTH = 1.50018310546875


def constant_q_series(spectra: Spectra) -> np.ndarray:
    """Chroma of the constant-Q transform, a bin to the semitone, each frame scaled to a maximum of 1: (12, frames)."""
    return scaled(spectra.shared(_semitones)).T


def cens_series(spectra: Spectra) -> np.ndarray:
    """Chroma energy normalised statistics, see `cens`: (12, frames)."""
    return spectra.shared(_cens).T


def stft_series(spectra: Spectra) -> np.ndarray:
    """Chroma of the short-time Fourier transform, see `stft_chroma`: (12, frames)."""
    return stft_chroma(spectra.by_bin, spectra.highest).T


def _cens(spectra: Spectra) -> np.ndarray:
    return cens(spectra.shared(_semitones))


def _semitones(spectra: Spectra) -> np.ndarray:
    return fold(constant_q(spectra, bins_per_octave=12))


def scaled(pitch_classes: np.ndarray) -> np.ndarray:
    """Scale each frame of (frames, 12) to a maximum of 1; frames of silence stay zero."""
    return _divided(pitch_classes, pitch_classes.max(axis=1, keepdims=True))


def fold(bins: np.ndarray) -> np.ndarray:
    """Sum the bins of each pitch class over the seven octaves.

    Parameters
    ----------
    bins : (frames, 84 or a multiple), lowest pitch, a C, first.

    Returns
    -------
    (frames, 12), C first; a class takes the bins around its own.
    """
    octave = bins.reshape(len(bins), N_OCTAVES, -1).sum(axis=1)
    merge = octave.shape[1] // 12
    return np.asarray(np.roll(octave, merge // 2, axis=1).reshape(len(octave), 12, merge).sum(axis=2))


def cens(pitch_classes: np.ndarray) -> np.ndarray:
    """Chroma energy normalised statistics: shares of the pitch classes in coarse steps, smoothed over time.

    Parameters
    ----------
    pitch_classes : (frames, 12), not negative.

    Returns
    -------
    (frames, 12) of Euclidean length 1; all zero where all about is silent.

    Source: Mueller and Ewert (2011), Chroma Toolbox.
    """
    share = _divided(pitch_classes, pitch_classes.sum(axis=1, dtype=np.float64, keepdims=True))
    steps = 0.25 * np.sum([share > step for step in _CENS_STEPS], axis=0)
    window = hann(_CENS_FRAMES + 2, periodic=False)
    window = window / window.sum()
    margin = len(window) // 2
    smooth = [np.convolve(series, window)[margin : margin + len(series)] for series in steps.T]
    statistics = np.array(smooth, dtype=np.float32).T
    return _divided(statistics, np.sqrt(np.square(statistics, dtype=np.float64).sum(axis=1, keepdims=True)))


def stft_chroma(by_bin: np.ndarray, highest: np.ndarray) -> np.ndarray:
    """Chroma of a magnitude spectrogram, each frame scaled to a maximum of 1.

    Pitches are read as if the track had been sampled at 22,050 Hz: see `spectral`.

    Parameters
    ----------
    by_bin : (1025, frames) float32 magnitudes.
    highest : (frames,), float32, the maximum of each frame.

    Returns
    -------
    (frames, 12) float32, C first; all zero where a frame is silent.
    """
    from genreclf.features import kernels

    power, highest_power = np.square(by_bin[: FRAME_LENGTH // 4]), np.square(highest)
    tuning = estimate_tuning(power, highest_power, sample_rate=ASSUMED_RATE, bins_per_octave=12)
    return scaled(kernels.product_with_squares(stft_filters(tuning), by_bin).T)


@lru_cache(maxsize=101)
def stft_filters(tuning: float) -> np.ndarray:
    """How much each bin of a spectrum belongs to each pitch class: (12, 1025) float32, zeros after it.

    Bumps a semitone wide around each pitch, of Euclidean length 1 over the classes; octaves far from the middle of the
    piano count less.

    Source: Ellis (2007), Chroma Feature Analysis and Synthesis.
    """
    frequencies = np.arange(1, FRAME_LENGTH) * (ASSUMED_RATE / FRAME_LENGTH)
    octaves = np.log2(frequencies / (27.5 * 2.0 ** (tuning / 12)))
    octaves = np.concatenate(([octaves[0] - 1.5], octaves))
    width = np.append(np.maximum(12 * np.diff(octaves), 1.0), 1.0)
    distance = np.remainder(12 * octaves[:, None] - np.arange(12) + 126, 12) - 6
    weights = np.exp(-0.5 * (2 * distance / width[:, None]) ** 2)
    weights /= np.sqrt(np.square(weights).sum(axis=1, keepdims=True))
    weights *= np.exp(-0.5 * ((octaves - _CENTRE_OCTAVE) / _OCTAVE_WIDTH) ** 2)[:, None]
    from_c = np.roll(weights, -3, axis=1)
    n_bins = FRAME_LENGTH // 2 + 1
    return np.ascontiguousarray(np.pad(from_c[:n_bins].T, ((0, 0), (0, -n_bins % 8))), dtype=np.float32)


def _divided(values: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Each row over its length, in single precision; rows of no length stay as they are."""
    quotient = values / np.where(lengths < np.finfo(np.float32).tiny, 1, lengths)
    return np.asarray(quotient, dtype=np.float32)


def constant_q(spectra: Spectra, *, bins_per_octave: int) -> np.ndarray:
    """Constant-Q magnitude spectrum over seven octaves from C1, tuned to the track.

    Returns
    -------
    (frames, 7 * bins_per_octave) float32, lowest pitch first.

    Raises
    ------
    TrackError
        If the sample rate is too low to hold the seventh octave.
    """
    rate = spectra.sample_rate
    tuning = estimate_tuning(spectra.by_bin, spectra.highest, sample_rate=rate, bins_per_octave=bins_per_octave)
    early = early_decimations(rate, tuning=tuning, bins_per_octave=bins_per_octave)
    filters = octave_filters(rate / 2**early, tuning=tuning, bins_per_octave=bins_per_octave)
    signal, hop = spectra.samples, HOP_LENGTH
    octaves = []
    for step in range(early + N_OCTAVES):
        if step:
            signal, hop = halve(signal), hop // 2
        if step >= early:
            octaves.append(responses(signal, filters, hop=hop))
    n_frames = min(len(octave) for octave in octaves)
    return np.concatenate([octave[:n_frames] for octave in reversed(octaves)], axis=1)


def halve(signal: np.ndarray) -> np.ndarray:
    """Decimate by two, keeping the energy: (n,) to (ceil(n / 2),) float32.

    The decimator leaves traces of rounding in digital silence, which the chroma then scales up. They are librosa's to
    the last bit, since each step does what librosa does, in its order.
    """
    from soxr import resample

    decimated = np.zeros((len(signal) + 1) // 2, dtype=np.float32)
    held = resample(signal, 2, 1, "soxr_hq")[: len(decimated)]
    np.divide(held, np.sqrt(0.5), out=decimated[: len(held)], casting="same_kind")
    return decimated


def responses(signal: np.ndarray, filters: OctaveFilters, *, hop: int) -> np.ndarray:
    """Magnitude of each filter's response around each hop: (frames, filters) float32.

    Only the bins that the filters need are computed.
    """
    from genreclf.features import fourier, kernels

    frames, no_window = 1 + len(signal) // hop, np.ones(filters.n_fft, dtype=np.float32)
    bins = (filters.first_bin, filters.last_bin)
    # All frames in one block: there are few bins.
    (spectra,) = fourier.centred_spectra(signal, no_window, hop=hop, frames=frames, bins=bins, width=frames)
    return kernels.combined_magnitudes(spectra, filters.start, filters.bins, filters.weights)[:frames]


def early_decimations(sample_rate: float, *, tuning: float, bins_per_octave: int) -> int:
    """How often the signal can be halved before the top octave is filtered."""
    highest = LOWEST_PITCH * 2.0 ** ((tuning - 1) / bins_per_octave + N_OCTAVES)
    cutoff = highest * (1 + 0.5 * _HANN_BANDWIDTH * relative_bandwidth(bins_per_octave))
    if cutoff > sample_rate / 2:
        raise TrackError(
            "rate-too-low",
            f"a sample rate of {sample_rate:g} Hz cannot hold the seven octaves of the constant-Q transform; "
            f"{2 * cutoff:.0f} Hz or more can",
        )
    spare = math.ceil(math.log2(sample_rate / 2 / cutoff)) - 2
    hop_allows = (HOP_LENGTH & -HOP_LENGTH).bit_length() - N_OCTAVES
    return max(0, min(spare, hop_allows))


def relative_bandwidth(bins_per_octave: int) -> float:
    """The bandwidth of a filter over its frequency: the inverse of the Q that gives the transform its name."""
    ratio = 2.0 ** (2 / bins_per_octave)
    return float((ratio - 1) / (ratio + 1))


@dataclass(frozen=True)
class OctaveFilters:
    """The filters of an octave, as sparse spectra of frames of `n_fft` samples.

    Parameters
    ----------
    n_fft : length of a frame.
    first_bin, last_bin : the bins that any filter needs, the last one excluded.
    start, bins, weights : filter m has ``weights[start[m]:start[m + 1]]``, complex64, at ``bins[...]`` after the first.
    """

    n_fft: int
    first_bin: int
    last_bin: int
    start: np.ndarray
    bins: np.ndarray
    weights: np.ndarray


@lru_cache(maxsize=101)
def octave_filters(sample_rate: float, *, tuning: float, bins_per_octave: int) -> OctaveFilters:
    """The filters of the top octave.

    They are Hann-windowed complex exponentials, divided by the root of their length. Of each one's spectrum the weakest
    bins, which together hold a hundredth of its magnitude, and the negative frequencies are dropped, as librosa does.
    Those of a lower octave are the same, at a lower rate.
    """
    steps = np.arange((N_OCTAVES - 1) * bins_per_octave, N_OCTAVES * bins_per_octave)
    frequencies = LOWEST_PITCH * 2.0 ** ((tuning + steps) / bins_per_octave)
    lengths = sample_rate / (relative_bandwidth(bins_per_octave) * frequencies)
    n_fft = 2 ** math.ceil(math.log2(lengths.max()))
    filters = np.zeros((bins_per_octave, n_fft), dtype=np.complex64)
    for row, length, frequency in zip(filters, lengths, frequencies, strict=True):
        times = np.arange(-length // 2, length // 2)
        wave = np.exp(2j * np.pi * frequency / sample_rate * times) * hann(len(times))
        start = (n_fft - len(wave)) // 2
        row[start : start + len(wave)] = wave / np.abs(wave).sum()
    filters *= (lengths / n_fft)[:, None]
    spectra = np.fft.fft(filters, axis=1)[:, : n_fft // 2 + 1]
    kept = _essential(np.abs(spectra))
    used = np.flatnonzero(kept.any(axis=0))
    rows, bins = np.nonzero(kept)
    return OctaveFilters(
        n_fft=n_fft,
        first_bin=int(used[0]),
        last_bin=int(used[-1]) + 1,
        start=np.searchsorted(rows, np.arange(bins_per_octave + 1)),
        bins=bins - used[0],
        weights=(spectra / np.sqrt(lengths)[:, None])[kept].astype(np.complex64),
    )


def _essential(magnitude: np.ndarray) -> np.ndarray:
    """Mark the bins of each row that are not among the weakest, which together hold a hundredth of its sum."""
    ascending = np.sort(magnitude, axis=1)
    share = np.cumsum(ascending / magnitude.sum(axis=1, keepdims=True), axis=1)
    weakest_kept = np.argmin(share < _SPARSITY, axis=1)
    return magnitude >= np.take_along_axis(ascending, weakest_kept[:, None], axis=1)
