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
    negative = samples < -_SILENCE
    n_frames, parts = 1 + len(samples) // HOP_LENGTH, FRAME_LENGTH // HOP_LENGTH
    changes = np.zeros((n_frames - 1 + parts) * HOP_LENGTH, dtype=bool)
    changes[FRAME_LENGTH // 2 :][: len(samples) - 1] = negative[1:] != negative[:-1]
    hops = changes.reshape(-1, HOP_LENGTH)
    # A true byte is one bit.
    in_hops = np.bitwise_count(hops.view(np.uint64)).sum(axis=1, dtype=np.int64)
    counts = np.convolve(in_hops, np.ones(parts, dtype=np.int64), mode="valid")
    # The change after a frame's last sample belongs to the next.
    return np.asarray((counts - hops[parts - 1 :, -1]) / FRAME_LENGTH)
