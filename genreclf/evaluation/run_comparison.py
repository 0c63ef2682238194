"""Several runs side by side: what changed between them, and whether the scores changed with it.

Two runs are compared on the tracks that both tested, where they agree on the genre. The difference of a model's
macro-F1 gets its interval over artists (over tracks where no artist is known), on the same tracks for both runs, so
what makes tracks easy or hard in both cancels out, see `genreclf.evaluation.uncertainty`. p-values are two-sided and
Holm-corrected over all differences. Where both runs have repeats, differences are means over them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.display import Displayed
from genreclf.errors import RequestError, one_line
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.protocols import title
from genreclf.evaluation.scores import macro_f1
from genreclf.evaluation.significance import holm
from genreclf.evaluation.uncertainty import LEVEL, Estimate, Jackknife
from genreclf.models import is_baseline

if TYPE_CHECKING:
    import pandas as pd

_DIGEST = 12
_NOT_COMPARED = frozenset({"command", "started", "seconds", "notes", "protocols"})


@dataclass(frozen=True)
class RunScore:
    """One model in one run.

    Parameters
    ----------
    score, low, high : macro-F1 in the run, with its interval.
    shared : number of tracks that this run shares with the first; 0 for the first run.
    difference, difference_low, difference_high : macro-F1 minus that of the first run, over the shared tracks.
    p_value : of the difference, Holm-corrected; NaN where no track is shared.
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
        """``better``, ``worse`` or ``same`` (no significant difference); empty where there is nothing to compare."""
        if not math.isfinite(self.p_value):
            return ""
        return "same" if self.p_value >= LEVEL else "better" if self.difference > 0 else "worse"


@dataclass(frozen=True)
class Change:
    """Something that differs between runs, and its value in each."""

    what: str
    values: tuple[str, ...]


@dataclass(frozen=True, repr=False)
class RunComparison(Displayed):
    """Runs side by side.

    Parameters
    ----------
    runs : their names; the others are compared with the first.
    protocols : the protocol that each run is compared under.
    scores : one for each model and run, models in the order of the first run.
    changes : what differs between the runs.
    commands : the command that made each run; empty where it is not known.
    notes : what must be known to read the differences.
    """

    runs: tuple[str, ...]
    protocols: tuple[str, ...]
    scores: tuple[RunScore, ...]
    changes: tuple[Change, ...]
    commands: tuple[str, ...]
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        runs = one_line(", ".join(self.runs), longest=80)
        return f"<comparison of {len(self.models)} models in {len(self.runs)} runs: {runs}>"

    @property
    def models(self) -> tuple[str, ...]:
        """The models, in order."""
        return tuple(dict.fromkeys(score.model for score in self.scores))

    def as_json(self) -> dict[str, Any]:
        """The comparison in plain values, for programs; missing values are None."""
        scores = [
            {name: None if value != value else value for name, value in asdict(score).items()}  # noqa: PLR0124 - NaN
            | {"verdict": score.verdict}
            for score in self.scores
        ]
        document = asdict(self) | {"standings": scores, "models": list(self.models)}
        del document["scores"]
        return document


