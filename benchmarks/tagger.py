"""How many labels of one's own it takes to do better than the tags that a network knows already.

    python benchmarks/tagger.py TABLE MAP [--features musicnn texture+musicnn] [--models logreg svc] [--repeats 20]

TABLE has genres, artists and the family musicnn-tags; MAP is a CSV of tag,name, as for `genreclf predict --map`. Tracks
of other genres are left out. In each repeat three artist-disjoint folds are drawn, and models learn from so many labels
of the training part, the same number of each genre. Both are scored by macro-F1 on all tracks; the gain over the mapped
tags is paired, the mean over the repeats, with its 95 % interval over artists (`genreclf.evaluation.uncertainty`).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import genreclf
from genreclf.evaluation.folds import grouped_folds
from genreclf.evaluation.groups import find_groups
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife
from genreclf.features import FEATURE_SETS
from genreclf.models import resolve
from genreclf.models.threads import one_thread
from genreclf.network_tagging import network_tagger
from genreclf.tables.labels import read_synonyms

LABELS = (6, 12, 24, 48, 0)  # 0 is all
FOLDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("map", type=Path)
    parser.add_argument("--features", nargs="+", default=["musicnn", "texture+musicnn"])
    parser.add_argument("--models", nargs="+", default=["logreg", "svc"])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--network", default="musicnn:msd")
    given = parser.parse_args()
    table = genreclf.FeatureTable.read(given.table)
    table = table.take(np.isin(table.y.astype(str), sorted(set(read_synonyms(given.map).values()))))
    genres, y = np.unique(table.y.astype(str), return_inverse=True)
    artists = find_groups(table).widest
    tagger = network_tagger(given.network, mapping=given.map)
    tags = table.frame[list(tagger.manifest.features)].to_numpy()
    best = np.stack([tags[:, has].max(axis=1) for has in tagger.members], axis=1).argmax(axis=1)
    jackknife = Jackknife.over(y, artists, len(genres), trained=True)
    mapped = jackknife.score(np.searchsorted(genres, np.array(tagger.genres)[best]), macro_f1)
    print(f"{len(y)} tracks of {artists.max() + 1} artists; mapped tags: {points(mapped)}")
    for features in given.features:
        X = table.select(features.split("+"), sets=FEATURE_SETS).X
        for name in given.models:
            for count in LABELS:
                gains, used = [], []
                for seed in range(given.repeats):
                    y_pred = np.empty_like(y)
                    for rows, test in divided(y, artists, count=count, seed=seed):
                        with one_thread():
                            y_pred[test] = resolve(name).build(seed).fit(X[rows], y[rows]).predict(X[test])
                        used.append(len(rows))
                    gains.append(jackknife.score(y_pred, macro_f1) - mapped)
                gain = points(Estimate.mean(gains), sign="+")
                better = np.mean([gain.value > 0 for gain in gains])
                print(f"{features:18}{name:8}{np.mean(used):4.0f} labels {gain}, better in {better:.0%}", flush=True)


def divided(y: np.ndarray, artists: np.ndarray, *, count: int, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """For each fold so many rows to train on, the same number of each genre where there are so many, and the test rows.

    A count of 0 is all.
    """
    rng, genres = np.random.default_rng(seed), np.unique(y)
    for train, test in grouped_folds(y, artists, folds=FOLDS, seed=seed).pairs():
        known = [rng.permutation(train[y[train] == genre]) for genre in genres]
        yield np.concatenate([rows[: count // len(genres) or None] for rows in known]), test


def points(estimate: Estimate, *, sign: str = "") -> str:
    value, low, high = (f"{100 * part:{sign}.1f}" for part in (estimate.value, *estimate.interval))
    return f"{value} [{low}, {high}]"


if __name__ == "__main__":
    main()
