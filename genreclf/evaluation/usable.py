"""What of a table can be evaluated: tracks with a genre, genres with two tracks, features that vary."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from genreclf.errors import RequestError
from genreclf.similarity.metrics import standard_deviations

if TYPE_CHECKING:
    from pathlib import Path

    from genreclf.series import Series
    from genreclf.tables.table import FeatureTable


def usable(table: FeatureTable) -> tuple[FeatureTable, list[str]]:
    """Leave out what cannot be evaluated, with a note on each thing left out.

    Raises
    ------
    RequestError : fewer than two genres are left, a genre has two parents, or every feature is constant.
    """
    notes: list[str] = []
    keep = np.array([bool(genre) for genre in table.y], dtype=bool)
    if not keep.any():
        raise RequestError(f"{table.name}: column {table.label!r}: no track has a genre")
    if not keep.all():
        notes.append(f"tracks without a genre are left out: {int((~keep).sum())}")
    counts = Counter(genre for genre in table.y if genre)
    single = sorted(genre for genre, count in counts.items() if count == 1)
    if single:
        notes.append(f"genres with a single track cannot be both trained on and tested; left out: {', '.join(single)}")
        keep &= ~np.isin(table.y.astype(str), single)
    left = table if keep.all() else table.take(keep)
    if len(left.genres) < 2:
        found = f"only {left.genres[0]!r}" if left.genres else "none"
        raise RequestError(f"{table.name}: at least two genres with two tracks each are needed; the table has {found}")
    check_features(left)
    left.parents  # noqa: B018 - raises where a genre has two
    return left, notes


def check_features(table: FeatureTable) -> None:
    """Make sure that some feature varies, and that all can be standardised.

    Raises
    ------
    RequestError : there is no feature, every feature is constant, or the values of one overflow when squared.
    """
    if not table.features:
        raise RequestError(f"{table.name}: no feature is chosen; name at least one feature family")
    if not standard_deviations(table).any():
        raise RequestError(f"{table.name}: every feature is the same in all tracks, so no model can tell them apart")


def crossed_series(table: FeatureTable, tested: FeatureTable, series: Series | str | Path | None) -> Series:
    """The series of the tracks of a table to train on and of a table to test on, under their ids in `crossed`.

    Parameters
    ----------
    series : a kind beside both tables; or the path of series, or a `Series`, that hold the tracks of both.

    Raises
    ------
    RequestError : there are none, or not of all tracks, or the two were not made alike.
    """
    from genreclf.series import join_series, series_of

    parts = [series_of(one, series) for one in (table, tested)]
    return join_series(parts, [*_crossed_ids(table, tested), *map(str, tested.ids)])


def crossed(table: FeatureTable, tested: FeatureTable) -> tuple[FeatureTable, list[str]]:
    """Put a table to train on and a table to test on into one, with a column ``split``.

    Genres and features that only one of them has are left out, with a note.

    Raises
    ------
    RequestError : the tables share no feature, or fewer than two genres.
    """
    import pandas as pd

    features = tuple(name for name in table.features if name in set(tested.features))
    if not features:
        raise RequestError(
            f"{table.name} and {tested.name} share no feature column; extract both with the same feature set"
        )
    notes = []
    unshared = len(table.features) + len(tested.features) - 2 * len(features)
    if unshared:
        notes.append(f"features that only one of the two tables has are left out: {unshared}")
    shared = (set(table.genres) & set(tested.genres)) - {""}
    unshared_genres = sorted((set(table.genres) | set(tested.genres)) - shared - {""})
    if unshared_genres:
        notes.append(f"genres that only one of the two tables has are left out: {', '.join(unshared_genres)}")
    if len(shared) < 2:
        raise RequestError(
            f"{table.name} and {tested.name} share fewer than two genres: "
            f"{', '.join(table.genres[:8])} against {', '.join(tested.genres[:8])}"
        )
    parts = []
    for one, names, side in ((table, _crossed_ids(table, tested), "training"), (tested, tested.ids, "test")):
        rows = np.isin(one.y.astype(str), list(shared))
        frame = one.frame.assign(track_id=names, split=side)
        parts.append(frame.loc[rows].drop(columns=[c for c in one.features if c not in features]))
    frame = pd.concat(parts, ignore_index=True)
    identity = [name for name in frame.columns if name not in features]
    frame[identity] = frame[identity].astype("object").fillna("")
    both = replace(table, frame=frame, features=features, name=f"{table.name} to {tested.name}")
    return both, notes


def _crossed_ids(table: FeatureTable, tested: FeatureTable) -> list[str]:
    """The ids of the tracks to train on, other than those to test on.

    Ids may be row numbers, which mean nothing across tables, and a track of unknown artist is grouped by its id.
    """
    taken = set(tested.ids)
    return [f"{name} of {table.name}" if name in taken else str(name) for name in table.ids]
