"""The feature table as Parquet, safe from a kill at any moment.

Rows come into a file of lines beside the table, as those of a CSV table do. When there are enough for a part they are
written as one, whole or not at all, and the lines are begun anew; where a kill comes between the two, the next opening
leaves out the lines that are in a part. A part that is small grows with the next rows. What changes or removes rows
writes the parts anew that hold them, one by one.
"""

from __future__ import annotations

from collections import ChainMap, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from genreclf.errors import RequestError
from genreclf.files import write_whole
from genreclf.progress import SILENT, Progress
from genreclf.tables.columns import IDENTITY
from genreclf.tables.labels import TAGS
from genreclf.tables.meta import beside
from genreclf.tables.parquet import PART_ROWS, opened, part_numbers, part_path, pyarrow, read_part, write_part
from genreclf.tables.store import StoredRow, TableStore

_BLOCK_BYTES = 8 << 20  # of lines that are parsed at once, the longest of which must fit


def open_store(
    path: Path,
    *,
    features: Sequence[str],
    meta: Mapping[str, Any],
    tags: bool = False,
    float32: bool = False,
    progress: Progress = SILENT,
) -> TableStore:
    """A table that is open for writing, of the kind that its name tells; see `TableStore` for parameters and errors.

    Parameters
    ----------
    float32 : keep the features in single precision; for Parquet.
    """
    parquet = path.suffix.lower() == ".parquet"
    if float32 and not parquet:
        raise RequestError(f"float32=True: {path.name} keeps values as texts; choose a name that ends in .parquet")
    meta = {**meta, "dtype": "float32"} if float32 else meta
    kind = ParquetStore if parquet else TableStore
    return kind(path, features=features, meta=meta, tags=tags, progress=progress)


@dataclass(frozen=True, slots=True)
class _PartRow(StoredRow):
    """A row in a part."""

    part: int


