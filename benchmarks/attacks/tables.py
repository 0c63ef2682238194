"""Feature tables, edited as spreadsheets, editors, disks and hands do: no row is lost, and no value is misread.

Extraction is attacked in one process, with numbers drawn from each file's bytes for features: the store, what is
computed again and what stays are the project's own.
"""

from __future__ import annotations

import csv
import io
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attacks.cases import check

from genreclf import extraction
from genreclf.errors import GenreclfError, RequestError, TrackError
from genreclf.features import description
from genreclf.tables.table import FeatureTable
from genreclf.workers import Outcome

CASES = 60
SECONDS = 30.0
_COLUMNS = 185
_IDENTITY = 8


def missing() -> str:
    return ""


def prepare(folder: Path, feature_set: str | None = None) -> Path:
    """Two folders of made-up files, `ours` and `others`, and one table of both."""
    for source, count in (("ours", 8), ("others", 4)):
        for number in range(count):
            place = folder / source / ("slow" if number % 2 else "fast") / f"{source} {number}, é.wav"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(b"bad" if number == 5 else f"{source}{number}".encode())
    simplify_extraction()
    for source in ("others", "ours"):
        extraction.extract(folder / source, folder / "t.csv", feature_set=feature_set)
    FeatureTable.read(folder / "t.csv")  # what every case imports is imported once
    return folder


def simplify_extraction() -> None:
    """Have extraction describe files in this process, each by numbers drawn from its bytes."""

    def described(path: Path, *, feature_set: Any, **_: Any) -> tuple[dict[str, float], dict[str, Any]]:
        content = path.read_bytes()
        if content.startswith(b"bad"):
            raise TrackError("unreadable", "bad")
        values = np.random.default_rng(zlib.crc32(content)).normal(size=len(feature_set.columns))
        return dict(zip(feature_set.columns, values.tolist(), strict=True)), {}

    def run(function: Callable[[Any], Any], items: Sequence[Any], **_: Any) -> Iterator[Outcome[Any]]:
        for index, item in enumerate(items):
            yield Outcome(index, function(item), None, 0.0)

    description.describe_file = described  # type: ignore[assignment]
    extraction.run = run  # type: ignore[assignment]
    extraction._compile_first = lambda *_: None  # type: ignore[assignment]  # noqa: SLF001 - nothing is compiled


def copied(source: Path, place: Path) -> Path:
    """The table and what stands beside it, in another folder."""
    for path in source.iterdir():
        if path.is_file():
            (place / path.name).write_bytes(path.read_bytes())
    return place / "t.csv"


def case(rng: np.random.Generator, place: Path, made: Path, number: int) -> tuple[str, dict[str, float]]:
    path = copied(made, place)
    edits = [_edit(path, rng) for _ in range(int(rng.integers(1, 4)))]
    edited = path.read_bytes()
    _check_reading(path, edited)
    right = (made / "t.csv").read_bytes().splitlines()
    try:
        done = extraction.extract(made / "ours", path)
    except RequestError as refused:
        check("\n" not in str(refused), "crash", str(refused))
        check(path.read_bytes() == edited, "lost row", f"refused, and the table has changed: {refused}")
        return "refused", {}
    after = path.read_bytes().splitlines()
    kept = b"".join(copy.read_bytes() for copy in place.glob("t.csv.old*")).splitlines()
    ours = [line for line in right if b"ours" in line]
    # A value that another program has rounded is known by its checksum alone.
    for line in set(ours) - set(after) if not any(".rows." in edit for edit in edits) else ():
        now = [other for other in after if other[:20] == line[:20]]
        same = any(_cells(other) == _cells(line) for other in now)  # an empty cell may have become a quoted one
        check(same, "wrong value", f"{edits}: a row is not as it was: {_difference(line, *now[:1])}")
    whole = edited[: edited.rfind(b"\n") + 1].splitlines()
    lost = [line for line in whole if b"others" in line and line not in after and line not in kept]
    check(not lost, "lost row", f"{lost[:1]}"[:400])
    ids = [row[0] for row in csv.reader(path.read_text("utf-8").splitlines())]
    check(len(ids) == len(set(ids)), "wrong value", "a row stands there twice")
    return "completed" if done.computed else "nothing to do", {}