def read_runs(folders: Sequence[Path | str]) -> dict[str, Comparison]:
    """Read the comparisons of report folders, named by the shortest ends of their paths that tell them apart.

    Raises
    ------
    RequestError : fewer than two folders, one is given twice, or one holds no comparison.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise RequestError("one report alone cannot be compared; give two or more report folders")
    whole = [path.resolve() for path in paths]
    for number, path in enumerate(whole):
        if path in whole[:number]:
            raise RequestError(f"{paths[number]}: given twice; give different report folders")
    return {name: Comparison.read(path) for name, path in zip(_names(whole), paths, strict=True)}


def _names(paths: Sequence[Path]) -> list[str]:
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def compare_runs(runs: Mapping[str, Comparison]) -> RunComparison:
    """Compare runs with the first of them.

    Parameters
    ----------
    runs : at least two comparisons by name, the one that the others are compared with first.

    Raises
    ------
    RequestError : fewer than two runs.
    """
    if len(runs) < 2:
        raise RequestError("one run alone cannot be compared; give two or more")
    protocols = _protocols(runs)
    first, *others = names = tuple(runs)
    notes = _protocol_notes(protocols)
    scores = {
        (model, name): _run_score(run, name, protocols[name], model)
        for name, run in runs.items()
        for model in _models(run)
    }
    for name in others:
        shared, more = _shared({first: runs[first], name: runs[name]}, protocols)
        notes += more
        again = _repeats(runs[first], runs[name], protocols[first], protocols[name])
        artists = _artists(runs[name]) | _artists(runs[first])
        for model in _models(runs[name]):
            scores[model, name] = _compared(scores[model, name], [shared, *again], artists)
    models = list(dict.fromkeys(model for model, _ in scores))
    ordered = sorted(_corrected(scores.values()), key=lambda s: (models.index(s.model), names.index(s.run)))
    return RunComparison(
        runs=names,
        protocols=tuple(protocols.values()),
        scores=tuple(ordered),
        changes=tuple(_changes(list(runs.values()))),
        commands=tuple(str(run.run.get("command", "")) for run in runs.values()),
        notes=tuple(notes),
    )


def _protocols(runs: Mapping[str, Comparison]) -> dict[str, str]:
    """For each run the first protocol that all runs have; where there is none, its own first."""
    have = [list(dict.fromkeys(run.scores["protocol"].astype(str))) for run in runs.values()]
    common = [protocol for protocol in have[0] if all(protocol in others for others in have[1:])]
    return {name: common[0] if common else own[0] for name, own in zip(runs, have, strict=True)}


def _protocol_notes(protocols: Mapping[str, str]) -> list[str]:
    if len(set(protocols.values())) == 1:
        return []
    each = "; ".join(f"{name}, {title(protocol)}" for name, protocol in protocols.items())
    return [f"The runs have no protocol in common, and scores may differ for that reason alone: {each}."]


def _models(run: Comparison) -> list[str]:
    return [model for model in dict.fromkeys(run.scores["model"].astype(str)) if not is_baseline(model)]


def _run_score(run: Comparison, name: str, protocol: str, model: str) -> RunScore:
    import pandas as pd

    rows = run.scores[(run.scores["protocol"] == protocol) & (run.scores["model"] == model)]
    columns = ["macro_f1", "macro_f1_low", "macro_f1_high"]
    values = rows.reindex(columns=columns).apply(pd.to_numeric, errors="coerce").to_numpy(dtype=float)
    return RunScore(model, name, *(values[0].tolist() if len(values) else [math.nan] * 3))


def _shared(runs: Mapping[str, Comparison], protocols: Mapping[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """The predictions of two runs side by side for the tracks that both tested with the same genre, and notes.

    Columns that both runs have end in ``first`` and ``other``, after a null character.
    """
    first, other = runs
    mine, theirs = (_predictions(runs[name], protocols[name]) for name in (first, other))
    joined = mine.merge(theirs, on="track_id", suffixes=("\0first", "\0other"))
    kept = joined[joined["genre\0first"] == joined["genre\0other"]].reset_index(drop=True)
    if kept.empty:
        return kept, [f"{first} and {other} share no track id, so their differences cannot be tested."]
    notes = []
    if {len(mine), len(theirs)} != {len(kept)}:
        notes.append(
            f"Tracks tested: {len(mine):,} in {first}, {len(theirs):,} in {other}; "
            f"differences are over the {len(kept):,} that they share."
        )
    if len(joined) > len(kept):
        different = len(joined) - len(kept)
        notes.append(f"Tracks left out because their genres in {first} and {other} differ: {different:,}.")
    return kept, notes


def _repeats(first: Comparison, other: Comparison, protocol: str, other_protocol: str) -> list[pd.DataFrame]:
    """As `_shared`, the predictions of each further repeat that both runs have."""
    sides = []
    for run, name in ((first, protocol), (other, other_protocol)):
        if run.repeats.empty:
            return []
        sides.append(run.repeats[run.repeats["protocol"] == name].astype({"track_id": "str"}))
    numbers = [number for number in sides[0]["repeat"].unique() if number in set(sides[1]["repeat"])]
    mine, theirs = ([side[side["repeat"] == number] for number in numbers] for side in sides)
    suffixes = ("\0first", "\0other")
    return [one.merge(two, on="track_id", suffixes=suffixes) for one, two in zip(mine, theirs, strict=True)]


def _compared(score: RunScore, repeats: Sequence[pd.DataFrame], artists: Mapping[str, str]) -> RunScore:
    """A score with its difference from the first run over the shared tracks, where both runs have the model.

    Parameters
    ----------
    repeats : the predictions of both runs side by side; the first says which tracks are shared.
    """
    columns = [f"{score.model}\0first", f"{score.model}\0other"]
    if not {"genre\0first", *columns} <= set(repeats[0].columns):
        return score
    shared = repeats[0].dropna(subset=["genre\0first", *columns])
    if shared.empty:
        return score
    texts = [shared["genre\0first"].astype(str).to_numpy(dtype=str)]
    for repeat in repeats:
        if not set(columns) <= set(repeat.columns):
            break
        aligned = repeat.set_index("track_id")[columns].reindex(shared["track_id"])
        if aligned.isna().to_numpy().any():
            break
        texts += [aligned[column].astype(str).to_numpy(dtype=str) for column in columns]
    genres, codes = np.unique(np.stack(texts), return_inverse=True)
    y, *predictions = codes.reshape(len(texts), -1)
    groups = np.array([artists.get(track) or f"\0{track}" for track in shared["track_id"]])
    folds = min(shared[column].nunique() for column in ("fold\0first", "fold\0other"))
    jackknife = Jackknife.over(y, groups, len(genres), trained=folds > 1)
    macro = [jackknife.score(y_pred, macro_f1) for y_pred in predictions]
    difference = Estimate.mean([other - first for first, other in zip(macro[::2], macro[1::2], strict=True)])
    low, high = difference.interval
    return replace(
        score,
        shared=len(shared),
        difference=difference.value,
        difference_low=low,
        difference_high=high,
        p_value=difference.p_value,
    )


def _predictions(run: Comparison, protocol: str) -> pd.DataFrame:
    predictions = run.predictions[run.predictions["protocol"] == protocol]
    return predictions.astype({"track_id": "str", "genre": "str"}).drop_duplicates("track_id")


def _artists(run: Comparison) -> dict[str, str]:
    if run.tracks.empty or "artist" not in run.tracks:
        return {}
    names = run.tracks["artist"].fillna("").astype(str)
    return dict(zip(run.tracks["track_id"].astype(str), names, strict=True))


def _corrected(scores: Iterable[RunScore]) -> list[RunScore]:
    """The scores with their p-values Holm-corrected."""
    listed = list(scores)
    p_values = np.array([score.p_value for score in listed])
    tested = np.isfinite(p_values)
    p_values[tested] = holm(p_values[tested])
    return [replace(score, p_value=float(p_value)) for score, p_value in zip(listed, p_values, strict=True)]


def _changes(runs: Sequence[Comparison]) -> Iterator[Change]:
    """The facts recorded in ``run.json`` that differ between runs."""
    facts = [dict(_flattened(run.run)) for run in runs]
    for name in dict.fromkeys(name for run in facts for name in run):
        values = tuple(run.get(name, "") for run in facts)
        if len(set(values)) > 1:
            missing = "0" if name.startswith("table families ") else "not set"
            yield Change(_named(name), tuple(value or missing for value in values))


def _named(what: str) -> str:
    """What changed, in the words of the command line and of tables."""
    if what.startswith("table families "):
        return f"{what.removeprefix('table families ')} features"
    known = {"table digest": "contents of the table", "table features": "number of features", "table rows": "tracks"}
    return known.get(what, what.replace("parameters ", "option ").replace("versions ", "version of "))


def _flattened(value: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, inner in value.items():
        name = f"{before} {key}".strip().replace("_", " ")
        if not before and key in _NOT_COMPARED:
            continue
        if isinstance(inner, Mapping):
            yield from _flattened(inner, name)
        else:
            text = "" if inner is None else flat(inner)
            yield name, f"{text[:_DIGEST]}…" if key == "digest" and len(text) > _DIGEST else text


def flat(value: Any) -> str:  # noqa: ANN401 - whatever JSON holds
    """A value of JSON in one line: objects inside an object in brackets, lists without, empty values left out."""
    if isinstance(value, Mapping):
        known = {key: inner for key, inner in value.items() if inner not in (None, "", {}, [])}
        texts = {key: f"({flat(inner)})" if isinstance(inner, Mapping) else flat(inner) for key, inner in known.items()}
        return ", ".join(f"{key} {text}" for key, text in texts.items())
    if isinstance(value, list | tuple):
        return ", ".join(flat(inner) for inner in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
