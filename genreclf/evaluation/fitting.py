"""Fits: every fit of a benchmark in one pool of single-threaded workers, the longest first.

A fit knows its seed and its rows and shares nothing with others, so the numbers do not depend on the number of
workers. With one thread a worker, workers times threads never exceed the cores.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np

from genreclf.cluster import map_on
from genreclf.errors import RequestError, one_line
from genreclf.evaluation.folds import Fold, inner_folds
from genreclf.models.calibration import base_estimator, has_probabilities
from genreclf.models.fitting import fit_pipeline
from genreclf.models.threads import one_thread

if TYPE_CHECKING:
    from distributed import Client

    from genreclf.models.entry import ModelSpec
    from genreclf.models.neural.search import Trial
    from genreclf.progress import Progress
    from genreclf.series import Series

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
    families : (features,), the number of each feature's family.
    series : of the tracks, for models of series; None where there is none of them.
    """

    X: np.ndarray
    y: np.ndarray
    genres: int
    recordings: np.ndarray
    artists: np.ndarray | None
    families: np.ndarray
    series: Series | None = None

    @cached_property
    def incomplete(self) -> np.ndarray:
        """(features,), whether some track has no value."""
        return np.asarray(np.isnan(self.X).any(axis=0))

    def of(self, fit: Fit, rows: np.ndarray) -> Any:  # noqa: ANN401 - an array or a `Series`
        """What a fit's model sees of some tracks."""
        if not fit.entry.series:
            every = len(fit.columns) == self.X.shape[1]  # and in their order; a quarter of the time
            return self.X[rows] if every else self.X[np.ix_(rows, fit.columns)]
        assert self.series is not None, "a comparison with models of series has some"  # noqa: S101
        return self.series[rows]


@dataclass(frozen=True, eq=False)
class Fit:
    """One model to fit on one fold.

    Parameters
    ----------
    protocol, number : the protocol and the fold's number, from 1.
    entry : the model.
    fold : rows to train on and to test on.
    columns : features to use, by position.
    grouped : whether folds made inside the training part keep artists on one side.
    step : what the fit is for: empty for the comparison itself, else the families of a step of the ablation.
    calibrate : whether a model without probabilities is given some.
    tune : whether its parameters are searched inside the training part.
    families : features of each family, by position, to shuffle over the test tracks; empty for none.
    repeat : which division of the folds it belongs to, from 0.
    """

    protocol: str
    number: int
    entry: ModelSpec
    fold: Fold
    columns: np.ndarray
    grouped: bool = False
    step: tuple[str, ...] = ()
    calibrate: bool = False
    tune: bool = False
    families: Sequence[np.ndarray] = ()
    seed: int = 42
    repeat: int = 0

    @property
    def model(self) -> str:
        """The model's name."""
        return self.entry.name

    @property
    def seconds(self) -> float:
        """A rough guess of how long it takes, to start the longest first."""
        candidates = 1 + (10 if self.tune and self.entry.space else 0)
        size = len(self.fold.train) * len(self.columns) / _REFERENCE_SIZE
        return self.entry.cost * size * candidates

    def __str__(self) -> str:
        repeat = f", repeat {self.repeat + 1}" if self.repeat else ""
        step = f", {'+'.join(self.step)}" if self.step else ""
        return f"{self.model}, {self.protocol} fold {self.number}{repeat}{step}"


@dataclass(frozen=True, eq=False)
class Fitted:
    """The outcome of a fit.

    Parameters
    ----------
    y_pred : (tested,), predicted genre codes.
    probabilities : (tested, genres); None where the model has none.
    shuffled : (families, repeats, tested), genre codes with a family's features shuffled over the tracks.
    parameters, inner_macro_f1 : what a search chose, and its mean macro-F1 there; None without a search.
    fit_seconds, predict_seconds : of CPU time; fitting includes the search and the calibration.
    trials : what a search by epochs tried; empty without one.
    warnings : warnings that the model did not converge, without repeats.
    """

    y_pred: np.ndarray
    probabilities: np.ndarray | None
    fit_seconds: float
    predict_seconds: float
    shuffled: np.ndarray | None = None
    parameters: dict[str, Any] | None = None
    inner_macro_f1: float = float("nan")
    trials: tuple[Trial, ...] = ()
    warnings: tuple[str, ...] = ()


