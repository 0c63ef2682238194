"""The feature table as a cache on disk that survives anything: a kill, a full disk, a second run.

The table is a CSV file in which each row is one line and each line is written by one call, so that what is on
disk is always whole lines and at most one torn one at the end, which the next opening cuts off. Rows are
appended as they come and put in the order of their ids at the end. Beside ``NAME.csv`` stand ``NAME.json``
(what the table was made with), ``NAME.failed.csv`` (which tracks failed and why), and two hidden files: a lock,
and what was seen of each file's size and time, which only saves reading it again.
"""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from genreclf.errors import RequestError
from genreclf.files import cannot_write, write_whole
from genreclf.progress import SILENT, Progress
from genreclf.tables.meta import read_meta, write_meta
from genreclf.tables.table import IDENTITY, table_path

# A kill loses nothing that was written; a power cut loses at most what was written since the disk was last made sure.
_SYNC_SECONDS = 2.0


@dataclass(frozen=True)
class Failure:
    """A track that has no row, and why."""

    track_id: str
    path: str
    code: str
    reason: str
    digest: str = ""


@dataclass(frozen=True)
class StoredRow:
    """Where a row's line stands in the file, and its identity cells, in the order of `IDENTITY`."""

    start: int
    length: int
    identity: tuple[str, ...]

    @property
    def digest(self) -> str:
        """Digest of the file that the row describes."""
        return self.identity[IDENTITY.index("digest")]


