"""How often genreclf's intervals hold what they are for, and how often its comparisons err.

    python benchmarks/intervals.py --quick                 two minutes, with exit code 1 outside wide bands
    python benchmarks/intervals.py [--table TABLE.csv]     the whole, under an hour on two cores

Tracks are Gaussian features around a mean of their genre and an effect of their artist, so that a score's true value
is known: fresh artists are tested, and the expected score is the mean over all simulated data sets. Of a table
(one row a track, numeric columns and ``genre``) a part is drawn each time and the rest is the truth.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from genreclf.evaluation.best_set import best_set
from genreclf.evaluation.repeats import divide_again, divide_groups, like_folds
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import TRAINING_FACTOR, Estimate, Jackknife, count

if TYPE_CHECKING:
    from collections.abc import Sequence

FOLDS = 5
VIEW_NOISE = 1.5
# Tracks of each artist in the four genres of 200 Emotify tracks.
EMOTIFY = (
    (17, 9, 3, 3, *[2] * 5, *[1] * 8),
    (10, 8, 4, 3, *[2] * 6, *[1] * 13),
    (17, 7, 4, 4, 3, 3, *[2] * 4, *[1] * 4),
    (9, 7, 5, 4, 4, 3, *[2] * 4, *[1] * 10),
)


class Discriminant:
    """Linear discriminant analysis in a few lines: thousands of fits must not wait for checks of their input."""

    def fit(self, X, y):
        """Fit to (tracks, features) and genre codes."""
        n, genres = np.bincount(y), y.max() + 1
        means = np.stack([X[y == k].mean(axis=0) for k in range(genres)])
        within = X - means[y]
        covariance = within.T @ within / (len(y) - genres) + 1e-6 * np.eye(X.shape[1])
        self.weights = np.linalg.solve(covariance, means.T)
        self.offset = np.log(n / len(y)) - (means * self.weights.T).sum(axis=1) / 2
        return self

    def predict(self, X):
        """Genre codes of (tracks, features)."""
        return (X @ self.weights + self.offset).argmax(axis=1)


MODELS = {
    "lda": Discriminant,
    "svc": lambda: make_pipeline(StandardScaler(), SVC(C=3)),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)),
}


@dataclass(frozen=True)
class Setting:
    """A world to draw data sets from.

    Parameters
    ----------
    tracks : of each genre.
    artists : ``emotify`` (its sizes), ``mixed`` (sizes drawn from them) or ``single`` (one track each).
    separation : standard deviation of the genres' means; a track's own is 1.
    effect : standard deviation of artists within a genre.
    one_split : three quarters train, a quarter is tested, artists disjoint.
    """

    name: str
    tracks: tuple[int, ...]
    artists: str
    separation: float
    effect: float
    model: str = "lda"
    features: int = 20
    one_split: bool = False
    replicates: int = 400
    repeats: int = 3

    @property
    def means(self) -> np.ndarray:
        """(genres, features)."""
        return self.separation * np.random.default_rng(7).normal(size=(len(self.tracks), self.features))

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features, genres and artists of a data set."""
        sizes = [self._sizes(genre, rng) for genre in range(len(self.tracks))]
        y = np.repeat(np.arange(len(sizes)), [sum(s) for s in sizes])
        artists = np.repeat(np.arange(sum(map(len, sizes))), np.concatenate(sizes))
        effects = self.effect * rng.normal(size=(artists[-1] + 1, self.features))
        return self.means[y] + effects[artists] + rng.normal(size=(len(y), self.features)), y, artists

    def _sizes(self, genre: int, rng: np.random.Generator) -> list[int]:
        if self.artists == "emotify":
            return list(EMOTIFY[genre])
        if self.artists == "single":
            return [1] * self.tracks[genre]
        drawn = rng.choice(np.concatenate(EMOTIFY), size=self.tracks[genre])
        drawn = drawn[: int(np.searchsorted(np.cumsum(drawn), self.tracks[genre])) + 1]
        drawn[-1] -= drawn.sum() - self.tracks[genre]
        return list(drawn)

    def population(self, tracks: int = 2000) -> tuple[np.ndarray, np.ndarray]:
        """Features and genres of tracks by artists who are not in any data set."""
        rng = np.random.default_rng(99)
        y = np.repeat(
            np.arange(len(self.tracks)), np.round(tracks * np.array(self.tracks) / sum(self.tracks)).astype(int)
        )
        return self.means[y] + np.hypot(1, self.effect) * rng.normal(size=(len(y), self.features)), y


