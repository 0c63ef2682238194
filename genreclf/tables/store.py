"""The feature table as a cache on disk that survives anything: a kill, a full disk, a second run, a spreadsheet.

The table is a CSV file in which each row is one line and each line is written by one call, so that what is on
disk is always whole lines and at most one torn one at the end, which the next opening cuts off. Rows are
appended as they come and put in the order of their ids at the end. Beside ``NAME.csv`` stand ``NAME.json``
(what the table was made with), ``NAME.failed.csv`` (which tracks failed and why), and hidden files: a lock, what was
seen of each file's size and time, which only saves reading it again, and a checksum of each row's values. A Parquet
table, `genreclf.tables.parquet_store`, has its newest rows in such a file until there are enough of them for a part.
"""

from __future__ import annotations

import csv
import io
import math
import os
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self, TypeVar
from zlib import crc32

import msgspec

from genreclf.errors import RequestError
from genreclf.files import append_whole, cannot_write, check_file, free_name, lock, write_whole
from genreclf.progress import SILENT, Progress
from genreclf.tables.cells import cell
from genreclf.tables.columns import IDENTITY
from genreclf.tables.labels import TAGS
from genreclf.tables.meta import beside, read_meta, write_meta
from genreclf.tables.table import table_path

# A kill loses nothing that was written; a power cut loses at most what was written since the disk was last made sure.
_SYNC_SECONDS = 2.0
_FLOAT32_MAX = 3.4e38
_Value = TypeVar("_Value")
Seen = dict[str, tuple[int, int, str]]
_Checksums = dict[str, tuple[str, int]]  # of a row's values, with the digest of the file that they describe


