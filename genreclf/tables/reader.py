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
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.tables.meta import read_meta
from genreclf.tables.roles import TableParts, feature_notes, find_roles, identity_frame
from genreclf.tables.rows import read_rows, separator_of

if TYPE_CHECKING:
    import pandas as pd

_COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+([eE][-+]?\d+)?")
_ROWS_LOOKED_AT = 1000
_MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None")


def read_csv(path: Path, *, label: str | None, id_column: str | None, group: str | None) -> TableParts:
    """Read a CSV file; see `FeatureTable.read` for parameters and errors."""
    import pandas as pd

    separator = separator_of(path, hint=f"; make a table with: genreclf extract SOURCE -o {_as_csv(path)}")
    rows = read_rows(path, separator)
    header = _checked_header(path, next(rows)[1])
    roles = find_roles(path, header, label=label, id_column=id_column, group=group)
    lines: list[int] = []
    comma = False
    for line, cells in rows:
        if separator != "," and len(lines) < _ROWS_LOOKED_AT and not comma:
            comma = any(_COMMA_NUMBER.fullmatch(cell.strip()) for cell in cells)
        lines.append(line)
    if not lines:
        raise RequestError(f"{path}: a header and no rows; a feature table has a row a track")
    notes = ["numbers are read with decimal commas"] if comma else []
    frame = _cells(path, separator, [*roles.columns.values(), *roles.of_tags], decimal="," if comma else ".")
    if len(frame) != len(lines):
        raise RequestError(f"{path}: unpaired quotes, or lines that hold only quotes; save it again as CSV")
    texts = {column: _texts(frame.pop(column)) for column in (*roles.columns.values(), *roles.of_tags)}
    known = identity_frame(path, roles, texts, notes, where="line", numbers=lines)
    meta = read_meta(path) or {}
    features = _numbers(path, frame, lines, meta.get("columns", []), notes)
    return TableParts(
        frame=pd.concat([known, features], axis=1),
        features=tuple(features.columns),
        meta=meta,
        notes=tuple(notes),
        name=path.stem,
        label=roles.columns.get("genre", "genre"),
        grouping=roles.grouping,
        path=path,
    )


def _as_csv(path: Path) -> Path:
    return path if path.suffix == ".csv" else Path("TABLE.csv")


def _checked_header(path: Path, header: list[str]) -> list[str]:
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise RequestError(f"{path}: line 1: two columns are called {doubled[0]!r}; rename one")
    return header


def _cells(path: Path, separator: str, texts: Sequence[str], *, decimal: str) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(
            path,
            sep=separator,
            decimal=decimal,
            encoding="utf-8-sig",
            dtype=dict.fromkeys(texts, "object"),
            keep_default_na=False,
            na_values={column: [""] for column in texts},
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
    notes += feature_notes(
        path,
        rows=len(frame),
        empty={name: int(np.isnan(values).sum()) for name, values in columns.items()},
        extent={name: (np.fmin.reduce(values), np.fmax.reduce(values)) for name, values in columns.items()},
        expected=expected,
        dropped=dropped,
    )
    return pd.DataFrame(columns)
