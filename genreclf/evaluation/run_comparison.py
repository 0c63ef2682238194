"""Several runs side by side: what changed between them, and whether the scores changed with it.

Two runs are compared on the tracks that both tested and gave the same genre. The difference of a model's macro-F1
is drawn again and again over artists (over tracks where no artist is known), the same draw for both runs, so that
what makes tracks easy or hard for both falls away. p-values are two-sided and Holm-corrected over all differences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.pages.wording import count, flat, listed, protocol_title
from genreclf.reports.outcome import contenders, rows_of, score_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison

LEVEL = 0.05
_DIGEST = 12
_PASSING = frozenset({"command", "started", "seconds", "notes", "protocols"})


@dataclass(frozen=True)
class RunScore:
    """One model in one run.

    Parameters
    ----------
    score, low, high : macro-F1 in the run, with its interval.
    shared : tracks that this run and the first share; 0 for the first run.
    difference, difference_low, difference_high : macro-F1 less that of the first run, over the shared tracks.
    p_value : of no difference, Holm-corrected; NaN where nothing is shared.
    """

    model: str
    run: str
    score: float
    low: float
    high: float
    shared: int = 0
    difference: float = math.nan
    difference_low: float = math.nan
    difference_high: float = math.nan
    p_value: float = math.nan

    @property
    def verdict(self) -> str:
        """``better``, ``worse``, ``same`` as far as can be told, or empty where there is nothing to compare."""
        if not math.isfinite(self.p_value):
            return ""
        return "same" if self.p_value >= LEVEL else "better" if self.difference > 0 else "worse"


@dataclass(frozen=True)
class Change:
    """Something that is not the same in all runs: what, and its value in each."""

    what: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class RunComparison:
    """Runs side by side.

    Parameters
    ----------
    runs : their names, the first is what the others are compared with.
    protocols : the protocol of each run that is looked at.
    scores : a row for each model and run, models in the order of the first run.
    changes : what is not the same in all runs.
    notes : what must be known to read the differences.
    """

    runs: tuple[str, ...]
    protocols: tuple[str, ...]
    scores: tuple[RunScore, ...]
    changes: tuple[Change, ...]
    commands: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in order."""
        return tuple(dict.fromkeys(score.model for score in self.scores))


def compare_runs(runs: Mapping[str, Comparison], *, draws: int = 1000, seed: int = 42) -> RunComparison:
    """Lay runs side by side.

    Parameters
    ----------
    runs : at least two comparisons by name, the one that the others are compared with first.
    draws, seed : of the bootstrap.

    Raises
    ------
    RequestError : fewer than two runs, or draws.
    """
    if len(runs) < 2:
        raise RequestError("one run alone cannot be compared; give the folders of two or more reports")
    if draws < 2:
        raise RequestError(f"{draws} draws make no interval; ask for some hundred")
    protocols = _protocols(runs)
    names = tuple(runs)
    first, *others = names
    notes = _protocol_notes(names, protocols)
    scores = [_run_score(runs[name], name, protocols[name], model) for name in names for model in _models(runs[name])]
    found = {(score.model, score.run): score for score in scores}
    for name in others:
        pairs = _Pairs.of(runs[first], protocols[first], runs[name], protocols[name])
        notes += pairs.notes(first, name)
        for model in pairs.models:
            found[model, name] = pairs.compared(found[model, name], draws=draws, seed=seed)
    corrected = _corrected(list(found.values()))
    order = {model: place for place, model in enumerate(dict.fromkeys(s.model for s in scores))}
    ordered = sorted(corrected, key=lambda score: (order[score.model], names.index(score.run)))
    return RunComparison(
        runs=names,
        protocols=tuple(protocols.values()),
        scores=tuple(ordered),
        changes=tuple(_changes(list(runs.values()))),
        commands=tuple(str(run.run.get("command", "")) for run in runs.values()),
        notes=tuple(notes),
    )


def _protocols(runs: Mapping[str, Comparison]) -> dict[str, str]:
    """The first protocol that all runs have; where there is none, each one's own first."""
    have = [list(dict.fromkeys(run.scores["protocol"].astype(str))) for run in runs.values()]
    common = [protocol for protocol in have[0] if all(protocol in others for others in have[1:])]
    return {name: common[0] if common else own[0] for name, own in zip(runs, have, strict=True)}


def _protocol_notes(names: Sequence[str], protocols: Mapping[str, str]) -> list[str]:
    if len(set(protocols.values())) == 1:
        return []
    told = listed(f"{name} by {protocol_title(protocols[name])}" for name in names)
    return [f"No protocol is common to all runs, so scores may differ for that reason alone: {told}."]


def _models(run: Comparison) -> list[str]:
    return list(dict.fromkeys(contenders(run.scores)["model"].astype(str)))


