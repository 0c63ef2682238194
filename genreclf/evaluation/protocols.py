"""Protocols: who is trained on and who is tested.

========== ==========================================================================================
study      the study's split: a quarter to test on, stratified, seed 42, artists on both sides
holdout    the same with any share and seed
cv-artist  stratified folds, each artist on one side
cv-random  stratified folds, artists on both sides
split      the table's own column ``split``: trained on its training part, tested on its test part
cross      trained on one table, tested on another
========== ==========================================================================================

``cv`` asks for ``cv-artist`` where artists are known, and for ``cv-random`` beside it, so that the price of
leaking shows. Under every protocol the rows of one recording stand on one side. A new protocol is one function
and one entry of `PROTOCOLS`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError, nearest
from genreclf.evaluation.folds import Fold, Folds, grouped_folds, holdout, one_fold, random_folds

if TYPE_CHECKING:
    from genreclf.evaluation.groups import Groups
    from genreclf.tables.table import FeatureTable

STUDY_SEED = 42
STUDY_TEST_SIZE = 0.25

# With fewer groups than some twenty, percentile intervals over them are too narrow.
FEW_DRAWN = 20

_TRAINING = ("train", "training")
_VALIDATION = ("val", "valid", "validation", "dev")
_TEST = ("test", "testing")


@dataclass(frozen=True)
class Settings:
    """What a protocol may be asked for.

    Parameters
    ----------
    folds : number of folds of a cross-validation.
    test_size : share of the tracks that ``holdout`` tests on.
    seed : seed of the folds.
    group : whether artists stay on one side where they are known.
    """

    folds: int = 5
    test_size: float = 0.25
    seed: int = 42
    group: bool = True


@dataclass(frozen=True, eq=False)
class Plan:
    """A protocol made real for a table: its folds, by row number, and what the user must know of them."""

    protocol: str
    folds: tuple[Fold, ...]
    grouped: bool
    notes: tuple[str, ...] = ()

    @property
    def tested(self) -> np.ndarray:
        """The rows that are tested in any fold, in ascending order."""
        return np.unique(np.concatenate([fold.test for fold in self.folds]))


def _study(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    del settings
    return holdout(table.y, groups.recordings, test_size=STUDY_TEST_SIZE, seed=STUDY_SEED)


def _holdout(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return holdout(table.y, groups.recordings, test_size=settings.test_size, seed=settings.seed)


def _cv_artist(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    if groups.artists is None:
        raise RequestError(
            f"{table.name} names no artists, so they cannot be kept apart; give their column with --group, "
            "or choose --protocol cv-random"
        )
    return grouped_folds(table.y, groups.artists, folds=settings.folds, seed=settings.seed)


def _cv_random(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    return random_folds(table.y, groups.recordings, folds=settings.folds, seed=settings.seed)


def _split(table: FeatureTable, groups: Groups, settings: Settings) -> Folds:
    if "split" not in table.frame:
        raise RequestError(f"{table.name} has no column 'split'; choose another --protocol: {_choices('split')}")
    parts = np.array([str(part).strip().casefold() for part in table.frame["split"]])
    train = np.flatnonzero(np.isin(parts, _TRAINING))
    test = np.flatnonzero(np.isin(parts, _TEST))
    if not len(train) or not len(test):
        found = ", ".join(sorted({repr(str(p)) for p in table.frame["split"]})[:6])
        raise RequestError(
            f"{table.name}: the column 'split' must hold 'training' and 'test' (and may hold 'validation'); "
            f"it holds {found}"
        )
    notes = []
    validation = int(np.isin(parts, _VALIDATION).sum())
    if validation:
        notes.append(f"{validation} validation tracks take no part: trained on training, tested on test")
    other = len(parts) - len(train) - len(test) - validation
    if other:
        notes.append(f"{other} tracks without a known split take no part")
    train, notes_of_removal = _without_tested(train, test, groups, settings, "the split")
    try:
        made = one_fold(table.y, train, test)
    except RequestError as error:
        raise RequestError("; ".join([str(error), *notes_of_removal])) from None
    return Folds(made.folds, (*notes, *notes_of_removal, *made.notes))


def _without_tested(
    train: np.ndarray, test: np.ndarray, groups: Groups, settings: Settings, where: str
) -> tuple[np.ndarray, list[str]]:
    """Leave out training rows that share a recording or an artist with a tested row."""
    tied = groups.widest if settings.group else groups.recordings
    what = "artists" if settings.group and groups.artists is not None else "recordings"
    shared = np.isin(tied[train], tied[test])
    if not shared.any():
        return train, []
    removed = f"{int(shared.sum())} training tracks are left out, as their {what} are also tested by {where}"
    hint = "; --no-group keeps the tracks of those artists" if what == "artists" else ""
    return train[~shared], [removed + hint]


PROTOCOLS: dict[str, Callable[[FeatureTable, Groups, Settings], Folds]] = {
    "study": _study,
    "holdout": _holdout,
    "cv-artist": _cv_artist,
    "cv-random": _cv_random,
    "split": _split,
    "cross": _split,
}


def choose(protocol: str | None, table: FeatureTable, settings: Settings, *, crossed: bool = False) -> tuple[str, ...]:
    """The protocols to run for what was asked: ``cv`` stands for one or two of them.

    Raises
    ------
    RequestError : there is no such protocol, or it does not go with a second table, with folds or with a test share.
    """
    asked = protocol or ("cross" if crossed else "cv")
    if asked != "cv" and asked not in PROTOCOLS:
        raise RequestError(f"unknown protocol {asked!r}; choose from {_choices()}{nearest(asked, PROTOCOLS)}")
    if crossed != (asked == "cross"):
        raise RequestError(
            "protocol 'cross' trains on one table and tests on another; give the other with --test-table"
            if not crossed
            else f"a test table goes with protocol 'cross', not with {asked!r}"
        )
    if settings.folds != Settings.folds and not asked.startswith("cv"):
        raise RequestError(f"--folds goes with a cross-validation, and {asked!r} is none; leave it out")
    if settings.test_size != Settings.test_size and asked != "holdout":
        raise RequestError(f"--test-size goes with protocol 'holdout', not with {asked!r}; leave it out")
    if asked != "cv":
        return (asked,)
    return ("cv-artist", "cv-random") if settings.group and table.groups is not None else ("cv-random",)


def plan(protocol: str, table: FeatureTable, groups: Groups, settings: Settings) -> Plan:
    """Make the folds of a protocol, and make sure that nothing stands on both sides.

    Raises
    ------
    RequestError : the table does not allow the protocol.
    """
    made = PROTOCOLS[protocol](table, groups, settings)
    grouped = protocol == "cv-artist" or (protocol in ("split", "cross") and settings.group)
    tied = groups.widest if grouped else groups.recordings
    for number, fold in enumerate(made.folds, start=1):
        both = np.intersect1d(tied[fold.train], tied[fold.test])
        if len(both):
            raise AssertionError(f"{protocol}, fold {number}: {len(both)} groups stand on both sides")
    notes = [f"{protocol}: {note}" for note in made.notes]
    return Plan(protocol, made.folds, grouped and groups.artists is not None, tuple(notes))


def leak_notes(made: Plan, groups: Groups) -> list[str]:
    """How many tested tracks are by an artist that was trained on, for protocols that let that be."""
    if groups.artists is None or made.grouped:
        return []
    leaked = sum(int(np.isin(groups.artists[fold.test], groups.artists[fold.train]).sum()) for fold in made.folds)
    if not leaked:
        return []
    return [f"{made.protocol}: {leaked} of {len(made.tested)} test tracks are by artists that were trained on"]


def precision_notes(made: Plan, groups: Groups) -> list[str]:
    """What makes a protocol's intervals too narrow, if anything does."""
    number = len(np.unique(groups.widest[made.tested]))
    if number >= FEW_DRAWN:
        return []
    what = "recordings" if groups.artists is None else "artists"
    if number == 1:
        return [f"{made.protocol}: all test tracks are of one artist; intervals are over tracks, for this artist alone"]
    return [f"{made.protocol}: {number} {what} are tested; intervals over so few are too narrow, and tests too sure"]


def _choices(without: str = "") -> str:
    return ", ".join(name for name in ("study", "holdout", "cv", *list(PROTOCOLS)[2:]) if name != without)
