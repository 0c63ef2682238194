"""What a feature table was made with, as it stands in the ``.json`` of the same name beside it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from genreclf.errors import RequestError
from genreclf.files import write_whole

# No stretch of a track begins or ends later, in seconds, and no rate is higher.
_Number = Annotated[float, msgspec.Meta(ge=-1e9, le=1e9)]


class _Meta(msgspec.Struct):
    """What must hold of the file; anything else may stand there as well."""

    feature_set: str
    parameters: dict[str, _Number | None] = {}
    columns: list[str] = []
    versions: dict[str, Any] = {}
    weights: dict[str, str] = {}
    corpora: list[str] = []


def read_meta(table: Path) -> dict[str, Any] | None:
    """Feature set, parameters, columns and versions of a table; None where genreclf left no such file beside it.

    Where the table is a link, the file is beside what that leads to, or beside the link.
    """
    for place in (_beside(table), beside(table, ".json")):
        try:
            meta: dict[str, Any] = msgspec.json.decode(place.read_bytes())
            msgspec.convert(meta, _Meta)
        except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
            continue
        return meta
    return None


def write_meta(table: Path, meta: Mapping[str, Any]) -> None:
    """Write what a table is made with beside it; see `check_meta` for what may be replaced."""
    check_meta(table)
    write_whole(_beside(table), json.dumps(dict(meta), indent=2, sort_keys=True) + "\n")


def check_meta(table: Path) -> None:
    """Refuse a table whose ``.json`` would replace a file that genreclf did not write.

    Raises
    ------
    RequestError : there is such a file.
    """
    there = _beside(table)
    if os.path.lexists(there) and read_meta(table) is None and there.read_bytes().strip() != b"{}":
        raise RequestError(
            f"{there} is there and was not written beside a table; {table.name} would replace it: "
            "choose another name for the table"
        )


def beside(table: Path, suffix: str, *, hidden: bool = False) -> Path:
    """A file beside a table: of ``t.csv``, ``t.json``; of ``t.parquet``, which is another table, ``t.parquet.json``."""
    name = table.stem if table.suffix.lower() == ".csv" else table.name
    return table.with_name(f"{'.' if hidden else ''}{name}{suffix}")


def _beside(table: Path) -> Path:
    return beside(Path(os.path.realpath(table)), ".json")