def _check_reading(path: Path, edited: bytes) -> None:
    """What is read is what the cells say."""
    try:
        table = FeatureTable.read(path)
    except GenreclfError as refused:
        check("\n" not in str(refused), "crash", str(refused))
        return
    text = io.StringIO(edited.decode("utf-8-sig"), newline="")
    separator = ";" if b";" in edited.partition(b"\n")[0] else ","
    header, *lines = [row for row in csv.reader(text, delimiter=separator) if row]
    check(len(lines) == len(table), "lost row", f"{len(table)} of {len(lines)} rows are read")
    for line, track_id, values in zip(lines, table.ids.tolist(), table.X.tolist(), strict=True):
        cells = dict(zip(header, line, strict=False))
        for name, value in zip(table.features, values, strict=True):
            cell = cells[name].strip()
            stored = float(cell or "nan")
            check(
                value == stored or (math.isnan(value) and math.isnan(stored)),
                "wrong value",
                f"{track_id} {name}: {value} read for {cell!r}",
            )


def _cells(line: bytes) -> list[str]:
    return next(csv.reader([line.decode("utf-8", "backslashreplace")]))


def _difference(line: bytes, other: bytes = b"") -> str:
    pairs = zip(line.split(b","), other.split(b","), strict=False)
    return f"{line[:20]!r}: {[pair for pair in pairs if pair[0] != pair[1]][:3]}"


def _edit(path: Path, rng: np.random.Generator) -> str:
    """One edit of the table, or of a file beside it; what it was."""
    if rng.uniform() < 0.25:
        beside = [p for p in sorted(path.parent.iterdir()) if p != path and p.is_file()]
        other = beside[rng.integers(len(beside))]
        content = other.read_bytes()
        how = int(rng.integers(4))
        if how == 0:
            other.unlink()
        elif how == 1:
            other.write_bytes(content[: int(rng.integers(len(content) + 1))])
        elif how == 2:
            other.write_bytes(rng.bytes(int(rng.integers(100))))
        elif content:
            place = int(rng.integers(len(content)))
            other.write_bytes(content[:place] + rng.bytes(1) + content[place + 1 :])
        return f"{other.name} {how}"
    lines = path.read_bytes().split(b"\n")
    edit = _EDITS[rng.integers(len(_EDITS))]
    path.write_bytes(edit(lines, rng))
    return edit.__name__


def _cell(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """Another value in one cell."""
    row = int(rng.integers(len(lines)))
    cells = lines[row].split(b",")
    values = [
        b"",
        b"nan",
        b"inf",
        b"1e999",
        b"0",
        b"1,5",
        b"=1+1",
        b'"',
        b'""',
        b"\xff",
        b"\r",
        b"-0.0",
        b"1.50",
        b"1_0",
    ]
    cells[rng.integers(len(cells))] = values[rng.integers(len(values))]
    lines[row] = b",".join(cells)
    return b"\n".join(lines)


def _rounded(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """Values as a spreadsheet shows them."""
    for row in range(1, len(lines)):
        cells = lines[row].split(b",")
        if len(cells) > _COLUMNS and rng.uniform() < 0.5:
            cells[-1] = repr(round(float(cells[-1] or b"0"), 6)).encode() if b"." in cells[-1] else cells[-1]
            lines[row] = b",".join(cells)
    return b"\n".join(lines)


def _moved(lines: list[bytes], rng: np.random.Generator) -> bytes:
    first, second = rng.integers(len(lines), size=2)
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _doubled(lines: list[bytes], rng: np.random.Generator) -> bytes:
    lines.insert(int(rng.integers(len(lines))), lines[rng.integers(len(lines))])
    return b"\n".join(lines)


def _without(lines: list[bytes], rng: np.random.Generator) -> bytes:
    del lines[rng.integers(len(lines))]
    return b"\n".join(lines)


def _cut(lines: list[bytes], rng: np.random.Generator) -> bytes:
    whole = b"\n".join(lines)
    return whole[: int(rng.integers(len(whole) + 1))]


def _byte(lines: list[bytes], rng: np.random.Generator) -> bytes:
    whole = bytearray(b"\n".join(lines))
    if whole:
        whole[rng.integers(len(whole))] = int(rng.integers(256))
    return bytes(whole)


def _zeros(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """What a power cut may leave at the end."""
    return b"\n".join(lines) + bytes(int(rng.integers(1, 5000)))


def _saved(lines: list[bytes], rng: np.random.Generator) -> bytes:
    """The whole file as another program saves it."""
    how = int(rng.integers(6))
    text = b"\n".join(lines)
    if how == 0:
        return text.replace(b"\n", b"\r\n")
    if how == 1:
        return b"\xef\xbb\xbf" + text
    if how == 2:
        return text.replace(b",", b";")
    if how == 3:
        return text.decode("utf-8", "replace").encode("utf-16")
    if how == 4:
        return text.decode("utf-8", "replace").encode("latin-1", "replace")
    return text.rstrip(b"\n")


_EDITS = (_cell, _cell, _cell, _rounded, _moved, _doubled, _without, _cut, _byte, _byte, _zeros, _saved)
