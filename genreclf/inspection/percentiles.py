"""The percentiles of a track's numbers among the tracks of a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable


@dataclass(frozen=True)
class FeaturePercentile:
    """One feature of a track.

    Parameters
    ----------
    percentile : share of the table's tracks below it, counting equal ones by half, from 0 to 1; None without a table.
    """

    feature: str
    value: float
    percentile: float | None = None


def feature_percentiles(features: Mapping[str, float], table: FeatureTable | None) -> tuple[FeaturePercentile, ...]:
    """Each feature with its percentile among the tracks of a table.

    Raises
    ------
    RequestError : the table holds none of the features.
    """
    columns = {} if table is None else {name: table.filled[:, place] for place, name in enumerate(table.features)}
    if table is not None and columns.keys().isdisjoint(features):
        raise RequestError(
            f"{table.name} holds none of the {len(features)} features of this track; give a table that "
            "'genreclf extract' wrote with the same feature set"
        )
    return tuple(
        FeaturePercentile(
            name,
            value,
            float(((columns[name] < value).mean() + (columns[name] <= value).mean()) / 2)
            if name in columns and len(columns[name])
            else None,
        )
        for name, value in features.items()
    )
