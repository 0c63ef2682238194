"""The feature sets of the package: which families make up a row, and in which order.

A family is a module that computes something from a track's shared spectra. A new one is one new module and one entry
here, or one call of `genreclf.features.register` from outside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from genreclf.features import (
    chroma,
    embeddings,
    gauss,
    mfcc,
    mscat,
    plain_librosa,
    power,
    rhythm,
    spectral,
    tonnetz,
    zero_crossings,
)
from genreclf.features.registry import Family, FeatureSet, register, register_finder, series_family
from genreclf.features.statistics import STATISTICS
from genreclf.networks import NETWORKS, own_networks

if TYPE_CHECKING:
    import numpy as np

    from genreclf.features.spectra import Spectra

_STUDY = (
    series_family("mfcc", 20, mfcc.shared_series, plain=plain_librosa.mfcc),
    series_family("tonnetz", 6, tonnetz.series, plain=plain_librosa.tonnetz),
    Family("tempo", rhythm.COLUMNS, rhythm.describe, plain=plain_librosa.tempo),
    Family("power", power.COLUMNS, power.describe, plain=plain_librosa.powers),
)

_TEXTURE = (
    Family("gauss", gauss.COLUMNS, gauss.describe, plain=plain_librosa.gauss),
    Family("mscat", mscat.COLUMNS, mscat.describe, plain=plain_librosa.mscat),
)

_FMA_SERIES: tuple[tuple[str, int, Callable[[Spectra], np.ndarray]], ...] = (
    ("chroma_cens", 12, chroma.cens_series),
    ("chroma_cqt", 12, chroma.constant_q_series),
    ("chroma_stft", 12, chroma.stft_series),
    ("mfcc", 20, mfcc.series),
    ("rmse", 1, spectral.rms_series),
    ("spectral_bandwidth", 1, spectral.bandwidth_series),
    ("spectral_centroid", 1, spectral.centroid_series),
    ("spectral_contrast", 7, spectral.contrast_series),
    ("spectral_rolloff", 1, spectral.rolloff_series),
    ("tonnetz", 6, tonnetz.cens_series),
    ("zcr", 1, zero_crossings.series),
)

for _family in (*_STUDY, *_TEXTURE, *(one for card in NETWORKS.values() for one in embeddings.families(card))):
    register(_family)
register(
    FeatureSet(
        name="study",
        title="20 MFCC and 6 Tonnetz series with seven statistics each, tempo, harmonic and percussive power",
        parts=_STUDY,
    )
)
register(
    FeatureSet(
        name="texture",
        title="the study's features, the Gaussian of the MFCCs, and the modulations of 40 mel bands",
        parts=_STUDY + _TEXTURE,
    )
)
# Families and statistics stand in alphabetical order, as in the data set's own table. Several share their name with
# one of the study but not their values, so they are in this set only.
register(
    FeatureSet(
        name="fma",
        title="the 518 features of the Free Music Archive data set's features.csv, at each file's own rate",
        parts=tuple(
            series_family(
                name,
                size,
                series,
                statistics=tuple(sorted(STATISTICS)),
                plain=plain_librosa.fma_family(name),
                sample_rate=None,
                phases=False,
            )
            for name, size, series in _FMA_SERIES
        ),
    )
)


def _own_family(name: str) -> Family | None:
    """The family of that name of a network of one's own."""
    known = (family for card in own_networks().values() for family in embeddings.families(card))
    return next((family for family in known if family.name == name), None)


register_finder(_own_family)