def _run_score(run: Comparison, name: str, protocol: str, model: str) -> RunScore:
    rows = run.scores[(run.scores["protocol"] == protocol) & (run.scores["model"] == model)]
    with_ends = score_of(rows_of(rows)[0]) if len(rows) else (math.nan, math.nan, math.nan)
    return RunScore(model, name, *with_ends)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """What two runs predicted for the tracks that both tested."""

    joined: pd.DataFrame
    groups: np.ndarray
    models: tuple[str, ...]
    tested: tuple[int, int]
    relabelled: int

    @classmethod
    def of(cls, first: Comparison, protocol: str, other: Comparison, other_protocol: str) -> _Pairs:
        mine, theirs = _predictions(first, protocol), _predictions(other, other_protocol)
        joined = mine.merge(theirs, on="track_id", suffixes=("\0first", "\0other"))
        same = joined["genre\0first"] == joined["genre\0other"]
        kept = joined[same].reset_index(drop=True)
        fixed = ("protocol", "fold", "track_id", "genre")
        both = tuple(m for m in _models(other) if m not in fixed and m in mine.columns and m in theirs.columns)
        artists = _artists(other) | _artists(first)
        groups = kept["track_id"].map(lambda track: artists.get(track) or f"\0{track}").to_numpy(dtype=str)
        return cls(kept, groups, both, (len(mine), len(theirs)), int((~same).sum()))

    def notes(self, first: str, other: str) -> list[str]:
        shared, relabelled = len(self.joined), self.relabelled
        if not shared:
            return [f"{first} and {other} share no track by its id, so their differences cannot be tested."]
        notes = []
        if self.tested != (shared, shared):
            notes.append(
                f"{first} was tested on {count(self.tested[0], 'track')}, {other} on {self.tested[1]:,}; "
                f"differences are over the {shared:,} that they share."
            )
        if relabelled:
            notes.append(f"{count(relabelled, 'shared track')} of {first} and {other} with different genres left out.")
        return notes

    def compared(self, score: RunScore, *, draws: int, seed: int) -> RunScore:
        import numpy as np

        from genreclf.evaluation.bootstrap import Bootstrap, interval
        from genreclf.evaluation.scores import confusion_counts, drawn_confusions, macro_f1
        from genreclf.evaluation.significance import paired_bootstrap

        columns = ["genre\0first", *(f"{score.model}\0{side}" for side in ("first", "other"))]
        known = self.joined[columns].notna().all(axis=1).to_numpy()
        if not known.any():
            return score
        texts = self.joined.loc[known, columns].astype(str).to_numpy(dtype=str)
        genres, codes = np.unique(texts, return_inverse=True)
        y, mine, theirs = codes.reshape(texts.shape).T
        bootstrap = Bootstrap.over(self.groups[known], draws=draws, seed=seed)
        scores = [float(macro_f1(confusion_counts(y, y_pred, len(genres)))) for y_pred in (mine, theirs)]
        drawn = [macro_f1(drawn_confusions(bootstrap, y, y_pred, len(genres))) for y_pred in (mine, theirs)]
        difference = scores[1] - scores[0]
        low, high = interval(drawn[1] - drawn[0])
        return replace(
            score,
            shared=int(known.sum()),
            difference=difference,
            difference_low=low,
            difference_high=high,
            p_value=paired_bootstrap(difference, drawn[1] - drawn[0]).p_value,
        )


def _predictions(run: Comparison, protocol: str) -> pd.DataFrame:
    predictions = run.predictions[run.predictions["protocol"] == protocol]
    texts = predictions.assign(track_id=predictions["track_id"].astype(str), genre=predictions["genre"].astype(str))
    return texts.drop_duplicates("track_id")


def _artists(run: Comparison) -> dict[str, str]:
    if run.tracks.empty or "artist" not in run.tracks:
        return {}
    names = run.tracks["artist"].fillna("").astype(str)
    return dict(zip(run.tracks["track_id"].astype(str), names, strict=True))


def _corrected(scores: list[RunScore]) -> list[RunScore]:
    import numpy as np

    from genreclf.evaluation.significance import holm

    tested = [i for i, score in enumerate(scores) if math.isfinite(score.p_value)]
    p_values = holm(np.array([scores[i].p_value for i in tested])) if tested else np.empty(0)
    for i, p_value in zip(tested, p_values, strict=True):
        scores[i] = replace(scores[i], p_value=float(p_value))
    return scores


def _changes(runs: Sequence[Comparison]) -> list[Change]:
    """What the runs wrote down of themselves, where it is not the same in all."""
    told = [dict(_flattened(run.run)) for run in runs]
    names = dict.fromkeys(name for run in told for name in run)
    changes = []
    for name in names:
        values = tuple(run.get(name, "") for run in told)
        if len(set(values)) > 1:
            missing = "0" if name.startswith("table families ") else "none given"
            changes.append(Change(_named(name), tuple(value or missing for value in values)))
    return changes


def _named(what: str) -> str:
    """What changed, in the words of the command line and of tables."""
    if what.startswith("table families "):
        return f"{what.removeprefix('table families ')} features"
    told = {"table digest": "contents of the table", "table features": "number of features", "table rows": "tracks"}
    return told.get(what, what.replace("parameters ", "option ").replace("versions ", "version of "))


def _flattened(value: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for key, inner in value.items():
        name = f"{before} {key}".strip().replace("_", " ")
        if not before and key in _PASSING:
            continue
        if isinstance(inner, Mapping):
            found += _flattened(inner, name)
        else:
            text = "" if inner is None else flat(inner)
            found.append((name, f"{text[:_DIGEST]}…" if key == "digest" and len(text) > _DIGEST else text))
    return found
