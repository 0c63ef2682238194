"""Compiling the inner loops beforehand, so that the first track does not wait for it, nor each worker."""

from __future__ import annotations

import time

from genreclf.features import sets  # noqa: F401 - registers the package's own
from genreclf.features.kernel_cache import stamp
from genreclf.features.registry import DEFAULT_SET, FeatureSet, find_feature_set

_COMPILED = ("texture", "fma")


def is_compiled(feature_set: str | FeatureSet = DEFAULT_SET) -> bool:
    """Whether the inner loops of a set are already on disk for this interpreter, numba and processor."""
    return all(stamp(name).is_file() for name in _needed(feature_set))


def compile_kernels(feature_set: str | FeatureSet = DEFAULT_SET) -> float:
    """Compile every inner loop of a set that is not on disk yet; return the seconds it took."""
    began = time.perf_counter()
    done = [stamp(name) for name in _needed(feature_set)]
    import numpy as np

    from genreclf.features.description import describe

    noise = np.random.default_rng(0).standard_normal(22050).astype(np.float32)
    for name in _needed(feature_set):
        describe(noise, 22050, feature_set=name)
    for path in done:
        path.touch()
    return time.perf_counter() - began


def _needed(feature_set: str | FeatureSet) -> list[str]:
    """The sets whose inner loops those of this set are."""
    families = find_feature_set(feature_set).parts
    return [name for name in _COMPILED if set(families) & set(find_feature_set(name).parts)]
