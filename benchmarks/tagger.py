"""How many labels of one's own it takes to do better than the tags that a network knows already.

    python benchmarks/tagger.py TABLE MAP [--features musicnn texture+musicnn] [--models logreg svc] [--draws 40]

TABLE has genres, artists and the family musicnn-tags; MAP is a CSV of tag,name, as for `genreclf predict --map`. Tracks
of other genres are left out. In each draw a third of the artists of each genre is held out; models learn from so many
labels of the others, the same number of each genre. Both are scored by macro-F1 on the held-out tracks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import f1_score

import genreclf
from genreclf.features import FEATURE_SETS
from genreclf.models import resolve
from genreclf.models.threads import one_thread
from genreclf.network_tagging import network_tagger
from genreclf.tables.labels import read_synonyms

LABELS = (6, 12, 24, 48, 0)  # 0 is all


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("map", type=Path)
    parser.add_argument("--features", nargs="+", default=["musicnn", "texture+musicnn"])
    parser.add_argument("--models", nargs="+", default=["logreg", "svc"])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--network", default="musicnn:msd")
    given = parser.parse_args()
    table = genreclf.FeatureTable.read(given.table)
    table = table.take(np.isin(table.y.astype(str), sorted(set(read_synonyms(given.map).values()))))
    y, artists = table.y.astype(str), table.groups.astype(str)
    tagger = network_tagger(given.network, mapping=given.map)
    tags = table.frame[list(tagger.manifest.features)].to_numpy()
    best = np.stack([tags[:, has].max(axis=1) for has in tagger.members], axis=1).argmax(axis=1)
    mapped = np.array(tagger.genres)[best]
    print(f"{len(y)} tracks of {len(set(artists))} artists; mapped tags: {score(y, mapped):.1f} on all of them")
    sides = [held_out(y, artists, seed) for seed in range(given.draws)]
    print(f"mapped tags, mean over {given.draws} draws: {np.mean([score(y[t], mapped[t]) for t in sides]):.1f}")
    for features in given.features:
        X = table.select(features.split("+"), sets=FEATURE_SETS).X
        for name in given.models:
            for count in LABELS:
                gains, used = [], []
                for seed, test in enumerate(sides):
                    rows = labelled(y, ~test, count=count, seed=seed)
                    with one_thread():
                        y_pred = resolve(name).build(seed).fit(X[rows], y[rows]).predict(X[test])
                    gains.append(score(y[test], y_pred) - score(y[test], mapped[test]))
                    used.append(len(rows))
                low, high = np.quantile(gains, [0.025, 0.975])
                better = np.mean(np.array(gains) > 0)
                line = f"{features:18}{name:8}{np.mean(used):4.0f} labels {np.mean(gains):+6.1f} points"
                print(f"{line}, 95 % of the draws {low:+.1f} to {high:+.1f}, better in {better:.0%}", flush=True)


def score(y: np.ndarray, y_pred: np.ndarray) -> float:
    return 100 * float(f1_score(y, y_pred, average="macro"))


def held_out(y: np.ndarray, artists: np.ndarray, seed: int) -> np.ndarray:
    """(tracks,) bool, those of a third of the artists of each genre."""
    rng, test = np.random.default_rng(seed), np.zeros(len(y), dtype=bool)
    for genre in np.unique(y):
        names = rng.permutation(np.unique(artists[y == genre]))
        test |= np.isin(artists, names[: -(-len(names) // 3)])
    return test


def labelled(y: np.ndarray, train: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """The rows of so many training tracks, where there are so many the same number of each genre; 0 is all."""
    rng, genres = np.random.default_rng(seed), np.unique(y)
    known = [rng.permutation(np.flatnonzero(train & (y == genre))) for genre in genres]
    return np.concatenate([rows[: count // len(genres) or None] for rows in known])


if __name__ == "__main__":
    main()
