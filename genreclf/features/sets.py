"""The feature sets: which families make up a row, in which order, at which sample rate.

A family is a module that computes something from a track's shared spectra. A new one is one new module and one entry
here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.errors import unknown
from genreclf.features import chroma, mfcc, power, rhythm, spectral, tonnetz, zero_crossings
from genreclf.features.statistics import STATISTICS, column_names, summarise

if TYPE_CHECKING:
    import numpy as np

    from genreclf.features.spectra import Spectra


@dataclass(frozen=True)
class Family:
    """Features that belong together.

    Parameters
    ----------
    name : what the family is called where families are chosen or compared.
    columns : the names of its features.
    describe : computes them from a track's spectra, in the order of `columns`.
    """

    name: str
    columns: tuple[str, ...]
    describe: Callable[[Spectra], np.ndarray]


@dataclass(frozen=True)
class FeatureSet:
    """What a row of a feature table holds.

    Parameters
    ----------
    name : as it is asked for.
    title : one line for people.
    sample_rate : in Hz, at which tracks are described; None for each file's own.
    parts : the families, in the order of the columns.
    """

    name: str
    title: str
    sample_rate: int | None
    parts: tuple[Family, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all features, in order."""
        return tuple(column for family in self.parts for column in family.columns)

    @property
    def families(self) -> Mapping[str, tuple[str, ...]]:
        """The columns of each family, by its name, in order."""
        return {family.name: family.columns for family in self.parts}


def series_family(
    name: str,
    size: int,
    series: Callable[[Spectra], np.ndarray],
    *,
    statistics: tuple[str, ...] = STATISTICS,
) -> Family:
    """A family that summarises `size` series of frames, computed as (size, frames), by their statistics."""
    return Family(
        name=name,
        columns=column_names(name, size, statistics=statistics),
        describe=lambda spectra: summarise(series(spectra), statistics=statistics),
    )


_STUDY = FeatureSet(
    name="study",
    title="20 MFCC and 6 Tonnetz series with seven statistics each, tempo, harmonic and percussive power",
    sample_rate=22050,
    parts=(
        series_family("mfcc", 20, mfcc.series),
        series_family("tonnetz", 6, tonnetz.series),
        Family("tempo", rhythm.COLUMNS, rhythm.describe),
        Family("power", power.COLUMNS, power.describe),
    ),
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

# Families and statistics stand in alphabetical order, as in the data set's own table.
_FMA = FeatureSet(
    name="fma",
    title="the 518 features of the Free Music Archive data set's features.csv, at each file's own rate",
    sample_rate=None,
    parts=tuple(
        series_family(name, size, series, statistics=tuple(sorted(STATISTICS))) for name, size, series in _FMA_SERIES
    ),
)

FEATURE_SETS: Mapping[str, FeatureSet] = {chosen.name: chosen for chosen in (_STUDY, _FMA)}


def find_feature_set(name: str) -> FeatureSet:
    """The feature set of that name; a `RequestError` that lists the names if there is none."""
    try:
        return FEATURE_SETS[name]
    except KeyError:
        raise unknown("feature set", name, FEATURE_SETS) from None
