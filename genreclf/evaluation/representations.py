"""Whether a representation is good: several sets of features, for several labels, with the same heads, paired.

Each representation is a part of the columns of one table. The tracks, the folds and the heads are the same for all, so
each difference from the first representation has an interval over artists in which what makes tracks easy or hard
cancels out, as in `genreclf.evaluation.run_comparison`. p-values are Holm-corrected over the representations.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.display import Displayed
from genreclf.errors import RequestError, one_line
from genreclf.evaluation.benchmark import benchmark
from genreclf.evaluation.fitting import run_all
from genreclf.evaluation.groups import find_groups
from genreclf.evaluation.multilabel.benchmark import Work, usable_tags
from genreclf.evaluation.multilabel.fitting import fit_one
from genreclf.evaluation.multilabel.folds import tag_plan
from genreclf.evaluation.overlap import check_overlap
from genreclf.evaluation.protocols import Settings
from genreclf.evaluation.record import described
from genreclf.evaluation.run_comparison import RunScore, compare_runs
from genreclf.evaluation.significance import holm
from genreclf.evaluation.usable import check_features
from genreclf.features import FEATURE_SETS
from genreclf.models.taggers import resolve_tagger, weighted
from genreclf.progress import AUTOMATIC, Progress
from genreclf.tables.labels import MIN_ARTISTS, MIN_TRACKS, TAGS

if TYPE_CHECKING:
    from pathlib import Path

    from genreclf.evaluation.uncertainty import Estimate
    from genreclf.tables.table import FeatureTable

HEADS = ("logreg",)


@dataclass(frozen=True, repr=False)
class RepresentationComparison(Displayed):
    """Representations side by side.

    Parameters
    ----------
    representations : as they were requested; the others are compared with the first.
    features : the number of columns of each.
    scores : for each label, one for each head and representation; `RunScore.run` is the representation. Of genres and
        the like the score is macro-F1, of tags the macro ROC AUC.
    run : the command, the time, parameters, and the networks behind the columns.
    notes : what must be known to read the scores.
    """

    representations: tuple[str, ...]
    features: tuple[int, ...]
    scores: Mapping[str, tuple[RunScore, ...]]
    run: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        names = one_line(", ".join(self.representations), longest=80)
        return f"<comparison of representations for {', '.join(self.scores)}: {names}>"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each label, head and representation; missing values are None."""
        sizes = dict(zip(self.representations, self.features, strict=True))
        return [
            {"label": label, "metric": metric(label), "representation": score.run, "features": sizes[score.run]}
            | {
                name: None if value != value else value  # noqa: PLR0124 - NaN
                for name, value in asdict(score).items()
                if name not in ("run", "shared")
            }
            | {"verdict": score.verdict}
            for label, scores in self.scores.items()
            for score in scores
        ]

    def as_json(self) -> dict[str, Any]:
        """The comparison in plain values, for programs."""
        return {"scores": self.rows(), "notes": list(self.notes)}


def metric(label: str) -> str:
    """What the score of a label is."""
    return "macro ROC AUC" if label == TAGS else "macro-F1"


