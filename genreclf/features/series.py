"""Kinds of series: what can be kept of each frame of a track, in place of statistics over the frames.

A kind is one entry of `SERIES`, from inside or from an installed package, which names its own as entry points of the
group ``genreclf.series``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.audio import SAMPLE_RATE
from genreclf.features import chroma, mfcc
from genreclf.features.spectra import HOP_LENGTH, N_MELS, power_to_decibels
from genreclf.plugins import Registry

if TYPE_CHECKING:
    import numpy as np

    from genreclf.features.spectra import Spectra

_FRAME_RATE = SAMPLE_RATE / HOP_LENGTH


@dataclass(frozen=True)
class SeriesKind:
    """One kind of series.

    Parameters
    ----------
    name : as it is requested.
    title : one line for people.
    bins : values in each frame.
    frames : computes them, (frames, bins), from a track's spectra.
    frame_rate : frames in a second.
    sample_rate : in Hz, at which tracks are described.
    phases : whether `frames` uses `Spectra.transform` or `Spectra.stft`; without, they need not be kept.
    """

    name: str
    title: str
    bins: int
    frames: Callable[[Spectra], np.ndarray]
    frame_rate: float = _FRAME_RATE
    sample_rate: int = int(SAMPLE_RATE)
    phases: bool = False


def _mel(spectra: Spectra) -> np.ndarray:
    return spectra.mel_decibels


def _mfcc(spectra: Spectra) -> np.ndarray:
    return mfcc.shared_series(spectra).T


def _chroma(spectra: Spectra) -> np.ndarray:
    return chroma.constant_q_series(spectra).T


def _constant_q(spectra: Spectra) -> np.ndarray:
    return power_to_decibels(chroma.constant_q(spectra, bins_per_octave=12) ** 2)


SERIES: Registry[SeriesKind] = Registry(
    "kind of series",
    SeriesKind,
    (
        SeriesKind("mel", "mel spectrogram, 128 bands in dB, down to 80 dB below the track's peak", N_MELS, _mel),
        SeriesKind("mfcc", "20 mel-frequency cepstral coefficients", 20, _mfcc),
        SeriesKind("chroma", "12 pitch classes, each frame's largest is 1", 12, _chroma),
        SeriesKind("cqt", "84 semitones from C1, tuned to the track, in dB down to 80 below the peak", 84, _constant_q),
    ),
    group="genreclf.series",
)
