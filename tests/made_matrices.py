"""Matrices for compiled loops: random ones, and awkward ones."""

import numpy as np


def matrices(shape, seed=0):
    rng = np.random.default_rng(seed)
    random = np.abs(rng.standard_normal(shape)).astype(np.float32)
    yield "random", random
    yield "with ties", np.round(random * 3).astype(np.float32)
    yield "zeros", np.zeros(shape, dtype=np.float32)
    yield "constant", np.full(shape, 0.3, dtype=np.float32)
    yield "rising", np.cumsum(random, axis=0, dtype=np.float32)
    yield "mostly silent", random * (random > 1.5)
