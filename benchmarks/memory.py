"""Train on series of ten times the memory that a process may take.

    python benchmarks/memory.py --models pooled,segments --megabytes 20 --frames 1000 --bins 128

Series of made-up values are written, as many as ten times the limit. Each model is then fitted in a process of its own,
which may take so much memory beyond what it had once its libraries were loaded and a few tracks fitted (`RLIMIT_DATA`:
all that is allocated; pages of files do not count, as the system takes them back when it needs them). Told are the
accuracy on what was fitted, so that something was learnt, the CPU seconds, and the largest resident memory beyond
libraries. That all values at once do not fit is tried as well.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from genreclf.models import resolve
from genreclf.series import Header, Series, SeriesStore, as_frames, open_series

MEGABYTE = 1_000_000
GENRES = 4


def write(folder: Path, *, megabytes: float, frames: int, bins: int) -> None:
    """Noise around a vector of the genre, which is the track's number modulo four; a pool of tracks, shifted."""
    rng = np.random.default_rng(0)
    centres = rng.normal(scale=0.3, size=(GENRES, 1, bins))
    pool = rng.normal(size=(8, frames, bins))
    tracks = int(megabytes * MEGABYTE / (frames * bins * 2)) + 1
    with SeriesStore(folder, Header("made", bins, 1.0)) as store:
        for track in range(tracks):
            values = np.roll(pool[track % 8], track, axis=0) + centres[track % GENRES]
            store.append(f"{track:08d}", f"{track:08d}", as_frames(values, bins=bins, kind="made"))


def fitted(name: str, series: Series, y: np.ndarray) -> float:
    model = resolve(name).build(0)
    if "model__epochs" in model.get_params():  # memory does not depend on how many there are
        model.set_params(model__epochs=1, model__refit=False)
    model.fit(series, y)
    return float((model.predict(series) == y).mean())


def allocated(what: str) -> int:
    """Bytes that this process has, by a line of its status."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines())
    return int(lines[what].split()[0]) * 1024


def train(folder: Path, name: str, megabytes: float) -> dict[str, float]:
    """Fit under the limit, in this process."""
    series = open_series(folder)
    y = np.arange(len(series)) % GENRES
    few = (np.arange(len(series)) % 64)[:500]
    fitted(name, series[few], y[few])
    limit = allocated("VmData") + int(megabytes * MEGABYTE)
    before = allocated("RssAnon")
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    try:
        np.empty((series.lengths.sum(), series.bins), dtype=np.float16)
    except MemoryError:
        pass
    else:
        raise AssertionError("all values at once fit: the limit limits nothing")
    peak, done = [before], threading.Event()

    def watch() -> None:
        while not done.wait(0.02):
            peak[0] = max(peak[0], allocated("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    start = time.process_time()
    try:
        accuracy = fitted(name, series, y)
    finally:
        done.set()
        watcher.join()
    values = sum(series.lengths) * series.bins * 2
    return {
        "MB of values": round(values / MEGABYTE),
        "MB allowed": megabytes,
        "MB taken": round((peak[0] - before) / MEGABYTE),
        "accuracy": round(accuracy, 3),
        "CPU seconds": round(time.process_time() - start, 1),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="pooled,segments")
    parser.add_argument("--megabytes", type=float, default=100, help="how much memory a process may take")
    parser.add_argument("--times", type=float, default=10, help="how many times as much there is on disk")
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--bins", type=int, default=200)
    parser.add_argument("--inside", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        folder, name = options.inside
        sys.stdout.write(json.dumps(train(Path(folder), name, options.megabytes)))
        return 0
    found = {}
    with tempfile.TemporaryDirectory(prefix="genreclf-memory-") as folder:
        write(Path(folder), megabytes=options.megabytes * options.times, frames=options.frames, bins=options.bins)
        for name in options.models.split(","):
            command = [sys.executable, __file__, "--megabytes", str(options.megabytes), "--inside", folder, name]
            ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own program
            found[name] = json.loads(ran.stdout) if ran.returncode == 0 else ran.stderr.splitlines()[-1]
            sys.stderr.write(f"{name}: {found[name]}\n")
    sys.stdout.write(json.dumps(found, indent=2) + "\n")
    return int(not all(isinstance(value, dict) for value in found.values()))


if __name__ == "__main__":
    sys.exit(main())