def compare_representations(
    tables: Mapping[str, FeatureTable],
    representations: Sequence[str],
    *,
    models: Sequence[str] | None = None,
    protocol: str | None = None,
    folds: int = 5,
    test_size: float = 0.25,
    seed: int = 42,
    group: bool = True,
    train_on_validation: bool = False,
    class_weight: str | None = None,
    corpus: str | Iterable[str] | None = None,
    allow_overlap: bool = False,
    min_tracks: int = MIN_TRACKS,
    min_artists: int = MIN_ARTISTS,
    synonyms: Mapping[str, str] | Path | str | None = None,
    repeats: int | None = None,
    jobs: int | None = None,
    progress: Progress = AUTOMATIC,
    command: str = "",
) -> RepresentationComparison:
    """Compare representations with the first of them.

    Parameters
    ----------
    tables : the same tracks with each label; ``tags`` is the label of which a track may have many.
    representations : feature families and sets, joined by ``+``, of which the tables have all columns; at least two.
    models : the heads, `HEADS` by default; each is fitted to every representation.
    protocol : None is artist-disjoint cross-validation where artists are known, or else a random one.
    repeats : how often the folds are drawn for genres; see `genreclf.evaluation.benchmark.benchmark`.
    min_tracks, min_artists, synonyms : of tags, see `genreclf.evaluation.multilabel.benchmark.usable_tags`.
    folds, test_size, seed, group, train_on_validation, class_weight, corpus, allow_overlap, jobs, command : see
        `genreclf.evaluation.benchmark.benchmark`.

    Raises
    ------
    RequestError : fewer than two representations, one that the tables do not have, or what the benchmark raises.
    """
    started, begun = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    if len(set(representations)) < 2:
        raise RequestError(f"representations={','.join(representations)}: name two or more to compare")
    names = tuple(dict.fromkeys(representations))
    first = next(iter(tables.values()))
    parts = {name: name.split("+") for name in names}
    sizes = tuple(len(first.select(parts[name], sets=FEATURE_SETS).features) for name in names)
    heads = tuple(models or HEADS)
    dividing: dict[str, Any] = {
        "folds": folds,
        "test_size": test_size,
        "seed": seed,
        "group": group,
        "train_on_validation": train_on_validation,
    }
    options: dict[str, Any] = {"class_weight": class_weight, "corpus": corpus, "allow_overlap": allow_overlap}
    pool: dict[str, Any] = {"jobs": jobs, "progress": progress}
    scores = dict[str, tuple[RunScore, ...]]()
    notes, networks = list[str](), dict[str, Any]()
    for label, table in tables.items():
        if label == TAGS:
            tagged, more = usable_tags(table, min_tracks=min_tracks, min_artists=min_artists, synonyms=synonyms)
            found = _of_tags(tagged, parts, heads, protocol, Settings(**dividing), **options, **pool)
        else:
            more = []
            found = _of_genres(table, parts, heads, protocol, repeats=repeats, **dividing, **options, **pool)
        scores[label] = found.scores
        notes += [f"{label}: {note}" if len(tables) > 1 else note for note in (*more, *found.notes)]
        networks |= found.networks
    run = {
        "command": command,
        "started": begun,
        "networks": networks,
        "parameters": dividing
        | options
        | {"protocol": protocol, "repeats": repeats, "models": list(heads), "labels": list(tables)},
        "table": described(first),
        "seconds": round(time.perf_counter() - started, 3),
    }
    return RepresentationComparison(names, sizes, scores, run, tuple(dict.fromkeys(notes)))


@dataclass(frozen=True)
class _Found:
    """What came of one label."""

    scores: tuple[RunScore, ...]
    notes: list[str]
    networks: dict[str, Any]


def _of_genres(
    table: FeatureTable,
    parts: Mapping[str, list[str]],
    heads: Sequence[str],
    protocol: str | None,
    *,
    group: bool,
    **options: Any,  # noqa: ANN401 - those of `benchmark`
) -> _Found:
    chosen = protocol or ("cv-artist" if group and table.groups is not None else None)
    scores: list[RunScore] = []
    notes, networks = list[str](), dict[str, Any]()
    for head in heads:
        # A head alone, for of several only those that may be the best are repeated.
        runs = {
            name: benchmark(table, models=[head], protocol=chosen, group=group, features=part, **options)
            for name, part in parts.items()
        }
        compared = compare_runs(runs)
        scores += compared.scores
        notes += [*(note for run in runs.values() for note in run.notes), *compared.notes]
        for run in runs.values():
            networks |= run.run["networks"]
    return _Found(tuple(scores), notes, networks)


def _of_tags(
    table: FeatureTable,
    parts: Mapping[str, list[str]],
    heads: Sequence[str],
    protocol: str | None,
    settings: Settings,
    *,
    class_weight: str | None,
    corpus: str | Iterable[str] | None,
    allow_overlap: bool,
    jobs: int | None,
    progress: Progress,
) -> _Found:
    used = [name for part in parts.values() for name in part]
    networks, notes = check_overlap([table], features=used, corpus=corpus, allow_overlap=allow_overlap)
    groups = find_groups(table)
    plan, planned = tag_plan(table, groups, settings, protocol)
    entries = tuple(weighted(resolve_tagger(head), class_weight) for head in heads)
    auc = {}
    for name, part in parts.items():
        chosen = table.select(part, sets=FEATURE_SETS)
        check_features(chosen)
        work = Work(chosen, groups, plan, entries, settings.seed, precision=None, draws=2)
        auc[name] = work.auc(run_all(work.fits, fit_one, work.data, jobs=jobs, progress=progress))
    scores = [score for entry in entries for score in _compared(entry.name, {n: auc[n][entry.name] for n in auc})]
    return _Found(tuple(scores), [*notes, *groups.notes, *planned, *work.notes()], networks)


def _compared(head: str, auc: Mapping[str, Estimate]) -> list[RunScore]:
    """The scores of a head on each representation, with their differences from the first."""
    (first, reference), *others = auc.items()
    differences = [estimate - reference for _, estimate in others]
    corrected = holm(np.array([difference.p_value for difference in differences]))
    scores = [RunScore(head, first, reference.value, *reference.interval)]
    for (name, estimate), difference, p_value in zip(others, differences, corrected, strict=True):
        low, high = difference.interval
        scores.append(
            RunScore(
                head,
                name,
                estimate.value,
                *estimate.interval,
                difference=difference.value,
                difference_low=low,
                difference_high=high,
                p_value=float(p_value),
            )
        )
    return scores
