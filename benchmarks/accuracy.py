"""Leaderboard: feature sets x models on repeated artist-disjoint folds, each against study + SVC on the same draws.

    python benchmarks/accuracy.py TABLE... [--sets study,texture] [--models svc,kernels,...] [--seeds 10] [--jobs 2]
    python benchmarks/accuracy.py TABLE --models segments,lstm,svc --series musicnn

A table with the columns of several sets (`genreclf extract MUSIC --feature-set texture` gives study, gauss and mscat)
is scored for each of them; a table with columns of its own counts as one set, `all`. Folds are random where no artist
is known. Macro-F1 is the mean over the seeds, each with other folds. Its difference from the baseline, the first set
with the first model, is paired; intervals are over artists (`genreclf.evaluation.uncertainty`). Models of series take
the kind named by `--series`, and come first.

Prints one Markdown table for each table, row by row: columns, ms to describe a clip of 30 s (one thread, decoding not
counted), mean CPU seconds of a fit (one thread), macro-F1 in points with its interval, difference.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from genreclf import FeatureTable, describe
from genreclf.datasets.synthetic import collection, play
from genreclf.errors import RequestError
from genreclf.evaluation.fitting import Data, Fit, fit_all
from genreclf.evaluation.folds import Folds, grouped_folds, random_folds
from genreclf.evaluation.groups import Groups, find_groups
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife
from genreclf.evaluation.usable import usable
from genreclf.features import find_feature_set
from genreclf.models import ModelSpec, resolve_all
from genreclf.progress import SILENT
from genreclf.series import series_of

SETS = ("study", "study+gauss", "study+mscat", "texture", "fma")
RATE = 22050


def columns_of(name: str, table: FeatureTable) -> np.ndarray | None:
    """The positions of a set's columns in a table; None unless it has them all."""
    place = {column: k for k, column in enumerate(table.features)}
    columns = find_feature_set(name).columns
    return np.array([place[column] for column in columns]) if set(columns) <= set(place) else None


def sets_of(table: FeatureTable, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The positions of each set's columns, for the sets that the table has."""
    found = {name: columns_of(name, table) for name in names}
    return {k: v for k, v in found.items() if v is not None} or {"all": np.arange(len(table.features))}


def folds_of(y: np.ndarray, groups: Groups, seed: int) -> Folds:
    if groups.artists is None:
        return random_folds(y, groups.recordings, seed=seed)
    return grouped_folds(y, groups.artists, seed=seed)


def milliseconds(name: str) -> float:
    """To describe a clip of 30 s, the median of five."""
    clip = np.resize(play(collection()[0]), 30 * RATE)
    taken = []
    for _ in range(6):
        started = time.process_time()
        describe(clip, RATE, feature_set=name)
        taken.append(1000 * (time.process_time() - started))
    return float(np.median(taken[1:]))  # the first may compile


def rows(
    table: FeatureTable,
    sets: Mapping[str, np.ndarray],
    models: tuple[ModelSpec, ...],
    *,
    seeds: int,
    jobs: int | None,
    series: Any,
) -> Iterator[tuple[str, ModelSpec, int, float, Estimate]]:
    """Set, model, number of columns or bins, mean seconds of a fit and macro-F1 of each combination."""
    groups = find_groups(table)
    y = np.searchsorted(np.array(table.genres), table.y.astype(str))
    data = Data(table.X, y, len(table.genres), groups.recordings, groups.artists, table.family_numbers, series)
    repeats = [folds_of(y, groups, seed) for seed in range(seeds)]
    jackknife = Jackknife.over(y, groups.widest, data.genres, trained=True)
    parts = [] if series is None else [(series.kind, np.arange(series.bins), True)]
    for name, columns, of_series in [*parts, *((*item, False) for item in sets.items())]:
        for model in models:
            if model.series is not of_series:
                continue
            fits = [
                Fit(f"seed {seed}", number, model, fold, columns, grouped=groups.artists is not None, seed=seed)
                for seed, made in enumerate(repeats)
                for number, fold in enumerate(made.folds, start=1)
            ]
            fitted = fit_all(fits, data, jobs=jobs, progress=SILENT)
            y_pred = np.empty((seeds, len(y)), dtype=np.intp)
            for fit, one in zip(fits, fitted, strict=True):
                y_pred[fit.seed, fit.fold.test] = one.y_pred
            score = Estimate.mean([jackknife.score(one, macro_f1) for one in y_pred])
            yield name, model, len(columns), float(np.mean([one.fit_seconds for one in fitted])), score


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tables", type=Path, nargs="+")
    parser.add_argument("--sets", default=",".join(SETS))
    every = [entry.name for entry in resolve_all(None) if not (entry.baseline or entry.series)]
    parser.add_argument("--models", default=",".join(every))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int)
    parser.add_argument("--series", help="kind of the series beside the table, for models of series")
    options = parser.parse_args()
    models = resolve_all(options.models.split(","))
    if options.series is None and any(model.series for model in models):
        raise RequestError("models of series need --series, the kind of the series beside the table")
    for path in options.tables:
        table, _ = usable(FeatureTable.read(path))
        series = None if options.series is None else series_of(table, options.series)
        artists = "artist-disjoint" if table.groups is not None else "random"
        print(f"\n{path.stem}: {len(table):,} tracks, {options.seeds} x 5 {artists} folds\n")
        print("| set | columns | ms a clip | model | fit, CPU s | macro-F1 | difference |")
        print("|---|---|---|---|---|---|---|")
        baseline: Estimate | None = None
        sets = sets_of(table, tuple(options.sets.split(",")))
        times = {name: f"{milliseconds(name):.0f}" for name in sets if name != "all"}
        given = {"seeds": options.seeds, "jobs": options.jobs, "series": series}
        for name, model, columns, seconds, score in rows(table, sets, models, **given):
            shown = f"| {name} | {columns} | {times.get(name, '')} | {model.title} | {seconds:.2f} | {points(score)} |"
            if baseline is None:
                baseline = score
                print(f"{shown} |", flush=True)
                continue
            print(f"{shown} {points(score - baseline, sign='+')} |", flush=True)


def points(estimate: Estimate, *, sign: str = "") -> str:
    """A score or a difference of scores with its interval, in points."""
    value, low, high = (f"{100 * part:{sign}.1f}" for part in (estimate.value, *estimate.interval))
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    try:
        main()
    except RequestError as error:
        sys.exit(str(error))
