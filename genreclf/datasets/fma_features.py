"""FMA's published ``features.csv``: 518 features of 106,574 tracks, in the order of the file.

The header has three rows (feature, statistics, number) and one that names the index; each value is written with
eleven digits, about 950 MB in all. Lines of other tracks are passed over unparsed, the rest is parsed a few thousand
lines at a time into one array, so that the peak of memory is the array and little more.
"""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.errors import RequestError
from genreclf.tables.table import family_of

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_LINES_AT_ONCE = 2000
_THREADS = 2


@dataclass(frozen=True)
class PublishedFeatures:
    """Features as published.

    Parameters
    ----------
    numbers : track numbers in ascending order.
    columns : names such as ``mfcc_mean_01``.
    values : (tracks, columns), float64, all finite.
    incomplete : tracks left out because a value is missing.
    """

    numbers: list[int]
    columns: list[str]
    values: np.ndarray
    incomplete: tuple[int, ...] = ()


def read_features(path: Path, wanted: pd.Index[int], families: Sequence[str] | None = None) -> PublishedFeatures:
    """Read the rows of some tracks.

    Parameters
    ----------
    path : FMA's ``features.csv``.
    wanted : track numbers.
    families : feature families such as ``mfcc``; all where None.

    Raises
    ------
    RequestError : the file is not there, torn or not FMA's; there is no such family.
    """
    import numpy as np

    try:
        with path.open("rb") as stream:
            columns = _header(path, stream)
            picked = _picked(path, columns, families)
            names = [columns[position - 1] for position in picked]
            values = np.empty((len(wanted), len(names)))
            numbers: list[int] = []
            for found, block in _parsed(path, _blocks(path, stream, set(wanted), len(columns)), picked):
                values[len(numbers) : len(numbers) + len(found)] = block
                numbers += found
    except OSError as error:
        raise RequestError(
            f"{path}: cannot be read: {error.strerror}; FMA's features come with: genreclf datasets fetch fma "
            "--subset metadata --to DIR"
        ) from None
    return _in_order(PublishedFeatures(numbers, names, values[: len(numbers)]))


def _in_order(found: PublishedFeatures) -> PublishedFeatures:
    """Ascending track numbers, rows with a missing value left out; copied only where something changes."""
    import numpy as np

    values = found.values  # noqa: PD011 - an array, no data frame
    order = np.argsort(found.numbers, kind="stable")
    # A sum is finite only if every value is, and costs no array of flags.
    whole = np.isfinite(values.sum()) or np.isfinite(values).all(axis=1)
    incomplete = [] if whole is True or np.all(whole) else [found.numbers[row] for row in np.flatnonzero(~whole)]
    if incomplete:
        order = order[whole[order]]
    elif (order == np.arange(len(order))).all():
        return found
    return PublishedFeatures(
        [found.numbers[row] for row in order], found.columns, values[order], tuple(sorted(incomplete))
    )


def _header(path: Path, stream: io.BufferedReader) -> list[str]:
    """Column names, the track number left out."""
    rows = [stream.readline(1_000_000).decode("utf-8", "replace") for _ in range(3)]
    family, statistic, number = (next(csv.reader([row]), []) for row in rows)
    if family[:1] != ["feature"] or not len(family) == len(statistic) == len(number) > 1:
        raise RequestError(
            f"{path}: not FMA's features.csv, whose header has the three rows feature, statistics and number"
        )
    return ["_".join(parts) for parts in zip(family[1:], statistic[1:], number[1:], strict=True)]


def _picked(path: Path, columns: list[str], families: Sequence[str] | None) -> list[int]:
    """Positions in the file of the columns of some families."""
    of = [family_of(column) for column in columns]
    for family in families or ():
        if family not in of:
            raise RequestError(f"no feature family {family!r} in {path}; choose from {', '.join(dict.fromkeys(of))}")
    return [position + 1 for position, family in enumerate(of) if families is None or family in families]


def _blocks(
    path: Path, stream: io.BufferedReader, wanted: set[int], columns: int
) -> Iterator[tuple[int, list[int], bytes]]:
    """Lines of the wanted tracks, some thousand at a time: line number of the first, track numbers, bytes."""
    numbers: list[int] = []
    lines: list[bytes] = []
    seen: set[int] = set()
    first = 0
    for line_number, line in enumerate(stream, start=4):
        if line_number == 4 and line.startswith(b"track_id,"):
            continue
        number = _track_number(path, line_number, line)
        if number not in wanted:
            continue
        if line.count(b",") != columns:
            raise RequestError(
                f"{path}: line {line_number}: {line.count(b',')} values where {columns} belong; fetch the file again"
            )
        if number in seen:
            raise RequestError(f"{path}: line {line_number}: track {number} stands there twice; fetch the file again")
        seen.add(number)
        first = first or line_number
        numbers.append(number)
        lines.append(line)
        if len(lines) == _LINES_AT_ONCE:
            yield first, numbers, b"".join(lines)
            numbers, lines, first = [], [], 0
    if lines:
        yield first, numbers, b"".join(lines)


def _track_number(path: Path, line_number: int, line: bytes) -> int:
    digits = line[: line.find(b",")]
    if not digits.isdigit() or len(digits) > 9:
        raise RequestError(f"{path}: line {line_number}: {digits[:20]!r} is not a track number; fetch the file again")
    return int(digits)


def _parsed(
    path: Path, blocks: Iterator[tuple[int, list[int], bytes]], picked: list[int]
) -> Iterator[tuple[list[int], np.ndarray]]:
    """Track numbers and values of each block in turn; two threads parse while this one reads on."""
    with ThreadPoolExecutor(_THREADS) as pool:
        ahead: deque[tuple[list[int], Future[np.ndarray]]] = deque()
        for first_line, numbers, lines in blocks:
            ahead.append((numbers, pool.submit(_values, path, first_line, lines, picked)))
            if len(ahead) > _THREADS:
                found, future = ahead.popleft()
                yield found, future.result()
        for found, future in ahead:
            yield found, future.result()


def _values(path: Path, first_line: int, lines: bytes, picked: list[int]) -> np.ndarray:
    import numpy as np
    import pandas as pd

    try:
        frame = pd.read_csv(io.BytesIO(lines), header=None, usecols=picked, dtype=np.float64, low_memory=False)
    except ValueError as error:
        raise RequestError(
            f"{path}: a value at or after line {first_line} is not a number: {' '.join(str(error).split())}"
        ) from None
    return frame.to_numpy()