def fit_all(
    fits: Sequence[Fit], data: Data, *, jobs: int | None, client: Client | None = None, progress: Progress
) -> list[Fitted]:
    """Run fits in a pool of workers and return their outcomes in the order of the fits.

    Parameters
    ----------
    jobs : number of workers; None takes one for each core.
    client : of a Dask cluster, whose workers are the pool.

    Raises
    ------
    RequestError : a model cannot be fitted to its tracks.
    """
    return run_all(fits, fit_one, data, jobs=jobs, client=client, progress=progress)


class AnyFit(Protocol):
    """One fit of any task: it knows roughly how long it takes."""

    @property
    def seconds(self) -> float:
        """A rough guess, to start the longest first."""


_AnyFit = TypeVar("_AnyFit", bound=AnyFit)
_Data = TypeVar("_Data")
_Outcome = TypeVar("_Outcome")


def run_all(
    fits: Sequence[_AnyFit],
    one: Callable[[_AnyFit, _Data], _Outcome],
    data: _Data,
    *,
    jobs: int | None,
    client: Client | None = None,
    progress: Progress,
) -> list[_Outcome]:
    """Run fits of any task in a pool of workers; see `fit_all`.

    Parameters
    ----------
    one : what a worker does for a fit and the data, which are sent once to each worker.
    """
    workers = _workers(fits, jobs)
    longest_first = sorted(range(len(fits)), key=lambda k: -fits[k].seconds)
    found: dict[int, _Outcome] = {}
    progress.begin("fitting models", len(fits))
    try:
        for place, fitted in _run([(k, fits[k]) for k in longest_first], one, data, workers, client):
            found[place] = fitted
            progress.advance(str(fits[place]))
    finally:
        progress.end()
    return [found[place] for place in range(len(fits))]


def _workers(fits: Sequence[AnyFit], jobs: int | None) -> int:
    import joblib

    if jobs is not None and jobs < 1:
        raise RequestError(f"{jobs} workers make no sense; ask for at least 1 with --jobs")
    if sum(fit.seconds for fit in fits) < _WORTH_WORKERS:
        return 1
    return min(joblib.cpu_count() if jobs is None else jobs, len(fits))


def _run(
    numbered: Sequence[tuple[int, _AnyFit]],
    one: Callable[[_AnyFit, _Data], _Outcome],
    data: _Data,
    workers: int,
    client: Client | None,
) -> Iterator[tuple[int, _Outcome]]:
    if client is not None:
        for k, fitted in map_on(client, one, [fit for _, fit in numbered], data):
            yield numbered[k][0], fitted
        return
    if workers <= 1:
        for place, fit in numbered:
            yield place, one(fit, data)
        return
    import joblib

    with joblib.parallel_config(backend="loky", inner_max_num_threads=1):
        pool = joblib.Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1, pre_dispatch=workers + 1)
        yield from pool(joblib.delayed(_numbered)(place, fit, one, data) for place, fit in numbered)


def _numbered(place: int, fit: _AnyFit, one: Callable[[_AnyFit, _Data], _Outcome], data: _Data) -> tuple[int, _Outcome]:
    return place, one(fit, data)


def fit_one(fit: Fit, data: Data) -> Fitted:
    """Fit one model on one fold, on one thread, and let it predict the tested tracks.

    Raises
    ------
    RequestError : the model cannot be fitted to these tracks.
    """
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _fit(fit, data)
        except Exception as error:  # noqa: BLE001 - whatever a model raises is passed on with its name
            raise RequestError(f"{fit}: cannot be fitted: {one_line(error)}") from None


