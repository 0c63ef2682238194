"""Tables from anywhere: any CSV with a label column and numeric columns has the parts of a feature table.

An empty cell among numbers becomes NaN, with a note.

What is wrong with a table is refused in one line that names the row and the column. Rows are counted as an
editor counts lines: the header is line 1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from genreclf.errors import RequestError, nearest
from genreclf.tables.columns import IDENTITY, PARENT_GENRE
from genreclf.tables.labels import TAG_PREFIX, TAGS, join_tags, tags_of_columns
from genreclf.tables.meta import read_meta
from genreclf.tables.rows import read_rows, separator_of

if TYPE_CHECKING:
    import pandas as pd

_ID_NAMES = ("track_id", "id", "filename", "file", "path")
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_ROWS_LOOKED_AT = 1000
_MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None")


class TableParts(NamedTuple):
    """What a file holds, under the names of the fields of `FeatureTable`."""

    frame: pd.DataFrame
    features: tuple[str, ...]
    meta: dict[str, Any]
    notes: tuple[str, ...]
    name: str
    label: str
    grouping: tuple[str, ...]
    path: Path | None


def read_parts(path: Path, *, label: str | None, id_column: str | None, group: str | None) -> TableParts:
    """Read a CSV file; see `FeatureTable.read` for parameters and errors."""
    import pandas as pd

    separator = separator_of(path, hint=f"; make a table with: genreclf extract SOURCE -o {_as_csv(path)}")
    rows = read_rows(path, separator)
    header = _checked_header(path, next(rows)[1])
    artist, grouping = _group_columns(header, group)
    roles = _roles(path, header, label=label, id_column=id_column, group=artist)
    roles |= _further_groups(path, header, grouping, roles)
    roles |= {name: name for name in (PARENT_GENRE, TAGS) if name in header and name not in roles.values()}
    tag_columns = {name: name for name in header if name.startswith(TAG_PREFIX) and name not in roles.values()}
    lines: list[int] = []
    comma = False
    for line, cells in rows:
        if separator != "," and len(lines) < _ROWS_LOOKED_AT and not comma:
            comma = any(_COMMA_NUMBER.fullmatch(cell.strip()) for cell in cells)
        lines.append(line)
    if not lines:
        raise RequestError(f"{path}: a header and no rows; a feature table has a row a track")
    notes = ["numbers are read with decimal commas"] if comma else []
    frame = _cells(path, separator, roles | tag_columns, decimal="," if comma else ".")
    if len(frame) != len(lines):
        raise RequestError(f"{path}: unpaired quotes, or lines that hold only quotes; save it again as CSV")
    identity = {role: _texts(frame.pop(column)) for role, column in roles.items()}
    if TAGS in roles or tag_columns:
        texts = list(identity[TAGS]) if TAGS in roles else [""] * len(lines)
        of_one = {name: list(_texts(frame.pop(name))) for name in tag_columns}
        tags = tags_of_columns(path, lines, texts, of_one)
        identity[TAGS] = pd.Series(map(join_tags, tags), dtype="object")
        identity.setdefault("genre", pd.Series([""] * len(lines), dtype="object"))
    meta = read_meta(path) or {}
    features = _numbers(path, frame, lines, meta.get("columns", []), notes)
    if "track_id" not in identity:
        identity["track_id"] = pd.Series([str(row + 1) for row in range(len(frame))], dtype="object")
        notes.append("no track ids in the table; rows are named by their number")
    _check_ids(path, identity["track_id"], lines, roles.get("track_id", "track_id"))
    named = [name for name in dict.fromkeys((*IDENTITY, PARENT_GENRE, TAGS, *grouping)) if name in identity]
    known = pd.DataFrame({name: identity[name] for name in named}, dtype="object")
    return TableParts(
        frame=pd.concat([known, features], axis=1),
        features=tuple(features.columns),
        meta=meta,
        notes=tuple(notes),
        name=path.stem,
        label=roles.get("genre", "genre"),
        grouping=tuple(grouping),
        path=path,
    )


def _as_csv(path: Path) -> Path:
    return path if path.suffix == ".csv" else Path("TABLE.csv")


def _checked_header(path: Path, header: list[str]) -> list[str]:
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise RequestError(f"{path}: line 1: two columns are called {doubled[0]!r}; rename one")
    return header


def _roles(
    path: Path, header: list[str], *, label: str | None, id_column: str | None, group: str | None
) -> dict[str, str]:
    """Which column of the file holds which identity column of the table."""
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
                f"{path}: no column {asked!r} ({option}={asked}); there are {_listed(header)}{nearest(asked, header)}"
            )
        columns = {r: c for r, c in columns.items() if c != asked} | {role: asked}
    if "genre" not in columns and not any(name == TAGS or name.startswith(TAG_PREFIX) for name in header):
        raise RequestError(
            f"{path}: no column 'genre'; name the column of labels with label=COLUMN, one of {_listed(header)}"
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
                f"{path}: no column {name!r} (group={name}); there are {_listed(header)}{nearest(name, header)}"
            )
        taken = next((role for role, column in roles.items() if column == name and role != name), None)
        if taken or name in ("genre", "track_id", "artist"):
            raise RequestError(f"{path}: the column {name!r} holds the {taken or name}; group by other columns")
    return {name: name for name in grouping}


def _cells(path: Path, separator: str, roles: dict[str, str], *, decimal: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(
            path,
            sep=separator,
            decimal=decimal,
            encoding="utf-8-sig",
            dtype=dict.fromkeys(roles.values(), "object"),
            keep_default_na=False,
            na_values={column: [""] for column in roles.values()},
            index_col=False,
            low_memory=False,
            on_bad_lines="error",
        )
    except (ValueError, OSError) as error:
        raise RequestError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from None


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Texts without blanks at their ends; empty where there is nothing."""
    # A lone carriage return is kept only by quotes, which Python's writer does not put around it.
    return column.fillna("").astype(str).str.replace("\r", " ").str.strip().astype("object")


