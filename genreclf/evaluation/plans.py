"""Plans: a protocol applied to a table, checked for leaks, with what the user must know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.evaluation.folds import Folds, folds_of_sides
from genreclf.evaluation.repeats import like_folds

if TYPE_CHECKING:
    from genreclf.evaluation.folds import Fold
    from genreclf.evaluation.groups import Groups
    from genreclf.evaluation.protocols import Protocol, Settings
    from genreclf.tables.table import FeatureTable

# With fewer groups than some twenty, their variance is hardly known.
FEW_GROUPS = 20


@dataclass(frozen=True, eq=False)
class Plan:
    """The folds of a protocol on a table, by row number.

    Parameters
    ----------
    protocol : its name.
    repeats : the folds of each division; all divisions test the same rows.
    grouped : whether the folds are artist-disjoint.
    notes : what the user must know of the first folds.
    """

    protocol: str
    repeats: tuple[tuple[Fold, ...], ...]
    grouped: bool
    notes: tuple[str, ...] = ()

    @property
    def folds(self) -> tuple[Fold, ...]:
        """The folds of the first division."""
        return self.repeats[0]

    @property
    def tested(self) -> np.ndarray:
        """The rows that are tested in any fold, in ascending order."""
        return np.unique(np.concatenate([fold.test for fold in self.folds]))


def plan(protocol: Protocol, table: FeatureTable, groups: Groups, settings: Settings) -> Plan:
    """Make the folds of a protocol, and make sure that nothing stands on both sides.

    Raises
    ------
    RequestError : the table does not allow the protocol.
    """
    made = protocol.folds(table, groups, settings)
    again = protocol.again(table, groups, settings, made) if protocol.again and settings.repeats > 1 else []
    grouped = protocol.grouping == "artists" or (protocol.grouping == "optional" and settings.group)
    tied = groups.widest if grouped else groups.recordings
    return _plan(protocol.name, [made, *again], tied, grouped=grouped and groups.artists is not None)


def like(protocol: Protocol, disjoint: Plan, table: FeatureTable, groups: Groups, settings: Settings) -> Plan:
    """The plan of random folds that hold as many tracks of each genre as the artist-disjoint folds of another plan."""
    codes = np.unique(table.y.astype(str), return_inverse=True)[1]
    repeats = []
    for number, folds in enumerate(disjoint.repeats):
        side = Folds(folds).sides(len(codes))
        drawn = like_folds(codes, groups.recordings, side, seed=(settings.seed + number) % 2**32)
        repeats.append(folds_of_sides(table.y, drawn, len(folds), "tracks"))
    return _plan(protocol.name, repeats, groups.recordings, grouped=False)


def _plan(name: str, repeats: Sequence[Folds], tied: np.ndarray, *, grouped: bool) -> Plan:
    """A plan, after a check that nothing stands on both sides of a fold."""
    for number, fold in (pair for made in repeats for pair in enumerate(made.folds, start=1)):
        both = np.intersect1d(tied[fold.train], tied[fold.test])
        if len(both):
            raise AssertionError(f"{name}, fold {number}: {len(both)} groups stand on both sides")
    notes = tuple(f"{name}: {note}" for note in repeats[0].notes)
    return Plan(name, tuple(made.folds for made in repeats), grouped, notes)


def untestable(made: Plan, table: FeatureTable, groups: Groups) -> list[str]:
    """The genres that no fold can both train and test: all their tracks are tied, or on one side of a single split."""
    y = table.y.astype(str)
    tied = groups.widest if made.grouped else groups.recordings
    sides = [(set(y[fold.train]), set(y[fold.test])) for fold in made.folds]
    return [
        genre
        for genre in table.genres
        if len(np.unique(tied[y == genre])) == 1 or (len(sides) == 1 and not all(genre in side for side in sides[0]))
    ]


def untestable_note(made: Plan, genres: Sequence[str], table: FeatureTable) -> str:
    """What is left out because it cannot be tested, and why."""
    tracks = [int((table.y == genre).sum()) for genre in genres]
    counts = [f"{genre} ({n} track{'' if n == 1 else 's'})" for genre, n in zip(genres, tracks, strict=True)]
    tied = "by one artist" if made.grouped else "of one recording"
    why = "not on both sides of the split" if len(made.folds) == 1 else f"all tracks are {tied}"
    return f"{made.protocol}: genres that cannot be both trained and tested ({why}) are left out: {', '.join(counts)}"


def leak_notes(made: Plan, groups: Groups) -> list[str]:
    """How many tested tracks are by an artist that was seen in training, for plans that allow it."""
    if groups.artists is None or made.grouped:
        return []
    leaked = sum(int(np.isin(groups.artists[fold.test], groups.artists[fold.train]).sum()) for fold in made.folds)
    if not leaked:
        return []
    return [f"{made.protocol}: {leaked} of {len(made.tested)} test tracks are by artists seen in training"]


def precision_notes(made: Plan, groups: Groups) -> list[str]:
    """What makes the intervals of a plan too narrow, if anything does."""
    number = len(np.unique(groups.widest[made.tested]))
    if number >= FEW_GROUPS:
        return []
    what = "recordings" if groups.artists is None else "artists"
    if number == 1:
        return [f"{made.protocol}: all test tracks are by one artist; intervals are over tracks, for this artist alone"]
    return [f"{made.protocol}: {number} {what} are tested; intervals and p-values over so few are rough"]
