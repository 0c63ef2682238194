"""Where a track's numbers stand among the tracks of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable


@dataclass(frozen=True)
class Standing:
    """One feature of a track.

    Parameters
    ----------
    percentile : share of the table's tracks below it, counting equal ones by half, from 0 to 1; None without a table.
    """

    feature: str
    value: float
    percentile: float | None


def standings(features: Mapping[str, float], table: FeatureTable | None) -> list[Standing]:
    """Each feature with its place among the tracks of a table.

    Raises
    ------
    RequestError : the table holds none of the features.
    """
    if table is None:
        return [Standing(name, value, None) for name, value in features.items()]
    known = {name: column for column, name in enumerate(table.features)}
    if not any(name in known for name in features):
        raise RequestError(
            f"{table.name} holds none of the {len(features)} features of this track; give a table that "
            "'genreclf extract' wrote with the same feature set"
        )
    found = []
    for name, value in features.items():
        share = None
        if name in known and len(table):
            column = table.X[:, known[name]]
            share = float(((column < value).sum() + 0.5 * (column == value).sum()) / len(table))
        found.append(Standing(name, value, share))
    return found