def _numbers(
    path: Path, frame: pd.DataFrame, lines: Sequence[int], expected: Sequence[str], notes: list[str]
) -> pd.DataFrame:
    """The numeric columns as float64, NaN where a cell is empty; a column without a number is left out, with a note."""
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {}
    dropped: list[str] = []
    for name in frame.columns:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bad = ~np.isfinite(values)
        if (name.startswith("Unnamed:") or name == "" or bad.all()) and name not in expected:
            dropped.append(name or "(no name)")
            continue
        wrong = bad & ~frame[name].astype(str).str.strip().isin(_MISSING).to_numpy() if bad.any() else bad
        if wrong.any():
            row = int(wrong.argmax())
            raise RequestError(
                f"{path}: line {lines[row]}, column {name!r}: {str(frame[name].iloc[row])!r}, not a finite number "
                f"({int(wrong.sum())} such in this column); mend or remove the row or the column"
            )
        columns[name] = values
    missing = [name for name in expected if name not in columns or np.isnan(columns[name]).all()]
    if missing:
        raise RequestError(
            f"{path}: the feature column {missing[0]!r} is missing ({len(missing)} in all); extract again"
        )
    if not columns:
        raise RequestError(
            f"{path}: no numeric columns; a feature table needs at least one. To make a table of a list of tracks: "
            f"genreclf extract {path} -o TABLE.csv"
        )
    if dropped:
        notes.append(f"columns left out, as they hold no numbers: {_listed(dropped)}")
    empty = {name: int(np.isnan(values).sum()) for name, values in columns.items() if np.isnan(values).any()}
    if empty:
        cells = "1 empty cell" if sum(empty.values()) == 1 else f"{sum(empty.values())} empty cells"
        where = "1 column" if len(empty) == 1 else f"{len(empty)} columns"
        notes.append(
            f"{cells} in {where} ({_listed(list(empty))}) are filled with the column's median over the training tracks"
        )
    constant = [name for name, values in columns.items() if len(values) > 1 and np.nanmin(values) == np.nanmax(values)]
    if constant:
        notes.append(f"features that are the same in every track and tell nothing: {_listed(constant)}")
    return pd.DataFrame(columns)


def _check_ids(path: Path, ids: pd.Series[Any], lines: Sequence[int], column: str) -> None:
    missing = ids == ""
    if missing.any():
        raise RequestError(f"{path}: line {lines[int(missing.argmax())]}, column {column!r}: no track id")
    doubled = ids.duplicated(keep="first")
    if doubled.any():
        second = int(doubled.argmax())
        first = int((ids == ids.iloc[second]).argmax())
        raise RequestError(
            f"{path}: line {lines[second]}, column {column!r}: the id {str(ids.iloc[second])!r} "
            f"is that of line {lines[first]} already; ids must differ"
        )


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
