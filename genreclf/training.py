"""Training: a feature table becomes a model that can be kept and asked for predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from genreclf.datasets import as_table
from genreclf.datasets.edits import Edits, edit_tables
from genreclf.errors import RequestError, one_line
from genreclf.models.bundle.bundle import Bundle, probe
from genreclf.models.bundle.manifest import BundleManifest, GenreCount
from genreclf.models.bundle.series_manifest import SeriesManifest
from genreclf.models.calibration import CalibratedModel, base_estimator, has_probabilities
from genreclf.models.neural.entries import EXTRA as NEURAL
from genreclf.progress import AUTOMATIC, Progress
from genreclf.seeds import check_seed
from genreclf.versions import versions

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from genreclf.models.calibration import HeldOut
    from genreclf.models.entry import ModelSpec
    from genreclf.models.fitting import FittedPipeline, Folds
    from genreclf.series import Header, Series
    from genreclf.tables.table import FeatureTable

BEST = "best"
_QUICK = 5.0  # of `ModelSpec.cost`
_LIBRARIES = ("catboost", "librosa", "numpy", "scikit-learn", "scipy", "skops")
_LIBRARIES_OF_NETWORKS = ("onnxruntime", "torch")
_SCORES = ("protocol", "macro_f1", "macro_f1_low", "macro_f1_high", "accuracy")


def train(
    table: FeatureTable | str | Path,
    *,
    model: Any = "svc",  # noqa: ANN401 - a name or a scikit-learn classifier, which has no types
    seed: int = 42,
    tune: bool = False,
    calibrate: bool = True,
    class_weight: str | None = None,
    features: Iterable[str] | None = None,
    series: Series | str | Path | None = None,
    edits: Edits | str | Path | None = None,
    licence: str = "",
    notes: str = "",
    jobs: int | None = None,
    progress: Progress = AUTOMATIC,
) -> Bundle:
    """Train one model on all tracks of a table.

    The model is calibrated on artist-disjoint folds (except for genres of a single artist), which does not change the
    genres that it predicts. What it predicted there is summed up in the manifest: scores, the confidence that a share
    of the tracks reaches, the thresholds of prediction sets, and how far a track of a new artist usually is.

    Parameters
    ----------
    table : tracks with genres, or the path of such a table.
    model : a name in `genreclf.models.MODELS`; ``best``, the winner of an artist-disjoint benchmark; or a scikit-learn
        classifier. Of the winner the manifest holds the scores, what it was selected from, and the score of the
        selection made inside the folds.
    tune : search the model's parameters, on artist-disjoint folds.
    calibrate : False fits a model that has probabilities of its own once instead of several times, and leaves out
        what is learnt from the folds; a model without probabilities is calibrated all the same.
    class_weight : ``balanced`` or ``none``; see `genreclf.evaluation.benchmark.benchmark`.
    features : feature families or sets to use; all by default.
    series : what a model of series is fitted to: a kind of series beside the table, the path of others, or a
        `genreclf.series.Series` of the same tracks. None takes the one kind beside the table. With ``best``, models of
        series take part.
    edits : labels to change, tracks to leave out and artists to merge, or the path of such a file; see
        `genreclf.datasets.edits`.
    licence, notes : kept in the manifest; the licence of the music and labels is that of the training set.
    jobs : workers for the benchmark behind ``best``; the numbers do not depend on it.

    Raises
    ------
    RequestError : there is no such model or family, or the table cannot be trained on.
    """
    from genreclf.evaluation.usable import check_features, usable
    from genreclf.features import FEATURE_SETS
    from genreclf.models import resolve
    from genreclf.models.costs import warnings
    from genreclf.models.pooling import pooled_table
    from genreclf.models.registry import weighted
    from genreclf.models.threads import one_thread
    from genreclf.series import series_of
    from genreclf.workers import check_memory

    check_memory()
    [table] = edit_tables([as_table(table)], edits)
    families = None if features is None else list(features)
    scores: dict[str, Any] = {}
    best = isinstance(model, str) and model == BEST
    if best:
        options: dict[str, Any] = {"seed": seed, "tune": tune, "class_weight": class_weight, "series": series}
        model, scores = _winner(table, families, jobs=jobs, progress=progress, **options)
    (entry,), messages = weighted((resolve(model),), class_weight)
    if not best:
        _check_choice(entry, series=series is not None, features=families is not None)
    check_seed(seed)
    table, more = usable(table)
    for line in dict.fromkeys((*table.notes, *messages, *more)):
        progress.message(f"note: {line}")
    frames = series_of(table, series) if entry.series else None
    if not (table.meta.get("feature_set") if frames is None else frames.header.parameters):
        what, beside = ("rows", ", as a .json of the same name") if frames is None else ("series", "")
        progress.message(
            f"note: how {table.name if frames is None else 'these series'} was made is unknown (extract writes that "
            f"beside its table{beside}), so this model predicts {what} of such tables, not audio"
        )
    table = table if families is None else table.select(families, sets=FEATURE_SETS)
    trained_on = _described(table, frames)
    table = table if frames is None else pooled_table(table, frames)
    check_features(table)
    for line in warnings([entry], tracks=len(table), features=len(table.features)):
        progress.message(f"note: {line}")
    progress.begin("train", 1)
    try:
        with one_thread():
            calibrate = calibrate or not has_probabilities(entry.build(seed))
            folds = _calibration_folds_of(entry, table, seed=seed) if calibrate else None
            X = table.X if frames is None else frames
            fitted = _fitted(table, entry, X, seed=seed, tune=tune, folds=folds, progress=progress)
            summary = _held_out(table, fitted.held_out, folds)
    finally:
        progress.advance(entry.name)
        progress.end()
    known = {"table": trained_on, "scores": scores, "licence": licence, "notes": notes, **summary}
    estimator = _with_names(fitted.estimator, table)
    header = None if frames is None else frames.header
    return Bundle(estimator, _manifest(table, estimator, entry, header, seed=seed, tuned=tune, **known))


def _check_choice(entry: ModelSpec, *, series: bool, features: bool) -> None:
    """Raise a `RequestError` where series or features are chosen for a model that takes the other."""
    from genreclf.models import MODELS

    if series and not entry.series:
        others = ", ".join(name for name, other in MODELS.items() if other.series)
        raise RequestError(f"{entry.name} takes the features of the table; leave out `series`, or choose from {others}")
    if features and entry.series:
        raise RequestError(f"{entry.name} takes series; leave out `features`")


def _described(table: FeatureTable, frames: Series | None) -> dict[str, Any]:
    """What the manifest says of the tracks that are trained on."""
    known = {"name": table.name, "sha256": table.digest, "rows": len(table), "label": table.label}
    return known if frames is None else known | {"series": frames.digest}


def train_again(manifest: BundleManifest, identity: pd.DataFrame, X: Any) -> Bundle:  # noqa: ANN401
    """Train the model of a manifest on other tracks, with its features, its parameters and its seed.

    Parameters
    ----------
    identity : ``track_id, genre``, where known ``artist``.
    X : what the model takes of these tracks: (tracks, features), or a `genreclf.series.Series`.

    Raises
    ------
    RequestError : there is no such model here, or it cannot be trained on these tracks.
    """
    import pandas as pd

    from genreclf.features import find_feature_set
    from genreclf.models import spec
    from genreclf.models.pooling import pooled
    from genreclf.tables.table import FeatureTable

    entry = spec(manifest.model)
    known = entry.factory(manifest.seed).get_params()
    chosen = {
        name: value
        for name, value in manifest.parameters.items()
        if name in known and repr(known[name]) != value and known[name] != value
    }
    meta = {
        "feature_set": manifest.feature_set,
        "parameters": dict(manifest.feature_parameters),
        "weights": find_feature_set(manifest.feature_set).weights() if manifest.feature_set else {},
    }
    series = None if manifest.series is None else X
    features = pd.DataFrame(X if series is None else pooled(X), columns=list(manifest.features))
    table = FeatureTable(pd.concat([identity, features], axis=1), manifest.features, meta=meta, name="files")
    again = replace(entry, factory=partial(_with_parameters, entry.factory, chosen), wide={})
    return train(table, model=again, series=series, seed=manifest.seed, calibrate=manifest.calibrated)


def _with_parameters(factory: Callable[[int], Any], parameters: Mapping[str, Any], seed: int) -> Any:  # noqa: ANN401
    return factory(seed).set_params(**parameters)


def _winner(
    table: FeatureTable,
    families: list[str] | None,
    *,
    jobs: int | None,
    progress: Progress,
    **options: Any,  # noqa: ANN401 - those of `benchmark`
) -> tuple[str, dict[str, Any]]:
    """The best model of the benchmark, its scores under the protocol that it won, and those of the choice itself."""
    from genreclf.evaluation.benchmark import benchmark

    # The leak does not matter here, and random folds would take half of the time.
    disjoint = None if table.groups is None else "cv-artist"
    options |= {"features": families, "nested": True, "jobs": jobs, "progress": progress}
    try:
        comparison = benchmark(table, protocol=disjoint, **options)
    except RequestError:
        if disjoint is None:
            raise
        comparison = benchmark(table, **options)
    row = comparison.ranking.iloc[0]  # baselines come last
    scores = {name: row[name] if isinstance(row[name], str) else float(row[name]) for name in _SCORES if name in row}
    selection = comparison.run["selection"]
    chosen = ", ".join(f"{name} in {folds}" for name, folds in selection["chosen"].items())
    return comparison.best, scores | {
        "tracks": len(table),
        "selected_from": ", ".join(selection["models"]),
        "selected_in_folds": chosen,
        "selection_inner_folds": selection["inner_folds"],
        **{f"selection_{name}": selection[name] for name in _SCORES if name in selection},
    }


def _fitted(
    table: FeatureTable,
    entry: ModelSpec,
    X: Any,  # noqa: ANN401 - an array, or a `Series`
    *,
    seed: int,
    tune: bool,
    folds: Folds | None,
    progress: Progress,
) -> FittedPipeline:
    from genreclf.evaluation.groups import find_groups
    from genreclf.models.fitting import fit_pipeline
    from genreclf.models.neural.watching import watched
    from genreclf.models.tuning import at_edges

    try:
        with watched(progress):
            fitted = fit_pipeline(
                entry,
                X,
                # Codes, as in the benchmark: scikit-learn's balanced weights take genres like "10" for numbers.
                _codes(table),
                seed=seed,
                families=table.family_numbers,
                impute=bool(table.incomplete),
                tune_folds=_tuning_folds(table, seed=seed) if tune and entry.space else None,
                calibration_folds=folds,
                groups=find_groups(table).widest,
            )
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(f"{entry.name}: cannot be fitted to {table.name}: {one_line(error)}") from error
    edges = at_edges(entry.space, fitted.parameters or {})
    hints = [f"{name}={value} is at the edge of its grid; a wider one may do better" for name, value in edges.items()]
    for line in (*fitted.messages(), *hints):
        progress.message(f"note: {line}")
    return fitted


def _with_names(model: Any, table: FeatureTable) -> Any:  # noqa: ANN401
    """The same model, which predicts genres by their names instead of their codes."""
    names = np.array(table.genres, dtype=object)
    if isinstance(model, CalibratedModel):
        model.classes_ = names
    base_estimator(model).named_steps["model"].classes_ = names
    return model


def _tuning_folds(table: FeatureTable, *, seed: int) -> Folds:
    """Folds of the search, artist-disjoint where artists are known."""
    from genreclf.evaluation.folds import inner_folds
    from genreclf.evaluation.groups import find_groups

    groups = find_groups(table)
    return inner_folds(_codes(table), groups.recordings, groups.artists, folds=3, seed=seed).pairs()


def _calibration_folds_of(entry: ModelSpec, table: FeatureTable, *, seed: int) -> Folds:
    """Five folds, three for models that take long."""
    return calibration_folds(table, folds=5 if entry.cost <= _QUICK else 3, seed=seed)


def _held_out(table: FeatureTable, held_out: HeldOut | None, folds: Folds | None) -> dict[str, Any]:
    """The fields of the manifest that are learnt from the folds; none without folds."""
    if held_out is None or folds is None:
        return {}
    from genreclf.evaluation.groups import find_groups
    from genreclf.evaluation.held_out import summarise
    from genreclf.models.novelty import fit_novelty

    groups = find_groups(table)
    together = groups.artists is None or any(
        len(np.intersect1d(groups.artists[train], groups.artists[test])) for train, test in folds
    )
    protocol = f"{'cv-random' if together else 'cv-artist'}, {len(folds)} folds"
    return {
        "held_out": summarise(held_out, _codes(table), groups.widest, protocol=protocol),
        "novelty": fit_novelty(table.filled, folds),
    }


def calibration_folds(table: FeatureTable, *, folds: int = 5, seed: int = 42) -> Folds:
    """Folds that all train on every genre, as calibration needs, and as artist-disjoint as that allows.

    The only artist of a genre cannot be kept on one side, nor can the only recording.

    Raises
    ------
    RequestError : a genre has too few tracks.
    """
    from genreclf.evaluation.folds import inner_folds
    from genreclf.evaluation.groups import find_groups

    y, groups = _codes(table), find_groups(table)
    ties: list[tuple[np.ndarray, np.ndarray | None]] = [(groups.recordings, None), (np.arange(len(y)), None)]
    if groups.artists is not None:
        lone = np.array([len(np.unique(groups.artists[y == genre])) == 1 for genre in range(len(table.genres))])
        loosened = np.where(lone[y], groups.artists.max() + 1 + groups.recordings, groups.artists)
        ties = [(groups.recordings, groups.artists), (groups.recordings, loosened), *ties]
    for recordings, artists in ties:
        try:
            pairs = inner_folds(y, recordings, artists, folds=folds, seed=seed).pairs()
        except RequestError:
            continue
        if all(len(np.unique(y[rows])) == len(table.genres) for rows, _ in pairs):
            return pairs
    raise RequestError(f"{table.name}: too few tracks of a genre to calibrate probabilities; add tracks")


def _codes(table: FeatureTable) -> np.ndarray:
    """(tracks,), the genres as numbers."""
    return np.unique(table.y, return_inverse=True)[1]


def _manifest(
    table: FeatureTable,
    estimator: Any,  # noqa: ANN401
    entry: ModelSpec,
    series: Header | None,
    /,
    **known: Any,  # noqa: ANN401 - further fields
) -> BundleManifest:
    pipeline = base_estimator(estimator)
    means = tuple(float(v) for v in table.filled.mean(axis=0))
    stds = tuple(float(v) for v in table.filled.std(axis=0))
    kind: type[BundleManifest] = BundleManifest
    weights = table.meta.get("weights", {})
    window = table.meta.get("parameters") or {}
    known["feature_set"] = str(table.meta.get("feature_set", ""))
    known["feature_parameters"] = {name: window.get(name) for name in ("offset", "duration", "sample_rate")}
    if series is not None:
        kind, weights = SeriesManifest, {}
        known |= {"feature_set": "", "feature_parameters": {}, "series": msgspec.structs.replace(series, versions={})}
    return kind(
        model=entry.name,
        parameters=entry.plain_parameters(pipeline),
        calibrated=pipeline is not estimator,
        calibration=estimator.method if isinstance(estimator, CalibratedModel) else "",
        features=table.features,
        feature_means=means,
        feature_stds=stds,
        genres=table.genres,
        probe_probabilities=tuple(tuple(map(float, row)) for row in probe(estimator, means, stds, series=series)),
        versions=versions(*_LIBRARIES, *(_LIBRARIES_OF_NETWORKS if entry.extra == NEURAL else ())) | weights,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        genre_counts=_genre_counts(table),
        **known,
    )


def _genre_counts(table: FeatureTable) -> dict[str, GenreCount]:
    """Tracks and artists of each genre; tracks without an artist count as an artist each."""
    counts = {}
    for genre in table.genres:
        here = table.y == genre
        artists = None if table.groups is None else len(np.unique(table.groups[here].astype(str)))
        counts[genre] = GenreCount(int(here.sum()), artists)
    return counts
