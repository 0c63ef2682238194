"""What the feature families share: one short-time Fourier transform of a track, and what follows from it.

Frames are 2048 samples long, one each 512 samples, centred on their time (the track is padded with zeros), under
a periodic Hann window: librosa's defaults. The transform itself runs in double precision and is rounded to single, as
librosa's does, so that its values are librosa's but for the last bit of some.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np

Shared = TypeVar("Shared")

FRAME_LENGTH = 2048
HOP_LENGTH = 512
N_MELS = 128

_BLOCKS = 2
_AMPLITUDE_FLOOR = 1e-10
_DYNAMIC_RANGE = 80.0


class Spectra:
    """The spectra of one track, each computed when it is first asked for and kept.

    Parameters
    ----------
    samples : (n,) mono float32, finite.
    sample_rate : in Hz.
    phases : whether the transform is kept, from which the magnitudes follow; else it is computed again if asked for.
    """

    def __init__(self, samples: np.ndarray, sample_rate: int, *, phases: bool = True) -> None:
        self.samples = samples
        self.sample_rate = sample_rate
        self.phases = phases
        self._shared: dict[Any, Any] = {}

    # Not `functools.cached_property`: until Python 3.12 that holds a lock while it computes, one for all tracks, and a
    # process that is forked meanwhile would wait for it for ever.
    @property
    def stft(self) -> np.ndarray:
        """(frames, 1025) complex64, the short-time Fourier transform."""
        frames = self.transform.transpose(0, 2, 1).reshape(-1, FRAME_LENGTH + 2)[: n_frames(self.samples)]
        real, imag = np.split(frames, 2, axis=1)
        return np.asarray(real + np.complex64(1j) * imag)

    @property
    def transform(self) -> np.ndarray:
        """(blocks, 2050, 32) float32, real parts of the bins of `stft`, then imaginary parts; see `transform`."""
        return self.shared(_transform)

    @property
    def magnitude(self) -> np.ndarray:
        """(frames, 1025) float32, the absolute values of `stft`."""
        return self.shared(_magnitude)

    @property
    def by_bin(self) -> np.ndarray:
        """(1025, frames) float32, the transpose of `magnitude`, so that neighbouring frames lie side by side."""
        return self.shared(_by_bin)

    @property
    def highest(self) -> np.ndarray:
        """(frames,) float32, the highest magnitude of each frame."""
        return self.shared(_highest)

    @property
    def mel_decibels(self) -> np.ndarray:
        """(frames, 128) float32, the mel power spectrogram in dB, at most 80 dB below the track's peak."""
        return self.shared(_mel_decibels)

    def shared(self, compute: Callable[..., Shared], **options: float | str) -> Shared:
        """``compute(self, **options)``, remembered: for what several families need, and only they."""
        key = (compute, tuple(sorted(options.items())))
        if key not in self._shared:
            self._shared[key] = compute(self, **options)
        found: Shared = self._shared[key]
        return found


def _transform(spectra: Spectra) -> np.ndarray:
    return transform(spectra.samples)


def _by_bin(spectra: Spectra) -> np.ndarray:
    return magnitudes(spectra.samples, spectra.transform if spectra.phases else None)


def _magnitude(spectra: Spectra) -> np.ndarray:
    from genreclf.features import kernels

    return kernels.transposed(spectra.by_bin)


def _highest(spectra: Spectra) -> np.ndarray:
    return np.asarray(spectra.by_bin.max(axis=0))


def _mel_decibels(spectra: Spectra) -> np.ndarray:
    from genreclf.features import kernels

    return power_to_decibels(kernels.mel_power(spectra.by_bin, *mel_bands(spectra.sample_rate)))


@lru_cache(maxsize=128)
def hann(length: int, *, periodic: bool = True) -> np.ndarray:
    """(length,) float64, the raised-cosine window of Hann."""
    turns = np.arange(length) / (length if periodic else length - 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * turns)
    window.setflags(write=False)
    return window


