"""Samples become one row of numbers: the feature sets, and how a track is described by one.

The feature sets of the package are those of `genreclf.features.sets`; `register` adds families and sets.

Importing this is quick: what computes is imported when it is first used.
"""

from genreclf.features.compilation import compile_kernels, is_compiled
from genreclf.features.description import describe, extract_features
from genreclf.features.kernel_cache import ensure_cache
from genreclf.features.plain_librosa import describe_plainly
from genreclf.features.registry import (
    DEFAULT_SET,
    FEATURE_SETS,
    Family,
    FeatureSet,
    find_feature_set,
    register,
    series_family,
)
from genreclf.features.series import SERIES, SeriesKind
from genreclf.features.spectra import Spectra

__all__ = [
    "DEFAULT_SET",
    "FEATURE_SETS",
    "SERIES",
    "Family",
    "FeatureSet",
    "SeriesKind",
    "Spectra",
    "compile_kernels",
    "describe",
    "describe_plainly",
    "ensure_cache",
    "extract_features",
    "find_feature_set",
    "is_compiled",
    "register",
    "series_family",
]
