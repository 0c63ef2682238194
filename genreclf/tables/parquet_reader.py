"""Reading Parquet: a table that genreclf wrote, or any with a label column and numeric columns, in the memory of one.

Identity columns are read first, then numbers, batch by batch into the rows where they belong; of a sample no other row
is kept. What is wrong with a table is refused in one line that names the row and the column.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.tables.meta import beside, read_meta
from genreclf.tables.parquet import MARK, ORDERED, opened, pyarrow
from genreclf.tables.roles import TableParts, feature_notes, find_roles, identity_frame
from genreclf.tables.sampling import sample_note, sample_rows

if TYPE_CHECKING:
    import numpy as np

_BATCH_ROWS = 2048  # of columns that become rows: what fits into a processor's cache
_INDEX = re.compile(r"__index_level_\d+__")  # what pandas adds


def read_parquet(
    path: Path, *, label: str | None, id_column: str | None, group: str | None, sample: int | None, seed: int
) -> TableParts:
    """Read a Parquet file or a folder of them; see `FeatureTable.read` for parameters and errors."""
    import numpy as np
    import pandas as pd

    files = _files(path)
    header, meta, ordered = _headers(files)
    roles = find_roles(path, header, label=label, id_column=id_column, group=group)
    meta = read_meta(path) or meta
    texts, sizes = _texts(files, [*roles.columns.values(), *roles.of_tags])
    if not sum(sizes):
        raise RequestError(f"{path}: no rows; a feature table has a row a track")
    notes = _unwritten(path)
    known = identity_frame(path, roles, texts, notes, where="row", numbers=range(1, sum(sizes) + 1))
    rows = np.arange(len(known))
    if sample is not None and sample < len(known):
        rows = sample_rows(known["genre"].to_numpy(), sample, seed=seed)
        notes.append(sample_note(sample, len(known), seed))
    if ordered:
        rows = rows[np.argsort(known["track_id"].to_numpy()[rows], kind="stable")]
    place = np.full(len(known), -1, dtype=np.int64)
    place[rows] = np.arange(len(rows))
    numbers = _Numbers(files, [name for name in header if name not in texts], expected=meta.get("columns", []))
    block = numbers.read(place, len(rows))
    features = [name for name, taken in zip(numbers.names, numbers.kept, strict=True) if taken]
    found = zip(numbers.names, numbers.empty, numbers.low, numbers.high, strict=True)
    counts = {name: (int(empty), (low, high)) for name, empty, low, high in found if name in set(features)}
    notes += feature_notes(
        path,
        rows=len(rows),
        empty={name: empty for name, (empty, _) in counts.items()},
        extent={name: extent for name, (_, extent) in counts.items()},
        expected=meta.get("columns", []),
        dropped=[*numbers.dropped, *(name for name in numbers.names if name not in counts)],
    )
    known = known.iloc[rows].reset_index(drop=True) if len(rows) < len(known) or ordered else known
    block = block if numbers.kept.all() else block[:, numbers.kept]
    return TableParts(
        frame=pd.concat([known, pd.DataFrame(block, columns=features, copy=False)], axis=1),
        features=tuple(features),
        meta=meta,
        notes=tuple(notes),
        name=path.stem,
        label=roles.columns.get("genre", "genre"),
        grouping=roles.grouping,
        path=path,
    )


def _unwritten(path: Path) -> list[str]:
    """A note on rows that an extraction has not put into the table yet."""
    try:
        with beside(path, ".rows", hidden=True).open("rb") as stream:
            rows = sum(line.endswith(b"\n") for line in stream) - 1
    except OSError:
        return []
    if rows < 1:
        return []
    left = f"{rows:,} rows of an extraction that was killed, or is under way, are not in the table yet"
    return [f"{left}; the same command once more puts them there"]


def _files(path: Path) -> list[Path]:
    if not os.path.isdir(path):  # noqa: PTH112
        return [path]
    files = sorted(file for file in path.glob("*.parquet") if file.is_file() and not file.name.startswith((".", "_")))
    if not files:
        raise RequestError(f"{path}: a folder without Parquet files; a table has at least one")
    return files


def _headers(files: Sequence[Path]) -> tuple[list[str], dict[str, Any], bool]:
    """The columns, which all files must have; what genreclf wrote of the table; whether it is in the order of ids."""
    header: list[str] = []
    meta: dict[str, Any] = {}
    ordered = False
    for number, path in enumerate(files):
        with opened(path) as file:
            schema = file.schema_arrow
        names = [name for name in schema.names if not _INDEX.fullmatch(name)]
        if number and names != header:
            raise RequestError(f"{path}: its columns are not those of {files[0].name}; all parts need the same")
        doubled = next((name for name, count in Counter(names).items() if count > 1), None)
        if doubled is not None:
            raise RequestError(f"{path}: two columns are called {doubled!r}; rename one")
        noted = schema.metadata or {}
        header, meta = names, meta or json.loads(noted.get(MARK, b"{}"))
        ordered = ordered or ORDERED in noted
    return header, meta, ordered


def _texts(files: Sequence[Path], columns: Sequence[str]) -> tuple[dict[str, np.ndarray], list[int]]:
    """The cells of columns as texts, each text once in memory however many rows have it; the rows of each file."""
    import numpy as np

    pa = pyarrow()
    pieces: dict[str, list[Any]] = {name: [] for name in columns}
    sizes = []
    for path in files:
        with opened(path) as file:
            table = file.read(columns=list(columns))
            sizes.append(file.metadata.num_rows)
        for name in columns:
            try:
                pieces[name].append(table[name].cast(pa.string()))
            except pa.ArrowException:
                raise RequestError(f"{path}: column {name!r} holds {table[name].type}, not texts") from None
    texts = {}
    for name, chunks in pieces.items():
        column = pa.chunked_array([c for piece in chunks for c in piece.chunks], pa.string())
        encoded = column.fill_null("").combine_chunks().dictionary_encode()
        cells = [text.replace("\r", " ").strip() for text in encoded.dictionary.to_pylist()]
        texts[name] = np.array(cells or [""], dtype=object)[encoded.indices.to_numpy(zero_copy_only=False)]
    return texts, sizes


class _Numbers:
    """The numeric columns of files, read batch by batch.

    Parameters
    ----------
    columns : those that may hold numbers; `dropped` names the others.
    expected : what must be taken even where it is empty.
    """

    def __init__(self, files: Sequence[Path], columns: Sequence[str], *, expected: Sequence[str]) -> None:
        import numpy as np

        self._pa = pyarrow()
        self._files = files
        self._expected = expected
        types = self._pa.types
        numeric = (types.is_floating, types.is_integer, types.is_decimal, types.is_boolean)
        kinds: dict[str, set[Any]] = {name: set() for name in columns}  # of all files, which may differ
        for path in files:
            with opened(path) as file:
                schema = file.schema_arrow  # made anew at each access
            for name, found in kinds.items():
                found.add(schema.field(name).type)
        self.names = [name for name in columns if any(is_one(kind) for kind in kinds[name] for is_one in numeric)]
        self.dropped = [name for name in columns if name not in self.names]
        small = [types.is_float32(kind) or types.is_float16(kind) for name in self.names for kind in kinds[name]]
        self.dtype = np.dtype(np.float32 if small and all(small) else np.float64)
        width = len(self.names)
        self.empty = np.zeros(width, dtype=np.int64)
        self.low, self.high = np.full(width, np.nan), np.full(width, np.nan)
        self.kept = np.ones(width, dtype=bool)

    def read(self, place: np.ndarray, rows: int) -> np.ndarray:
        """(rows, numeric columns), the row number i of the files at ``place[i]``, and left out where that is -1."""
        import numpy as np

        block = np.empty((rows, len(self.names)), dtype=self.dtype)
        start = 0
        for path in self._files:
            with opened(path) as file:
                for batch in file.iter_batches(_BATCH_ROWS, columns=self.names, use_threads=False):
                    wanted = place[start : start + len(batch)]
                    if (wanted >= 0).any():
                        values = self._values(path, batch)[wanted >= 0]
                        self._look(path, start + np.flatnonzero(wanted >= 0), values)
                        block[wanted[wanted >= 0]] = values
                    start += len(batch)
        self.kept = (self.empty < rows) | np.isin(self.names, list(self._expected))
        return block

    def _values(self, path: Path, batch: Any) -> np.ndarray:  # noqa: ANN401 - pyarrow has no types
        """(rows, columns) of a batch, NaN where there is nothing."""
        import numpy as np

        values = np.empty((len(self.names), len(batch)), dtype=self.dtype)
        for row, (name, column) in enumerate(zip(self.names, batch.columns, strict=True)):
            try:
                if self._pa.types.is_boolean(column.type):
                    column = column.cast(self._pa.uint8())  # noqa: PLW2901
                values[row] = column.cast(self._pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            except self._pa.ArrowException:
                raise RequestError(f"{path}: column {name!r} holds {column.type}, not numbers") from None
        return values.T

    def _look(self, path: Path, rows: np.ndarray, values: np.ndarray) -> None:
        """Count what is empty, and refuse what is infinite."""
        import numpy as np

        infinite = np.isinf(values)
        if infinite.any():
            row, column = (int(place[0]) for place in np.nonzero(infinite))
            raise RequestError(
                f"{path}: row {rows[row] + 1}, column {self.names[column]!r}: {values[row, column]}, not a finite "
                "number; mend or remove the row or the column"
            )
        self.empty += np.isnan(values).sum(axis=0)
        self.low = np.fmin(self.low, np.fmin.reduce(values, axis=0))
        self.high = np.fmax(self.high, np.fmax.reduce(values, axis=0))
