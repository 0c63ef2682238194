"""Series of ten times the memory that a process may take are trained on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_series import write_series

MEGABYTES, TRACKS, SHAPE = 8, 500, (400, 200)  # 80 MB of values

TRAIN = """
import resource, sys
import numpy as np
from genreclf.models import MODELS
from genreclf.series import open_series

def slope(series, y):
    '''One epoch of logistic regression by stochastic gradients, on cuts of the tracks.'''
    weights = np.zeros(series.bins, dtype=np.float32)
    for tracks, values, lengths in series.batches(size=4, frames=300, rng=np.random.default_rng(0)):
        means = values.sum(axis=1) / lengths[:, None]
        weights += 0.1 * (y[tracks] - 1 / (1 + np.exp(-means @ weights))) @ means
    return weights

def fit(series, y):
    return MODELS["pooled"].build(0).fit(series, y), slope(series, y)

series = open_series(sys.argv[1])
y = np.arange(len(series)) % 2
fit(series[np.arange(500) % 8], y[np.arange(500) % 8])  # libraries, and the buffers that they keep
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
limit = int(status["VmData"].split()[0]) * 1024 + int(sys.argv[2]) * 1_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
try:
    np.concatenate(list(series))
except MemoryError:
    print("does not fit")
model, weights = fit(series, y)
print((model.predict(series) == y).mean(), int(weights[0] > 0))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits on what a process allocates are Linux's")
def test_ten_times_the_memory_is_trained_on(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(size=SHAPE).astype(np.float16)
    shifted = [noise - np.float16(0.1), noise + np.float16(0.1)]
    arrays = [shifted[track % 2] for track in range(TRACKS)]
    series = write_series(
        tmp_path / "t.series", arrays, [f"{track:03d}" for track in range(TRACKS)], shard_bytes=40 << 20
    )
    assert sum(array.nbytes for array in series) >= 10 * MEGABYTES * 1_000_000
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", TRAIN, str(tmp_path / "t.series"), str(MEGABYTES)],
        capture_output=True,
        text=True,
        check=False,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert ran.stdout.split("\n")[:2] == ["does not fit", "1.0 1"], ran.stderr
