"""Fitting: every fit of a benchmark in one pool of single-threaded workers, the longest first.

A fit knows its seed and its rows and shares nothing with others, so the numbers do not depend on the number of
workers. With one thread a worker, workers times threads never exceed the cores. A fit that alone would outlast
all the others together runs before them, on as many threads as there are workers.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.errors import RequestError
from genreclf.evaluation.folds import Fold, inner_folds
from genreclf.models import build, spec
from genreclf.models.calibration import answers_of, calibrated, has_probabilities

if TYPE_CHECKING:
    from genreclf.progress import Progress

# Starting workers costs about as long as this many seconds of fitting.
_WORTH_WORKERS = 3.0
_REFERENCE_SIZE = 6000 * 57


@dataclass(frozen=True, eq=False)
class Data:
    """What is fitted on: the same for every fit.

    Parameters
    ----------
    X : (tracks, features).
    y : (tracks,), genre codes.
    genres : number of genres.
    recordings, artists : (tracks,), what must stay together, see `genreclf.evaluation.groups.Groups`.
    """

    X: np.ndarray
    y: np.ndarray
    genres: int
    recordings: np.ndarray
    artists: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Fit:
    """One model to fit on one fold.

    Parameters
    ----------
    protocol, number : the protocol and the fold's number, from 1.
    model : name in the zoo.
    fold : rows to train on and to test on.
    columns : features to use, by position.
    grouped : whether folds made inside the training part keep artists on one side.
    step : what the fit is for: empty for the comparison itself, else the families of a step of the ablation.
    calibrate : whether a model without probabilities is given some.
    tune : whether its parameters are searched inside the training part.
    families : features of each family, by position, to shuffle over the test tracks; empty for none.
    threads : threads to fit on, for models that can.
    """

    protocol: str
    number: int
    model: str
    fold: Fold
    columns: np.ndarray
    grouped: bool = False
    step: tuple[str, ...] = ()
    calibrate: bool = False
    tune: bool = False
    families: Sequence[np.ndarray] = ()
    seed: int = 42
    threads: int = 1

    @property
    def seconds(self) -> float:
        """A rough guess of how long it takes, to start the longest first."""
        candidates = 1 + (10 if self.tune and spec(self.model).space else 0)
        size = len(self.fold.train) * len(self.columns) / _REFERENCE_SIZE
        return spec(self.model).cost * size * candidates

    def __str__(self) -> str:
        return f"{self.model}, {self.protocol} fold {self.number}" + (f", {'+'.join(self.step)}" if self.step else "")


@dataclass(frozen=True, eq=False)
class Fitted:
    """What came of a fit.

    Parameters
    ----------
    y_pred : (tested,), predicted genre codes.
    probabilities : (tested, genres); None where the model has none.
    shuffled : (families, repeats, tested), genre codes with a family's features shuffled over the tracks.
    parameters, inner_macro_f1 : what a search chose, and its score there; None without a search.
    warnings : what the model said of itself, without repeats.
    """

    y_pred: np.ndarray
    probabilities: np.ndarray | None
    fit_seconds: float
    predict_seconds: float
    shuffled: np.ndarray | None = None
    parameters: dict[str, Any] | None = None
    inner_macro_f1: float = float("nan")
    warnings: tuple[str, ...] = field(default=())


def fit_all(fits: Sequence[Fit], data: Data, *, jobs: int | None, progress: Progress) -> list[Fitted]:
    """Run fits in a pool of workers and give their outcomes in the order of the fits.

    Parameters
    ----------
    jobs : number of workers; None takes one for each core.

    Raises
    ------
    RequestError : a model cannot be fitted to its tracks.
    """
    workers = _workers(fits, jobs)
    order = sorted(range(len(fits)), key=lambda k: -fits[k].seconds)
    share = sum(fit.seconds for fit in fits) / workers
    first = [k for k in order if _outlasts(fits[k], share)]
    alone = [(k, replace(fits[k], threads=workers)) for k in first]
    pooled = [(k, fits[k]) for k in order if k not in first]
    found: dict[int, Fitted] = {}
    progress.begin("fitting models", len(fits))
    try:
        for place, outcome in chain(_run(alone, data, 1), _run(pooled, data, min(workers, len(pooled)))):
            found[place] = outcome
            progress.advance(str(fits[place]))
    finally:
        progress.end()
    return [found[place] for place in range(len(fits))]


def _outlasts(fit: Fit, share: float) -> bool:
    """Whether a fit is longer than each worker's share of all the work, and threads would help it."""
    return fit.seconds > share and spec(fit.model).threaded and not fit.tune


