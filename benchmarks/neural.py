"""Neural heads: what a fit costs, whether killed trainings end alike, and what successive halving saves.

    python benchmarks/neural.py fits features/music.csv --models fcnn,svc
    python benchmarks/neural.py kills
    python benchmarks/neural.py search

`fits` prints CPU seconds of one fit on all tracks of a table. `kills` trains a model with ``genreclf train``, kills it
by SIGKILL at random until it was killed so often, lets it end, and compares the file with that of a run that was left
alone. `search` makes data sets whose best parameters differ, searches each with and without successive halving, and
prints the macro-F1 on new tracks of what each chose and the epochs that it trained.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np


def fits(table_path: str, names: str, series: str | None) -> None:
    from genreclf.evaluation.groups import find_groups
    from genreclf.evaluation.usable import series_of
    from genreclf.models import spec
    from genreclf.models.fitting import fit_pipeline
    from genreclf.models.threads import one_thread
    from genreclf.tables.table import FeatureTable

    table = FeatureTable.read(table_path)
    y, groups = np.unique(table.y, return_inverse=True)[1], find_groups(table).widest
    for name in names.split(","):
        entry = spec(name)
        X = series_of(table, series) if entry.series else table.X
        seconds = []
        for seed in range(4):  # the first one also imports
            started = time.process_time()
            with one_thread():
                fit_pipeline(entry, X, y, seed=seed, groups=groups)
            seconds.append(time.process_time() - started)
        print(f"{name}: {statistics.median(seconds[1:]):.2f} CPU s a fit on {len(table)} tracks")


def kills(number: int) -> None:
    import pandas as pd

    rng = np.random.default_rng(0)
    genres = np.arange(400) % 4
    X = rng.normal(size=(4, 60))[genres] + 2 * rng.normal(size=(400, 60))
    frame = pd.DataFrame(X, columns=[f"mfcc_mean_{k:02d}" for k in range(60)])
    frame.insert(0, "track_id", [f"t{k}" for k in range(400)])
    frame.insert(1, "genre", [f"genre{k}" for k in genres])
    with tempfile.TemporaryDirectory() as folder:
        table, alone, killed = (Path(folder) / name for name in ("t.csv", "alone", "killed"))
        frame.to_csv(table, index=False)
        command = [sys.executable, "-m", "genreclf", "train", str(table), "--model", "fcnn", "-o"]
        subprocess.run([*command, str(alone)], check=True, capture_output=True)  # noqa: S603 - our own command
        begun, done = 0, 0
        while not killed.is_file():
            run = subprocess.Popen(  # noqa: S603
                [*command, str(killed)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            checkpoints = killed.with_name("killed.checkpoints")
            before = _state(checkpoints)
            while done < number and run.poll() is None and _state(checkpoints) == before:
                time.sleep(0.005)  # killed once it has written another epoch
            time.sleep(float(rng.uniform(0, 0.3)))
            begun += 1
            if done < number and run.poll() is None:
                run.kill()
                done += 1
            run.wait()
        same = "equal" if _weights(alone) == _weights(killed) else "NOT equal"
        print(f"{done} kills in {begun} runs; the weights are {same}")


def _state(folder: Path) -> list[tuple[str, int]]:
    return sorted((path.name, path.stat().st_mtime_ns) for path in folder.glob("*.pt"))


def _weights(path: Path) -> bytes:
    from genreclf.archive import read_container
    from genreclf.models.bundle.bundle import KIND, TENSORS

    return read_container(path, KIND)[TENSORS]


def search(data_sets: int) -> None:
    from sklearn.base import clone
    from sklearn.metrics import f1_score
    from sklearn.model_selection import StratifiedKFold

    from genreclf.models import spec
    from genreclf.models.neural.search import best_of, search_by_epochs

    rows = []
    for seed in range(data_sets):
        rng = np.random.default_rng(seed)
        centres = rng.normal(size=(8, 20)) * rng.uniform(0.8, 1.6)
        clouds = rng.integers(8, size=2300)
        X, y = centres[clouds] + rng.normal(size=(2300, 20)), clouds % 4  # two clouds a class
        X = np.c_[X, rng.normal(size=(2300, int(rng.integers(10, 80))))]  # and columns of noise
        folds = list(StratifiedKFold(3, shuffle=True, random_state=seed).split(X[:300], y[:300]))
        entry = spec("fcnn")
        model = entry.build(seed)
        for prune in (False, True):
            trials = search_by_epochs(model, entry.space, X[:300], y[:300], folds, seed=seed, prune=prune)
            best = best_of(trials)
            chosen = clone(model).set_params(**{f"model__{name}": value for name, value in best.parameters.items()})
            score = f1_score(y[300:], chosen.fit(X[:300], y[:300]).predict(X[300:]), average="macro")
            rows.append((best.macro_f1, score, sum(trial.epochs for trial in trials)))
            print(
                f"data set {seed}, {'halved' if prune else 'full'}: {100 * score:.1f}, {rows[-1][2]} epochs", flush=True
            )
    (inner, score, epochs), (inner_halved, halved, fewer) = (np.array(rows[k::2]).T for k in (0, 1))
    for what, full, less in (("inner", inner, inner_halved), ("new tracks", score, halved)):
        gap = 100 * (less - full)
        error = gap.std(ddof=1) / np.sqrt(len(gap))
        means = f"full {100 * full.mean():.1f}, halved {100 * less.mean():.1f}"
        print(f"macro-F1, {what}: {means}, {gap.mean():+.2f} ± {error:.2f}")
    print(f"epochs: {fewer.sum() / epochs.sum():.2f} of the full search")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("fits", "kills", "search"))
    parser.add_argument("table", nargs="?")
    parser.add_argument("--models", default="fcnn")
    parser.add_argument("--series")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--data-sets", type=int, default=4)
    chosen = parser.parse_args()
    if chosen.what == "fits":
        fits(chosen.table, chosen.models, chosen.series)
    elif chosen.what == "kills":
        kills(chosen.kills)
    else:
        search(chosen.data_sets)
