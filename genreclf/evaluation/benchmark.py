"""The benchmark: fit every model under every protocol, and find out what can be told apart."""

from __future__ import annotations

import time
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
    """Compare models on a table of features.

    Parameters
    ----------
    table : tracks with genres; artists, where known, stay on one side of every split.
    models : names in `genreclf.models.MODELS`, or scikit-learn classifiers; all in `MODELS` where None.
    protocol : ``study, holdout, cv, cv-artist, cv-random, split`` or ``cross``; None is ``cv``, or ``cross`` with
        a `test_table`. Where artists are known, ``cv`` runs with artists apart and at random.
    folds, test_size, seed : of the splits; the seed is also that of the models and of the bootstrap.
    group : whether artists stay on one side.
    features : feature families to use; all where None.
    probabilities : calibrate models that have none, and keep everyone's probabilities.
    tune : search each model's parameters inside the training part of every fold.
    ablate : score each feature family alone, added one after another, and shuffled.
    test_table : tracks to test on, for ``cross``.
    jobs : number of workers; None is one for each core. The numbers do not depend on it.
    draws : of the bootstrap.
    command : what to write down as the way this came about.

    Raises
    ------
    RequestError : an option makes no sense, or the table does not allow what was asked.
    """
    started = time.perf_counter()
    run: dict[str, Any] = {"command": command, "started": datetime.now(UTC).isoformat(timespec="seconds")}
    entries = resolve_all(models)
    names = tuple(entry.name for entry in entries)
    if draws < 2:
        raise RequestError(f"`draws` is {draws}; an interval needs at least 2, better some hundred")
    check_seed(seed)
    notes = list(table.notes)
    if test_table is not None:
        table, said = crossed(table, test_table)
        notes += said
    table, said = usable(table)
    notes += said
    if probabilities:
        _check_genre_names(table)
    groups = find_groups(table)
    settings = Settings(folds=folds, test_size=test_size, seed=seed, group=group)
    plans, said = _plans(table, groups, settings, protocol, crossing=test_table is not None)
    notes += [*groups.notes, *said, *_draws_note(draws, names)]
    if features is not None:
        table = table.select(features)
        check_features(table)
    work = Work(
        table, groups, plans, entries, seed=seed, probabilities=probabilities, tune=tune, ablate=ablate, draws=draws
    )
    outcomes = fit_all(work.fits, work.data, jobs=jobs, progress=progress)
    comparison = work.frames(outcomes, progress)
    notes += _warnings(work.fits, outcomes)
    if probabilities:
        notes += _silent(comparison["probabilities"], plans, names)
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
    return Comparison(**comparison, run=run, notes=tuple(dict.fromkeys(notes)))


def _check_genre_names(table: FeatureTable) -> None:
    clash = sorted({"protocol", "fold", "track_id", "model"} & set(table.genres))
    if clash:
        raise RequestError(
            f"a genre called {clash[0]!r} clashes with a column of probabilities.csv; rename it, or ask for no "
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
    """A note where even the smallest p-value that so few draws allow would not pass Holm's correction."""
    others = len(models) - 1
    needed = round(2 * others / LEVEL)
    if draws >= needed:
        return []
    return [f"with {draws} draws no difference of {len(models)} models can be significant; {needed} or more are needed"]


def _silent(probabilities: pd.DataFrame, plans: Sequence[Plan], models: Sequence[str]) -> list[str]:
    """A note for each protocol and model that was to give probabilities and has none."""
    told = set() if probabilities.empty else set(zip(probabilities["protocol"], probabilities["model"], strict=True))
    return [
        f"{made.protocol}: {name}: no probabilities, as a genre has too few tracks to calibrate them"
        for made in plans
        for name in models
        if (made.protocol, name) not in told
    ]


def _warnings(fits: Sequence[Fit], outcomes: Sequence[Fitted]) -> list[str]:
    """One note for each model and warning, however many fits gave it."""
    said: dict[tuple[str, str], int] = {}
    for fit, fitted in zip(fits, outcomes, strict=True):
        for line in fitted.warnings:
            said[fit.model, line] = said.get((fit.model, line), 0) + 1
    return [f"{model}: {line} (in {count} fits)" for (model, line), count in said.items()]


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
