"""The benchmark of taggers: fit every one on every fold, score it, and find those that may be the best."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.cluster import connected
from genreclf.datasets import as_table
from genreclf.errors import RequestError
from genreclf.evaluation.best_set import best_set
from genreclf.evaluation.fitting import run_all
from genreclf.evaluation.groups import Groups, find_groups
from genreclf.evaluation.multilabel.comparison import TagComparison
from genreclf.evaluation.multilabel.fitting import TagData, TagFit, TagOutcome, fit_one
from genreclf.evaluation.multilabel.folds import tag_plan
from genreclf.evaluation.multilabel.retrieval import retrieve_tags
from genreclf.evaluation.multilabel.scores import TagScores, macro
from genreclf.evaluation.overlap import check_overlap
from genreclf.evaluation.protocols import Settings
from genreclf.evaluation.record import LIBRARIES, TRACK_COLUMNS, described
from genreclf.evaluation.significance import holm
from genreclf.evaluation.usable import check_features
from genreclf.features import FEATURE_SETS
from genreclf.models.taggers import DEFAULTS, TAGGERS, TaggerSpec, resolve_tagger, weighted
from genreclf.progress import AUTOMATIC, Progress
from genreclf.seeds import check_seed
from genreclf.tables.labels import MIN_ARTISTS, MIN_TRACKS, read_synonyms
from genreclf.versions import versions
from genreclf.workers import check_memory

if TYPE_CHECKING:
    import pandas as pd
    from distributed import Client

    from genreclf.evaluation.plans import Plan
    from genreclf.evaluation.uncertainty import Estimate
    from genreclf.tables.table import FeatureTable

MULTI_LABEL = "multi-label"
_MOST_ERRORS = 20
_LEAST = 1e-3  # a probability below counts as this in the log loss that orders errors


def usable_tags(
    table: FeatureTable,
    *,
    min_tracks: int = MIN_TRACKS,
    min_artists: int = MIN_ARTISTS,
    synonyms: Mapping[str, str] | Path | str | None = None,
) -> tuple[FeatureTable, list[str]]:
    """The table with the tags that can be learned, with a note on what is left out.

    Parameters
    ----------
    min_tracks, min_artists, synonyms : see `genreclf.tables.labels.choose_tags`; synonyms may be the path of a file.

    Raises
    ------
    RequestError : fewer than two tags are left, or every feature is constant.
    """
    if not table.tags.names:
        raise RequestError(
            f"{table.name}: no tags; a table has them in a column 'tags', separated by |, or in columns of 0 and 1 "
            "called 'tag:NAME'"
        )
    mapping = read_synonyms(Path(synonyms)) if isinstance(synonyms, str | Path) else synonyms
    found, notes = table.choose_tags(min_tracks=min_tracks, min_artists=min_artists, synonyms=mapping)
    everywhere = [name for name, has in zip(found.tags.names, found.tags.matrix.T, strict=True) if has.all()]
    if everywhere:
        raise RequestError(f"{table.name}: every track has the tag {everywhere[0]!r}, which tells nothing; take it out")
    if len(found.tags.names) < 2:
        raise RequestError("; ".join([f"{table.name}: fewer than two tags are left", *notes, "choose lower minima"]))
    check_features(found)
    bare = int((~found.tags.matrix.any(axis=1)).sum())
    return found, notes + ([f"tracks without any of the tags: {bare} of {len(found)}; they stay"] if bare else [])


def benchmark_tags(
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
    class_weight: str | None = None,
    min_tracks: int = MIN_TRACKS,
    min_artists: int = MIN_ARTISTS,
    synonyms: Mapping[str, str] | Path | str | None = None,
    precision: float | None = None,
    corpus: str | Iterable[str] | None = None,
    allow_overlap: bool = False,
    jobs: int | None = None,
    client: Client | str | None = None,
    draws: int = 1000,
    progress: Progress = AUTOMATIC,
    command: str = "",
) -> TagComparison:
    """Compare taggers on a feature table with tags.

    Parameters
    ----------
    table : tracks with tags, and with artists and genres where known; or the path of such a table.
    models : names in `genreclf.models.taggers.TAGGERS`, or of other models and classifiers, which are fitted to one tag
        after another; None for `genreclf.models.taggers.DEFAULTS`. The references stand beside them in any case.
    protocol : see `genreclf.evaluation.multilabel.folds.tag_plan`.
    folds, test_size, seed, group, train_on_validation, features, jobs, client, draws, command : as in
        `genreclf.evaluation.benchmark.benchmark`.
    corpus, allow_overlap : see `genreclf.evaluation.overlap.check_overlap`; for features of trained networks.
    probabilities : keep those of every model.
    class_weight : ``balanced`` weighs tracks with and without a tag alike, in taggers that take class weights.
    min_tracks, min_artists, synonyms : see `usable_tags`.
    precision : that the threshold of each tag shall reach; None chooses the thresholds of the best F1.

    Raises
    ------
    RequestError : an option makes no sense, or the table does not allow what was requested.
    """
    started = time.perf_counter()
    begun = datetime.now(UTC).isoformat(timespec="seconds")
    check_memory()
    check_seed(seed)
    check_precision(precision)
    table = as_table(table)
    table, chosen = usable_tags(table, min_tracks=min_tracks, min_artists=min_artists, synonyms=synonyms)
    if features is not None:
        table = table.select(features, sets=FEATURE_SETS)
        check_features(table)
    networks, overlap_notes = check_overlap([table], corpus=corpus, allow_overlap=allow_overlap)
    groups = find_groups(table)
    settings = Settings(folds, test_size, seed, group, train_on_validation)
    plan, planned = tag_plan(table, groups, settings, protocol)
    work = Work(table, groups, plan, _entries(models, table, class_weight), seed, precision, draws)
    with connected(client, jobs=jobs, same=LIBRARIES) as cluster:
        outcomes = run_all(work.fits, fit_one, work.data, jobs=jobs, client=cluster, progress=progress)
    tables = work.tables(outcomes, probabilities=probabilities)
    tags = dict(zip(table.tags.names, table.tags.matrix.sum(axis=0).tolist(), strict=True))
    run = {
        "task": MULTI_LABEL,
        "command": command,
        "started": begun,
        "protocols": [plan.protocol],
        "networks": networks,
        "parameters": {
            "protocol": protocol,
            "folds": folds,
            "test_size": test_size,
            "group": group,
            "train_on_validation": train_on_validation,
            "features": None if features is None else list(table.families),
            "class_weight": class_weight,
            "min_tracks": min_tracks,
            "min_artists": min_artists,
            "precision": precision,
            "draws": draws,
        },
        "models": [entry.name for entry in work.models],
        "seed": seed,
        "folds": {plan.protocol: len(plan.folds)},
        "versions": versions(*LIBRARIES),
        "table": described(table) | {"tags": tags},
        "seconds": round(time.perf_counter() - started, 3),
    }
    notes = [*overlap_notes, *table.notes, *chosen, *groups.notes, *planned, *work.notes()]
    return TagComparison(**tables, run=run, notes=tuple(dict.fromkeys(notes)))


def check_precision(precision: float | None) -> None:
    """Raise a `RequestError` unless a precision is a share."""
    if precision is not None and not 0 < precision < 1:
        raise RequestError(f"precision={precision:g}: choose a share between 0 and 1, for example 0.8")


def _entries(models: Any, table: FeatureTable, class_weight: str | None) -> tuple[TaggerSpec, ...]:  # noqa: ANN401
    """The requested taggers, then the references that the table allows."""
    if class_weight not in (None, "balanced", "none"):
        raise RequestError(f"unknown class_weight {class_weight!r}; choose from balanced, none")
    asked = DEFAULTS if models is None else models
    several = asked if isinstance(asked, Iterable) and not isinstance(asked, str) else (asked,)
    entries = {entry.name: weighted(entry, class_weight) for entry in map(resolve_tagger, several)}
    for entry in TAGGERS.values():
        if entry.reference and not (entry.of_genre and len(table.genres) < 2):
            entries.setdefault(entry.name, entry)
    if all(entry.reference for entry in entries.values()):
        raise RequestError(f"only references are named; name a model to compare, such as {', '.join(DEFAULTS)}")
    return tuple(entries.values())


@dataclass(frozen=True, eq=False)
class Work:
    """A benchmark of taggers with every choice made."""

    table: FeatureTable
    groups: Groups
    plan: Plan
    models: tuple[TaggerSpec, ...]
    seed: int
    precision: float | None
    draws: int

    @cached_property
    def data(self) -> TagData:
        """What is fitted on."""
        codes = np.searchsorted(self.table.genres, self.table.y.astype(str)).astype(float)
        return TagData(self.table.X, self.table.tags.matrix, codes[:, None], self.groups)

    @cached_property
    def fits(self) -> list[TagFit]:
        """Each tagger on each fold."""
        grouped, tags = self.plan.grouped, len(self.table.tags.names)
        return [
            TagFit(entry, number, fold, grouped, self.seed, tags, self.precision)
            for entry in self.models
            for number, fold in enumerate(self.plan.folds, start=1)
        ]

    @cached_property
    def rows(self) -> np.ndarray:
        """(tested,), the tested rows of the table, in ascending order."""
        return self.plan.tested

    @cached_property
    def fold(self) -> np.ndarray:
        """(tested,), the fold that tests each, from 1."""
        fold = np.zeros(len(self.rows), dtype=int)
        for number, part in enumerate(self.plan.folds, start=1):
            fold[np.searchsorted(self.rows, part.test)] = number
        return fold

    @cached_property
    def scorer(self) -> TagScores:
        """The tested tracks, and what each fold can test."""
        Y = self.table.tags.matrix
        testable = np.zeros((len(self.rows), Y.shape[1]), dtype=bool)
        for number, part in enumerate(self.plan.folds, start=1):
            sides = [Y[rows].mean(axis=0) for rows in (part.train, part.test)]
            testable[self.fold == number] = np.all([(share > 0) & (share < 1) for share in sides], axis=0)
        groups = self.groups.independent(self.rows)
        return TagScores(Y[self.rows], self.fold, testable, groups, trained=len(self.plan.folds) > 1)

    def notes(self) -> list[str]:
        """The tags that some folds cannot test."""
        lost = {}
        for tag, name in enumerate(self.table.tags.names):
            gaps = [str(k) for k in np.unique(self.fold) if not self.scorer.testable[self.fold == k, tag].all()]
            if gaps:
                lost[name] = ", ".join(gaps)
        if not lost:
            return []
        shown = "; ".join(f"{name} (fold {folds})" for name, folds in lost.items())
        return [f"{self.plan.protocol}: tags that a fold cannot test, and that do not count there: {shown}"]

    def auc(self, outcomes: Sequence[TagOutcome]) -> dict[str, Estimate]:
        """The macro ROC AUC of each tagger."""
        self._check_testable()
        found = {entry.name: self._gathered(entry.name, outcomes) for entry in self.models}
        return {name: macro(self.scorer.by_tag(made.scores, made.y_pred)["roc_auc"]) for name, made in found.items()}

    def _check_testable(self) -> None:
        if not len(self.scorer.tested):
            raise RequestError(
                f"{self.plan.protocol}: no fold has tracks with and without a tag on both sides; choose fewer folds or "
                "another protocol"
            )

    def tables(self, outcomes: Sequence[TagOutcome], *, probabilities: bool) -> dict[str, pd.DataFrame]:
        """The tables of a `TagComparison`.

        Raises
        ------
        RequestError : no fold can test any tag.
        """
        import pandas as pd

        self._check_testable()
        found = {entry.name: self._gathered(entry.name, outcomes) for entry in self.models}
        by_tag = {name: self.scorer.by_tag(made.scores, made.y_pred) for name, made in found.items()}
        auc = {name: macro(made["roc_auc"]) for name, made in by_tag.items()}
        references = {entry.name: entry.reference for entry in self.models}
        ranked = sorted(auc, key=lambda name: (references[name], -auc[name].value))
        best = found[ranked[0]]
        scores: list[dict[str, Any]] = [
            {"protocol": self.plan.protocol, "model": name} | self._scores(found[name], by_tag[name]) for name in ranked
        ]
        members = best_set([[auc[name]] for name in ranked], draws=self.draws, seed=self.seed)
        ranking = zip(ranked, scores, members.p_values, members.members, strict=True)
        for place, (name, row, p_value, member) in enumerate(ranking):
            row |= {
                "p_value": float(p_value) if place else float("nan"),
                "tied_with_best": bool(member) and place > 0,
                "fit_seconds": round(found[name].fit_seconds, 4),
                "predict_seconds": round(found[name].predict_seconds, 4),
            }
        rows: dict[str, list[dict[str, Any]]] = {
            "scores": scores,
            "tag_scores": [row for name in ranked for row in self._tag_rows(name, found[name], by_tag[name])],
            "tests": self._tests(ranked, auc),
            "cooccurrence": self._cooccurrence(),
            "confusion": self._confusion(ranked[0], best),
            "errors": self._errors(best),
        }
        frames = {name: pd.DataFrame(part) for name, part in rows.items()}
        predictions = pd.DataFrame(self._identity | {name: self._texts(found[name].y_pred) for name in ranked})
        kept = [self._probability_frame(name, found[name]) for name in ranked] if probabilities else []
        return frames | {
            "predictions": predictions.sort_values("fold", kind="stable", ignore_index=True),
            "retrieval": retrieve_tags(self.table, self.groups, seed=self.seed),
            "probabilities": pd.concat([pd.DataFrame(), *kept], ignore_index=True),
        }

    def _gathered(self, name: str, outcomes: Sequence[TagOutcome]) -> _Gathered:
        """What a model predicted, from all folds."""
        shape = (len(self.rows), len(self.table.tags.names))
        made = _Gathered(np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=bool), [])
        for fit, outcome in zip(self.fits, outcomes, strict=True):
            if fit.entry.name == name:
                here = np.searchsorted(self.rows, fit.fold.test)
                made.scores[here], made.probabilities[here] = outcome.scores, outcome.probabilities
                made.y_pred[here] = outcome.y_pred
                made.outcomes.append(outcome)
        return made

    def _scores(self, made: _Gathered, by_tag: Mapping[str, Sequence[Estimate]]) -> dict[str, float]:
        means = {f"macro_{name}": macro(estimates) for name, estimates in by_tag.items()}
        columns = means | self.scorer.overall(made.probabilities, made.y_pred)
        return {key: value for name, estimate in columns.items() for key, value in estimate.columns(name).items()}

    def _tag_rows(
        self, model: str, made: _Gathered, by_tag: Mapping[str, Sequence[Estimate]]
    ) -> list[dict[str, object]]:
        rows = []
        thresholds = np.mean([outcome.thresholds for outcome in made.outcomes], axis=0)
        for place, tag in enumerate(self.scorer.tested):
            has, predicted = self.scorer.Y[:, tag], made.y_pred[:, tag]
            both = float((has & predicted).sum())
            row: dict[str, object] = {
                "protocol": self.plan.protocol,
                "model": model,
                "tag": self.table.tags.names[tag],
                "support": int(has.sum()),
                "artists": len(np.unique(self.scorer.groups[has])),
                "share": float(has.mean()),
            }
            for name, estimates in by_tag.items():
                row |= estimates[place].columns(name)
            row |= {
                "precision": both / max(float(predicted.sum()), 1.0),
                "recall": both / max(float(has.sum()), 1.0),
                "threshold": float(thresholds[tag]),
            }
            rows.append(row)
        return rows

    def _tests(self, ranked: Sequence[str], auc: Mapping[str, Estimate]) -> list[dict[str, object]]:
        best, *others = ranked
        differences = [auc[best] - auc[other] for other in others]
        corrected = holm(np.array([difference.p_value for difference in differences]))
        rows: list[dict[str, object]] = []
        for other, difference, p_holm in zip(others, differences, corrected, strict=True):
            row: dict[str, object] = {"protocol": self.plan.protocol, "model": other, "best": best}
            p_values = {"p_value": difference.p_value, "p_holm": float(p_holm)}
            rows.append(row | difference.columns("difference") | p_values)
        return rows

    def _cooccurrence(self) -> list[dict[str, object]]:
        Y = self.table.tags.matrix.astype(np.int64)
        return self._pairs(Y.T @ Y, Y.sum(axis=0)[:, None])

    def _confusion(self, model: str, made: _Gathered) -> list[dict[str, object]]:
        """How often tracks of one tag were wrongly given another."""
        Y = self.scorer.Y
        wrong = (made.y_pred & ~Y).astype(np.int64)
        rows = self._pairs(Y.T.astype(np.int64) @ wrong, Y.T.astype(np.int64) @ (~Y).astype(np.int64))
        return [{"model": model} | row for row in rows]

    def _pairs(self, counts: np.ndarray, of: np.ndarray) -> list[dict[str, object]]:
        names = self.table.tags.names
        shares = counts / np.maximum(of, 1)
        return [
            {"tag": one, "other": other, "tracks": int(counts[i, j]), "share": float(shares[i, j])}
            for i, one in enumerate(names)
            for j, other in enumerate(names)
            if i != j
        ]

    def _errors(self, made: _Gathered) -> list[dict[str, object]]:
        """The tracks with the largest mean log loss over their tags."""
        Y, names = self.scorer.Y, self.table.tags.names
        right = np.where(Y, made.probabilities, 1 - made.probabilities)
        loss = -np.log(np.maximum(right, _LEAST)).mean(axis=1)
        texts = {name: self._texts(part) for name, part in (("tags", Y), ("predicted", made.y_pred))}
        rows: list[dict[str, object]] = []
        for row in np.argsort(-loss, kind="stable")[:_MOST_ERRORS]:
            ordered = np.argsort(right[row], kind="stable")
            missed, added = (
                "|".join(f"{names[t]} {made.probabilities[row, t]:.2f}" for t in ordered if wrong[row, t])
                for wrong in (Y & ~made.y_pred, made.y_pred & ~Y)
            )
            track: dict[str, object] = {name: texts[name][row] for name in texts}
            known = {n: str(self.table.frame[n].iloc[self.rows[row]]) for n in TRACK_COLUMNS if n in self.table.frame}
            rows.append({"track_id": str(self.table.ids[self.rows[row]])} | known | track)
            rows[-1] |= {"missed": missed, "added": added, "log_loss": float(loss[row])}
        return rows

    @cached_property
    def _identity(self) -> dict[str, Any]:
        return {
            "protocol": np.full(len(self.rows), self.plan.protocol, dtype=object),
            "fold": self.fold,
            "track_id": self.table.ids[self.rows],
            "tags": self._texts(self.scorer.Y),
        }

    def _texts(self, matrix: np.ndarray) -> list[str]:
        from genreclf.tables.labels import Tags

        return Tags(self.table.tags.names, matrix).texts()

    def _probability_frame(self, name: str, made: _Gathered) -> pd.DataFrame:
        import pandas as pd

        identity = pd.DataFrame(
            {key: self._identity[key] for key in ("protocol", "fold", "track_id")} | {"model": name}
        )
        columns = [f"p_{tag}" for tag in self.table.tags.names]
        return pd.concat([identity, pd.DataFrame(np.round(made.probabilities, 6), columns=columns)], axis=1)


@dataclass(frozen=True, eq=False)
class _Gathered:
    """What a model predicted for the tested tracks: scores, probabilities and tags, each (tested, tags)."""

    scores: np.ndarray
    probabilities: np.ndarray
    y_pred: np.ndarray
    outcomes: list[TagOutcome]

    @property
    def fit_seconds(self) -> float:
        """CPU time over all folds."""
        return sum(outcome.fit_seconds for outcome in self.outcomes)

    @property
    def predict_seconds(self) -> float:
        """CPU time over all folds."""
        return sum(outcome.predict_seconds for outcome in self.outcomes)
