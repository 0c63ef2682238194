"""Checkpoints: what was written is read, and what is damaged is refused."""

from __future__ import annotations

import numpy as np
import pytest
from made_networks import version_1, version_2

from genreclf.weights.checkpoint import read_version_1, read_version_2

ARRAYS = {
    f"layer_{k}/{part}": np.random.default_rng(k).normal(size=shape).astype(np.float32)
    for k in range(7)
    for part, shape in (("kernel", (3, k + 1, 2)), ("bias", (2,)), ("scalar", ()))
}


def test_both_versions_give_the_variables_that_were_written():
    for found in (read_version_2(*version_2(ARRAYS)), read_version_1(version_1(ARRAYS))):
        assert found.keys() == ARRAYS.keys()
        for name, array in ARRAYS.items():
            np.testing.assert_array_equal(found[name], array)


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_a_file_that_is_cut_or_changed_is_refused(cut):
    index, data = version_2(ARRAYS)
    with pytest.raises(ValueError, match=r"checkpoint|block|variable|number|message|field"):
        read_version_2(index[:cut], data)
    with pytest.raises(ValueError, match="variable of shape"):
        read_version_2(index, data[:cut])


def test_noise_is_refused_and_never_read():
    rng = np.random.default_rng(0)
    whole = bytearray(version_1(ARRAYS))
    for _ in range(200):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), size=8):
            damaged[place] = rng.integers(256)
        try:
            found = read_version_1(bytes(damaged))
        except (ValueError, KeyError, IndexError):
            continue
        assert all(array.dtype == np.float32 for array in found.values())