@dataclass(frozen=True)
class Failure:
    """A track that has no row, and why."""

    track_id: str
    path: str
    code: str
    reason: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class StoredRow:
    """A row of the table: its cells in the order of `TableStore.identity`."""

    identity: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Digest of the file that the row describes."""
        return self.identity[IDENTITY.index("digest")]


@dataclass(frozen=True, slots=True)
class _Line(StoredRow):
    """A row in a CSV file: where its line is, and a checksum of its values."""

    start: int
    length: int
    checksum: int


class TableStore(AbstractContextManager["TableStore"]):
    """A feature table that is open for writing; nobody else can open it meanwhile.

    ``rows`` and ``failures`` are by track id; ``seen`` holds size, time and digest of files by their paths;
    ``rewritten`` names the rows whose values are numbers, but not those that were written; ``identity`` names the
    identity columns, `IDENTITY` and, where the table or the run has tags, ``tags``.

    Parameters
    ----------
    path : the table; where it is a link, what it leads to is the table.
    features : names of the feature columns.
    meta : what the table is made with; must equal what an existing table was made with under ``feature_set``,
        ``parameters`` and, where there are some, ``weights``.
    tags : whether the tracks have tags; a table without the column gets it.

    Raises
    ------
    RequestError : the path is not that of a table; the table was made with something else, is not ours, or cannot
        be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        features: Sequence[str],
        meta: Mapping[str, Any],
        tags: bool = False,
        progress: Progress = SILENT,
    ) -> None:
        self.path = table_path(Path(os.path.realpath(table_path(path))))
        self._file = self.path  # of the rows that are lines
        self.features = tuple(features)
        self.meta = dict(meta)
        self.tags = tags
        self.identity: tuple[str, ...] = (*IDENTITY, TAGS) if tags else IDENTITY
        self._lines: dict[str, _Line] = {}
        self.rewritten: set[str] = set()
        self.failures: dict[str, Failure] = {}
        self.seen: Seen = {}
        self._progress = progress
        self._failed = beside(self.path, ".failed.csv")
        self._lock: Any = None
        self._stream: io.FileIO | None = None
        self._size = 0
        self._synced = time.monotonic()

    @property
    def rows(self) -> Mapping[str, StoredRow]:
        """The rows of the table by track id."""
        return self._lines

    def __enter__(self) -> Self:
        message = f"another run is writing {self.path}; waiting for it to end"
        self._lock = lock(self.path, waiting=lambda: self._progress.message(message))
        try:
            with self._writing():
                self._open()
        except BaseException:
            self._lock.release()
            raise
        return self

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None:
                self._stream.close()
        finally:
            self._lock.release()

    def can_hold(self, values: Iterable[float]) -> bool:
        """Whether each value has a place in the table's precision."""
        return self.meta.get("dtype") != "float32" or all(abs(value) < _FLOAT32_MAX for value in values)

    def append(self, identity: Sequence[str], values: Iterable[float]) -> None:
        """Write one row; when this returns the row is in the file, and when it raises nothing of it is."""
        line = _line([*identity, *(repr(float(value)) for value in values)])
        with self._writing():
            self._append(line)
        self._lines[identity[0]], _ = self._row(self._size - len(line), line)
        self.rewritten.discard(identity[0])
        self.failures.pop(identity[0], None)

    def revise(self, *, drop: Iterable[str] = (), relabel: Mapping[str, Sequence[str]] | None = None) -> None:
        """Take rows out and give others new identity cells, in one rewrite; the values stay as they are."""
        dropped = set(drop)
        if dropped or relabel:
            with self._writing():
                self._revise(dropped, relabel or {})

    def finish(self) -> None:
        """Put the rows in the order of their ids and write the list of failures beside the table."""
        with self._writing():
            self._settle()
            self._finish()

    def _revise(self, drop: Collection[str], relabel: Mapping[str, Sequence[str]]) -> None:
        self._rewrite([track_id for track_id in self._lines if track_id not in drop], relabel)

    def _settle(self) -> None:
        """Put the rows in their order."""
        ordered = sorted(self._lines)
        if ordered != list(self._lines):
            self._rewrite(ordered)

    def _finish(self) -> None:
        if self.failures:
            failures = (replace(failure, reason=cell(failure.reason)) for _, failure in sorted(self.failures.items()))
            rows = map(astuple, failures)
            write_whole(self._failed, b"".join([_FAILED, *map(_line, rows)]))
        else:
            self._failed.unlink(missing_ok=True)
        checksums = {track_id: (line.digest, line.checksum) for track_id, line in self._lines.items()}
        for what, content in (("seen", self.seen), ("rows", checksums)):
            data = msgspec.json.encode(content)
            if content and _bytes_of(self._hidden(what)) != data:
                write_whole(self._hidden(what), data)

    def _hidden(self, what: str) -> Path:
        return beside(self.path, f".{what}.json", hidden=True)

    def _open(self) -> None:
        check_file(self._failed, mark=_FAILED, what="a list of the tracks that failed")
        if self._exists():
            self._check_meta()
        else:
            write_meta(self.path, self.meta)
        self._open_rows()
        if self._stream is None:
            self._stream = self._file.open("ab", buffering=0)
        # A run that was killed may have written the row of a track that had failed before.
        listed = _read_failures(self._failed)
        self.failures = {track_id: failure for track_id, failure in listed.items() if track_id not in self.rows}
        self.seen = _read_json(self._hidden("seen"), Seen, {})

    def _exists(self) -> bool:
        return self.path.exists()

    def _open_rows(self) -> None:
        """Find the rows of an existing file, or begin one."""
        if self._file.exists():
            self._recover()
        else:
            write_whole(self._file, self._header)
            self._size = len(self._header)

    def _check_meta(self) -> None:
        made = read_meta(self.path)
        known = beside(self.path, ".json").name
        if made is None:
            raise RequestError(
                f"{self.path} was not written by genreclf extract (no readable {known} beside it); "
                "choose another file with -o"
            )
        asked, there = (
            {"feature set": meta["feature_set"], "dtype": meta.get("dtype", "float64")}
            | dict(meta.get("parameters", {}))
            | {f"weights {name}": digest[:12] for name, digest in meta.get("weights", {}).items()}
            for meta in (self.meta, made)
        )
        for name, value in asked.items():
            if there.get(name) != value:
                raise RequestError(
                    f"{self.path} was made with {name} {_shown(there.get(name))}, this run asks for {_shown(value)}; "
                    f"choose another file with -o, or delete {self.path.name} and {known} to start over"
                )
        corpora = sorted({*made.get("corpora", ()), *self.meta.get("corpora", ())})
        if corpora != sorted(made.get("corpora", ())):
            write_meta(self.path, made | {"corpora": corpora})
        # Rows of another version stay; that they stand beside ours must be known.
        before, now = (meta.get("versions", {}).get("genreclf") for meta in (made, self.meta))
        if before != now:
            self._progress.message(
                f"{self.path}: its rows were made by genreclf {before}, this is {now}; new rows are added beside them"
            )

    @property
    def _header(self) -> bytes:
        return _line([*self.identity, *self.features])

    def _recover(self) -> None:
        """Find the rows of an existing table; what a killed run left torn at its end is cut off."""
        checksums = _read_json(self._hidden("rows"), _Checksums, {})
        torn = 0
        faults: list[str] = []
        wanted = self.identity
        with self._file.open("rb") as stream:
            first = stream.readline(2 * len(self._header) + len(TAGS))
            if first != self._header:
                other = IDENTITY if TAGS in wanted else (*IDENTITY, TAGS)
                self.identity = other if first == _line([*other, *self.features]) else wanted
            header = self._header
            if first != header and not header.startswith(first):
                raise RequestError(
                    f"{self.path}: line 1 is not the header that a table of the feature set "
                    f"{self.meta['feature_set']!r} is written with; another program may have saved the file: "
                    "choose another with -o"
                )
            position = len(first)
            for number, line in enumerate(stream, start=2):
                if not line.endswith(b"\n") or line.startswith(b"\0"):
                    torn += 1
                elif fault := self._take(number, position, line, checksums):
                    faults.append(f"line {number}{fault}")
                position += len(line)
        if first != header:
            write_whole(self._file, header)
            position = len(header)
        self._size = position
        if faults:
            copy = free_name(self._file)
            shutil.copy2(self._file, copy)
            more = f" (and {len(faults) - 1} more rows)" if len(faults) > 1 else ""
            self._progress.message(
                f"{self.path}: {faults[0]}{more}; another program has changed the table. It is kept as {copy.name}; "
                "changed rows are computed again where their files are at hand, and those that are no rows are left out"
            )
        if torn or faults or len(wanted) > len(self.identity):
            self._rewrite(list(self._lines), identity=max(wanted, self.identity, key=len))
        if torn:
            self._progress.message(f"{self.path}: {torn} incomplete row(s) of an earlier run cut off")

    def _take(self, number: int, position: int, line: bytes, checksums: _Checksums) -> str:
        """Take a line of the file up as a row; what is wrong with it, empty where nothing is."""
        try:
            row, values = self._row(position, line)
        except UnicodeDecodeError:
            raise RequestError(
                f"{self.path}: line {number}: not UTF-8 text; another program may have saved the file: "
                "save it as UTF-8 or choose another with -o"
            ) from None
        except (ValueError, csv.Error):
            return f": not a row of {len(self.identity) + len(self.features)} cells"
        track_id = row.identity[0]
        if track_id in self._lines:
            return f": a second row of {track_id!r}"
        digest, checksum = checksums.get(track_id, ("", None))
        known = digest == row.digest and checksum is not None
        fault = ""
        if not known or checksum != row.checksum:
            column, value = next(_not_ours(self.features, values), ("", ""))
            if column and not _is_finite(value):
                return f", column {column!r}: {value!r} is not a finite number"
            if column or known:
                self.rewritten.add(track_id)
                fault = f", column {column!r}: {value!r} was not written so" if column else ": its values are others"
        self._lines[track_id] = row
        return fault

    def _append(self, line: bytes) -> None:
        assert self._stream is not None, "the store is open"  # noqa: S101
        append_whole(self._stream, line, size=self._size)
        self._size += len(line)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._stream.fileno())
            self._synced = time.monotonic()

    def _row(self, start: int, line: bytes) -> tuple[_Line, str]:
        """A line as a row, and the text of its values; a `ValueError` or `csv.Error` where it is no whole row."""
        width, text = len(self.identity), line.decode("utf-8").removesuffix("\n")
        if '"' in text:
            cells = next(csv.reader([text], strict=True))
            identity, values = cells[:width], ",".join(cells[width:])
        else:
            *identity, values = text.split(",", width)
        if len(identity) != width or values.count(",") != len(self.features) - 1:
            raise ValueError(text)
        return _Line(tuple(identity), start, len(line), crc32(values.encode("utf-8"))), values

    def _rewrite(
        self,
        order: Sequence[str],
        relabel: Mapping[str, Sequence[str]] = MappingProxyType({}),
        *,
        identity: tuple[str, ...] | None = None,
    ) -> None:
        """Write the table anew with these rows in this order, some with other identity cells, or with a column more."""
        if self._stream is not None:
            self._stream.close()
        temporary = self._file.with_name(f".{self._file.name}.part")
        rows: dict[str, _Line] = {}
        try:
            temporary.unlink(missing_ok=True)
            with self._file.open("rb") as old, temporary.open("xb") as new:
                wider = len(identity or self.identity) - len(self.identity)
                position = new.write(_line([*(identity or self.identity), *self.features]))
                for track_id in order:
                    old.seek(self._lines[track_id].start)
                    line = old.read(self._lines[track_id].length)
                    row, values = self._row(position, line)
                    if track_id in relabel or wider:
                        cells = (*relabel.get(track_id, row.identity), *[""] * wider)
                        line = _line([*cells, *values.split(",")])
                        row = replace(row, length=len(line), identity=cells)
                    rows[row.identity[0]] = row
                    position += new.write(line)
                new.flush()
                os.fsync(new.fileno())
            temporary.replace(self._file)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        else:
            self._lines, self._size, self.identity = rows, position, identity or self.identity
        finally:
            self._stream = self._file.open("ab", buffering=0)


