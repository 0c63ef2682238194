"""Chroma: how much sounds in each of the twelve pitch classes.

The constant-Q transform has filters a fixed fraction of an octave apart, each as many periods long as the others. It
goes down octave by octave: the top octave is filtered, the signal is decimated by two, and the same filters then
serve the octave below.

Sources: Brown (1991), Calculation of a Constant Q Spectral Transform; Schoerkhuber and Klapuri (2010), Constant-Q
Transform Toolbox for Music Processing.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import TrackError
from genreclf.features.spectra import HOP_LENGTH, hann
from genreclf.features.tuning import estimate_tuning

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

N_OCTAVES = 7
LOWEST_PITCH = 440.0 * 2.0 ** (-45 / 12)


_SPARSITY = 0.01
_HANN_BANDWIDTH = 1.50018310546875


def constant_q_chroma(constant_q: np.ndarray) -> np.ndarray:
    """Fold a constant-Q magnitude spectrum into pitch classes, each frame scaled to a maximum of 1.

    Parameters
    ----------
    constant_q : (frames, 7 * bins_per_octave), lowest pitch, a C, first.

    Returns
    -------
    (frames, 12) float32, C first; all zero where a frame is silent.
    """
    bins_per_octave = constant_q.shape[1] // N_OCTAVES
    chroma = fold(constant_q, bins_per_octave=bins_per_octave)
    peak = chroma.max(axis=1, keepdims=True)
    return np.divide(chroma, peak, out=chroma, where=peak >= np.finfo(np.float32).tiny)


def fold(constant_q: np.ndarray, *, bins_per_octave: int) -> np.ndarray:
    """Sum the bins of each pitch class over the octaves: (frames, 12). A class takes the bins around its own."""
    octave = constant_q.reshape(len(constant_q), N_OCTAVES, bins_per_octave).sum(axis=1)
    merge = bins_per_octave // 12
    return np.roll(octave, merge // 2, axis=1).reshape(len(octave), 12, merge).sum(axis=2)


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
    tuning = estimate_tuning(spectra.magnitude, sample_rate=rate, bins_per_octave=bins_per_octave)
    decimations = early_decimations(rate, tuning=tuning, bins_per_octave=bins_per_octave)
    basis, scale = octave_basis(rate / 2**decimations, tuning=tuning, bins_per_octave=bins_per_octave)
    signal, hop = spectra.samples, HOP_LENGTH
    octaves = []
    for step in range(decimations + N_OCTAVES):
        if step:
            signal, hop = halve(signal), hop // 2
        if step >= decimations:
            octaves.append(responses(signal, basis, hop=hop) * (scale * np.float32(2 ** (step / 2))))
    n_frames = min(len(octave) for octave in octaves)
    return np.concatenate([octave[:n_frames] for octave in reversed(octaves)], axis=1)


def halve(signal: np.ndarray) -> np.ndarray:
    """Decimate by two."""
    from soxr import resample

    decimated = resample(signal, 2, 1, "soxr_hq")
    size = (len(signal) + 1) // 2
    if len(decimated) < size:
        decimated = np.pad(decimated, (0, size - len(decimated)))
    return np.asarray(decimated[:size])


def responses(signal: np.ndarray, basis: np.ndarray, *, hop: int) -> np.ndarray:
    """Magnitude of each filter's response around each hop: (frames, filters) float32."""
    length, width = basis.shape
    padded = np.pad(signal, length // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, length)[::hop]
    parts = np.concatenate([frames[start : start + 128] @ basis for start in range(0, len(frames), 128)])
    return np.hypot(parts[:, : width // 2], parts[:, width // 2 :])


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
    return (ratio - 1) / (ratio + 1)


@lru_cache(maxsize=101)
def octave_basis(sample_rate: float, *, tuning: float, bins_per_octave: int) -> tuple[np.ndarray, np.ndarray]:
    """The top octave's filters, as vectors to multiply a frame of samples with.

    Filters are Hann-windowed complex exponentials; of each one's spectrum the weakest bins that hold a hundredth
    of its magnitude, and the negative frequencies, are dropped. Those of an octave further down are the same, at half
    the rate.

    Returns
    -------
    (basis, scale) : (length, 2 * bins_per_octave) float32, real parts first, then imaginary parts; and
        (bins_per_octave,) float32, the inverse square root of each filter's length.
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
    spectra = np.where(_essential(np.abs(spectra)), spectra, 0)
    basis = np.fft.fft(spectra.astype(np.complex128), n=n_fft, axis=1).T
    parts = np.concatenate([basis.real, basis.imag], axis=1).astype(np.float32)
    return parts, (1 / np.sqrt(lengths)).astype(np.float32)


def _essential(magnitude: np.ndarray) -> np.ndarray:
    """Mark the bins of each row that are not among the weakest, which together hold a hundredth of its sum."""
    ascending = np.sort(magnitude, axis=1)
    share = np.cumsum(ascending / magnitude.sum(axis=1, keepdims=True), axis=1)
    weakest_kept = np.argmin(share < _SPARSITY, axis=1)
    return magnitude >= np.take_along_axis(ascending, weakest_kept[:, None], axis=1)
