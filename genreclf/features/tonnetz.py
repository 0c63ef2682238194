"""Tonnetz: where the harmony lies on the circles of fifths, minor thirds and major thirds.

Series have shape (6, frames), one column for each hop of 512 samples. They are taken from the chroma of a constant-Q
transform, three bins to the semitone, tuned to the track.

Source: Harte, Sandler and Gasser (2006), Detecting Harmonic Change in Musical Audio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features import chroma

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

_BINS_PER_OCTAVE = 36


def series(spectra: Spectra) -> np.ndarray:
    """The Tonnetz of a chroma with three bins to the semitone: (6, frames)."""
    return tonnetz(chroma.scaled(chroma.fold(chroma.constant_q(spectra, bins_per_octave=_BINS_PER_OCTAVE))))


def cens_series(spectra: Spectra) -> np.ndarray:
    """The Tonnetz of the CENS chroma, which has one bin to the semitone: (6, frames)."""
    return tonnetz(chroma.cens_series(spectra).T)


def tonnetz(pitch_classes: np.ndarray) -> np.ndarray:
    """Project chroma onto the six tonal centroid axes.

    Parameters
    ----------
    pitch_classes : (frames, 12), non-negative energy of each pitch class, C first.

    Returns
    -------
    (6, frames), sine and cosine on the circles of fifths, minor thirds (each in [-1, 1]) and major thirds (in
    [-0.5, 0.5]); all zero where a frame is silent.
    """
    pitch = np.arange(12.0)
    circles = np.array([7 / 6, 7 / 6, 3 / 2, 3 / 2, 2 / 3, 2 / 3])
    turns = np.outer(circles, pitch)
    turns[::2] -= 0.5
    radius = np.array([1, 1, 1, 1, 0.5, 0.5])
    axes = radius[:, None] * np.cos(np.pi * turns)
    total = pitch_classes.sum(axis=1, dtype=np.float64, keepdims=True)
    share = np.divide(pitch_classes, total, out=np.zeros(pitch_classes.shape), where=total > 0)
    return np.asarray(np.einsum("pc,tc->pt", axes, share))
