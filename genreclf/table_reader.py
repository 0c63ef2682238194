"""Tables from anywhere: any CSV with a label column and numeric columns becomes a feature table.

What is wrong with a table is refused in one line that names the row and the column. Rows are counted as an
editor counts lines: the header is line 1.
"""

from __future__ import annotations

import csv
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.table import IDENTITY, FeatureTable

if TYPE_CHECKING:
    import pandas as pd

_ID_NAMES = ("track_id", "id", "filename", "file", "path")
_MISSING = ("", "nan", "NaN", "NA", "N/A", "null", "None")


def read_table(path: Path, *, label: str | None, id_column: str | None, group: str | None) -> FeatureTable:
    """Read a CSV file as a feature table; see `FeatureTable.read`."""
    separator, header = _header(path)
    roles = _Roles.find(path, header, label=label, id_column=id_column, group=group)
    frame = _cells(path, separator, roles)
    notes: list[str] = []
    identity = {role: frame.pop(column).astype("object") for role, column in roles.columns.items()}
    meta = _meta(path)
    features = _numbers(path, frame, meta.get("columns"), notes)
    if features.shape[1] == 0:
        raise RequestError(f"{path}: no numeric columns; a feature table needs at least one")
    if "track_id" not in identity:
        import pandas as pd

        identity["track_id"] = pd.Series([str(row + 1) for row in range(len(frame))], dtype="object")
        notes.append("no track ids in the table; rows are named by their number")
    _check_ids(path, identity["track_id"], roles.columns.get("track_id", "track_id"))
    _check_labels(path, identity["genre"], roles.columns["genre"])
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
                raise RequestError(f"{path}: no column {asked!r} ({option}); there are {_listed(header)}")
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
        raise RequestError(f"{path}: not UTF-8 text; save the table as a UTF-8 CSV file") from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    if not line.strip():
        raise RequestError(f"{path}: empty; a feature table has a header line and a row a track")
    separator = max(",;\t|", key=line.count)
    header = next(csv.reader([line], delimiter=separator))
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise RequestError(f"{path}: line 1: the column {doubled[0]!r} stands there twice; rename one")
    return separator, header


def _cells(path: Path, separator: str, roles: _Roles) -> pd.DataFrame:
    import pandas as pd

    try:
        frame = pd.read_csv(
            path,
            sep=separator,
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
    if frame.empty:
        raise RequestError(f"{path}: a header and no rows; a feature table has a row a track")
    return frame


def _numbers(path: Path, frame: pd.DataFrame, expected: list[str] | None, notes: list[str]) -> pd.DataFrame:
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
                f"{path}: line {row + 2}, column {name!r}: {said} ({int(bad.sum())} such in this column); "
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


def _check_ids(path: Path, ids: pd.Series[Any], column: str) -> None:
    missing = ids.isna()
    if missing.any():
        raise RequestError(f"{path}: line {int(missing.argmax()) + 2}, column {column!r}: no track id")
    doubled = ids.duplicated(keep="first")
    if doubled.any():
        second = int(doubled.argmax())
        first = int((ids == ids.iloc[second]).argmax())
        raise RequestError(
            f"{path}: line {second + 2}, column {column!r}: the id {str(ids.iloc[second])!r} "
            f"stands on line {first + 2} already; ids must differ"
        )


def _check_labels(path: Path, labels: pd.Series[Any], column: str) -> None:
    missing = labels.isna()
    if missing.all():
        raise RequestError(f"{path}: column {column!r}: no track has a genre")


def _assemble(identity: dict[str, pd.Series[Any]], features: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    texts = {name: identity[name].fillna("").astype(str).str.strip() for name in IDENTITY if name in identity}
    return pd.concat([pd.DataFrame(texts).astype("object"), features], axis=1)


def _meta(path: Path) -> dict[str, Any]:
    beside = path.with_suffix(".json")
    try:
        meta = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return meta if isinstance(meta, dict) and "feature_set" in meta else {}


def _listed(names: list[str], most: int = 8) -> str:
    shown = ", ".join(repr(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