class ParquetStore(TableStore):
    """A feature table in Parquet that is open for writing; see `TableStore` for parameters and errors."""

    def __init__(self, path: Path, **options: Any) -> None:  # noqa: ANN401 - those of the base class
        pyarrow()
        super().__init__(path, **options)
        self._file = beside(self.path, ".rows", hidden=True)
        self._parts: dict[str, _PartRow] = {}

    @property
    def rows(self) -> Mapping[str, StoredRow]:
        """The rows of the table by track id."""
        return ChainMap[str, Any](self._lines, self._parts)

    def append(self, identity: Sequence[str], values: Iterable[float]) -> None:
        """Write one row; when this returns the row is on the disk, and when it raises nothing of it is."""
        super().append(identity, values)
        if len(self._lines) >= PART_ROWS:
            with self._writing():
                self._settle()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None and not self._lines:
                self._stream.close()
                with suppress(OSError):  # a file without rows that stays does no harm
                    self._file.unlink(missing_ok=True)
        finally:
            super().__exit__(kind, error, trace)

    def _exists(self) -> bool:
        return self._file.exists() or (self.path.is_dir() and any(self.path.iterdir()))

    def _open_rows(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        wanted = self.identity
        widths = {number: self._look(number, wanted) for number in part_numbers(self.path)}
        self.identity = max([wanted, *widths.values()], key=len)
        super()._open_rows()
        for number, identity in widths.items():
            if len(identity) < len(self.identity):
                self._rewrite_part(number, drop=(), relabel={})
            self._take_part(number)
        written = self._lines.keys() & self._parts.keys()
        if written:
            self._rewrite([track_id for track_id in self._lines if track_id not in written])

    def _look(self, number: int, wanted: tuple[str, ...]) -> tuple[str, ...]:
        """The identity columns of a part."""
        path = part_path(self.path, number)
        with opened(path) as file:
            names = tuple(file.schema_arrow.names)
        for identity in (wanted, IDENTITY, (*IDENTITY, TAGS)):
            if names == (*identity, *self.features):
                return identity
        raise RequestError(
            f"{path}: its columns are not those that a table of the feature set {self.meta['feature_set']!r} is "
            "written with; choose another table with -o"
        )

    def _take_part(self, number: int) -> None:
        """Take the rows of a part up."""
        path = part_path(self.path, number)
        with opened(path) as file:
            table = file.read(columns=list(self.identity))
        columns = [table[name].dictionary_encode().to_pylist() for name in self.identity]
        for cells in zip(*columns, strict=True):
            if cells[0] in self._parts:
                raise RequestError(
                    f"{path}: a row of {cells[0]!r}, which is in part {self._parts[cells[0]].part} as well; another "
                    "program has changed the table: delete one of the parts, and its rows are computed again"
                )
            self._parts[cells[0]] = _PartRow(cells, number)

    def _revise(self, drop: Collection[str], relabel: Mapping[str, Sequence[str]]) -> None:
        affected: dict[int, set[str]] = defaultdict(set)
        for track_id in {*drop, *relabel} & self._parts.keys():
            affected[self._parts[track_id].part].add(track_id)
        for number, ids in sorted(affected.items()):
            self._rewrite_part(
                number, drop=ids & set(drop), relabel={key: relabel[key] for key in ids & relabel.keys()}
            )
        super()._revise(drop, {key: cells for key, cells in relabel.items() if key in self._lines})

    def _rewrite_part(self, number: int, *, drop: Collection[str], relabel: Mapping[str, Sequence[str]]) -> None:
        """Write a part anew without some rows, others with other identity cells, and all with the columns wanted."""
        pa = pyarrow()
        path = part_path(self.path, number)
        table = read_part(path)
        ids = table["track_id"].to_pylist()
        cells = {
            name: table[name].to_pylist() if name in table.column_names else [""] * len(ids) for name in self.identity
        }
        for place, track_id in enumerate(ids):
            if track_id in relabel:
                for name, text in zip(self.identity, relabel[track_id], strict=True):
                    cells[name][place] = text
        columns = {name: pa.array(texts, pa.string()) for name, texts in cells.items()}
        table = pa.table(columns | {name: table[name] for name in self.features})
        if drop:
            table = table.filter(pa.array([track_id not in drop for track_id in ids]))
        if len(table):
            write_part(path, table, self.meta)
        else:
            path.unlink()
        for track_id in drop:
            self._parts.pop(track_id, None)
        for track_id, row in relabel.items():
            self._parts[track_id] = _PartRow(tuple(row), number)

    def _settle(self) -> None:
        """Write the lines as a part, or with a small last one, and begin them anew."""
        if not self._lines:
            return
        pa = pyarrow()
        numbers = part_numbers(self.path)
        number = numbers[-1] if numbers else 0
        table = self._from_lines()
        if numbers:
            last = read_part(part_path(self.path, number))
            if len(last) + len(table) > PART_ROWS:
                number += 1
            else:
                table = pa.concat_tables([last.replace_schema_metadata(None).cast(table.schema), table])
        write_part(part_path(self.path, number), table, self.meta)
        # Now they are in the part, also where the lines cannot be begun anew: no second attempt writes them once more.
        self._parts |= {track_id: _PartRow(line.identity, number) for track_id, line in self._lines.items()}
        self._lines = {}
        assert self._stream is not None, "the store is open"  # noqa: S101
        self._stream.close()
        write_whole(self._file, self._header)
        self._size = len(self._header)
        self._stream = self._file.open("ab", buffering=0)

    def _from_lines(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        """The lines as an Arrow table; its reader gives the nearest double, as Python's does."""
        pa = pyarrow()
        csv = pa.csv
        kinds = dict.fromkeys(self.identity, pa.string()) | dict.fromkeys(self.features, pa.float64())
        return csv.read_csv(
            self._file,
            read_options=csv.ReadOptions(block_size=_BLOCK_BYTES),
            convert_options=csv.ConvertOptions(column_types=kinds, null_values=[], strings_can_be_null=False),
        )