@dataclass(frozen=True)
class Table:
    """Real tracks without artists: part of them is drawn, the others are the truth."""

    path: Path
    name: str
    size: int
    model: str = "lda"
    replicates: int = 200
    repeats: int = 3
    one_split: bool = False

    def split(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Features and genres of the drawn part and of the others."""
        import pandas as pd

        frame = pd.read_csv(self.path).dropna()
        y = np.unique(frame["genre"].astype(str), return_inverse=True)[1]
        columns = [name for name in frame.select_dtypes("number") if not name.endswith("_id")]
        X = StandardScaler().fit_transform(frame[columns])
        order = rng.permutation(len(y))
        drawn, others = order[: self.size], order[self.size :]
        return X[drawn], y[drawn], X[others], y[others]


SETTINGS = (
    Setting("small", (50,) * 4, "emotify", 0.45, 0.8),
    Setting("small, weak artists", (50,) * 4, "emotify", 0.35, 0.4),
    Setting("small, SVC", (50,) * 4, "emotify", 0.4, 0.6, model="svc", replicates=200),
    Setting("small, logistic", (50,) * 4, "emotify", 0.4, 0.6, model="logistic", replicates=200),
    Setting("singletons", (50,) * 4, "single", 0.45, 0.8),
    Setting("singletons, SVC", (50,) * 4, "single", 0.4, 0.6, model="svc", replicates=200),
    Setting("many artists", (125,) * 8, "mixed", 0.5, 0.6, replicates=300),
    Setting("imbalanced", (300, 150, 100, 50), "mixed", 0.45, 0.6),
    Setting("large", (400, 400, 350, 300, 300, 200, 139, 100), "mixed", 0.5, 0.6, replicates=200, repeats=2),
    Setting("one fixed split", (125,) * 8, "mixed", 0.5, 0.6, one_split=True, replicates=800),
)


def deal(y: np.ndarray, artists: np.ndarray, setting: Setting | Table, seed: int) -> list[np.ndarray]:
    """Fold numbers of each repeat, -1 for tracks that are never tested."""
    if setting.one_split:
        first = divide_groups(_counts(y, artists), 4, number=1, seed=seed)[0][artists]
        return [np.where(first == 0, 0, -1)]
    first = divide_groups(_counts(y, artists), FOLDS, number=1, seed=seed)[0][artists]
    return divide_again(y, artists, first, repeats=setting.repeats, seed=seed + 1)


def _counts(y: np.ndarray, artists: np.ndarray) -> np.ndarray:
    counts = np.zeros((artists.max() + 1, y.max() + 1))
    np.add.at(counts, (artists, y), 1)
    return counts


def cross_validate(
    model: str, X: np.ndarray, y: np.ndarray, side: np.ndarray, population: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, list[float]]:
    """Predictions for the tested tracks (-1 for others), and each fold model's macro-F1 on a population."""
    y_pred = np.full(len(y), -1)
    truths = []
    for fold in range(int(side.max()) + 1):
        test = side == fold
        fitted = MODELS[model]().fit(X[~test], y[~test])
        y_pred[test] = fitted.predict(X[test])
        if population is not None:
            truths.append(f1_of(population[1], fitted.predict(population[0]), int(y.max()) + 1))
    return y_pred, truths


def f1_of(y: np.ndarray, y_pred: np.ndarray, genres: int) -> float:
    return float(macro_f1(count(y, y_pred, genres)))


def one_data_set(setting: Setting | Table, seed: int) -> tuple[float, float, float, float, float]:
    """Score, low, high, and the true macro-F1 of the fold models (mean) and of the model of all tracks."""
    rng = np.random.default_rng(seed)
    if isinstance(setting, Table):
        X, y, *population = setting.split(rng)
        artists = np.arange(len(y))
    else:
        X, y, artists = setting.draw(rng)
        population = setting.population()
    genres = int(y.max()) + 1
    sides = deal(y, artists, setting, seed)
    tested = sides[0] >= 0
    first, truths = cross_validate(setting.model, X, y, sides[0], (population[0], population[1]))
    predictions = [first, *(cross_validate(setting.model, X, y, side)[0] for side in sides[1:])]
    factor = 1.0 if setting.one_split else TRAINING_FACTOR
    jackknife = Jackknife.over(y[tested], artists[tested], genres, factor=factor)
    found = Estimate.mean([jackknife.score(y_pred[tested], macro_f1) for y_pred in predictions])
    deployed = f1_of(population[1], MODELS[setting.model]().fit(X, y).predict(population[0]), genres)
    return found.value, *found.interval, float(np.mean(truths)), deployed


def coverage(setting: Setting | Table, workers: joblib.Parallel) -> dict[str, object]:
    """One line of the table of coverage."""
    rows = workers(joblib.delayed(one_data_set)(setting, 1000 + k) for k in range(setting.replicates))
    score, low, high, folds, deployed = np.array(list(rows)).T
    expected = folds.mean()
    share = [100 * float(np.mean((low <= truth) & (truth <= high))) for truth in (expected, folds, deployed)]
    return {
        "setting": setting.name,
        "data sets": len(score),
        "true macro-F1": f"{100 * expected:.1f}",
        "bias": f"{100 * (score.mean() - expected):+.1f}",
        "covers expected %": f"{share[0]:.1f}",
        "fold models %": f"{share[1]:.1f}",
        "deployed %": f"{share[2]:.1f}",
        "width": f"{100 * float(np.mean(high - low)):.1f}",
        "width of 3.92 true SD": f"{392 * float(score.std(ddof=1)):.1f}",
    }


def views(X: np.ndarray, models: int, noise: float, rng: np.random.Generator) -> list[np.ndarray]:
    """Features as several equal models see them, each through its own noise; the first through noise times `noise`."""
    return [X + VIEW_NOISE * (1.0 if k else noise) * rng.normal(size=X.shape) for k in range(models)]


def one_comparison(setting: Setting, models: int, noise: float, seed: int) -> tuple[bool, bool, float]:
    """Whether any model is left out, whether all but the first are, and how far the first is ahead in truth."""
    rng = np.random.default_rng(seed)
    X, y, artists = setting.draw(rng)
    genres = len(setting.tracks)
    seen = views(X, models, noise, rng)
    sides = deal(y, artists, setting, seed)
    jackknife = Jackknife.over(y, artists, genres, factor=TRAINING_FACTOR)
    scores = [
        [jackknife.score(cross_validate(setting.model, features, y, side)[0], macro_f1) for side in sides]
        for features in seen
    ]
    members = best_set(scores, seed=seed).members
    ahead = np.mean([one.value - other.value for one, other in zip(scores[0], scores[1], strict=True)])
    return not members.all(), not members[1], float(ahead)


def noise_of(setting: Setting, gap: float) -> float:
    """The first model's noise that puts it ahead by `gap`, by bisection on many data sets' worth of scores."""
    low, high = 0.0, 1.0
    for _ in range(6):
        middle = (low + high) / 2
        gaps = [one_truth(setting, middle, seed) for seed in range(12)]
        low, high = (middle, high) if np.mean(gaps) > gap else (low, middle)
    return (low + high) / 2


def one_truth(setting: Setting, noise: float, seed: int) -> float:
    rng = np.random.default_rng(seed)
    X, y, _ = setting.draw(rng)
    Z, z = setting.population()
    train = rng.permutation(len(y))[: int(0.8 * len(y))]
    scores = []
    for k in (noise, 1.0):
        fitted = MODELS[setting.model]().fit((X + VIEW_NOISE * k * rng.normal(size=X.shape))[train], y[train])
        scores.append(f1_of(z, fitted.predict(Z + VIEW_NOISE * k * rng.normal(size=Z.shape)), len(setting.tracks)))
    return scores[0] - scores[1]


def comparisons(setting: Setting, workers: joblib.Parallel, models: Sequence[int]) -> list[dict[str, object]]:
    """Lines on models that are equal: how often any is called worse."""
    lines = []
    for number in models:
        rows = workers(
            joblib.delayed(one_comparison)(setting, number, 1.0, 5000 + k) for k in range(setting.replicates)
        )
        wrong = 100 * float(np.mean([row[0] for row in rows]))
        lines.append({"setting": setting.name, "equal models": number, "any called worse %": f"{wrong:.1f}"})
    return lines


def power(setting: Setting, workers: joblib.Parallel, gaps: Sequence[float]) -> list[dict[str, object]]:
    """Lines on five models of which the first is ahead: how often another one is called worse."""
    lines = []
    for gap in gaps:
        noise = noise_of(setting, gap)
        rows = workers(joblib.delayed(one_comparison)(setting, 5, noise, 9000 + k) for k in range(setting.replicates))
        found, ahead = 100 * float(np.mean([row[1] for row in rows])), 100 * float(np.mean([row[2] for row in rows]))
        lines.append({"setting": setting.name, "gap": f"{ahead:.1f}", "the second called worse %": f"{found:.1f}"})
    return lines


def one_leak(setting: Setting, seed: int) -> float:
    """Macro-F1 of random folds less that of artist-disjoint ones."""
    X, y, artists = setting.draw(np.random.default_rng(seed))
    side = deal(y, artists, replace(setting, repeats=1), seed)[0]
    like = like_folds(y, np.arange(len(y)), side, seed=seed)
    both = [f1_of(y, cross_validate(setting.model, X, y, s)[0], len(setting.tracks)) for s in (side, like)]
    return both[1] - both[0]


def leak(setting: Setting, workers: joblib.Parallel) -> dict[str, object]:
    """A line on a leak that is none: the artists have no effect."""
    without = replace(setting, effect=0.0)
    found = np.array(list(workers(joblib.delayed(one_leak)(without, 7000 + k) for k in range(setting.replicates))))
    error = 100 * found.std(ddof=1) / np.sqrt(len(found))
    return {"setting": setting.name, "leak without artist effect": f"{100 * found.mean():+.2f} ± {error:.2f}"}


def show(title: str, lines: Sequence[dict[str, object]]) -> None:
    names = list(lines[0])
    rows = [names, ["---"] * len(names), *([str(line[name]) for name in names] for line in lines)]
    print(f"\n{title}\n")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def outside(covered: Sequence[dict[str, object]], equal: Sequence[dict[str, object]]) -> list[str]:
    """What lies outside the wide bands that few data sets allow."""
    bad = [
        f"{c['setting']}: {c['covers expected %']} %" for c in covered if not float(str(c["covers expected %"])) >= 89
    ]
    return bad + [
        f"{e['equal models']} equal models: {e['any called worse %']} %"
        for e in equal
        if float(str(e["any called worse %"])) > 10
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few data sets and settings, and bands to hold")
    parser.add_argument("--table", type=Path, help="a CSV file of real tracks: numeric columns and genre")
    parser.add_argument("--size", type=int, default=1000, help="tracks to draw from the table")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    started = time.perf_counter()
    chosen: list[Setting | Table] = list(SETTINGS)
    if options.table:
        chosen.append(Table(options.table, f"{options.size} of {options.table.name}", options.size))
    if options.quick:
        names = ("small", "singletons", "imbalanced", "one fixed split")
        chosen = [replace(s, replicates=100, repeats=2) for s in chosen if s.name in names or isinstance(s, Table)]
    small = replace(SETTINGS[0], separation=0.7, replicates=60 if options.quick else 300, repeats=2)
    with joblib.Parallel(n_jobs=options.jobs, batch_size=4) as workers:
        covered = []
        for setting in chosen:
            covered.append(coverage(setting, workers))
            print(
                *covered[-1].values(), f"{time.perf_counter() - started:.0f} s", sep="; ", file=sys.stderr, flush=True
            )
        show("Coverage of 95 % intervals of macro-F1", covered)
        equal = comparisons(small, workers, (5,) if options.quick else (2, 5, 8))
        show("Equal models", equal)
        show("Power, five models", power(small, workers, (0.12,) if options.quick else (0.03, 0.06, 0.12)))
        leaks = [
            s
            for s in SETTINGS
            if s.name in (("small",) if options.quick else ("small", "small, SVC", "small, logistic"))
        ]
        show("Leak", [leak(replace(s, replicates=100 if options.quick else 400), workers) for s in leaks])
    print(f"\n{time.perf_counter() - started:.0f} s")
    bad = outside(covered, equal) if options.quick else []
    for line in bad:
        print(f"outside the band: {line}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
