"""The benchmark: fit every model under every protocol, score it, and find the models that may be the best."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.cluster import connected
from genreclf.datasets import as_table
from genreclf.datasets.edits import Edits, edit_tables
from genreclf.errors import RequestError
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.fitting import Fit, Fitted, fit_all
from genreclf.evaluation.groups import Groups, find_groups
from genreclf.evaluation.overlap import check_overlap
from genreclf.evaluation.plans import Plan, leak_notes, like, plan, precision_notes, untestable, untestable_note
from genreclf.evaluation.protocols import Settings, choose
from genreclf.evaluation.record import LIBRARIES, described
from genreclf.evaluation.uncertainty import LEVEL
from genreclf.evaluation.usable import check_features, crossed, crossed_series, usable
from genreclf.evaluation.work import Work
from genreclf.features import FEATURE_SETS
from genreclf.models import MODELS, resolve_all
from genreclf.models.costs import affordable, warnings
from genreclf.models.registry import weighted
from genreclf.models.tuning import at_edges
from genreclf.progress import AUTOMATIC, Progress
from genreclf.seeds import check_seed
from genreclf.series import find_series, series_of
from genreclf.versions import versions
from genreclf.workers import check_memory

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from distributed import Client

    from genreclf.evaluation.selection import Selection
    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable

REPEATS = 5
_CHEAP = 30.0  # seconds of fitting that repeats may always take
_DRAWS = 500


def benchmark(
    table: FeatureTable | str | Path,
    *,
    models: Any = None,  # noqa: ANN401 - names and scikit-learn classifiers, one or several
    protocol: str | None = None,
    folds: int = 5,
    test_size: float = 0.25,
    seed: int = 42,
    group: bool = True,
    train_on_validation: bool = False,
    features: Iterable[str] | None = None,
    probabilities: bool = False,
    tune: bool = False,
    class_weight: str | None = None,
    ablate: bool = False,
    learning_curve: bool = False,
    test_table: FeatureTable | str | Path | None = None,
    edits: Edits | str | Path | None = None,
    series: Series | str | Path | None = None,
    nested: bool = False,
    corpus: str | Iterable[str] | None = None,
    allow_overlap: bool = False,
    jobs: int | None = None,
    client: Client | str | None = None,
    repeats: int | None = None,
    draws: int = 1000,
    progress: Progress = AUTOMATIC,
    command: str = "",
) -> Comparison:
    """Compare models on a feature table.

    Parameters
    ----------
    table : tracks with genres, and with artists where known; or the path of such a table.
    models : a name in `genreclf.models.MODELS` or a scikit-learn classifier, or several; None for all of the registry,
        baselines included, and those of series where `series` are given.
    protocol : one of `genreclf.evaluation.protocols.choices`; None is ``cv``, or ``cross`` with a `test_table`. Where
        artists are known, ``cv`` is artist-disjoint and random cross-validation.
    folds, test_size : options of the protocol.
    seed : of folds, models and draws.
    group : whether artists stay on one side where the protocol allows both.
    train_on_validation : whether ``split`` trains on its validation tracks as well.
    features : feature families or sets to use; None for all.
    probabilities : calibrate models that have no probabilities, and keep those of every model.
    tune : search each model's parameters inside the training part of every fold.
    class_weight : ``balanced`` weighs genres inversely to their frequency, ``none`` weighs tracks alike, in every model
        that takes class weights; None leaves each model as it is registered.
    ablate : score each feature family alone, added one after another, and shuffled.
    learning_curve : score each model trained on parts of the artists, and say what twice of them would bring.
    test_table : tracks to test on, for ``cross``.
    edits : labels to change, tracks to leave out and artists to merge, or the path of such a file; see
        `genreclf.datasets.edits`.
    corpus, allow_overlap : see `genreclf.evaluation.overlap.check_overlap`; for features of trained networks.
    series : what models of series are fitted to: a kind of series beside the table, and beside the `test_table`; the
        path of others, or a `genreclf.series.Series`, of the same tracks. None takes the one kind beside the table if
        such a model is named.
    nested : find the best model at little cost: a race inside the folds leaves out models of many trees that are
        behind, and is scored as a choice of its own, see `genreclf.evaluation.selection`; what it chose and the score
        are kept in `Comparison.run` as ``selection``.
    jobs : number of workers; None is one for each core. Scores do not depend on it.
    client : a ``dask.distributed.Client``, the address of a scheduler or ``local:N``, to fit on a Dask cluster, whose
        workers have the same versions; the data is sent to each once.
    repeats : how often the folds of a cross-validation are drawn, with other seeds; scores are means. None is 5 for
        models of which that costs no more than all fits on one division, or half a minute, and 1 for others. Models
        that cannot be among the best after the first division are not repeated.
    draws : of the comparison of models, see `genreclf.evaluation.best_set`.
    command : recorded in ``run.json`` as what made the comparison.

    Raises
    ------
    RequestError : an option makes no sense, or the table does not allow what was requested.
    """
    started = time.perf_counter()
    check_memory()
    table, *others = edit_tables([as_table(one) for one in (table, test_table) if one is not None], edits)
    run: dict[str, Any] = {"command": command, "started": datetime.now(UTC).isoformat(timespec="seconds")}
    entries, notes = weighted(resolve_all(models), class_weight)
    _check_numbers(draws=draws, repeats=repeats, seed=seed)
    asked = None if features is None else list(features)
    if series is not None and models is not None and not any(entry.series for entry in entries):
        takers = ", ".join(name for name, entry in MODELS.items() if entry.series)
        raise RequestError(f"no model that is named takes series; leave out `series`, or add one of {takers}")
    frames = None
    if series is not None or (models is not None and any(entry.series for entry in entries)):
        frames = crossed_series(table, others[0], series) if others else find_series(table, series)
    networks, overlap_notes = check_overlap(
        [table, *others],
        features=asked,
        series=None if frames is None else frames.kind,
        corpus=corpus,
        allow_overlap=allow_overlap,
    )
    notes = [*overlap_notes, *table.notes, *notes]
    if others:
        table, more = crossed(table, others[0])
        notes += more
    table, more = usable(table)
    notes += more
    if models is None:
        entries = tuple(entry for entry in entries if series is not None or not entry.series)
        entries, more = affordable(entries, tracks=len(table), features=len(table.features))
        notes += more
    for line in warnings(entries, tracks=len(table), features=len(table.features)):
        progress.message(f"note: {line}")
    if probabilities:
        _check_genre_names(table)
    settings = Settings(
        folds=folds,
        test_size=test_size,
        seed=seed,
        group=group,
        train_on_validation=train_on_validation,
        tune=tune,
        repeats=REPEATS if repeats is None else repeats,
    )
    rows = len(table)
    table, groups, plans, more = _testable(table, settings, protocol, crossing=test_table is not None)
    # What is left out of every score comes before all else.
    notes = [*more, *notes, *groups.notes] if len(table) < rows else [*notes, *groups.notes, *more]
    notes += _draws_note(draws)
    if asked is not None:
        table = table.select(asked, sets=FEATURE_SETS)
        check_features(table)
    frames = None if frames is None else series_of(table, frames)
    work = Work(
        table,
        groups,
        plans,
        entries,
        seed=seed,
        probabilities=probabilities,
        tune=tune,
        ablate=ablate,
        learning_curve=learning_curve,
        draws=draws,
        series=frames,
    )
    with connected(client, jobs=jobs, same=LIBRARIES) as cluster:
        pool: dict[str, Any] = {"jobs": jobs, "client": cluster, "progress": progress}
        work, outcomes, selection, more = _fit_all(work, pool, nested=nested, every=repeats is not None)
    notes += more
    tables = work.tables(outcomes, progress)
    names = tuple(entry.name for entry in work.models)
    notes += [*_warnings(outcomes), *_edge_notes(outcomes)]
    if probabilities:
        notes += _without_probabilities(tables["probabilities"], plans, names)
    run |= selection | {
        "networks": networks,
        "protocols": [p.protocol for p in plans],
        "parameters": {
            "protocol": protocol or ("cv" if test_table is None else "cross"),
            "folds": folds,
            "test_size": test_size,
            "group": group,
            "grouping": list(table.grouping),
            "train_on_validation": train_on_validation,
            "features": None if features is None else list(table.families),
            "probabilities": probabilities,
            "tune": tune,
            "class_weight": class_weight,
            "ablate": ablate,
            "learning_curve": learning_curve,
            "repeats": repeats,
            "draws": draws,
        },
        "models": list(names),
        "model_parameters": {
            entry.name: entry.plain_parameters(entry.build(seed, families=table.family_numbers))
            for entry in work.models
        },
        "seed": seed,
        "folds": {p.protocol: len(p.folds) for p in plans},
        "versions": versions(*LIBRARIES),
        "table": described(table) | {"genres": _tracks_of_genres(table)},
        "series": frames and frames.described() | {"models": [entry.name for entry in work.models if entry.series]},
        "label": table.label,
        "edits": None if edits is None else str(edits.name if isinstance(edits, Edits) else edits),
        "seconds": round(time.perf_counter() - started, 3),
    }
    return Comparison(**tables, run=run, notes=tuple(dict.fromkeys(notes)))


def _check_numbers(*, draws: int, repeats: int | None, seed: int) -> None:
    if draws < 2:
        raise RequestError(f"draws={draws}: a p-value needs at least 2, better some hundred")
    if repeats is not None and repeats < 1:
        raise RequestError(f"repeats={repeats}: choose at least 1")
    check_seed(seed)


def _check_genre_names(table: FeatureTable) -> None:
    clash = sorted({"protocol", "fold", "track_id", "model"} & set(table.genres))
    if clash:
        raise RequestError(
            f"a genre named {clash[0]!r} clashes with a column of probabilities.csv; rename it, or keep no "
            "probabilities"
        )


def _testable(
    table: FeatureTable, settings: Settings, protocol: str | None, *, crossing: bool
) -> tuple[FeatureTable, Groups, tuple[Plan, ...], list[str]]:
    """The tracks of genres that the first plan can both train and test, with their groups, plans and notes."""
    groups = find_groups(table)
    plans, notes = _plans(table, groups, settings, protocol, crossing=crossing)
    gone = untestable(plans[0], table, groups)
    left = table.take(~np.isin(table.y.astype(str), gone))
    if not gone:
        return table, groups, plans, notes
    if len(left.genres) < 2:
        raise RequestError(
            f"{plans[0].protocol}: {len(left.genres)} of {len(table.genres)} genres can be both trained on and tested; "
            "at least two need tracks on both sides"
        )
    note = untestable_note(plans[0], gone, table)
    left, groups, plans, notes = _testable(left, settings, protocol, crossing=crossing)
    return left, groups, plans, [note, *notes]


def _plans(
    table: FeatureTable, groups: Groups, settings: Settings, protocol: str | None, *, crossing: bool
) -> tuple[tuple[Plan, ...], list[str]]:
    """The plans for a protocol; of those that ``cv`` stands for, the one grouped by artist may be impossible."""
    chosen = choose(protocol, table, settings, crossed=crossing)
    plans: list[Plan] = []
    notes: list[str] = []
    for entry in chosen:
        try:
            if plans and entry.name == "cv-random":
                plans.append(like(entry, plans[0], table, groups, settings))
            else:
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


def _fit_all(
    work: Work, pool: Mapping[str, Any], *, nested: bool, every: bool
) -> tuple[Work, list[tuple[Fit, Fitted]], dict[str, Any], list[str]]:
    """All fits, repeats included.

    Parameters
    ----------
    pool : where they run.
    nested : choose the best model inside the folds as well, and leave out what the choice finds far behind.
    every : see `_repeated`.

    Returns
    -------
    The work that was done in the end, its fits with their outcomes, what ``run.json`` says of the choice, and notes.
    """
    notes: list[str] = []
    chosen: list[Fit] = []
    selection = work.selection(**pool) if nested else None
    if selection is not None:
        work, chosen, notes = _raced(work, selection)
    fits = work.fits
    outcomes = list(zip(fits, fit_all(fits, work.data, **pool), strict=True))
    again, more = _repeated(work, outcomes, every=every)
    outcomes += zip(again, fit_all(again, work.data, **pool), strict=True)
    if selection is None:
        return work, outcomes, {}, [*notes, *more]
    chosen_outcomes = zip(chosen, fit_all(chosen, work.data, **pool), strict=True)
    score = selection.macro_f1([*outcomes, *chosen_outcomes], work.jackknife(work.plans[0]))
    return work, outcomes, {"selection": selection.as_json(score)}, [*notes, *more]


def _repeated(work: Work, outcomes: Sequence[tuple[Fit, Fitted]], *, every: bool) -> tuple[list[Fit], list[str]]:
    """The fits on further divisions of the folds, and notes on models that are not repeated.

    Parameters
    ----------
    every : whether to repeat all models that may be the best, whatever it costs.
    """
    repeats = max(len(made.repeats) for made in work.plans)
    if repeats < 2:
        return [], []
    costs = {
        name: sum(fit.seconds for fit in work.fits if fit.model == name and not fit.step) * (repeats - 1)
        for name in (model.name for model in work.models)
    }
    left = max(sum(costs.values()) / (repeats - 1), _CHEAP)
    chosen, costly = set(), []
    contenders = work.contenders(outcomes)
    for name in sorted(contenders, key=lambda name: costs[name]):
        if every or costs[name] <= left:
            chosen.add(name)
            left -= costs[name]
        else:
            costly.append(name)
    notes, once = [], "on one division of the folds only"
    if costly:
        notes.append(f"{', '.join(costly)}: {once}, to save time; `repeats={repeats}` repeats every model")
    beaten = [model.name for model in work.models if not model.baseline and model.name not in contenders]
    if beaten:
        notes.append(f"{', '.join(beaten)}: {once}, as no longer among the models that may be the best")
    return work.repeats(chosen), notes


def _raced(work: Work, selection: Selection) -> tuple[Work, list[Fit], list[str]]:
    """The work without the models that are behind, their fits that the selection's score still needs, and a note."""
    if not selection.behind:
        return work, [], []
    needed = [fit for fit in work.fits if fit.model in selection.behind and selection.needs(fit)]
    models = tuple(model for model in work.models if model.name not in selection.behind)
    note = (
        f"{', '.join(selection.behind)}: left out of the comparison, as more than one standard error behind the best "
        "model when fitted with a quarter of the trees inside the folds"
    )
    return replace(work, models=models), needed, [note]


