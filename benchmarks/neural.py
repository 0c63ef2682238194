"""Neural heads: what a fit costs, whether killed trainings end alike, and what successive halving saves.

    python benchmarks/neural.py fits features/music.csv --models fcnn,svc
    python benchmarks/neural.py kills
    python benchmarks/neural.py search

`fits` prints CPU seconds of one fit on all tracks of a table. `kills` trains a model with ``genreclf train``, kills it
by SIGKILL at random until it was killed so often, lets it end, and compares the file with that of a run that was left
alone. `search` makes data sets with artists, whose best parameters differ, searches each with and without successive
halving, and prints the epochs that each search trained and the macro-F1 of what it chose on 2,000 tracks of new
artists, with the default parameters beside it.
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
    from genreclf.models import spec
    from genreclf.models.fitting import fit_pipeline
    from genreclf.models.threads import one_thread
    from genreclf.series import series_of
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


def search(seeds: range, tracks: int, trials: int) -> None:
    from sklearn.base import clone
    from sklearn.metrics import f1_score
    from sklearn.model_selection import StratifiedGroupKFold

    from genreclf.models import spec
    from genreclf.models.neural.search import best_of, search_by_epochs

    entry = spec("fcnn")
    space = {**entry.space, "hidden": (32, 64, 128)}
    shares, rows, same = [], [], 0
    for seed in seeds:
        X, y, artists = made(tracks, seed)
        seen, new = slice(tracks), slice(tracks, None)
        folds = StratifiedGroupKFold(3, shuffle=True, random_state=seed).split(X[seen], y[seen], artists[seen])
        model, folds = entry.build(seed), list(folds)
        given = {"seed": seed, "trials": trials}
        searches = [
            search_by_epochs(model, space, X[seen], y[seen], folds, prune=prune, **given) for prune in (False, True)
        ]
        chosen = [best_of(found).parameters for found in searches]
        epochs = [sum(trial.epochs for trial in found) for found in searches]
        scores = {}
        for parameters in (*chosen, {}):
            fitted = clone(model).set_params(**{f"model__{name}": value for name, value in parameters.items()})
            fitted.fit(X[seen], y[seen], model__groups=artists[seen])
            scores[str(parameters)] = 100 * f1_score(y[new], fitted.predict(X[new]), average="macro")
        shares.append(epochs[1] / epochs[0])
        rows.append([scores[str(parameters)] for parameters in (*chosen, {})])
        same += chosen[0] == chosen[1]
        line = "full {:.2f}, halved {:.2f}, default {:.2f}".format(*rows[-1])
        print(f"data set {seed}: {epochs[0]} and {epochs[1]} epochs; {line}", flush=True)
    if len(rows) < 2:
        return
    full, halved, default = np.array(rows).T
    print(f"epochs: {np.mean(shares):.3f} of the full search, at most {max(shares):.3f}; the same choice {same} times")
    print(f"macro-F1 on new artists: full {full.mean():.1f}, halved {halved.mean():.1f}, default {default.mean():.1f}")
    print(f"regret: full - halved {with_interval(full - halved)}, full - default {with_interval(full - default)}")


def made(tracks: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, classes and artists of so many tracks to search on, and of 2,000 by other artists after them.

    Four classes of two Gaussian clouds each, so that no linear model will do, in 20 columns; 10 to 80 more are noise.
    """
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(8, 20)) * rng.uniform(0.8, 1.6)
    clouds = rng.integers(8, size=tracks + 2000)
    artists = np.r_[rng.integers(tracks // 4, size=tracks), tracks + rng.integers(400, size=2000)]
    offsets = rng.normal(scale=0.5, size=(tracks + 400, 20))
    X = centres[clouds] + offsets[artists] + rng.normal(size=(len(clouds), 20))
    return np.c_[X, rng.normal(size=(len(clouds), int(rng.integers(10, 80))))], clouds % 4, artists


def with_interval(values: np.ndarray) -> str:
    """The mean over data sets with its 95 % interval."""
    from scipy.stats import t as student

    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return f"{values.mean():+.2f} [{values.mean() - half:+.2f}, {values.mean() + half:+.2f}]"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("fits", "kills", "search"))
    parser.add_argument("table", nargs="?")
    parser.add_argument("--models", default="fcnn")
    parser.add_argument("--series")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--data-sets", type=int, default=8)
    parser.add_argument("--first", type=int, default=0, help="number of the first data set")
    parser.add_argument("--tracks", type=int, default=200)
    parser.add_argument("--trials", type=int, default=20)
    chosen = parser.parse_args()
    if chosen.what == "fits":
        fits(chosen.table, chosen.models, chosen.series)
    elif chosen.what == "kills":
        kills(chosen.kills)
    else:
        search(range(chosen.first, chosen.first + chosen.data_sets), chosen.tracks, chosen.trials)
