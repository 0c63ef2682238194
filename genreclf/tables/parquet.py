"""Parquet tables: a folder of parts, or one file.

genreclf writes a folder, ``NAME.parquet/part-000000.parquet`` and so on, as Spark and Dask do: a Parquet file ends with
its table of contents, so that nothing can be added to one, but a part can be put beside others. Each part holds up to
`PART_ROWS` rows in the order of their ids, is written whole or not at all, and has a checksum a page; what the table
was made with stands in each as well as beside the folder. The parts together have no order: readers that need one sort
by ``track_id``, as `genreclf.tables.parquet_reader` does.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.files import cannot_write, whole_file

if TYPE_CHECKING:
    import pandas as pd

PART_ROWS = 65_536
_PART = re.compile(r"part-(\d{6})\.parquet")
MARK, ORDERED = b"genreclf", b"genreclf.order"


def pyarrow() -> Any:  # noqa: ANN401 - pyarrow has no types
    """The module.

    Raises
    ------
    RequestError : it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.csv
        import pyarrow.parquet
    except ImportError:
        raise RequestError('Parquet needs pyarrow; install it with: pip install "genreclf[parquet]"') from None
    return pa


def is_parquet(path: Path) -> bool:
    """Whether a table is Parquet, by its name or, of a folder, by what it holds."""
    return path.suffix.lower() == ".parquet" or (os.path.isdir(path) and any(map(Path.is_file, path.glob("*.parquet"))))  # noqa: PTH112 - `Path.is_dir` raises where a path is too long


def part_path(folder: Path, number: int) -> Path:
    """Where a part of a table is."""
    return folder / f"part-{number:06d}.parquet"


def part_numbers(folder: Path) -> list[int]:
    """The numbers of the parts that there are.

    Raises
    ------
    RequestError : the folder holds something else that is not hidden.
    """
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    odd = next((name for name in names if not _PART.fullmatch(name)), None)
    if odd is not None:
        raise RequestError(f"{folder}: {odd} in it was not written by genreclf extract; choose another place with -o")
    return [int(name[5:11]) for name in names]


def write_part(path: Path, table: Any, meta: Mapping[str, Any], *, ordered: bool = True) -> None:  # noqa: ANN401 - pyarrow has no types
    """Write the rows of an Arrow table as a part, whole or not at all.

    Parameters
    ----------
    meta : what the table is made with; single precision where its ``dtype`` is ``float32``.
    ordered : put the rows in the order of their ids, and say that this is the order of the whole table.

    Raises
    ------
    RequestError : a value has no place in single precision.
    OSError : the disk is full or fails.
    """
    pa = pyarrow()
    features = [field.name for field in table.schema if pa.types.is_floating(field.type)]
    for name in features if meta.get("dtype") == "float32" else []:
        place = table.schema.get_field_index(name)
        single = table.column(place).cast(pa.float32())
        if pa.compute.any(pa.compute.is_inf(single)).as_py():
            raise RequestError(f"{path}: a value of {name!r} is beyond single precision; keep the table in double")
        table = table.set_column(place, name, single)
    notes = {MARK: json.dumps(dict(meta), sort_keys=True).encode()}
    if ordered:
        table = table.take(pa.compute.sort_indices(table["track_id"]))
        notes[ORDERED] = b"track_id"
    with whole_file(path) as stream:
        pa.parquet.write_table(
            table.replace_schema_metadata(notes),
            stream,
            row_group_size=PART_ROWS,
            compression="zstd",
            compression_level=1,
            use_dictionary=[name for name in table.column_names if name not in features],
            use_byte_stream_split=features,
            write_page_checksum=True,
        )


def read_part(path: Path) -> Any:  # noqa: ANN401 - pyarrow has no types
    """A part as an Arrow table.

    Raises
    ------
    RequestError : it cannot be read, or is not one that genreclf wrote.
    """
    with opened(path) as file:
        if MARK not in (file.schema_arrow.metadata or {}):
            raise RequestError(f"{path}: not written by genreclf extract; choose another table with -o")
        return file.read()


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A Parquet file, open for reading, with what is wrong with it in one line."""
    pa = pyarrow()
    try:
        with pa.parquet.ParquetFile(path, page_checksum_verification=True, memory_map=True) as file:
            yield file
    except FileNotFoundError:
        raise RequestError(f"{path}: no such file; make a table with: genreclf extract SOURCE -o {path}") from None
    except (pa.ArrowException, OSError) as error:
        raise RequestError(f"{path}: cannot be read as Parquet: {' '.join(str(error).split())[:200]}") from None


def write_parquet(
    path: Path, frame: pd.DataFrame, features: Sequence[str], meta: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Write a data frame as a folder of parts, whole or not at all; what it is made with, with its data type.

    Raises
    ------
    RequestError : there is something already, or nothing can be written there.
    """
    import numpy as np

    pa = pyarrow()
    texts = [name for name in frame.columns if name not in set(features)]
    single = all(frame[name].dtype == np.float32 for name in features)
    meta = {name: value for name, value in meta.items() if name != "dtype"} | ({"dtype": "float32"} if single else {})
    kind = pa.float32() if single else pa.float64()
    schema = pa.schema([(name, pa.string()) for name in texts] + [(name, kind) for name in features])
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        for number, start in enumerate(range(0, max(1, len(frame)), PART_ROWS)):
            rows = frame.iloc[start : start + PART_ROWS]
            table = pa.Table.from_pandas(rows, schema=schema, preserve_index=False)
            write_part(part_path(temporary, number), table, meta, ordered=False)
        if os.path.isdir(path) and any(path.iterdir()):  # noqa: PTH112
            raise RequestError(f"{path}: a table is there already; choose another name, or delete it")
        temporary.rename(path)
        return meta
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