def _workers(fits: Sequence[Fit], jobs: int | None) -> int:
    import joblib

    if jobs is not None and jobs < 1:
        raise RequestError(f"{jobs} workers make no sense; ask for at least 1 with --jobs")
    if sum(fit.seconds for fit in fits) < _WORTH_WORKERS:
        return 1
    return min(joblib.cpu_count() if jobs is None else jobs, len(fits))


def _run(numbered: Sequence[tuple[int, Fit]], data: Data, workers: int) -> Iterator[tuple[int, Fitted]]:
    if workers <= 1:
        for place, fit in numbered:
            yield place, fit_one(fit, data)
        return
    import joblib

    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch=workers + 1)
        yield from pool(joblib.delayed(_numbered)(place, fit, data) for place, fit in numbered)


def _numbered(place: int, fit: Fit, data: Data) -> tuple[int, Fitted]:
    return place, fit_one(fit, data)


def fit_one(fit: Fit, data: Data) -> Fitted:
    """Fit one model on one fold, on one thread, and let it answer for the tested tracks.

    Raises
    ------
    RequestError : the model cannot be fitted to these tracks.
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            fitted = _fit(fit, data)
        except Exception as error:  # noqa: BLE001 - whatever a model raises is said with its name
            raise RequestError(f"{fit}: cannot be fitted: {' '.join(str(error).split())}") from None
    from sklearn.exceptions import ConvergenceWarning

    lines = {" ".join(str(w.message).split()) for w in said if issubclass(w.category, ConvergenceWarning)}
    return _with_warnings(fitted, tuple(sorted(lines)))


def _fit(fit: Fit, data: Data) -> Fitted:
    from genreclf.models.boosting import on_threads

    train, test = fit.fold.train, fit.fold.test
    X, y = data.X[np.ix_(train, fit.columns)], data.y[train]
    model = build(fit.model, fit.seed)
    started = time.perf_counter()
    parameters, inner = None, float("nan")
    if fit.tune and spec(fit.model).space:
        from genreclf.evaluation.tuning import search

        model, parameters, inner = search(model, spec(fit.model), X, y, _inner(fit, data, folds=3), seed=fit.seed)
    folds = _to_calibrate(fit, data) if fit.calibrate and not has_probabilities(model) else []
    if folds:
        teller = calibrated(model, X, y, folds)
        model = answers_of(teller)
    else:
        on_threads(model, fit.threads).fit(X, y)
        teller = model if has_probabilities(model) else None
    fitted = time.perf_counter()
    tested = data.X[np.ix_(test, fit.columns)]
    y_pred = model.predict(tested)
    predicted = time.perf_counter()
    return Fitted(
        y_pred=y_pred,
        probabilities=None if teller is None else _in_all_genres(teller, tested, data.genres),
        fit_seconds=fitted - started,
        predict_seconds=predicted - fitted,
        shuffled=_shuffled(model, tested, fit),
        parameters=parameters,
        inner_macro_f1=inner,
    )


def _with_warnings(fitted: Fitted, lines: tuple[str, ...]) -> Fitted:
    return replace(fitted, warnings=lines) if lines else fitted


def _inner(fit: Fit, data: Data, *, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds inside the training part, with the same things kept together as outside."""
    train = fit.fold.train
    artists = data.artists[train] if fit.grouped and data.artists is not None else None
    return inner_folds(data.y[train], data.recordings[train], artists, folds=folds, seed=fit.seed).pairs()


def _to_calibrate(fit: Fit, data: Data) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds to calibrate on; none where one would not train on every genre, as then the scores have no place."""
    y = data.y[fit.fold.train]
    try:
        folds = _inner(fit, data, folds=5)
    except RequestError:
        return []
    genres = len(np.unique(y))
    return folds if all(len(np.unique(y[train])) == genres for train, _ in folds) else []


def _in_all_genres(model: Any, X: np.ndarray, genres: int) -> np.ndarray:  # noqa: ANN401
    """(tracks, genres), with zeros for genres that the model was not trained on."""
    probabilities = np.zeros((len(X), genres))
    probabilities[:, model.classes_] = model.predict_proba(X)
    return probabilities


def _shuffled(model: Any, X: np.ndarray, fit: Fit, repeats: int = 5) -> np.ndarray | None:  # noqa: ANN401
    if not fit.families:
        return None
    rng = np.random.default_rng([fit.seed, fit.number])
    said = np.empty((len(fit.families), repeats, len(X)), dtype=np.intp)
    for k, columns in enumerate(fit.families):
        for repeat in range(repeats):
            other = X.copy()
            other[:, columns] = X[rng.permutation(len(X))][:, columns]
            said[k, repeat] = model.predict(other)
    return said
