"""Plans: a protocol applied to a table, checked for leaks, with what the user must know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from genreclf.evaluation.folds import Fold
    from genreclf.evaluation.groups import Groups
    from genreclf.evaluation.protocols import Protocol, Settings
    from genreclf.tables.table import FeatureTable

# With fewer groups than some twenty, percentile intervals over them are too narrow.
FEW_GROUPS = 20


@dataclass(frozen=True, eq=False)
class Plan:
    """The folds of a protocol on a table, by row number.

    Parameters
    ----------
    protocol : its name.
    grouped : whether the folds are artist-disjoint.
    notes : what the user must know of the folds.
    """

    protocol: str
    folds: tuple[Fold, ...]
    grouped: bool
    notes: tuple[str, ...] = ()

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
    grouped = protocol.grouping == "artists" or (protocol.grouping == "optional" and settings.group)
    tied = groups.widest if grouped else groups.recordings
    for number, fold in enumerate(made.folds, start=1):
        both = np.intersect1d(tied[fold.train], tied[fold.test])
        if len(both):
            raise AssertionError(f"{protocol.name}, fold {number}: {len(both)} groups stand on both sides")
    notes = [f"{protocol.name}: {note}" for note in made.notes]
    return Plan(protocol.name, made.folds, grouped and groups.artists is not None, tuple(notes))


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
    return [
        f"{made.protocol}: {number} {what} are tested; intervals over so few are too narrow, and p-values too small"
    ]