def _draws_note(draws: int) -> list[str]:
    """A note where p-values of so few draws are rough, or none is small enough."""
    if 1 / (draws + 1) >= LEVEL:
        return [f"with {draws} draws no difference can be significant; {round(1 / LEVEL)} or more are needed"]
    if draws < _DRAWS:
        return [f"p-values of {draws} draws are rough; {_DRAWS} or more are better"]
    return []


def _without_probabilities(probabilities: pd.DataFrame, plans: Sequence[Plan], models: Sequence[str]) -> list[str]:
    """A note for each protocol and model that should have probabilities and has none."""
    have = set() if probabilities.empty else set(zip(probabilities["protocol"], probabilities["model"], strict=True))
    return [
        f"{made.protocol}: {name}: no probabilities, as a genre has too few tracks to calibrate them"
        for made in plans
        for name in models
        if (made.protocol, name) not in have
    ]


def _warnings(outcomes: Sequence[tuple[Fit, Fitted]]) -> list[str]:
    """One note for each model and warning, with the number of fits that gave it."""
    counts = Counter((fit.model, line) for fit, fitted in outcomes for line in fitted.warnings)
    return [f"{model}: {line} (fits: {count})" for (model, line), count in counts.items()]


def _edge_notes(outcomes: Sequence[tuple[Fit, Fitted]]) -> list[str]:
    """A note for each parameter that a search set to an edge of its grid, where a wider one may do better."""
    tuned = [(fit, fitted.parameters) for fit, fitted in outcomes if fitted.parameters]
    searched = Counter(fit.model for fit, _ in tuned)
    edges = Counter(
        (fit.model, *edge) for fit, parameters in tuned for edge in at_edges(fit.entry.space, parameters).items()
    )
    return [
        f"{model}: {name}={value} is at the edge of its grid; a wider one may do better "
        f"({count} of {searched[model]} fits)"
        for (model, name, value), count in edges.items()
    ]


def _tracks_of_genres(table: FeatureTable) -> dict[str, int]:
    labels = table.y.astype(str)
    return {genre: int((labels == genre).sum()) for genre in table.genres}
