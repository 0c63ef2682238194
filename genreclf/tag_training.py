"""Training of taggers: a feature table with tags becomes a model that can be kept and asked for tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.datasets import as_table
from genreclf.errors import RequestError, one_line
from genreclf.models.bundle.bundle import Bundle, probe
from genreclf.models.bundle.manifest import GenreCount
from genreclf.models.bundle.tag_manifest import TagManifest
from genreclf.progress import AUTOMATIC, Progress
from genreclf.seeds import check_seed
from genreclf.tables.labels import MIN_ARTISTS, MIN_TRACKS
from genreclf.versions import versions

if TYPE_CHECKING:
    from genreclf.evaluation.multilabel.fitting import TagData
    from genreclf.models.tagger_fitting import FittedTagger
    from genreclf.tables.table import FeatureTable

_LIBRARIES = ("catboost", "librosa", "numpy", "scikit-learn", "scipy", "skops")


def train_tags(
    table: FeatureTable | str | Path,
    *,
    model: Any = "svc",  # noqa: ANN401 - a name or a scikit-learn classifier, which has no types
    seed: int = 42,
    class_weight: str | None = None,
    features: Iterable[str] | None = None,
    min_tracks: int = MIN_TRACKS,
    min_artists: int = MIN_ARTISTS,
    synonyms: Mapping[str, str] | Path | str | None = None,
    precision: float | None = None,
    licence: str = "",
    notes: str = "",
    progress: Progress = AUTOMATIC,
) -> Bundle:
    """Train one tagger on all tracks of a table.

    Probabilities and thresholds are chosen on artist-disjoint folds of these tracks; the scores of each tag there are
    kept in the manifest.

    Parameters
    ----------
    table : tracks with tags, or the path of such a table.
    model : a name in `genreclf.models.taggers.TAGGERS`, or of another model, or a scikit-learn classifier.
    class_weight, min_tracks, min_artists, synonyms, precision : see
        `genreclf.evaluation.multilabel.benchmark.benchmark_tags`.
    features : feature families or sets to use; all by default.
    licence, notes : kept in the manifest.

    Raises
    ------
    RequestError : there is no such model or family, or the table cannot be trained on.
    """
    from genreclf.evaluation.groups import find_groups
    from genreclf.evaluation.multilabel.benchmark import check_precision, usable_tags
    from genreclf.evaluation.multilabel.fitting import TagData, fit_rows
    from genreclf.features import FEATURE_SETS
    from genreclf.models.taggers import resolve_tagger, weighted
    from genreclf.models.threads import one_thread
    from genreclf.workers import check_memory

    check_memory()
    check_seed(seed)
    check_precision(precision)
    entry = weighted(resolve_tagger(model), class_weight)
    if entry.of_genre:
        raise RequestError(f"{entry.name} is a baseline of comparisons; train another model, such as svc")
    table, lines = usable_tags(as_table(table), min_tracks=min_tracks, min_artists=min_artists, synonyms=synonyms)
    for line in lines:
        progress.message(f"note: {line}")
    table = table if features is None else table.select(list(features), sets=FEATURE_SETS)
    data = TagData(table.X, table.tags.matrix, np.zeros((len(table), 1)), find_groups(table))
    progress.begin("train", 1)
    try:
        with one_thread():
            options: dict[str, Any] = {"grouped": True, "seed": seed, "precision": precision}
            fitted = fit_rows(entry, table.X, data, np.arange(len(table)), **options)
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(f"{entry.name}: cannot be fitted to {table.name}: {one_line(error)}") from error
    finally:
        progress.advance(entry.name)
        progress.end()
    means, stds = (tuple(float(v) for v in part) for part in (table.filled.mean(axis=0), table.filled.std(axis=0)))
    window = table.meta.get("parameters") or {}
    plain = (str, int, float, bool, type(None))
    parameters = fitted.model.estimator.named_steps["model"].get_params(deep=False)
    manifest = TagManifest(
        model=entry.name,
        parameters={name: value if isinstance(value, plain) else repr(value) for name, value in parameters.items()},
        tuned=False,
        calibrated=True,
        calibration="sigmoid",
        feature_set=str(table.meta.get("feature_set", "")),
        feature_parameters={name: window.get(name) for name in ("offset", "duration", "sample_rate")},
        features=table.features,
        feature_means=means,
        feature_stds=stds,
        genres=table.tags.names,
        thresholds=tuple(map(float, fitted.thresholds)),
        tag_scores=_tag_scores(table, fitted, data),
        table={"name": table.name, "sha256": table.digest, "rows": len(table), "label": "tags"},
        scores={},
        probe_probabilities=tuple(tuple(map(float, row)) for row in probe(fitted.model, means, stds)),
        seed=seed,
        versions=versions(*_LIBRARIES) | table.meta.get("weights", {}),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        licence=licence,
        notes=notes,
        genre_counts=_counts(table),
    )
    return Bundle(fitted.model, manifest)


def _tag_scores(table: FeatureTable, fitted: FittedTagger, data: TagData) -> dict[str, dict[Any, float | None]]:
    """ROC AUC and average precision of each tag on the inner folds, all tracks as one fold's."""
    from genreclf.evaluation.multilabel.scores import average_precision, roc_auc

    known = np.isfinite(fitted.held_out).all(axis=1)
    scores: dict[str, dict[Any, float | None]] = {}
    for tag, name in enumerate(table.tags.names):
        y, score = data.Y[known, tag], fitted.held_out[known, tag]
        fold = np.zeros(len(y), dtype=int)
        found = {"roc_auc": roc_auc(y, score, fold), "average_precision": average_precision(y, score, fold)}
        scores[name] = {key: None if part.value != part.value else part.value for key, part in found.items()}
    return scores


def _counts(table: FeatureTable) -> dict[str, GenreCount]:
    """Tracks and artists of each tag."""
    groups = table.groups
    return {
        name: GenreCount(int(has.sum()), None if groups is None else len(set(groups[has])))
        for name, has in zip(table.tags.names, table.tags.matrix.T, strict=True)
    }
