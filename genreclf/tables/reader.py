"""Tables from anywhere: any CSV with a label column and numeric columns becomes a feature table.

What is wrong with a table is refused in one line that names the row and the column. Rows are counted as an
editor counts lines: the header is line 1.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError, nearest
from genreclf.tables.lines import not_text, row_lines
from genreclf.tables.meta import read_meta
from genreclf.tables.table import IDENTITY, FeatureTable

if TYPE_CHECKING:
    import pandas as pd

_ID_NAMES = ("track_id", "id", "filename", "file", "path")
_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_ROWS_LOOKED_AT = 1000
_MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None")


def read_table(
    path: Path,
    *,
    label: str | None = None,
    id_column: str | None = None,
    group: str | None = None,
) -> FeatureTable:
    """Read a CSV file as a feature table, see `FeatureTable.read`."""
    separator, header = _header(path)
    roles = _Roles.find(path, header, label=label, id_column=id_column, group=group)
    lines = row_lines(path, separator, len(header))
    if not lines:
        raise RequestError(f"{path}: a header and no rows; a feature table has a row a track")
    notes: list[str] = []
    frame = _cells(path, separator, roles, decimal=_decimal(path, separator, notes))
    if len(frame) != len(lines):
        raise RequestError(
            f"{path}: quotes that do not pair, or lines that hold nothing but quotes; save it again as CSV"
        )
    identity = {role: _texts(frame.pop(column)) for role, column in roles.columns.items()}
    meta = read_meta(path.with_suffix(".json")) or {}
    features = _numbers(path, frame, lines, meta.get("columns"), notes)
    if features.shape[1] == 0:
        raise RequestError(
            f"{path}: no numeric columns; a feature table needs at least one. Of a list of tracks make a table with: "
            f"genreclf extract {path} -o TABLE.csv"
        )
    if "track_id" not in identity:
        import pandas as pd

        identity["track_id"] = pd.Series([str(row + 1) for row in range(len(frame))], dtype="object")
        notes.append("no track ids in the table; rows are named by their number")
    _check_ids(path, identity["track_id"], lines, roles.columns.get("track_id", "track_id"))
    return FeatureTable(
        frame=_assemble(identity, features),
        features=tuple(features.columns),
        meta=meta,
        notes=tuple(notes),
        name=path.stem,
        label=roles.columns["genre"],
    )


@dataclass(frozen=True)
class _Roles:
    """Which column of the file plays which part."""

    columns: dict[str, str]

    @classmethod
    def find(
        cls, path: Path, header: list[str], *, label: str | None, id_column: str | None, group: str | None
    ) -> _Roles:
        columns = {name: name for name in IDENTITY if name in header}
        for role, asked, option in (
            ("genre", label, "--label"),
            ("track_id", id_column, "--id"),
            ("artist", group, "--group"),
        ):
            if asked is None:
                continue
            if asked not in header:
                raise RequestError(
                    f"{path}: no column {asked!r} ({option}); there are {_listed(header)}{nearest(asked, header)}"
                )
            columns = {r: c for r, c in columns.items() if c != asked} | {role: asked}
        if "genre" not in columns:
            raise RequestError(
                f"{path}: no column 'genre'; name the column of labels with --label, one of {_listed(header)}"
            )
        if "track_id" not in columns:
            usual = next((n for n in _ID_NAMES if n in header and n not in columns.values()), None)
            columns |= {"track_id": usual} if usual else {}
        return cls(columns)


def _header(path: Path) -> tuple[str, list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            line = stream.readline(1_000_000)
    except FileNotFoundError:
        raise RequestError(f"{path}: no such file; make one with: genreclf extract SOURCE -o {path}") from None
    except UnicodeDecodeError:
        raise not_text(path) from None
    except IsADirectoryError:
        raise RequestError(
            f"{path}: a folder, not a table; of a folder of music make one with: genreclf extract {path} -o TABLE.csv"
        ) from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    if not line.strip():
        raise RequestError(f"{path}: empty; a feature table has a header line and a row a track")
    separator = max(",;\t|", key=line.count)
    try:
        header = next(csv.reader([line], delimiter=separator, strict=True))
    except csv.Error as error:
        raise RequestError(f"{path}: line 1: no header that can be read: {error}") from None
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise RequestError(f"{path}: line 1: the column {doubled[0]!r} stands there twice; rename one")
    return separator, header


def _decimal(path: Path, separator: str, notes: list[str]) -> str:
    """A comma where the first rows have decimal commas, as spreadsheets of many countries write them."""
    if separator == ",":
        return "."
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = islice(csv.reader(stream, delimiter=separator), 1, _ROWS_LOOKED_AT)
        if not any(_COMMA_NUMBER.fullmatch(cell.strip()) for cells in rows for cell in cells):
            return "."
    notes.append("numbers are read with decimal commas")
    return ","


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Texts without blanks at their ends; empty where there is nothing."""
    # A lone carriage return is kept only by quotes, which Python's writer does not put around it.
    return column.fillna("").astype(str).str.replace("\r", " ").str.strip().astype("object")


def _cells(path: Path, separator: str, roles: _Roles, *, decimal: str) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(
            path,
            sep=separator,
            decimal=decimal,
            encoding="utf-8-sig",
            dtype=dict.fromkeys(roles.columns.values(), "object"),
            keep_default_na=False,
            na_values={column: [""] for column in roles.columns.values()},
            index_col=False,
            low_memory=False,
            on_bad_lines="error",
        )
    except (ValueError, OSError) as error:
        raise RequestError(f"{path}: cannot be read as a table: {_one_line(error)}") from None
    return frame


def _numbers(
    path: Path, frame: pd.DataFrame, lines: Sequence[int], expected: list[str] | None, notes: list[str]
) -> pd.DataFrame:
    """The numeric columns as float64; a column without a single number is left out and said."""
    import numpy as np
    import pandas as pd

    columns: dict[str, Any] = {}
    dropped: list[str] = []
    for name in frame.columns:
        values = pd.to_numeric(frame[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        bad = ~np.isfinite(values)
        if (name.startswith("Unnamed:") or name == "" or bad.all()) and name not in (expected or ()):
            dropped.append(name or "(no name)")
            continue
        if bad.any():
            row = int(np.flatnonzero(bad)[0])
            cell = str(frame[name].iloc[row])
            said = "no value" if cell in _MISSING else f"{cell!r}, not a finite number"
            raise RequestError(
                f"{path}: line {lines[row]}, column {name!r}: {said} ({int(bad.sum())} such in this column); "
                "mend or remove the row or the column"
            )
        columns[name] = values
    missing = [name for name in expected or () if name not in columns]
    if missing:
        raise RequestError(
            f"{path}: the feature column {missing[0]!r} is missing ({len(missing)} in all); extract again"
        )
    if dropped:
        notes.append(f"columns left out, as they hold no numbers: {_listed(dropped)}")
    constant = [name for name, values in columns.items() if len(values) > 1 and (values == values[0]).all()]
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
            f"stands on line {lines[first]} already; ids must differ"
        )


def _assemble(identity: dict[str, pd.Series[Any]], features: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    texts = pd.DataFrame({name: identity[name] for name in IDENTITY if name in identity}, dtype="object")
    return pd.concat([texts, features], axis=1)


def _listed(names: list[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
