"""Probabilities before and after calibration, by nested folds: log loss, Brier score, calibration error, AURC.

    python benchmarks/calibration.py TABLE [--models svc,logreg,...] [--tracks 2000] [--divisions 1]

Each model is fitted and calibrated on the training part of five folds, artist-disjoint where artists are known, with
the inner folds of `genreclf.train`, and scored on the test part. `chosen` is what `genreclf.train` does; beside it
stand each single method of `genreclf.models.calibration`, and `best single`, the one with the smallest log loss on the
inner folds. Scores are means over the divisions; AURC, in points, has its interval over artists.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genreclf import FeatureTable
from genreclf.evaluation.folds import grouped_folds, random_folds
from genreclf.evaluation.groups import find_groups
from genreclf.evaluation.probability_scores import score_probabilities
from genreclf.evaluation.uncertainty import Jackknife
from genreclf.evaluation.usable import usable
from genreclf.models import ModelSpec, resolve_all
from genreclf.models.calibration import calibrate, candidates, cross_fitted, has_probabilities, inner_scores, log_loss
from genreclf.models.threads import one_thread
from genreclf.training import calibration_folds

if TYPE_CHECKING:
    from collections.abc import Iterator

QUICK = 5.0  # of `ModelSpec.cost`, as in `genreclf.train`


def nested(table: FeatureTable, entry: ModelSpec, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, dict, str]]:
    """For each fold its test rows, the predicted codes, the probabilities of each calibration, and what was chosen."""
    y, groups = np.unique(table.y, return_inverse=True)[1], find_groups(table)
    if groups.artists is None:
        outer = random_folds(y, groups.recordings, seed=seed)
    else:
        outer = grouped_folds(y, groups.artists, seed=seed)
    for train, test in outer.pairs():
        X, codes = table.filled[train], y[train]
        folds = calibration_folds(table.take(train), folds=5 if entry.cost <= QUICK else 3)
        with one_thread():
            model = entry.build(42, families=table.family_numbers)
            inner, model = inner_scores(model, X, codes, folds), model.fit(X, codes)
            means = candidates(model)
            own = ["none"] if has_probabilities(model) else []
            single = [*own, *(method for name in means for method in name.split("+"))]
            losses = {name: log_loss(cross_fitted(name, inner), codes) for name in {*single, *means}}
            best, chosen = min(single, key=losses.__getitem__), min(means, key=losses.__getitem__)
            given = {name: calibrate(model, name, inner).predict_proba(table.filled[test]) for name in losses}
            found = {name: given[name] for name in single} | {"best single": given[best], "chosen": given[chosen]}
            yield test, model.predict(table.filled[test]), found, f"{chosen}; {best}"


def rows(table: FeatureTable, entry: ModelSpec, divisions: int) -> Iterator[str]:
    """A line of the table for each calibration of a model."""
    y, began = np.unique(table.y, return_inverse=True)[1], time.process_time()
    predicted, probabilities, choices = [], {}, Counter()
    for seed in range(divisions):
        predicted.append(np.empty(len(y), dtype=int))
        for test, y_pred, found, choice in nested(table, entry, seed):
            predicted[-1][test] = y_pred
            for name, shares in found.items():
                whole = probabilities.setdefault(name, [])
                if len(whole) <= seed:
                    whole.append(np.empty((len(y), shares.shape[1])))
                whole[seed][test] = shares
            choices[choice] += 1
    jackknife = Jackknife.over(y, find_groups(table).widest, int(y.max()) + 1, trained=True)
    for name, repeats in probabilities.items():
        s = score_probabilities(repeats, predicted, jackknife)
        value, low, high = (f"{100 * s[key]:.1f}" for key in ("aurc", "aurc_low", "aurc_high"))
        yield (
            f"| `{entry.name}` | {name} | {s['log_loss']:.3f} | {s['brier_score']:.3f} | "
            f"{100 * s['calibration_error']:.1f} | {value} [{low}, {high}] |"
        )
    told = ", ".join(f"{choice} ({times})" for choice, times in choices.items())
    yield f"<!-- {entry.name}: chosen and best single: {told}; {time.process_time() - began:.0f} CPU s -->"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--models", default=",".join(entry.name for entry in resolve_all(None) if not entry.baseline))
    parser.add_argument("--tracks", type=int, help="draw so many; all by default")
    parser.add_argument("--divisions", type=int, default=1)
    options = parser.parse_args()
    table, _ = usable(FeatureTable.read(options.table))
    if options.tracks:
        drawn = np.random.default_rng(0).permutation(len(table))[: options.tracks]
        table = table.take(np.sort(drawn))
    print(f"{table.name}: {len(table)} tracks, {len(table.genres)} genres\n")
    print("| model | calibration | log loss | Brier | calibration error | AURC [95 %] |\n|---|---|---|---|---|---|")
    for entry in resolve_all(options.models.split(",")):
        for line in rows(table, entry, options.divisions):
            print(line, flush=True)


if __name__ == "__main__":
    main()
