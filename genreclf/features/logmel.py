"""Log-mel spectrograms in patches: what networks take.

Sources: Slaney (1998), Auditory Toolbox; Young and others (2006), The HTK Book; the conventions of each network are
those of its `genreclf.networks.LogMel`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import hann, mel_bands

if TYPE_CHECKING:
    from genreclf.networks import Card, LogMel


def patches(
    samples: np.ndarray, card: Card, *, log_mel: Callable[[np.ndarray, LogMel, int], np.ndarray] | None = None
) -> np.ndarray:
    """What a network takes of a track, in patches side by side.

    A track that is shorter than a patch is repeated until it fills one; what is left at the end is not used.

    Parameters
    ----------
    samples : (n,) mono float32, at the network's rate.
    log_mel : what makes the spectrogram, if not the function of this module.

    Returns
    -------
    (patches, frames, bands) float32, or (patches, samples) for a network that takes samples.
    """
    found = samples if card.input is None else (log_mel or spectrogram)(samples, card.input, card.sample_rate)
    length = card.samples if card.input is None else card.input.frames
    if len(found) < length:
        found = np.concatenate([found] * -(-length // len(found)))
    count = len(found) // length
    return np.ascontiguousarray(found[: count * length].reshape(count, length, *found.shape[1:]), dtype=np.float32)


def spectrogram(samples: np.ndarray, kind: LogMel, sample_rate: int) -> np.ndarray:
    """The log-mel spectrogram of (n,) float32 samples: (frames, bands) float32, at least one frame."""
    from genreclf.features import fourier, kernels

    length = kind.win_length or kind.n_fft
    if kind.centred:
        frames = 1 + len(samples) // kind.hop_length
    else:
        frames = 1 + max(0, len(samples) - length) // kind.hop_length
    blocks = -(-frames // fourier.BLOCK)
    # Zeros before the signal centre its frames; those behind it fill the last block.
    before = kind.n_fft // 2 if kind.centred else 0
    after = (blocks * fourier.BLOCK - 1) * kind.hop_length + kind.n_fft - before - len(samples)
    padded = np.pad(samples, (before, max(0, after)))
    window = np.zeros(kind.n_fft)
    window[:length] = hann(length)
    if kind.centred:
        window = np.roll(window, (kind.n_fft - length) // 2)
    spectra = np.empty((blocks, kind.n_fft + 2, fourier.BLOCK), dtype=np.float32)
    fourier.write_spectra(padded, window, spectra, hop=kind.hop_length)
    by_bin = np.empty((kind.n_fft // 2 + 1, frames), dtype=np.float32)
    kernels.write_magnitudes(spectra, by_bin, 0)
    if kind.scale == "slaney":
        mel = kernels.mel_power(by_bin, *mel_bands(sample_rate, n_fft=kind.n_fft, n_mels=kind.n_mels))
    else:
        mel = (by_bin**kind.power).T @ htk_bands(sample_rate, kind)
    found = np.log(mel * np.float32(kind.gain) + np.float32(kind.offset))
    return np.asarray(found / np.float32(np.log(kind.base)) if kind.base else found)


@lru_cache(maxsize=4)
def htk_bands(sample_rate: int, kind: LogMel) -> np.ndarray:
    """(bins, bands) float32, triangles of height 1 on the mel scale of HTK, 1127 log(1 + f / 700); 0 Hz is left out."""
    highest = kind.fmax or sample_rate / 2
    lowest, top = (1127.0 * np.log1p(f / 700.0) for f in (kind.fmin, highest))
    edges = np.linspace(lowest, top, kind.n_mels + 2)
    mels = 1127.0 * np.log1p(np.linspace(0.0, sample_rate / 2, kind.n_fft // 2 + 1) / 700.0)[:, None]
    rising = (mels - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - mels) / (edges[2:] - edges[1:-1])
    bank = np.maximum(0.0, np.minimum(rising, falling))
    bank[0] = 0.0
    return np.asarray(bank, dtype=np.float32)
