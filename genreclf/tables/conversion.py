"""Conversion of tables between CSV and Parquet: the same rows, values, metadata and failures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from genreclf.errors import RequestError
from genreclf.files import lock, write_whole
from genreclf.tables.meta import beside
from genreclf.tables.table import FeatureTable, table_path

_BESIDE = ((".failed.csv", False), (".seen.json", True))  # what else belongs to a table, and whether it is hidden


def convert(source: Path | str, path: Path | str, *, float32: bool = False) -> FeatureTable:
    """Write a table under another name, as CSV or Parquet by its ending; `extract` goes on with either.

    Parameters
    ----------
    source : a CSV file, or Parquet.
    path : ends in ``.csv`` or ``.parquet``; nothing may be there.
    float32 : round the features to single precision, which halves a Parquet table; otherwise the values are the same.

    Returns
    -------
    The table that was written; a note says so where series stay beside the source.

    Raises
    ------
    RequestError : the source cannot be read, or the table cannot be written.
    """
    source, path = Path(source), table_path(Path(path))
    if float32 and path.suffix.lower() != ".parquet":
        raise RequestError(f"float32=True: {path.name} keeps values as texts; choose a name that ends in .parquet")
    table = FeatureTable.read(source)
    if float32:
        table = table.with_frame(table.frame.astype(dict.fromkeys(table.features, "float32")), table.features)
    with lock(path):
        places = [beside(path, suffix, hidden=hidden) for suffix, hidden in _BESIDE]
        taken = next(filter(os.path.lexists, [path, *places]), None)
        if taken is not None:
            raise RequestError(f"{taken}: is there already; choose another name, or delete it")
        table.write(path)
        for place, (suffix, hidden) in zip(places, _BESIDE, strict=True):
            there = beside(Path(os.path.realpath(source)), suffix, hidden=hidden)
            if there.is_file():
                write_whole(place, there.read_bytes())
    series = beside(Path(os.path.realpath(source)), ".series")
    if series.is_dir():
        note = f"series stay in {series}; models of the new table take them by --series {series}/KIND"
        table = replace(table, notes=(*table.notes, note))
    return table