def _fit(fit: Fit, data: Data) -> Fitted:
    from sklearn.exceptions import ConvergenceWarning

    train, test = fit.fold.train, fit.fold.test
    rows = train if fit.fold.validation is None else np.union1d(train, fit.fold.validation)
    calibrate = fit.calibrate and not has_probabilities(fit.entry.build(fit.seed))
    # Of the process, which runs one fit at a time on one thread: other processes do not count.
    started = time.process_time()
    found = fit_pipeline(
        fit.entry,
        data.of(fit, rows),
        data.y[rows],
        seed=fit.seed,
        families=data.families[fit.columns],
        impute=not fit.entry.series and bool(data.incomplete[fit.columns].any()),
        rows=None if len(rows) == len(train) else np.searchsorted(rows, train),
        tune_folds=_tuning_folds(fit, data, rows) if fit.tune and fit.entry.space else None,
        calibration_folds=_calibration_folds(fit, data) if calibrate else None,
        groups=_tied(fit, data)[rows],
    )
    fitted = time.process_time()
    model, tested = base_estimator(found.estimator), data.of(fit, test)
    y_pred = model.predict(tested)
    predicted = time.process_time()
    return Fitted(
        y_pred=y_pred,
        probabilities=_probabilities(found.estimator, tested, data.genres),
        fit_seconds=fitted - started,
        predict_seconds=predicted - fitted,
        shuffled=_shuffled(model, tested, fit),
        parameters=found.parameters,
        inner_macro_f1=found.inner_macro_f1,
        trials=found.trials,
        warnings=found.messages(ConvergenceWarning),
    )


def _tuning_folds(fit: Fit, data: Data, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds of the search among `rows`: the split's own validation part where it has one."""
    validation = fit.fold.validation
    if validation is None:
        return _inner(fit, data, folds=3)
    tied = _tied(fit, data)
    train = np.setdiff1d(fit.fold.train, validation)
    train = train[~np.isin(tied[train], tied[validation])]
    return [(np.searchsorted(rows, train), np.searchsorted(rows, validation))]


def _tied(fit: Fit, data: Data) -> np.ndarray:
    """(tracks,), what must stay on one side inside the training part, as it does outside."""
    return data.artists if fit.grouped and data.artists is not None else data.recordings


def _inner(fit: Fit, data: Data, *, folds: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds inside the training part, with the same things kept together as outside."""
    train = fit.fold.train
    artists = data.artists[train] if fit.grouped and data.artists is not None else None
    return inner_folds(data.y[train], data.recordings[train], artists, folds=folds, seed=fit.seed).pairs()


def _calibration_folds(fit: Fit, data: Data) -> list[tuple[np.ndarray, np.ndarray]] | None:
    """Folds to calibrate on; None where one would not train on every genre, as calibration needs."""
    y = data.y[fit.fold.train]
    try:
        folds = _inner(fit, data, folds=5)
    except RequestError:
        return None
    genres = len(np.unique(y))
    return folds if all(len(np.unique(y[train])) == genres for train, _ in folds) else None


def _probabilities(model: Any, X: Any, genres: int) -> np.ndarray | None:  # noqa: ANN401
    """(tracks, genres), with zeros for genres that the model was not trained on; None where it has none."""
    if not has_probabilities(model):
        return None
    probabilities = np.zeros((len(X), genres))
    probabilities[:, model.classes_] = model.predict_proba(X)
    return probabilities


def _shuffled(model: Any, X: Any, fit: Fit, repeats: int = 5) -> np.ndarray | None:  # noqa: ANN401
    if not fit.families:
        return None
    rng = np.random.default_rng([fit.seed, fit.number])
    y_pred = np.empty((len(fit.families), repeats, len(X)), dtype=np.intp)
    for k, columns in enumerate(fit.families):
        for repeat in range(repeats):
            other = X.copy()
            other[:, columns] = X[rng.permutation(len(X))][:, columns]
            y_pred[k, repeat] = model.predict(other)
    return y_pred
