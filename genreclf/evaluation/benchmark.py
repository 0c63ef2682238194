"""The benchmark: fit every model under every protocol, score it, and test which models can be told apart."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.evaluation.bootstrap import LEVEL
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.fitting import Fit, Fitted, fit_all
from genreclf.evaluation.groups import Groups, find_groups
from genreclf.evaluation.plans import Plan, leak_notes, plan, precision_notes
from genreclf.evaluation.protocols import Settings, choose
from genreclf.evaluation.usable import check_features, crossed, usable
from genreclf.evaluation.work import Work
from genreclf.models import resolve_all
from genreclf.progress import SILENT, Progress
from genreclf.seeds import check_seed
from genreclf.versions import versions

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.tables.table import FeatureTable

_LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "catboost", "librosa")


def benchmark(
    table: FeatureTable,
    *,
    models: Iterable[Any] | None = None,
    protocol: str | None = None,
    folds: int = 5,
    test_size: float = 0.25,
    seed: int = 42,
    group: bool = True,
    features: Iterable[str] | None = None,
    probabilities: bool = False,
    tune: bool = False,
    ablate: bool = False,
    test_table: FeatureTable | None = None,
    jobs: int | None = None,
    draws: int = 1000,
    progress: Progress = SILENT,
    command: str = "",
) -> Comparison:
    """Compare models on a feature table.

    Parameters
    ----------
    table : tracks with genres, and with artists where known.
    models : names in `genreclf.models.MODELS`, or scikit-learn classifiers; None for all of the registry, baselines
        included.
    protocol : one of `genreclf.evaluation.protocols.choices`; None is ``cv``, or ``cross`` with a `test_table`. Where
        artists are known, ``cv`` is artist-disjoint and random cross-validation.
    folds, test_size : options of the protocol.
    seed : of folds, models and bootstrap.
    group : whether artists stay on one side where the protocol allows both.
    features : feature families to use; None for all.
    probabilities : calibrate models that have no probabilities, and keep those of every model.
    tune : search each model's parameters inside the training part of every fold.
    ablate : score each feature family alone, added one after another, and shuffled.
    test_table : tracks to test on, for ``cross``.
    jobs : number of workers; None is one for each core. Scores do not depend on it.
    draws : of the bootstrap.
    command : recorded in ``run.json`` as what made the comparison.

    Raises
    ------
    RequestError : an option makes no sense, or the table does not allow what was requested.
    """
    started = time.perf_counter()
    run: dict[str, Any] = {"command": command, "started": datetime.now(UTC).isoformat(timespec="seconds")}
    entries = resolve_all(models)
    names = tuple(entry.name for entry in entries)
    if draws < 2:
        raise RequestError(f"draws={draws}: an interval needs at least 2, better some hundred")
    check_seed(seed)
    notes = list(table.notes)
    if test_table is not None:
        table, more = crossed(table, test_table)
        notes += more
    table, more = usable(table)
    notes += more
    if probabilities:
        _check_genre_names(table)
    groups = find_groups(table)
    settings = Settings(folds=folds, test_size=test_size, seed=seed, group=group)
    plans, more = _plans(table, groups, settings, protocol, crossing=test_table is not None)
    notes += [*groups.notes, *more, *_draws_note(draws, names)]
    if features is not None:
        table = table.select(features)
        check_features(table)
    work = Work(
        table, groups, plans, entries, seed=seed, probabilities=probabilities, tune=tune, ablate=ablate, draws=draws
    )
    outcomes = fit_all(work.fits, work.data, jobs=jobs, progress=progress)
    tables = work.tables(outcomes, progress)
    notes += _warnings(work.fits, outcomes)
    if probabilities:
        notes += _without_probabilities(tables["probabilities"], plans, names)
    run |= {
        "protocols": [p.protocol for p in plans],
        "parameters": {
            "protocol": protocol or ("cv" if test_table is None else "cross"),
            "folds": folds,
            "test_size": test_size,
            "group": group,
            "features": None if features is None else list(table.families),
            "probabilities": probabilities,
            "tune": tune,
            "ablate": ablate,
            "draws": draws,
        },
        "models": list(names),
        "seed": seed,
        "folds": {p.protocol: len(p.folds) for p in plans},
        "versions": versions(*_LIBRARIES),
        "table": _described(table),
        "label": table.label,
        "seconds": round(time.perf_counter() - started, 3),
    }
    return Comparison(**tables, run=run, notes=tuple(dict.fromkeys(notes)))


def _check_genre_names(table: FeatureTable) -> None:
    clash = sorted({"protocol", "fold", "track_id", "model"} & set(table.genres))
    if clash:
        raise RequestError(
            f"a genre named {clash[0]!r} clashes with a column of probabilities.csv; rename it, or keep no "
            "probabilities"
        )


def _plans(
    table: FeatureTable, groups: Groups, settings: Settings, protocol: str | None, *, crossing: bool
) -> tuple[tuple[Plan, ...], list[str]]:
    """The plans for a protocol; of those that ``cv`` stands for, the one grouped by artist may be impossible."""
    chosen = choose(protocol, table, settings, crossed=crossing)
    plans: list[Plan] = []
    notes: list[str] = []
    for entry in chosen:
        try:
            plans.append(plan(entry, table, groups, settings))
        except RequestError as error:
            if entry.grouping != "artists" or len(chosen) == 1:
                raise
            notes.append(f"{entry.name} is left out: {error}")
    notes += [note for made in plans for note in (*made.notes, *precision_notes(made, groups))]
    if not any(made.grouped for made in plans):
        tried = any(entry.grouping == "artists" for entry in chosen)
        hint = "" if tried else "; protocol 'cv' adds artist-disjoint folds"
        notes += [f"{note}{hint}" for made in plans for note in leak_notes(made, groups)]
    return tuple(plans), notes


def _draws_note(draws: int, models: Sequence[str]) -> list[str]:
    """A note where even the smallest p-value that the draws allow would not pass Holm's correction."""
    others = len(models) - 1
    needed = round(2 * others / LEVEL)
    if draws >= needed:
        return []
    return [f"with {draws} draws no difference of {len(models)} models can be significant; {needed} or more are needed"]


def _without_probabilities(probabilities: pd.DataFrame, plans: Sequence[Plan], models: Sequence[str]) -> list[str]:
    """A note for each protocol and model that should have probabilities and has none."""
    have = set() if probabilities.empty else set(zip(probabilities["protocol"], probabilities["model"], strict=True))
    return [
        f"{made.protocol}: {name}: no probabilities, as a genre has too few tracks to calibrate them"
        for made in plans
        for name in models
        if (made.protocol, name) not in have
    ]


def _warnings(fits: Sequence[Fit], outcomes: Sequence[Fitted]) -> list[str]:
    """One note for each model and warning, with the number of fits that gave it."""
    counts = Counter((fit.model, line) for fit, fitted in zip(fits, outcomes, strict=True) for line in fitted.warnings)
    return [f"{model}: {line} (fits: {count})" for (model, line), count in counts.items()]


def _described(table: FeatureTable) -> dict[str, Any]:
    labels = table.y.astype(str)
    return {
        "name": table.name,
        "digest": table.digest,
        "rows": len(table),
        "features": len(table.features),
        "families": {family: len(columns) for family, columns in table.families.items()},
        "genres": {genre: int((labels == genre).sum()) for genre in table.genres},
        "artists": None if table.groups is None else len(set(table.groups)),
    }
