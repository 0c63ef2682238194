"""What the columns of a table from anywhere hold: the track's id, its genre, its artist, other labels, features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genreclf.errors import RequestError, nearest
from genreclf.tables.columns import IDENTITY, PARENT_GENRE
from genreclf.tables.labels import TAG_PREFIX, TAGS, join_tags, tags_of_columns

if TYPE_CHECKING:
    import pandas as pd

_ID_NAMES = ("track_id", "id", "filename", "file", "path")


class TableParts(NamedTuple):
    """What a file holds, under the names of the fields of `FeatureTable`."""

    frame: pd.DataFrame
    features: tuple[str, ...]
    meta: dict[str, Any]
    notes: tuple[str, ...]
    name: str
    label: str
    grouping: tuple[str, ...]
    path: Path


class Roles(NamedTuple):
    """Which column holds which identity column of the table; columns of one tag each; further columns to group by."""

    columns: dict[str, str]
    of_tags: tuple[str, ...]
    grouping: tuple[str, ...]


def find_roles(path: Path, header: list[str], *, label: str | None, id_column: str | None, group: str | None) -> Roles:
    """The roles of the columns of a file; see `FeatureTable.read` for the parameters.

    Raises
    ------
    RequestError : a column that is named is not there, or none holds labels.
    """
    artist, grouping = _group_columns(header, group)
    columns = _columns(path, header, label=label, id_column=id_column, group=artist)
    columns |= _further_groups(path, header, grouping, columns)
    columns |= {name: name for name in (PARENT_GENRE, TAGS) if name in header and name not in columns.values()}
    of_tags = tuple(name for name in header if name.startswith(TAG_PREFIX) and name not in columns.values())
    return Roles(columns, of_tags, tuple(grouping))


def _columns(
    path: Path, header: list[str], *, label: str | None, id_column: str | None, group: str | None
) -> dict[str, str]:
    columns = {name: name for name in IDENTITY if name in header}
    for role, asked, option in (
        ("genre", label, "label"),
        ("track_id", id_column, "id"),
        ("artist", group, "group"),
    ):
        if asked is None:
            continue
        if asked not in header:
            raise RequestError(
                f"{path}: no column {asked!r} ({option}={asked}); there are {listed(header)}{nearest(asked, header)}"
            )
        columns = {r: c for r, c in columns.items() if c != asked} | {role: asked}
    if "genre" not in columns and not any(name == TAGS or name.startswith(TAG_PREFIX) for name in header):
        raise RequestError(
            f"{path}: no column 'genre'; name the column of labels with label=COLUMN, one of {listed(header)}"
        )
    if "track_id" not in columns:
        usual = next((n for n in _ID_NAMES if n in header and n not in columns.values()), None)
        columns |= {"track_id": usual} if usual else {}
    return columns


def _group_columns(header: Sequence[str], group: str | None) -> tuple[str | None, list[str]]:
    """The columns named by ``group``: that of the artist, which is None where it is not named, and further ones."""
    if group is None or group in header:
        return group, []
    artist, *further = (name.strip() for name in group.split(","))
    return artist, further


def _further_groups(
    path: Path, header: Sequence[str], grouping: Sequence[str], roles: dict[str, str]
) -> dict[str, str]:
    for name in grouping:
        if name not in header:
            raise RequestError(
                f"{path}: no column {name!r} (group={name}); there are {listed(header)}{nearest(name, header)}"
            )
        taken = next((role for role, column in roles.items() if column == name and role != name), None)
        if taken or name in ("genre", "track_id", "artist"):
            raise RequestError(f"{path}: the column {name!r} holds the {taken or name}; group by other columns")
    return {name: name for name in grouping}


def identity_frame(
    path: Path,
    roles: Roles,
    texts: Mapping[str, Any],
    notes: list[str],
    *,
    where: str,
    numbers: Sequence[int],
) -> pd.DataFrame:
    """The identity columns of a table, in their order, as texts.

    Parameters
    ----------
    texts : (rows,), the cells of each column that has a role.
    notes : gets what must be known of them.
    where, numbers : ``line`` or ``row``, and the number of each row, for messages.

    Raises
    ------
    RequestError : an id is empty or stands twice, or a cell of tags is none.
    """
    import pandas as pd

    identity: dict[str, pd.Series[Any]] = {
        role: pd.Series(texts[column], dtype="object") for role, column in roles.columns.items()
    }
    if TAGS in identity or roles.of_tags:
        tags = tags_of_columns(
            path, numbers, list(identity.get(TAGS, [""] * len(numbers))), {name: texts[name] for name in roles.of_tags}
        )
        identity[TAGS] = pd.Series(list(map(join_tags, tags)), dtype="object")
        identity.setdefault("genre", pd.Series([""] * len(numbers), dtype="object"))
    if "track_id" not in identity:
        identity["track_id"] = pd.Series([str(row + 1) for row in range(len(numbers))], dtype="object")
        notes.append("no track ids in the table; rows are named by their number")
    ids, column = identity["track_id"], roles.columns.get("track_id", "track_id")
    if (ids == "").any():
        raise RequestError(f"{path}: {where} {numbers[int((ids == '').argmax())]}, column {column!r}: no track id")
    if ids.duplicated().any():
        second = int(ids.duplicated().argmax())
        first = int((ids == ids.iloc[second]).argmax())
        raise RequestError(
            f"{path}: {where} {numbers[second]}, column {column!r}: the id {str(ids.iloc[second])!r} is that of "
            f"{where} {numbers[first]} already; ids must differ"
        )
    order = dict.fromkeys((*IDENTITY, PARENT_GENRE, TAGS, *roles.grouping))
    return pd.DataFrame({name: identity[name] for name in order if name in identity}, dtype="object")


def feature_notes(
    path: Path,
    *,
    rows: int,
    empty: Mapping[str, int],
    extent: Mapping[str, tuple[float, float]],
    expected: Sequence[str],
    dropped: Sequence[str],
) -> list[str]:
    """What must be known of the features of a table.

    Parameters
    ----------
    empty : how many cells of each feature are empty.
    extent : the least and the greatest value of each.
    expected : features that must be there.
    dropped : columns that hold no numbers.

    Raises
    ------
    RequestError : a feature that must be there is missing or empty, or there is none.
    """
    missing = [name for name in expected if empty.get(name, rows) == rows]
    if missing:
        raise RequestError(
            f"{path}: the feature column {missing[0]!r} is missing ({len(missing)} in all); extract again"
        )
    if not empty:
        raise RequestError(
            f"{path}: no numeric columns; a feature table needs at least one. To make a table of a list of tracks: "
            f"genreclf extract {path} -o TABLE.csv"
        )
    notes = []
    if dropped:
        notes.append(f"columns left out, as they hold no numbers: {listed(dropped)}")
    some = {name: count for name, count in empty.items() if count}
    if some:
        cells = "1 empty cell" if sum(some.values()) == 1 else f"{sum(some.values())} empty cells"
        where = "1 column" if len(some) == 1 else f"{len(some)} columns"
        notes.append(
            f"{cells} in {where} ({listed(list(some))}) are filled with the column's median over the training tracks"
        )
    constant = [name for name, (low, high) in extent.items() if rows > 1 and low == high]
    if constant:
        notes.append(f"features that are the same in every track and tell nothing: {listed(constant)}")
    return notes


def listed(names: Sequence[str], most: int = 8) -> str:
    """Names in quotes, the first of many."""
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
