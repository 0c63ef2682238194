"""Where the rows of a CSV file stand, and whether each has as many cells as the header.

pandas fills short rows with nothing and cuts long ones, so rows are counted before it reads them. Lines are counted
as an editor counts them: the header is line 1, and a row in quotes may take several.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TextIO

from genreclf.errors import RequestError


def row_lines(path: Path, separator: str, width: int) -> Sequence[int]:
    """The line on which each row starts, the header left out.

    Raises
    ------
    RequestError : a row has more or fewer than `width` cells, a cell holds a zero byte or is larger than 128 KiB,
        or a line is not UTF-8; the line is named.
    """
    try:
        with _open(path) as stream:
            found = _plain(path, stream, separator, width)
        if found is not None:
            return found
        with _open(path) as stream:
            return list(_quoted(path, stream, separator, width))
    except UnicodeDecodeError:
        raise not_text(path) from None
    except csv.Error as error:
        raise RequestError(f"{path}: cannot be read as a table: {error}") from None


def _open(path: Path) -> TextIO:
    return path.open(encoding="utf-8-sig", newline="")


def _plain(path: Path, lines: Iterable[str], separator: str, width: int) -> Sequence[int] | None:
    """For files without quotes, by counting separators; None where there is a quote."""
    starts: list[int] = []
    blank = False
    for number, line in enumerate(lines, start=1):
        if '"' in line:
            return None
        cells = line.count(separator) + 1
        if cells == width and "\0" not in line and (width > 1 or line.strip()):
            starts.append(number)
        elif line.strip(" \r\n"):
            raise _refused(path, number, line, cells, width)
        else:
            blank = True
    return starts[1:] if blank else range(2, len(starts) + 1)


def _quoted(path: Path, lines: Iterable[str], separator: str, width: int) -> Iterator[int]:
    reader = csv.reader(lines, delimiter=separator)
    start = 1
    first = True
    try:
        for cells in reader:
            blank = not cells or (len(cells) == 1 and cells[0].isspace())
            if not blank and (len(cells) != width or any("\0" in cell for cell in cells)):
                raise _refused(path, start, "".join(cells), len(cells), width)
            if not blank and not first:
                yield start
            first &= blank
            start = reader.line_num + 1
    except csv.Error as error:
        raise RequestError(f"{path}: line {start}: {error}; is a quote left open there?") from None


def _refused(path: Path, number: int, content: str, cells: int, width: int) -> RequestError:
    if "\0" in content:
        return RequestError(f"{path}: line {number}: a zero byte; the file is damaged or no table")
    some = "cell" if cells == 1 else "cells"
    return RequestError(
        f"{path}: line {number}: {cells} {some} where the header has {width} columns; "
        "mend or remove the line, and put quotes around texts that hold the separator"
    )


def not_text(path: Path) -> RequestError:
    """The one line for a file that is not UTF-8; it names the first line that is not."""
    with path.open("rb") as stream:
        head = stream.read(4096)
    if b"\0" in head:
        made = "make one with: genreclf extract SOURCE -o TABLE.csv"
        if head.startswith(b"PK\x03\x04"):
            return RequestError(f"{path}: a genreclf model, an index or another archive, not a table; {made}")
        return RequestError(f"{path}: not UTF-8 text; save the table as a UTF-8 CSV file, or {made}")
    number = 0
    with path.open("rb") as stream:
        for line in stream:
            number += 1
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                break
    return RequestError(f"{path}: line {number}: not UTF-8 text; save it as a UTF-8 CSV file")
