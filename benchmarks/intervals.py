"""How often genreclf's intervals hold what they are for, and how often its comparisons err.

    python benchmarks/intervals.py --quick                 within two minutes, with exit code 1 outside wide bands
    python benchmarks/intervals.py [--table TABLE.csv]     the whole, within an hour on two cores

Tracks are Gaussian features around a mean of their genre and an effect of their artist, so that a score's true value
is known: fresh artists are tested, and the expected score is the mean over all simulated data sets of a setting. They
share the number of artists and their tracks. Of a table (one row a track, numeric columns and ``genre``) a small part
is drawn each time and the rest is the truth.
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
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from genreclf.evaluation.best_set import best_set
from genreclf.evaluation.repeats import divide_again, divide_groups, like_folds
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.uncertainty import Estimate, Jackknife, count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

FOLDS = 5
VIEW_NOISE = 1.5
SIZES = 3  # the seed of the artists' sizes
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


class MostFrequent:
    """Predicts the most frequent genre."""

    def fit(self, X, y):  # noqa: ARG002
        """Fit to genre codes."""
        self.genre = np.bincount(y).argmax()
        return self

    def predict(self, X):
        """Genre codes of (tracks, features)."""
        return np.full(len(X), self.genre)


MODELS = {
    "lda": Discriminant,
    "most_frequent": MostFrequent,
    "svc": lambda: make_pipeline(StandardScaler(), SVC(C=3)),
    "logistic": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)),
}


@dataclass(frozen=True)
class Setting:
    """A world to draw data sets from.

    Parameters
    ----------
    tracks : of each genre.
    artists : ``emotify`` (its sizes), ``mixed`` (sizes drawn from them, once for all data sets), ``drawn`` (anew for
        each) or ``single`` (one track each).
    separation : standard deviation of the genres' means; a track's own is 1.
    effect : standard deviation of artists within a genre.
    one_split : three quarters train, a quarter is tested, artists disjoint.
    seen : the factor of the intervals was fitted with this setting in view.
    """

    name: str
    tracks: tuple[int, ...]
    artists: str
    separation: float
    effect: float
    model: str = "lda"
    features: int = 20
    one_split: bool = False
    seen: bool = True
    replicates: int = 300
    repeats: int = 3

    @property
    def means(self) -> np.ndarray:
        """(genres, features)."""
        return self.separation * np.random.default_rng(7).normal(size=(len(self.tracks), self.features))

    def draw(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features, genres and artists of a data set."""
        of_sizes = rng if self.artists == "drawn" else np.random.default_rng(SIZES)
        sizes = [self._sizes(genre, of_sizes) for genre in range(len(self.tracks))]
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

    def population(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Features and genres of tracks by artists who are not in the data set, as many as predict quickly."""
        tracks = 4000 if self.model == "lda" else 800
        y = np.repeat(
            np.arange(len(self.tracks)), np.round(tracks * np.array(self.tracks) / sum(self.tracks)).astype(int)
        )
        return self.means[y] + np.hypot(1, self.effect) * rng.normal(size=(len(y), self.features)), y


@dataclass(frozen=True, eq=False)
class Table:
    """Real tracks without artists: a small part of them is drawn, the others are the truth."""

    name: str
    X: np.ndarray
    y: np.ndarray
    size: int
    model: str
    replicates: int = 300
    repeats: int = 3
    one_split: bool = False
    seen: bool = False

    def split(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Features and genres of the drawn part and of up to 1,500 others."""
        order = rng.permutation(len(self.y))
        drawn, others = order[: self.size], order[self.size : self.size + 1500]
        return self.X[drawn], self.y[drawn], self.X[others], self.y[others]


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Standardised features and genre codes of a table."""
    import pandas as pd

    frame = pd.read_csv(path).dropna()
    columns = [name for name in frame.select_dtypes("number") if not name.endswith("_id")]
    X = StandardScaler().fit_transform(frame[columns])
    return X, np.unique(frame["genre"].astype(str), return_inverse=True)[1]


EMOTIFY_LIKE = (50,) * 4
SETTINGS = (
    Setting("small", EMOTIFY_LIKE, "emotify", 0.45, 0.8),
    Setting("small, weak artists", EMOTIFY_LIKE, "emotify", 0.35, 0.4, seen=False),
    Setting("singletons", EMOTIFY_LIKE, "single", 0.45, 0.8),
    Setting("two genres", (60, 60), "mixed", 0.3, 0.8),
    Setting("imbalanced", (300, 150, 100, 50), "mixed", 0.45, 0.6, seen=False),
    Setting("imbalanced, strong artists", (250, 100, 50, 25), "mixed", 0.6, 1.0),
    Setting("imbalanced, small", (100, 60, 40, 20), "mixed", 0.5, 0.8, seen=False),
    Setting("eight small genres", (25,) * 8, "mixed", 0.5, 0.8, seen=False),
    Setting("60 features", (100,) * 4, "mixed", 0.3, 0.6, features=60, seen=False),
    Setting("many artists", (125,) * 8, "mixed", 0.5, 0.6, seen=False),
    Setting("large", (400, 400, 350, 300, 300, 200, 139, 100), "mixed", 0.5, 0.6, seen=False, repeats=2),
    Setting("one fixed split", (125,) * 8, "mixed", 0.5, 0.6, one_split=True, seen=False, replicates=600),
    Setting("small, SVC", EMOTIFY_LIKE, "emotify", 0.4, 0.6, model="svc", seen=False),
    Setting("small, logistic", EMOTIFY_LIKE, "emotify", 0.4, 0.6, model="logistic", seen=False),
    Setting("imbalanced, SVC", (250, 100, 50, 25), "mixed", 0.5, 0.8, model="svc", seen=False),
)
TABLE_MODELS = ("lda", "svc")
QUICK = ("small", "singletons", "imbalanced, small", "one fixed split")
COMPARED = (
    Setting("small", EMOTIFY_LIKE, "emotify", 0.7, 0.8, repeats=2),
    Setting("imbalanced, strong artists", (250, 100, 50, 25), "mixed", 0.7, 0.8, repeats=2),
)
LEAKING = (
    Setting("small", EMOTIFY_LIKE, "emotify", 0.45, 0.0, replicates=600),
    Setting("small", EMOTIFY_LIKE, "emotify", 0.4, 0.0, model="svc", replicates=600),
    Setting("small", EMOTIFY_LIKE, "emotify", 0.45, 0.0, model="most_frequent", replicates=50),
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
        population = setting.population(rng)
    genres = int(y.max()) + 1
    sides = deal(y, artists, setting, seed)
    tested = sides[0] >= 0
    first, truths = cross_validate(setting.model, X, y, sides[0], (population[0], population[1]))
    predictions = [first, *(cross_validate(setting.model, X, y, side)[0] for side in sides[1:])]
    jackknife = Jackknife.over(y[tested], artists[tested], genres, trained=not setting.one_split)
    found = Estimate.mean([jackknife.score(y_pred[tested], macro_f1) for y_pred in predictions])
    deployed = f1_of(population[1], MODELS[setting.model]().fit(X, y).predict(population[0]), genres)
    return found.value, *found.interval, float(np.mean(truths)), deployed


@dataclass
class Simulation:
    """Runs simulations on all workers and adds up their CPU seconds."""

    workers: joblib.Parallel
    seconds: float = 0.0

    def run(self, function: Callable[..., Any], setting: Setting | Table, *values: Any, seed: int) -> np.ndarray:
        """(data sets, ...), what a function of setting, values and seed finds for each data set."""
        seeds = range(seed, seed + setting.replicates)
        found = list(self.workers(joblib.delayed(timed)(function, setting, *values, k) for k in seeds))
        self.seconds += sum(seconds for seconds, _ in found)
        return np.array([result for _, result in found])


def timed(function: Callable[..., Any], *values: Any) -> tuple[float, Any]:
    """CPU seconds, and what came of it."""
    started = time.process_time()
    result = function(*values)
    return time.process_time() - started, result


def coverage(setting: Setting | Table, simulation: Simulation) -> dict[str, object]:
    """One line of the table of coverage."""
    score, low, high, folds, deployed = simulation.run(one_data_set, setting, seed=1000).T
    expected = folds.mean()
    return {
        "setting": setting.name,
        "fitted on it": "yes" if setting.seen else "no",
        "data sets": len(score),
        "true macro-F1": f"{100 * expected:.1f}",
        "bias": f"{100 * (score.mean() - expected):+.1f}",
        "expected": share((low <= expected) & (expected <= high)),
        "fold models": share((low <= folds) & (folds <= high)),
        "deployed": share((low <= deployed) & (deployed <= high)),
        "width": f"{100 * float(np.mean(high - low)):.1f}",
        "3.92 true SD": f"{392 * float(score.std(ddof=1)):.1f}",
    }


def share(found: np.ndarray) -> str:
    """Percentage and Monte-Carlo standard error, of one share for each data set."""
    return f"{100 * found.mean():.1f} ± {100 * found.std() / np.sqrt(len(found)):.1f}"


def one_comparison(setting: Setting, noises: Sequence[float], numbers: Sequence[int], seed: int) -> list[np.ndarray]:
    """Of the first models, as many as each of `numbers`: the scores, and whether they are called worse.

    Every model sees the features through noise of its own.
    """
    rng = np.random.default_rng(seed)
    X, y, artists = setting.draw(rng)
    sides = deal(y, artists, setting, seed)
    jackknife = Jackknife.over(y, artists, len(setting.tracks), trained=True)
    scores = []
    for noise in noises:
        view = X + VIEW_NOISE * noise * rng.normal(size=X.shape)
        y_pred = [cross_validate(setting.model, view, y, side)[0] for side in sides]
        scores.append([jackknife.score(repeat, macro_f1) for repeat in y_pred])
    values = np.array([np.mean([repeat.value for repeat in model]) for model in scores])
    worse = np.zeros((len(numbers), len(noises)))
    for row, number in zip(worse, numbers, strict=True):
        row[:number] = ~best_set(scores[:number], seed=seed).members
    return [values, *worse]


def equal_models(setting: Setting, simulation: Simulation, numbers: Sequence[int]) -> dict[str, object]:
    """A line on models that are equal: how often any is called worse."""
    worse = simulation.run(one_comparison, setting, [1.0] * max(numbers), numbers, seed=5000)[:, 1:].any(axis=2).T
    line: dict[str, object] = {"setting": setting.name, "data sets": setting.replicates}
    return line | {f"{number} models": share(row) for number, row in zip(numbers, worse, strict=True)}


def power(setting: Setting, simulation: Simulation, gap: float) -> dict[str, object]:
    """A line on five models of which the first is ahead: how often each of the others is called worse.

    Beside it, how often a test of one pair alone would find the gap that knows the true standard deviation.
    """
    noises = [noise_of(setting, gap), *[1.0] * 4]
    scores, worse = simulation.run(one_comparison, setting, noises, (5,), seed=9000).transpose(1, 0, 2)
    ahead = scores[:, :1] - scores[:, 1:]
    deviation = float(ahead.std(axis=0, ddof=1).mean())
    return {
        "setting": setting.name,
        "data sets": setting.replicates,
        "gap": f"{100 * ahead.mean():.1f}",
        "another called worse": share(worse[:, 1:].mean(axis=1)),
        "the best called worse": share(worse[:, 0]),
        "true SD of the difference": f"{100 * deviation:.1f}",
        "one pair, SD known": f"{100 * norm.sf(1.96 - ahead.mean() / deviation):.1f}",
    }


def noise_of(setting: Setting, gap: float) -> float:
    """The first model's noise that puts it ahead by `gap`, by bisection on many data sets' worth of scores."""
    low, high = 0.0, 1.0
    for _ in range(8):
        middle = (low + high) / 2
        gaps = [one_truth(setting, middle, seed) for seed in range(100)]
        low, high = (middle, high) if np.mean(gaps) > gap else (low, middle)
    return (low + high) / 2


def one_truth(setting: Setting, noise: float, seed: int) -> float:
    """By how much a model that sees less noise is ahead on a population."""
    rng = np.random.default_rng(seed)
    X, y, _ = setting.draw(rng)
    Z, z = setting.population(rng)
    train = rng.permutation(len(y))[: int(0.8 * len(y))]
    scores = []
    for k in (noise, 1.0):
        fitted = MODELS[setting.model]().fit((X + VIEW_NOISE * k * rng.normal(size=X.shape))[train], y[train])
        scores.append(f1_of(z, fitted.predict(Z + VIEW_NOISE * k * rng.normal(size=Z.shape)), len(setting.tracks)))
    return scores[0] - scores[1]


def one_leak(setting: Setting, seed: int) -> float:
    """Macro-F1 of random folds less that of artist-disjoint ones, a mean over the repeats."""
    X, y, artists = setting.draw(np.random.default_rng(seed))
    genres, tracks = len(setting.tracks), np.arange(len(y))
    found = []
    for number, side in enumerate(deal(y, artists, setting, seed)):
        like = like_folds(y, tracks, side, seed=seed + number)
        disjoint, mixed = (f1_of(y, cross_validate(setting.model, X, y, s)[0], genres) for s in (side, like))
        found.append(mixed - disjoint)
    return float(np.mean(found))


def leak(setting: Setting, simulation: Simulation) -> dict[str, object]:
    """A line on a leak that is none: the artists have no effect."""
    found = simulation.run(one_leak, replace(setting, repeats=2), seed=7000)
    error = 100 * found.std(ddof=1) / np.sqrt(len(found))
    return {"model": setting.model, "data sets": len(found), "leak": f"{100 * found.mean():+.2f} ± {error:.2f}"}


def show(title: str, lines: Sequence[dict[str, object]]) -> None:
    """Print a Markdown table."""
    names = list(lines[0])
    rows = [names, ["---"] * len(names), *([str(line[name]) for name in names] for line in lines)]
    print(f"\n{title}\n")
    for row in rows:
        print("| " + " | ".join(row) + " |")
    sys.stdout.flush()


def outside(line: dict[str, object], bands: dict[str, tuple[float, float]]) -> list[str]:
    """What of a line lies outside the wide bands that few data sets allow."""
    found = [(name, float(str(line[name]).split()[0]), bands[name]) for name in bands if name in line]
    where = str(line.get("setting", line.get("model")))
    return [
        f"{where}: {name} {value} is not in {low} to {high}"
        for name, value, (low, high) in found
        if not low <= value <= high
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="few data sets and settings, and bands to hold")
    parser.add_argument("--table", type=Path, help="a CSV file of real tracks: numeric columns and genre")
    parser.add_argument("--size", type=int, default=400, help="tracks to draw from the table, a small part of it")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    started = time.perf_counter()
    quick = options.quick
    chosen: list[Setting | Table] = list(SETTINGS)
    if options.table:
        X, y = read(options.table)
        name = f"{options.size} of {len(y):,} real tracks"
        chosen += [Table(f"{name}, {model}", X, y, options.size, model) for model in TABLE_MODELS]
    if quick:
        chosen = [replace(s, replicates=100, repeats=2) for s in chosen if s.name in QUICK or isinstance(s, Table)]
    compared = [replace(s, replicates=100 if quick else 400) for s in COMPARED[: 1 if quick else None]]
    leaking = [replace(s, replicates=min(s.replicates, 200) if quick else s.replicates) for s in LEAKING]
    bad = []
    with joblib.Parallel(n_jobs=options.jobs, batch_size=4) as workers:
        simulation = Simulation(workers)

        def lines(title: str, found: Iterator[dict[str, object]], bands: dict[str, tuple[float, float]]) -> None:
            shown = []
            for line in found:
                shown.append(line)
                bad.extend(outside(line, bands))
                print(f"{simulation.seconds:.0f} s CPU: {line}", file=sys.stderr, flush=True)
            show(title, shown)

        lines(
            "Equal models: any called worse, %",
            (equal_models(s, simulation, (5,) if quick else (2, 5, 8)) for s in compared),
            {f"{number} models": (0, 10) for number in (2, 5, 8)},
        )
        lines(
            "Five models, the first ahead: how often others are called worse, %",
            (power(s, simulation, gap) for s in compared for gap in ((0.12,) if quick else (0.03, 0.06, 0.12))),
            {"another called worse": (35 if quick else 0, 100)},
        )
        lines(
            "Leak without an artist effect, points",
            (leak(s, simulation) for s in leaking if not (quick and s.model == "svc")),
            {"leak": (-0.6, 0.6)},
        )
        lines(
            "Coverage of 95 % intervals of macro-F1, %",
            (coverage(s, simulation) for s in chosen),
            {"expected": (89, 100)},
        )
    seconds = simulation.seconds + time.process_time()
    print(f"\n{time.perf_counter() - started:.0f} s, {seconds:.0f} s CPU")
    for line in bad:
        print(f"outside the band: {line}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
