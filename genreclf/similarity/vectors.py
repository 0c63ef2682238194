"""Vectors for the databases that catalogues run: the points of an index as a Parquet file.

One row a track: ``id``, then ``genre, artist, title, path`` where known, then ``vector``, a list of float32. Distances
between vectors are Euclidean, as in the index.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.errors import RequestError
from genreclf.files import whole_file

if TYPE_CHECKING:
    from genreclf.similarity.querying import Searchable

_ROWS = 1 << 16  # of a row group


def export_vectors(index: Searchable, path: Path | str) -> int:
    """Write the points of an index to a Parquet file, whole or not at all, and return the number of rows.

    Raises
    ------
    RequestError : the place cannot be written to, or pyarrow is not installed.
    """
    arrow, parquet = _pyarrow()
    path = check_parquet(Path(path))
    names = ["id" if name == "track_id" else name for name in index.columns]
    fields = [arrow.field(name, arrow.string()) for name in names]
    schema = arrow.schema([*fields, arrow.field("vector", arrow.list_(arrow.float32()))])
    with whole_file(path) as stream, parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for rows, points in _groups(index):
            ends = np.arange(len(rows) + 1, dtype=np.int32) * index.dimensions
            vectors = arrow.ListArray.from_arrays(ends, points.ravel())
            texts = [arrow.array(column, arrow.string()) for column in index.identity(rows).values()]
            writer.write_table(arrow.Table.from_arrays([*texts, vectors], schema=schema))
    return len(index)


def check_parquet(path: Path) -> Path:
    """The path, if a Parquet file can be made there.

    Raises
    ------
    RequestError : it ends in something else or is a folder, or pyarrow is not installed.
    """
    _pyarrow()
    if path.suffix.lower() != ".parquet" or path.is_dir():
        raise RequestError(f"{path}: vectors go into a file whose name ends in .parquet")
    return path


def _groups(index: Searchable) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The rows and points of an index, many at a time."""
    held: list[tuple[np.ndarray, np.ndarray]] = []
    for rows, points in index.batches():
        held.append((rows, points))
        if sum(len(numbers) for numbers, _ in held) >= _ROWS:
            yield np.concatenate([numbers for numbers, _ in held]), np.concatenate([found for _, found in held])
            held = []
    if held:
        yield np.concatenate([numbers for numbers, _ in held]), np.concatenate([found for _, found in held])


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise RequestError('Parquet needs pyarrow; install it with: pip install "genreclf[parquet]"') from None
    return pa, pq
