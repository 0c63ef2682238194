"""Embeddings: what a network that was trained elsewhere makes of a track, patch by patch.

A network of `genreclf.networks` gives one family of its penultimate layer, mean and standard deviation over the patches
(``musicnn``: patches of 3 s, 2 x 200 columns; ``vggish``: 0.96 s, 2 x 128), and one of the mean probabilities of its
tags (``musicnn-tags``).

Sources: those of the networks' cards.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from genreclf.features import logmel
from genreclf.features.registry import Family
from genreclf.features.statistics import column_names
from genreclf.networks import EMBEDDING, TAGS, find_network, run_network

if TYPE_CHECKING:
    from genreclf.features.spectra import Spectra
    from genreclf.networks import Card

_STATISTICS = {EMBEDDING: ("mean", "std"), TAGS: ("mean",)}


def vectors(samples: np.ndarray, *, network: str = "musicnn:msd", output: str = EMBEDDING) -> np.ndarray:
    """What a network gives for each patch of a track.

    Parameters
    ----------
    samples : (n,) mono float32, at the network's rate, 16 kHz for those that come with genreclf.
    network : its name, one of `genreclf.networks.NETWORKS` or an installed one.
    output : ``embedding``, or ``tags`` where it knows any.

    Returns
    -------
    (patches, size) float32: musicnn (n // 47872, 200), a vector for each 2.992 s; at least one patch.

    Raises
    ------
    RequestError : the network is not installed, see `genreclf.networks.installed`.
    """
    return run_network(network, logmel.patches(samples, find_network(network)))[output]


def families(card: Card) -> tuple[Family, ...]:
    """The feature families of a network: of its embeddings, and of its tags where it knows any."""
    names = {EMBEDDING: card.prefix, TAGS: f"{card.prefix}-tags"}
    return tuple(
        Family(
            names[output],
            column_names(names[output], size, statistics=_STATISTICS[output]),
            partial(_describe, network=card.name, output=output),
            plain=partial(_describe_plainly, network=card.name, output=output),
            sample_rate=card.sample_rate,
            phases=False,
            network=card.name,
        )
        for output, size in card.outputs.items()
    )


def _describe(spectra: Spectra, *, network: str, output: str) -> np.ndarray:
    return _summary(series(spectra, network=network, output=output), output)


def _outputs(spectra: Spectra, *, network: str) -> dict[str, np.ndarray]:
    return run_network(network, logmel.patches(spectra.samples, find_network(network)))


def series(spectra: Spectra, *, network: str, output: str) -> np.ndarray:
    """What a network gives for each patch of a track, (patches, size), shared with the families of its statistics."""
    return spectra.shared(_outputs, network=network)[output]


def _summary(vectors: np.ndarray, output: str) -> np.ndarray:
    wide = vectors.astype(np.float64)
    return np.concatenate([getattr(wide, name)(axis=0) for name in _STATISTICS[output]])


def _describe_plainly(spectra: Spectra, *, network: str, output: str) -> np.ndarray:
    """The same by librosa's spectrogram and ONNX's own reference of each operator, patch by patch."""
    from genreclf.features.plain_librosa import log_mel
    from genreclf.networks.reference import run_plainly

    card = find_network(network)
    return _summary(run_plainly(network, logmel.patches(spectra.samples, card, log_mel=log_mel))[output], output)