class TableStore(AbstractContextManager["TableStore"]):
    """A feature table that is open for writing; nobody else can open it meanwhile.

    Parameters
    ----------
    path : the CSV file.
    features : names of the feature columns.
    meta : what the table is made with; must equal what an existing table was made with under ``feature_set`` and
        ``parameters``.

    Raises
    ------
    RequestError : the path is not that of a CSV file; the table was made with something else, is not ours, or
        cannot be written.
    """

    def __init__(
        self, path: Path, *, features: Sequence[str], meta: Mapping[str, Any], progress: Progress = SILENT
    ) -> None:
        self.path = table_path(path)
        self.features = tuple(features)
        self.meta = dict(meta)
        self.rows: dict[str, StoredRow] = {}
        self.failures: dict[str, Failure] = {}
        self.seen: dict[str, list[Any]] = {}
        self._progress = progress
        self._lock: Any = None
        self._stream: io.FileIO | None = None
        self._size = 0
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        self._acquire()
        try:
            self._open()
        except OSError as error:
            self._release()
            raise cannot_write(self.path, error) from error
        except BaseException:
            self._release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None:
                self._stream.close()
        finally:
            self._release()

    def append(self, identity: Sequence[str], values: Iterable[float]) -> None:
        """Write one row; when this returns the row is in the file, and when it raises nothing of it is."""
        line = _line([*identity, *(repr(float(value)) for value in values)])
        self._append(line)
        self.rows[identity[0]] = StoredRow(self._size - len(line), len(line), tuple(identity))
        self.failures.pop(identity[0], None)

    def revise(self, *, drop: Iterable[str] = (), relabel: Mapping[str, Sequence[str]] | None = None) -> None:
        """Take rows out and give others new identity cells, in one rewrite; the values stay as they are."""
        dropped, renamed = set(drop), relabel or {}
        if dropped or renamed:
            kept = [track_id for track_id in self.rows if track_id not in dropped]
            self._rewrite(kept, lambda track_id, line: _relabelled(line, renamed.get(track_id)))

    def finish(self) -> None:
        """Put the rows in the order of their ids and write the list of failures beside the table."""
        ordered = sorted(self.rows)
        if ordered != list(self.rows):
            self._rewrite(ordered, lambda _, line: line)
        failed = self.path.with_suffix(".failed.csv")
        if self.failures:
            lines = [_line(["track_id", "path", "code", "reason", "digest"])]
            for _, failure in sorted(self.failures.items()):
                lines.append(_line([failure.track_id, failure.path, failure.code, failure.reason, failure.digest]))
            write_whole(failed, b"".join(lines))
        else:
            failed.unlink(missing_ok=True)
        write_whole(self._seen_path, json.dumps(self.seen))

    @property
    def _seen_path(self) -> Path:
        return self.path.with_name(f".{self.path.stem}.seen.json")

    def _acquire(self) -> None:
        from filelock import FileLock, Timeout

        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.path.with_name(f".{self.path.name}.lock"))
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                self._progress.message(f"another run is writing {self.path}; waiting for it to end")
                self._lock.acquire()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        except NotImplementedError:
            raise RequestError(f"{self.path}: files cannot be locked there; choose a place on another disk") from None

    def _release(self) -> None:
        self._lock.release()

    def _open(self) -> None:
        beside = self.path.with_suffix(".json")
        header = _line([*IDENTITY, *self.features])
        if self.path.exists():
            self._check_meta(beside)
            self._recover(header)
        else:
            write_meta(self.path, self.meta)
            write_whole(self.path, header)
            self._size = len(header)
        if self._stream is None:
            self._stream = self.path.open("ab", buffering=0)
        # A run that was killed may have written the row of a track that had failed before.
        listed = _read_failures(self.path.with_suffix(".failed.csv"))
        self.failures = {track_id: failure for track_id, failure in listed.items() if track_id not in self.rows}
        self.seen = _read_seen(self._seen_path)

    def _check_meta(self, beside: Path) -> None:
        made = read_meta(self.path)
        if made is None:
            raise RequestError(
                f"{self.path} was not written by genreclf extract (no readable {beside.name} beside it); "
                "choose another file with -o"
            )
        asked = {"feature set": self.meta["feature_set"]} | dict(self.meta["parameters"])
        there = {"feature set": made["feature_set"]} | made.get("parameters", {})
        for name, value in asked.items():
            if there.get(name) != value:
                raise RequestError(
                    f"{self.path} was made with {name} {_shown(there.get(name))}, this run asks for {_shown(value)}; "
                    f"choose another file with -o, or delete {self.path.name} and {beside.name} to start over"
                )
        self._tell_versions(made)

    def _tell_versions(self, made: Mapping[str, Any]) -> None:
        """Rows of another version stay; that they stand beside ours must be known."""
        before, now = (meta.get("versions", {}).get("genreclf") for meta in (made, self.meta))
        if before != now:
            self._progress.message(
                f"{self.path}: its rows were made by genreclf {before}, this is {now}; new rows are added beside them"
            )

    def _recover(self, header: bytes) -> None:
        """Find the rows of an existing table; what a killed run left torn at its end is cut off."""
        torn = 0
        with self.path.open("rb") as stream:
            first = stream.readline(2 * len(header))
            if first != header and not header.startswith(first):
                raise RequestError(
                    f"{self.path}: line 1 is not the header that a table of the feature set "
                    f"{self.meta['feature_set']!r} is written with; another program may have saved the file: "
                    "choose another with -o"
                )
            position = len(first)
            for number, line in enumerate(stream, start=2):
                cells = self._cells(number, line) if line.endswith(b"\n") else []
                if len(cells) == len(IDENTITY) + len(self.features) and cells[0] not in self.rows:
                    self.rows[cells[0]] = StoredRow(position, len(line), tuple(cells[: len(IDENTITY)]))
                else:
                    torn += 1
                position += len(line)
        if first != header:
            write_whole(self.path, header)
            position = len(header)
        self._size = position
        if torn:
            self._rewrite(list(self.rows), lambda _, line: line)
            self._progress.message(f"{self.path}: {torn} incomplete row(s) of an earlier run cut off")

    def _cells(self, number: int, line: bytes) -> list[str]:
        try:
            return next(csv.reader([line.decode("utf-8")]), [])
        except UnicodeDecodeError:
            raise RequestError(
                f"{self.path}: line {number}: not UTF-8 text; another program may have saved the file: "
                "save it as UTF-8 or choose another with -o"
            ) from None
        except csv.Error:
            return []

    def _append(self, line: bytes) -> None:
        assert self._stream is not None, "the store is open"  # noqa: S101
        try:
            written = self._stream.write(line)
            if written != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            self._stream.truncate(self._size)
            raise cannot_write(self.path, error) from error
        self._size += len(line)
        if time.monotonic() - self._synced > _SYNC_SECONDS:
            os.fsync(self._stream.fileno())
            self._synced = time.monotonic()

    def _rewrite(self, order: Sequence[str], change: Callable[[str, bytes], bytes]) -> None:
        """Write the table anew with these rows in this order, each line as `change` gives it."""
        if self._stream is not None:
            self._stream.close()
        temporary = self.path.with_name(f".{self.path.name}.part")
        rows: dict[str, StoredRow] = {}
        try:
            with self.path.open("rb") as old, temporary.open("wb") as new:
                position = new.write(old.readline())
                for track_id in order:
                    row = self.rows[track_id]
                    old.seek(row.start)
                    line = change(track_id, old.read(row.length))
                    cells = next(csv.reader([line.decode("utf-8")]))
                    rows[cells[0]] = StoredRow(position, len(line), tuple(cells[: len(IDENTITY)]))
                    position += new.write(line)
                new.flush()
                os.fsync(new.fileno())
            temporary.replace(self.path)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            self._stream = self.path.open("ab", buffering=0)
            raise cannot_write(self.path, error) from error
        self.rows, self._size = rows, position
        self._stream = self.path.open("ab", buffering=0)


def _line(cells: Sequence[str]) -> bytes:
    """Cells as one line of CSV; a line end inside a cell becomes a space, so that a row is always one line."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([" ".join(cell.splitlines()) for cell in cells])
    return text.getvalue().encode("utf-8", "backslashreplace")


def _relabelled(line: bytes, identity: Sequence[str] | None) -> bytes:
    if identity is None:
        return line
    cells = next(csv.reader([line.decode("utf-8")]))
    return _line([*identity, *cells[len(IDENTITY) :]])


def _read_failures(path: Path) -> dict[str, Failure]:
    """The failures of earlier runs; lines that are damaged are passed over, their tracks are tried again."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream, restval=""))
        return {row["track_id"]: Failure(**row) for row in rows if row["code"]}
    except (OSError, ValueError, TypeError, KeyError, csv.Error):
        return {}


def _read_seen(path: Path) -> dict[str, list[Any]]:
    try:
        seen = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(seen, dict):
        return {}
    return {path: known for path, known in seen.items() if isinstance(known, list) and len(known) == 3}


def _shown(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
