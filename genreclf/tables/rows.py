"""Rows of a CSV file, each with the line on which it starts.

pandas fills short rows with nothing, so the rows are counted and measured before it reads them. Lines are counted as
an editor counts them: the header is line 1, and a row in quotes may take several.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from genreclf.errors import RequestError


def separator_of(path: Path, *, hint: str = "") -> str:
    """What separates the columns: comma, semicolon, tab or bar, whichever the first line holds most often.

    Parameters
    ----------
    hint : what to do where there is no such file, as the end of the error's line.

    Raises
    ------
    RequestError : the file is not there, is empty, or cannot be read.
    """
    with _opened(path, hint) as stream:
        first = next((line for line in stream if line.strip()), "")
    if not first:
        raise RequestError(f"{path}: empty; a table begins with a line that names its columns")
    return max(",;\t|", key=first.count)


def read_rows(path: Path, separator: str, *, strict: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The header and the rows that are not blank, each with its line; all have as many cells as the header.

    Parameters
    ----------
    strict : refuse a quote that is left open at the end of the file, or followed by more text in its cell.

    Raises
    ------
    RequestError : a row has more or fewer cells than the header, a cell holds a zero byte or is larger than 128 KiB,
        a quote is left open, the file is not UTF-8; the line is named.
    """
    with _opened(path) as stream:
        reader = csv.reader(_without_zeros(path, stream), delimiter=separator, strict=strict)
        start, width = 1, 0
        try:
            for cells in reader:
                if cells and not (len(cells) == 1 and cells[0].isspace()):
                    width = width or len(cells)
                    if len(cells) != width:
                        raise _refused(path, start, len(cells), width)
                    yield start, cells
                start = reader.line_num + 1
        except csv.Error as error:
            raise RequestError(f"{path}: line {start}: {error}; is a quote left open or doubled there?") from None


def _without_zeros(path: Path, lines: Iterable[str]) -> Iterator[str]:
    for number, line in enumerate(lines, start=1):
        if "\0" in line:
            raise RequestError(f"{path}: line {number}: a zero byte; the file is damaged or not a table")
        yield line


@contextmanager
def _opened(path: Path, hint: str = "") -> Iterator[TextIO]:
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a pipe or a device"
            raise RequestError(f"{path}: {kind}, not a table{hint}")
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield stream
    except FileNotFoundError:
        raise RequestError(f"{path}: no such file{hint}") from None
    except UnicodeDecodeError:
        raise _not_text(path) from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None


def _refused(path: Path, line: int, cells: int, width: int) -> RequestError:
    return RequestError(
        f"{path}: line {line}: {cells} {'cell' if cells == 1 else 'cells'} where the header has {width} columns; "
        "mend or remove the line, and put quotes around texts that hold the separator"
    )


def _not_text(path: Path) -> RequestError:
    """The one line for a file that is not UTF-8; it names the first line that is not."""
    with path.open("rb") as stream:
        head = stream.read(4096)
        if head.startswith(b"PK\x03\x04"):
            return RequestError(f"{path}: a genreclf model, an index or another archive, not a table")
        if b"\0" in head:
            return RequestError(f"{path}: not UTF-8 text; save the table as a UTF-8 CSV file")
        stream.seek(0)
        number = 0
        for number, line in enumerate(stream, start=1):  # noqa: B007 - the last number is what counts
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                break
    return RequestError(f"{path}: line {number}: not UTF-8 text; save it as a UTF-8 CSV file")