def n_frames(samples: np.ndarray) -> int:
    """How many frames a track has."""
    return 1 + len(samples) // HOP_LENGTH


def transform(samples: np.ndarray) -> np.ndarray:
    """Short-time Fourier transform of (n,) float32 samples: (blocks, 2050, 32) float32.

    Blocks of 32 frames, in each the real parts of all bins, then the imaginary parts; some frames of what follows the
    track stand at the end.
    """
    from genreclf.features import fourier

    return fourier.centred_spectra(samples, hann(FRAME_LENGTH), hop=HOP_LENGTH, frames=n_frames(samples))


def magnitudes(samples: np.ndarray, transform: np.ndarray | None = None) -> np.ndarray:
    """Magnitudes of the short-time Fourier transform of (n,) float32 samples: (1025, frames) float32.

    Without a transform of them, the spectra are computed a few blocks at a time, and forgotten.
    """
    from genreclf.features import fourier, kernels

    frames = n_frames(samples)
    found = np.empty((FRAME_LENGTH // 2 + 1, frames), dtype=np.float32)
    if transform is not None:
        kernels.write_magnitudes(transform, found, 0)
        return found
    spectra = np.empty((_BLOCKS, FRAME_LENGTH + 2, fourier.BLOCK), dtype=np.float32)
    step = _BLOCKS * fourier.BLOCK
    padded = fourier.centred(samples, FRAME_LENGTH, hop=HOP_LENGTH, frames=frames + step)
    for start in range(0, frames, step):
        fourier.write_spectra(padded, hann(FRAME_LENGTH), spectra, hop=HOP_LENGTH, start=start)
        kernels.write_magnitudes(spectra, found, start)
    return found


def power_to_decibels(power: np.ndarray) -> np.ndarray:
    """Powers in dB of full scale, floored at -100 dB and at 80 dB below the largest."""
    # The natural logarithm has vector instructions in numpy, the decadic one has not.
    decibels = np.log(np.maximum(power.dtype.type(_AMPLITUDE_FLOOR), power))
    decibels *= power.dtype.type(10.0 / np.log(10.0))
    return np.asarray(np.maximum(decibels, decibels.max() - power.dtype.type(_DYNAMIC_RANGE), out=decibels))


def mel_frequencies(count: int, *, highest: float) -> np.ndarray:
    """(count,) frequencies in Hz, evenly spaced on Slaney's mel scale from 0 to `highest`.

    The scale is linear (200/3 Hz a mel) below 1 kHz and logarithmic (27 steps to a factor 6.4) above.

    Source: Slaney (1998), Auditory Toolbox, Technical Report 1998-010, Interval Research Corporation.
    """
    step, corner, ratio = 200.0 / 3, 1000.0, np.log(6.4) / 27.0
    corner_mel = corner / step
    highest_mel = highest / step
    if highest >= corner:
        highest_mel = corner_mel + np.log(highest / corner) / ratio
    mels = np.linspace(0.0, highest_mel, count)
    return np.where(mels >= corner_mel, corner * np.exp(ratio * (mels - corner_mel)), step * mels)


@lru_cache(maxsize=4)
def mel_bands(
    sample_rate: int, *, n_fft: int = FRAME_LENGTH, n_mels: int = N_MELS
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The mel filter bank's non-zero weights: triangles of equal area.

    Returns
    -------
    (first, start, weights) : band m has the weights ``weights[start[m]:start[m + 1]]``, which apply to the bins
        from ``first[m]`` on.
    """
    edges = mel_frequencies(n_mels + 2, highest=sample_rate / 2)
    frequencies = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    bank = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    bank *= (2.0 / (edges[2:] - edges[:-2]))[:, None]

    support = [np.flatnonzero(row) for row in bank]
    first = np.array([bins[0] if len(bins) else 0 for bins in support], dtype=np.int64)
    start = np.concatenate(([0], np.cumsum([len(bins) for bins in support]))).astype(np.int64)
    weights = np.concatenate([row[bins] for row, bins in zip(bank, support, strict=True)])
    return first, start, weights
