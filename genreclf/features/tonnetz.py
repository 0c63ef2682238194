"""Tonnetz: where the harmony lies on the circles of fifths, minor thirds and major thirds.

Series have shape (6, frames), one column for each hop of 512 samples. They are taken from the chroma of a constant-Q
transform, three bins to the semitone, tuned to the track.

Source: Harte, Sandler and Gasser (2006), Detecting Harmonic Change in Musical Audio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.features.chroma import constant_q, constant_q_chroma
from genreclf.features.statistics import column_names, summarise

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra

COLUMNS = column_names("tonnetz", 6)

_BINS_PER_OCTAVE = 36


def describe(spectra: Spectra) -> np.ndarray:
    """The statistics of the six series, in the order of `COLUMNS`."""
    return summarise(tonnetz(constant_q_chroma(constant_q(spectra, bins_per_octave=_BINS_PER_OCTAVE))))


def tonnetz(chroma: np.ndarray) -> np.ndarray:
    """Project chroma onto the six tonal centroid axes.

    Parameters
    ----------
    chroma : (frames, 12), non-negative energy of each pitch class, C first.

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
    total = chroma.sum(axis=1, dtype=np.float64, keepdims=True)
    share = np.divide(chroma, total, out=np.zeros(chroma.shape), where=total > 0)
    return np.einsum("pc,tc->pt", axes, share)
