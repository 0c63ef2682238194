"""Training: a feature table becomes a model that can be kept and asked."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from genreclf import __version__
from genreclf.errors import RequestError
from genreclf.models.bundle import Bundle, probe
from genreclf.models.bundle_manifest import BundleManifest
from genreclf.progress import SILENT, Progress

if TYPE_CHECKING:
    import numpy as np

    from genreclf.table import FeatureTable

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

    A model without probabilities of its own is always calibrated, on folds that keep artists apart, so that
    every bundle gives probabilities; the genres that it says are not changed by that.

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

    from genreclf.evaluation.usable import usable
    from genreclf.models import spec

    families = None if features is None else list(features)
    scores: dict[str, Any] = {}
    if model == BEST:
        model, scores = _winner(table, families, seed=seed, tune=tune, jobs=jobs, progress=progress)
    spec(model)
    table, said = usable(table)
    for line in said:
        progress.say(f"note: {line}")
    if not table.meta.get("feature_set"):
        progress.say(
            f"note: how {table.name} was made is not known (extract leaves that beside its table, as a .json of the "
            "same name), so this model can be asked about rows of such a table, not about audio"
        )
    table = table if families is None else table.select(families)
    progress.begin("train", 1)
    try:
        with threadpool_limits(1):
            estimator = _fitted(table, model, seed=seed, tune=tune, calibrate=calibrate)
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


def _fitted(table: FeatureTable, name: str, *, seed: int, tune: bool, calibrate: bool) -> Any:  # noqa: ANN401
    from genreclf.models import build, spec
    from genreclf.models.calibration import calibrated, has_probabilities

    X, y = table.X, table.y
    model = build(name, seed)
    if tune and spec(name).space:
        from genreclf.evaluation.tuning import search

        model, _, _ = search(model, spec(name), X, y, _folds(table, 3, seed), seed=seed)
    try:
        if calibrate or not has_probabilities(model):
            return calibrated(model, X, y, _folds(table, 5, seed))
        return model.fit(X, y)
    except Exception as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"{name}: cannot be fitted to {table.name}: {' '.join(str(error).split())}") from error


def _folds(table: FeatureTable, folds: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Folds for what is fitted inside the training, with artists on one side where they are known."""
    import numpy as np

    from genreclf.evaluation.folds import inner_folds
    from genreclf.evaluation.recordings import find_units

    units = find_units(table)
    codes = np.unique(table.y.astype(str), return_inverse=True)[1]
    return inner_folds(codes, units.recordings, units.artists, folds=folds, seed=seed).pairs()


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
