"""Zero crossings: how often the signal changes its sign, high in noise and hiss.

Frames are those of the spectra, but the track's first and last samples are repeated beyond its ends.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.spectra import FRAME_LENGTH, HOP_LENGTH

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

_SILENCE = 1e-10


def series(spectra: Spectra) -> np.ndarray:
    """The share of samples in each frame at which the sign changes: (1, frames)."""
    return zero_crossing_rate(spectra.samples)[None]


def zero_crossing_rate(samples: np.ndarray) -> np.ndarray:
    """The share of samples in each frame of (n,) samples at which the sign changes: (frames,) in [0, 1]."""
    from genreclf.features import kernels

    negative = np.pad(samples < -_SILENCE, FRAME_LENGTH // 2, mode="edge")
    counts = kernels.crossings(negative, FRAME_LENGTH, HOP_LENGTH, 1 + len(samples) // HOP_LENGTH)
    return np.asarray(counts / FRAME_LENGTH)
