"""Compiling the inner loops beforehand, so that the first track does not wait for it, nor each worker."""

from __future__ import annotations

import time

from genreclf.features.kernel_cache import stamp

_COMPILED = ("texture", "fma")


def is_compiled() -> bool:
    """Whether the inner loops are already on disk for this interpreter, numba and processor."""
    return stamp().is_file()


def compile_kernels() -> float:
    """Compile every inner loop that is not on disk yet; return the seconds it took."""
    began = time.perf_counter()
    done = stamp()
    import numpy as np

    from genreclf.features.description import describe

    noise = np.random.default_rng(0).standard_normal(22050).astype(np.float32)
    for name in _COMPILED:
        describe(noise, 22050, feature_set=name)
    done.touch()
    return time.perf_counter() - began
