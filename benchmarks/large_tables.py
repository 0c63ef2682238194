"""What a table of a million tracks takes: on the disk as CSV and as Parquet, and to fit each model on.

    python benchmarks/large_tables.py FOLDER --rows 1000000
    python benchmarks/large_tables.py FOLDER --rows 1000000 --models logreg,histgb --tracks 10000,100000,1000000
    python benchmarks/large_tables.py FOLDER --rows 200000 --models rf,gb,catboost --tracks 10000,40000,160000 --trees 5

The table is made up: Gaussian clouds of eight genres, 185 features. Each measurement is a process of its own, with one
thread: CPU seconds, wall-clock seconds, and the largest resident memory of the process, in which the table is made or
read. A fit is ended after `--limit` CPU seconds, and larger ones of that model are not begun. With `--trees`, models of
trees have so many of them, or so many rounds of boosting: what all of them take follows. Files stay in FOLDER.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from genreclf.features import FEATURE_SETS
from genreclf.models import MODELS
from genreclf.tables.table import FeatureTable

GENRES, SPREAD, BLOCK = 8, 0.25, 50_000


def made(rows: int, dtype: str) -> FeatureTable:
    rng = np.random.default_rng(0)
    columns = FEATURE_SETS["study"].columns
    centres = rng.normal(scale=SPREAD, size=(GENRES, len(columns)))
    labels = rng.integers(GENRES, size=rows)
    X = np.empty((rows, len(columns)), dtype=dtype)
    for start in range(0, rows, BLOCK):
        block = labels[start : start + BLOCK]
        X[start : start + BLOCK] = centres[block] + rng.normal(size=(len(block), len(columns)))
    ids = [f"{number // 1000:06d}/{number:09d}.mp3" for number in range(rows)]
    identity: dict[str, Any] = {"track_id": ids, "genre": [f"genre {k}" for k in labels]}
    identity |= {"artist": [f"artist {k}" for k in rng.integers(max(1, rows // 20), size=rows)]}
    identity |= {"album": "", "title": "", "split": "", "path": ids, "digest": [f"{n:020x}" for n in range(rows)]}
    frame = pd.concat(
        [pd.DataFrame(identity, dtype="object"), pd.DataFrame(X, columns=list(columns), copy=False)], axis=1
    )
    meta = {"feature_set": "study", "parameters": {}, "columns": list(columns)}
    return FeatureTable(frame, columns, meta)


def write(folder: Path, *, name: str, rows: int, dtype: str) -> Callable[[], dict[str, Any]]:
    table, path = made(rows, dtype), folder / name

    def work() -> dict[str, Any]:
        table.write(path)
        files = path.iterdir() if path.is_dir() else [path]
        return {"GB": round(sum(file.stat().st_size for file in files) / 1e9, 3)}

    return work


def read(folder: Path, *, name: str, sample: int | None) -> Callable[[], dict[str, Any]]:
    import genreclf.tables.parquet_reader  # noqa: F401 - imports are not what is measured

    return lambda: {"rows": len(FeatureTable.read(folder / name, sample=sample).X)}


def fit(folder: Path, *, model: str, tracks: int, trees: int | None) -> Callable[[], dict[str, Any]]:
    table = FeatureTable.read(folder / "single.parquet", sample=tracks + 10_000)
    order = np.random.default_rng(1).permutation(len(table))
    training, test = order[: len(table) - 10_000], order[len(table) - 10_000 :]
    pipeline = MODELS[model].build(42, families=table.family_numbers)
    if trees is not None:
        pipeline.set_params(**{f"model__{name}": trees for name in MODELS[model].light})

    def work() -> dict[str, Any]:
        pipeline.fit(table.X[training], table.y[training])
        start = time.process_time()
        right = pipeline.predict(table.X[test]).ravel() == table.y[test]
        return {"accuracy": round(float(right.mean()), 4), "of them to predict 10,000": time.process_time() - start}

    return work


def measured(folder: Path, task: str, limit: int, **options: Any) -> dict[str, Any]:
    """One measurement in a process of its own."""
    request = json.dumps({"folder": str(folder), "task": task, "limit": limit, "options": options})
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    ran = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, __file__, "--child", request],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | threads,
    )
    row = {"task": task, **options}
    if ran.returncode:
        last = ran.stderr.strip().splitlines()[-1:] or [f"more than {limit} CPU seconds"]
        return row | {"ended": last[0]}
    return row | json.loads(ran.stdout.splitlines()[-1])


def child(request: dict[str, Any]) -> None:
    work = {"write": write, "read": read, "fit": fit}[request["task"]](Path(request["folder"]), **request["options"])
    before = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(before) + request["limit"], int(before) + request["limit"]))
    wall = time.perf_counter()
    found = work()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    times = {"CPU s": round(time.process_time() - before, 1), "wall s": round(time.perf_counter() - wall, 1)}
    sys.stdout.write(json.dumps(times | {"peak GB": round(peak, 2)} | found) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--models", default="")
    parser.add_argument("--tracks", default="10000,100000,1000000")
    parser.add_argument("--trees", type=int, help="of each model that has some")
    parser.add_argument("--limit", type=int, default=600, help="CPU seconds that a measurement may take")
    parser.add_argument("--child", type=json.loads)
    options = parser.parse_args()
    if options.child:
        child(options.child)
        return
    options.folder.mkdir(parents=True, exist_ok=True)
    single = options.folder / "single.parquet"
    tables = [("double.csv", "float64"), ("double.parquet", "float64"), ("single.parquet", "float32")]
    for name, dtype in tables if not options.models else [] if single.exists() else tables[2:]:
        tell(measured(options.folder, "write", 3600, name=name, rows=options.rows, dtype=dtype))
        tell(measured(options.folder, "read", 3600, name=name, sample=None))
        if name.endswith(".parquet"):
            tell(measured(options.folder, "read", 3600, name=name, sample=50_000))
    for model in filter(None, options.models.split(",")):
        for tracks in map(int, options.tracks.split(",")):
            what = {"model": model, "tracks": min(tracks, options.rows - 10_000), "trees": options.trees}
            row = measured(options.folder, "fit", options.limit, **what)
            tell(row)
            if "ended" in row:
                break


def tell(row: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
