"""The table of predictions: a row a track, as CSV, JSON Lines or Parquet; a stopped batch goes on from it.

Each row is written by one call as it comes, so that a kill leaves whole rows and at most one torn one, which the next
opening cuts off. A Parquet file cannot be added to: while a batch runs its rows are in ``.NAME.rows`` beside it.
"""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from genreclf.errors import RequestError
from genreclf.extraction import MAY_PASS
from genreclf.files import append_whole, cannot_write, check_file, lock, whole_file, write_whole
from genreclf.tables.cells import escape, for_spreadsheet

if TYPE_CHECKING:
    from genreclf.prediction import Prediction

SUFFIXES = (".csv", ".jsonl", ".parquet")
_BLOCK_ROWS = 1000
_BEGINS = {".csv": b"path,genre,", ".jsonl": b'{"path":', ".parquet": b"PAR1"}


def check_prediction_table(path: Path) -> None:
    """Refuse a place for a table of predictions before work begins.

    Raises
    ------
    RequestError : its name ends in none of `SUFFIXES`, it holds something else, or pyarrow is not installed.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise RequestError(f"{path}: predictions are written as {', '.join(SUFFIXES)}; choose a name that ends so")
    if path.suffix.lower() == ".parquet":
        _pyarrow()
    check_file(path, mark=_BEGINS[path.suffix.lower()], what="a table of predictions")


class PredictionTable(AbstractContextManager["PredictionTable"]):
    """A table of predictions, open to be added to; nobody else can open it meanwhile.

    ``done`` holds the paths of the rows that were there, ``failed`` counts those with an error. What failed for a
    reason that may pass, such as a missing file, is taken out as the table is opened, to be tried again.

    Parameters
    ----------
    path : a file ending in one of `SUFFIXES`.
    genres : the genres of the model, sorted.
    model : the model's id; a table of another model is refused.
    spreadsheet : in a CSV, put an apostrophe before texts that a spreadsheet would take for a formula.

    Raises
    ------
    RequestError : the place cannot be written to, or holds something else.
    """

    def __init__(self, path: Path, genres: Sequence[str], *, model: str = "", spreadsheet: bool = False) -> None:
        check_prediction_table(path)
        self.path = path
        self.done: set[str] = set()
        self.failed = 0
        self._kind = path.suffix.lower()
        self._rows = path.with_name(f".{path.name}.rows") if self._kind == ".parquet" else path
        self._model = model
        self._text_of = for_spreadsheet if spreadsheet and self._kind == ".csv" else str
        self._columns = [
            *("path", "genre", "confidence", "unlike_training", "silent", "set"),
            *(f"p_{escape(genre)}" for genre in genres),
            *("model", "seconds", "error_code", "error"),
        ]
        self._lock: Any = None
        self._stream: io.FileIO | None = None
        self._size = 0

    def __enter__(self) -> Self:
        self._lock = lock(self.path)
        try:
            self._recover()
            self._stream = self._rows.open("ab", buffering=0)
            self._size = self._stream.seek(0, os.SEEK_END)
        except BaseException as error:
            self._lock.release()
            if isinstance(error, OSError):
                raise cannot_write(self.path, error) from error
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if self._stream is not None:
                self._stream.close()
            if self._kind == ".parquet":
                self._convert()
        finally:
            self._lock.release()

    def append(self, prediction: Prediction) -> None:
        """Write one row; when this returns the row is in the file, and when it raises nothing of it is."""
        assert self._stream is not None, "the table is open"  # noqa: S101
        line = self._line(prediction)
        try:
            append_whole(self._stream, line, size=self._size)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self._size += len(line)

    def _line(self, prediction: Prediction) -> bytes:
        if self._kind == ".jsonl":
            return f"{json.dumps(prediction.as_json(), ensure_ascii=True, allow_nan=False)}\n".encode()
        row = prediction.as_json()
        error = row["error"] or {"code": "", "reason": ""}
        texts = {
            "path": prediction.path,
            "genre": escape(prediction.genre),
            "set": "|".join(map(escape, row.get("set") or ())),
            "model": row["model"],
            "error_code": error["code"],
            "error": escape(error["reason"]),
        }
        numbers = {name: row.get(name) for name in ("confidence", "unlike_training", "silent", "seconds")}
        numbers |= {f"p_{escape(genre)}": p for genre, p in row["probabilities"].items()}
        return _csv_line(
            self._text_of(texts[name]) if name in texts else _number(numbers.get(name)) for name in self._columns
        )

    def _recover(self) -> None:
        """Find the rows that are there; take out what is torn, and what is to be tried again."""
        if self._kind == ".parquet" and self.path.exists() and not self._rows.exists():
            write_whole(self._rows, b"".join(self._from_parquet()))
        try:
            found: BinaryIO = self._rows.open("rb")
        except FileNotFoundError:
            found = io.BytesIO()
        with found as stream:
            header = b"" if self._kind == ".jsonl" else _csv_line(self._columns)
            first = stream.readline() if header else b""
            if first and first != header and first.endswith(b"\n"):
                raise RequestError(f"{self.path}: its columns are those of another model or another genreclf; {_OTHER}")
            mend = first != header
            for number, line in enumerate(stream, start=2 if header else 1):
                row = self._read(number, line)
                if row is None or row["error_code"] in MAY_PASS:
                    mend = True
                    continue
                if self._model and row["model"] != self._model:
                    raise RequestError(f"{self.path}: predicted by {row['model']}, this is {self._model}; {_OTHER}")
                self.failed += bool(row["error_code"])
                self.done.add(row["path"])
            if mend:
                self._mend(stream, header)

    def _mend(self, stream: BinaryIO, header: bytes) -> None:
        """Write the file anew without the rows that are not `done`, and without a second one of any."""
        stream.seek(0)
        if header:
            stream.readline()
        left = set(self.done)
        with whole_file(self._rows) as new:
            new.write(header)
            for number, line in enumerate(stream, start=1):
                row = self._read(number, line)
                if row is not None and row["path"] in left and row["error_code"] not in MAY_PASS:
                    left.remove(row["path"])
                    new.write(line)

    def _read(self, number: int, line: bytes) -> dict[str, str] | None:
        """Path, model and error code of a row; None for one that a kill has torn."""
        if not line.endswith(b"\n"):
            return None
        try:
            if self._kind == ".jsonl":
                row = json.loads(line)
                return {
                    "path": row["path"],
                    "model": row["model"],
                    "error_code": (row["error"] or {"code": ""})["code"],
                }
            [cells] = csv.reader([line.decode("utf-8")])
            row = dict(zip(self._columns, cells, strict=True))
        except (ValueError, TypeError, KeyError, csv.Error):
            raise RequestError(f"{self.path}: line {number} is no row of predictions; {_OTHER}") from None
        text = row["path"]
        if self._text_of is for_spreadsheet and text.startswith("'") and for_spreadsheet(text[1:]) == text:
            row["path"] = text[1:]
        return row

    def _convert(self) -> None:
        """Write the Parquet file from the rows, block by block."""
        pyarrow = _pyarrow()
        texts = {"path", "genre", "model", "error_code", "error"}
        kinds = {"silent": pyarrow.bool_(), "set": pyarrow.list_(pyarrow.string())}
        schema = pyarrow.schema(
            [
                (name, pyarrow.string() if name in texts else kinds.get(name, pyarrow.float64()))
                for name in self._columns
            ]
        )
        with (
            self._rows.open(encoding="utf-8", newline="") as stream,
            whole_file(self.path) as target,
            pyarrow.parquet.ParquetWriter(target, schema) as writer,
        ):
            rows = (_typed(row, texts) for row in csv.DictReader(stream))
            while block := list(islice(rows, _BLOCK_ROWS)):
                writer.write_batch(pyarrow.RecordBatch.from_pylist(block, schema))
        self._rows.unlink()

    def _from_parquet(self) -> Iterator[bytes]:
        """The rows of a Parquet file as lines of CSV."""
        yield _csv_line(self._columns)
        file = _pyarrow().parquet.ParquetFile(self.path)
        if file.schema_arrow.names != self._columns:
            raise RequestError(f"{self.path}: its columns are those of another model or another genreclf; {_OTHER}")
        for batch in file.iter_batches(_BLOCK_ROWS):
            for row in batch.to_pylist():
                row["set"] = "|".join(row["set"] or ())
                yield _csv_line(text if isinstance(text, str) else _number(text) for text in row.values())


_OTHER = "choose another file with -o, or delete it to start over"


def write_predictions(
    path: Path, predictions: Iterable[Prediction], genres: Sequence[str], *, spreadsheet: bool = False
) -> None:
    """Write predictions into a new table, replacing one that is there.

    Parameters
    ----------
    path : ends in one of `SUFFIXES`; see `PredictionTable` for the columns and `genres` and `spreadsheet`.
    predictions : as `TrackPredictor.stream` yields them.

    Raises
    ------
    RequestError : the place cannot be written to, or is taken by another kind of file.
    """
    check_prediction_table(path)
    path.unlink(missing_ok=True)
    with PredictionTable(path, genres, spreadsheet=spreadsheet) as table:
        for prediction in predictions:
            table.append(prediction)


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(list(cells))
    return line.getvalue().encode("utf-8", "backslashreplace")


def _number(value: float | bool | None) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else repr(value)


def _typed(row: Mapping[str, str], texts: set[str]) -> dict[str, Any]:
    """A row of CSV with its numbers as numbers."""
    typed: dict[str, Any] = {name: row[name] for name in texts}
    for name in row.keys() - texts - {"silent", "set"}:
        typed[name] = float(row[name]) if row[name] else None
    typed["silent"] = {"true": True, "false": False}.get(row["silent"])
    typed["set"] = row["set"].split("|") if row["set"] else None
    return typed


def _pyarrow() -> Any:  # noqa: ANN401 - pyarrow has no types
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        raise RequestError('Parquet needs pyarrow; install it with: pip install "genreclf[parquet]"') from None
    return pa
