"""Kinds of series: what can be kept of each frame of a track, in place of statistics over the frames.

A kind is one entry of `SERIES`, from inside or from an installed package, which names its own as entry points of the
group ``genreclf.series``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from genreclf.audio import SAMPLE_RATE
from genreclf.features import chroma, embeddings, mfcc
from genreclf.features.spectra import HOP_LENGTH, N_MELS, power_to_decibels
from genreclf.networks import NETWORKS, installed, own_networks
from genreclf.plugins import Registry

if TYPE_CHECKING:
    import numpy as np

    from genreclf.features.spectra import Spectra
    from genreclf.networks import Card

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
    network : the network whose weights it needs, see `genreclf.networks`; empty for none.
    """

    name: str
    title: str
    bins: int
    frames: Callable[[Spectra], np.ndarray]
    frame_rate: float = _FRAME_RATE
    sample_rate: int = int(SAMPLE_RATE)
    phases: bool = False
    network: str = ""

    def weights(self) -> str:
        """The digest of the weights that it needs; empty for none.

        Raises
        ------
        RequestError : they are not ready to run, see `genreclf.networks.installed`.
        """
        return installed(self.network).digest if self.network else ""


def network_kinds(card: Card) -> tuple[SeriesKind, ...]:
    """The kinds of a network: its embeddings, and the probabilities of its tags where it knows any, of each patch."""
    patch = card.samples if card.input is None else card.input.frames * card.input.hop_length
    return tuple(
        SeriesKind(
            family.name,
            f"{output} of {card.title}, a vector for each {patch / card.sample_rate:.2f} s",
            size,
            partial(embeddings.series, network=card.name, output=output),
            frame_rate=card.sample_rate / patch,
            sample_rate=card.sample_rate,
            network=card.name,
        )
        for (output, size), family in zip(card.outputs.items(), embeddings.families(card), strict=True)
    )


def find_kind(name: str) -> SeriesKind:
    """The kind of that name, which may be of a network of one's own.

    Raises
    ------
    RequestError : there is none.
    """
    own = (kind for card in own_networks().values() for kind in network_kinds(card))
    return (
        SERIES[name] if name in SERIES else next((kind for kind in own if kind.name == name), None) or SERIES.find(name)
    )


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
        *(kind for card in NETWORKS.values() for kind in network_kinds(card)),
    ),
    group="genreclf.series",
)
