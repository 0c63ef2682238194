"""FMA's published ``features.csv``: 518 features of 106,574 tracks, in the order of the file.

The header has three rows (feature, statistics, number) and one that names the index; each value is written with
eleven digits, about 950 MB in all. Lines of other tracks are passed over unparsed, the rest is parsed a few
thousand rows at a time into one array, so that the peak of memory is the array and little more.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genreclf.errors import RequestError, one_line
from genreclf.tables.columns import family_of

if TYPE_CHECKING:
    import pandas as pd

_ROWS_AT_ONCE = 4000


def read_features(path: Path, wanted: pd.Index[int], families: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the rows of some tracks.

    Parameters
    ----------
    path : FMA's ``features.csv``.
    wanted : track numbers.
    families : feature families such as ``mfcc``; all where None.

    Returns
    -------
    One row a track by ascending number, with columns such as ``mfcc_mean_01``, float64; tracks with a missing value
    are left out.

    Raises
    ------
    RequestError : the file is not there, torn or not FMA's; there is no such family.
    """
    import numpy as np
    import pandas as pd

    try:
        with path.open("rb") as stream:
            names = _header(path, stream)
            picked = _picked(path, names, families)
            values = np.empty((len(wanted), len(picked)))
            numbers: list[int] = []
            lines = _lines(path, stream, {b"%d" % number for number in wanted}, len(names))
            while block := list(islice(lines, _ROWS_AT_ONCE)):
                rows = _parsed(path, block, names, picked)
                values[len(numbers) : len(numbers) + len(rows)] = rows
                numbers += rows.index.tolist()
    except OSError as error:
        raise RequestError(
            f"{path}: cannot be read: {error.strerror}; FMA's features come with: genreclf datasets fetch fma "
            "--subset metadata --to DIR"
        ) from None
    frame = pd.DataFrame(values[: len(numbers)], index=numbers, columns=picked, copy=False)
    # A sum is finite only if every value is, and costs no array of flags.
    if not np.isfinite(values[: len(numbers)].sum()):
        frame = frame.loc[np.isfinite(frame.to_numpy()).all(axis=1)]
    return frame if frame.index.is_monotonic_increasing else frame.sort_index()


def _header(path: Path, stream: BinaryIO) -> list[str]:
    """Column names without that of the track number."""
    rows = [stream.readline(1_000_000).decode("utf-8", "replace") for _ in range(3)]
    family, statistic, number = (next(csv.reader([row]), []) for row in rows)
    if family[:1] != ["feature"] or not len(family) == len(statistic) == len(number) > 1:
        raise RequestError(
            f"{path}: not FMA's features.csv, whose header has the three rows feature, statistics and number"
        )
    return ["_".join(parts) for parts in zip(family[1:], statistic[1:], number[1:], strict=True)]


def _picked(path: Path, names: list[str], families: Sequence[str] | None) -> list[str]:
    """The columns of some families."""
    there = dict.fromkeys(map(family_of, names))
    for family in families or ():
        if family not in there:
            raise RequestError(f"no feature family {family!r} in {path}; choose from {', '.join(there)}")
    return [name for name in names if families is None or family_of(name) in families]


def _lines(path: Path, stream: BinaryIO, wanted: set[bytes], columns: int) -> Iterator[tuple[int, bytes]]:
    """The lines of the wanted tracks, each with its number; pandas would take as long over one to skip as to parse."""
    seen: set[bytes] = set()
    for number, line in enumerate(stream, start=4):
        track = line[: line.find(b",")]
        fault = ""
        if not track.isdigit() and (number, track) != (4, b"track_id"):
            fault = f"{track[:20]!r} is not a track number"
        elif track in seen:
            fault = f"a second row of track {int(track)}"
        elif track in wanted and line.count(b",") != columns:
            fault = f"{line.count(b',')} values where {columns} belong"
        if fault:
            raise RequestError(f"{path}: line {number}: {fault}; fetch the file again")
        if track in wanted:
            seen.add(track)
            yield number, line


def _parsed(path: Path, block: list[tuple[int, bytes]], names: list[str], picked: list[str]) -> pd.DataFrame:
    """Track numbers as the index, values of the picked columns."""
    import pandas as pd

    text = io.BytesIO(b"".join(line for _, line in block))
    try:
        rows = pd.read_csv(
            text,
            header=None,
            names=["track_id", *names],
            index_col="track_id",
            usecols=["track_id", *picked],
            dtype=dict.fromkeys(picked, "float64"),
        )
    except ValueError as error:
        where = f"{path}: a value at or after line {block[0][0]}"
        raise RequestError(f"{where} is not a number: {one_line(error)}") from None
    return rows[picked]
