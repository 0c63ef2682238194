"""Training: a feature table becomes a model that can be kept and asked."""

from __future__ import annotations

import platform
import warnings
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from genreclf import __version__
from genreclf.archive import one_line
from genreclf.errors import RequestError
from genreclf.models.bundle.bundle import Bundle, probe
from genreclf.models.bundle.manifest import BundleManifest
from genreclf.progress import SILENT, Progress
from genreclf.seeds import check_seed

if TYPE_CHECKING:
    import numpy as np

    from genreclf.tables.table import FeatureTable

BEST = "best"
_LIBRARIES = ("catboost", "librosa", "numpy", "scikit-learn", "scipy", "skops")
_WINDOW = ("offset", "duration", "sample_rate")


def train(
    table: FeatureTable,
    *,
    model: str = "svc",
    seed: int = 42,
    tune: bool = False,
    calibrate: bool = False,
    features: Iterable[str] | None = None,
    licence: str = "",
    notes: str = "",
    jobs: int | None = None,
    progress: Progress = SILENT,
) -> Bundle:
    """Train one model on all tracks of a table.

    A model without probabilities of its own is always calibrated, on folds that keep artists apart (but for genres
    of a single artist), so that every bundle gives probabilities; the genres that it says are not changed by that.

    Parameters
    ----------
    table : tracks with genres.
    model : a name of the zoo, or ``best``, the winner of the benchmark with artists apart, whose scores go into
        the manifest.
    tune : search the model's parameters, on folds that keep artists apart.
    calibrate : calibrate also a model that has probabilities.
    features : feature families to use; all by default.
    licence, notes : kept in the manifest; the licence of the music and labels is that of the training set.
    jobs : workers for the benchmark behind ``best``; the numbers do not depend on it.

    Raises
    ------
    RequestError : there is no such model or family, or the table cannot be trained on.
    """
    from threadpoolctl import threadpool_limits

    from genreclf.evaluation.usable import check_features, usable
    from genreclf.models import spec

    families = None if features is None else list(features)
    scores: dict[str, Any] = {}
    if model == BEST:
        model, scores = _winner(table, families, seed=seed, tune=tune, jobs=jobs, progress=progress)
    spec(model)
    check_seed(seed)
    table, said = usable(table)
    for line in said:
        progress.message(f"note: {line}")
    if not table.meta.get("feature_set"):
        progress.message(
            f"note: how {table.name} was made is not known (extract leaves that beside its table, as a .json of the "
            "same name), so this model can be asked about rows of such a table, not about audio"
        )
    table = table if families is None else table.select(families)
    check_features(table)
    progress.begin("train", 1)
    try:
        with threadpool_limits(1):
            estimator = _fitted(table, model, seed=seed, tune=tune, calibrate=calibrate, progress=progress)
    finally:
        progress.advance(model)
        progress.end()
    manifest = _manifest(table, estimator, model=model, scores=scores, seed=seed, tuned=tune)
    return Bundle(estimator, _with_texts(manifest, licence=licence, notes=notes))


def _winner(
    table: FeatureTable, families: list[str] | None, *, seed: int, tune: bool, jobs: int | None, progress: Progress
) -> tuple[str, dict[str, Any]]:
    """The best model of the benchmark, and its scores under the protocol that it won."""
    from genreclf.evaluation.benchmark import benchmark
    from genreclf.models import BASELINES

    comparison = benchmark(table, seed=seed, features=families, tune=tune, jobs=jobs, progress=progress)
    ranking = comparison.ranking
    row = ranking[~ranking["model"].isin(BASELINES)].iloc[0]
    kept = ("protocol", "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy")
    scores = {name: row[name] if isinstance(row[name], str) else float(row[name]) for name in kept if name in row}
    return str(row["model"]), scores | {"tracks": len(table)}


def _fitted(table: FeatureTable, name: str, *, seed: int, tune: bool, calibrate: bool, progress: Progress) -> Any:  # noqa: ANN401
    from genreclf.models import build, spec
    from genreclf.models.calibration import calibrated, has_probabilities

    # Genres go in as codes, as in the benchmark: scikit-learn's balanced weights take texts like "10" for numbers.
    X, y = table.X, _codes(table)
    model = build(name, seed)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            if tune and spec(name).space:
                from genreclf.evaluation.tuning import search

                model, _, _ = search(model, spec(name), X, y, _folds(table, folds=3, seed=seed), seed=seed)
            if calibrate or not has_probabilities(model):
                model = calibrated(model, X, y, _complete_folds(table, folds=5, seed=seed))
            else:
                model.fit(X, y)
        except Exception as error:
            if isinstance(error, RequestError):
                raise
            raise RequestError(f"{name}: cannot be fitted to {table.name}: {one_line(error)}") from error
    for line in sorted({" ".join(str(warning.message).split()) for warning in said}):
        progress.message(f"note: {line}")
    return _with_names(model, table)