def _line(cells: Iterable[str]) -> bytes:
    """Cells as one line of CSV; a line end inside a cell becomes a space, so that a row is always one line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([" ".join(cell.splitlines()) for cell in cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


_FAILED = _line(field.name for field in fields(Failure))


def _is_finite(value: str) -> bool:
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _not_ours(features: Sequence[str], values: str) -> Iterator[tuple[str, str]]:
    """The values that genreclf did not write, which are finite and the shortest text that reads back as the same."""
    cells = values.split(",")
    with suppress(ValueError):
        if "n" not in values and list(map(repr, map(float, cells))) == cells:
            return
    for name, value in zip(features, cells, strict=True):
        if not _is_finite(value) or repr(float(value)) != value:
            yield name, value


def _read_failures(path: Path) -> dict[str, Failure]:
    """The failures of earlier runs; lines that are damaged are passed over, their tracks are tried again."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, restval=""))
        return {row["track_id"]: Failure(**row) for row in rows if row["code"]}
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        return {}


def _read_json(path: Path, kind: type[_Value], otherwise: _Value) -> _Value:
    """What a hidden file holds; `otherwise` where it is not there or damaged, for all of it can be found again."""
    try:
        return msgspec.json.decode(_bytes_of(path), type=kind)
    except (ValueError, RecursionError, msgspec.MsgspecError):
        return otherwise


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