def _with_names(model: Any, table: FeatureTable) -> Any:  # noqa: ANN401
    """The same model, which says genres by their names instead of their codes."""
    import numpy as np

    names = np.array(table.genres, dtype=object)
    pipelines = [model]
    if hasattr(model, "calibrated_classifiers_"):
        model.classes_ = names
        for part in model.calibrated_classifiers_:
            part.classes = names
        pipelines = [part.estimator for part in model.calibrated_classifiers_]
    for pipeline in pipelines:
        pipeline.named_steps["model"].classes_ = names
    return model


def _folds(table: FeatureTable, *, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds for what is fitted inside the training, with artists on one side where they are known."""
    from genreclf.evaluation.groups import find_groups

    units = find_groups(table)
    return _inner_folds(_codes(table), units.recordings, units.artists, folds=folds, seed=seed)


def _complete_folds(table: FeatureTable, *, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds that all train on every genre, as calibration needs, with as much on one side as that allows.

    The only artist of a genre cannot be on one side, nor can the only recording.
    """
    import numpy as np

    from genreclf.evaluation.groups import find_groups

    y, units = _codes(table), find_groups(table)
    ties: list[tuple[np.ndarray, np.ndarray | None]] = [(units.recordings, None), (np.arange(len(y)), None)]
    if units.artists is not None:
        lone = np.array([len(np.unique(units.artists[y == genre])) == 1 for genre in range(len(table.genres))])
        loosened = np.where(lone[y], units.artists.max() + 1 + units.recordings, units.artists)
        ties = [(units.recordings, units.artists), (units.recordings, loosened), *ties]
    for recordings, artists in ties:
        try:
            pairs = _inner_folds(y, recordings, artists, folds=folds, seed=seed)
        except RequestError:
            continue
        if all(len(np.unique(y[rows])) == len(table.genres) for rows, _ in pairs):
            return pairs
    raise RequestError(f"{table.name}: too few tracks of a genre to calibrate probabilities; add tracks")


def _inner_folds(
    y: np.ndarray, recordings: np.ndarray, artists: np.ndarray | None, *, folds: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    from genreclf.evaluation.folds import inner_folds

    return inner_folds(y, recordings, artists, folds=folds, seed=seed).pairs()


def _codes(table: FeatureTable) -> np.ndarray:
    """(tracks,), the genres as numbers."""
    import numpy as np

    return np.unique(table.y, return_inverse=True)[1]


def _manifest(
    table: FeatureTable,
    estimator: Any,  # noqa: ANN401
    *,
    model: str,
    scores: Mapping[str, Any],
    seed: int,
    tuned: bool,
) -> BundleManifest:
    from sklearn.calibration import CalibratedClassifierCV

    from genreclf.models.calibration import answers_of

    calibrated = isinstance(estimator, CalibratedClassifierCV)
    classifier = (answers_of(estimator) if calibrated else estimator).named_steps["model"]
    means = tuple(float(v) for v in table.X.mean(axis=0))
    deviations = tuple(float(v) for v in table.X.std(axis=0))
    window = table.meta.get("parameters") or {}
    return BundleManifest(
        model=model,
        parameters={name: _plain(value) for name, value in classifier.get_params().items()},
        tuned=tuned,
        calibrated=calibrated,
        feature_set=str(table.meta.get("feature_set", "")),
        feature_parameters={name: window.get(name) for name in _WINDOW},
        features=table.features,
        feature_means=means,
        feature_deviations=deviations,
        genres=table.genres,
        table={"name": table.name, "sha256": table.digest, "rows": len(table), "label": table.label},
        scores=dict(scores),
        probe_probabilities=tuple(tuple(map(float, row)) for row in probe(estimator, means, deviations)),
        seed=seed,
        versions={"genreclf": __version__, "python": platform.python_version()}
        | {name: version(name) for name in _LIBRARIES},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _with_texts(manifest: BundleManifest, *, licence: str, notes: str) -> BundleManifest:
    from dataclasses import replace

    return replace(manifest, licence=licence, notes=notes)


def _plain(value: object) -> str | int | float | bool | None:
    return value if value is None or isinstance(value, str | int | float | bool) else repr(value)
