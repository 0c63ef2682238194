"""The manifest: which tracks there are, with labels, artists and splits where known.

As a file it is a CSV with the columns ``path, genre`` and, where known, ``artist, album, title, split, track_id``;
paths are relative to the manifest.
"""

from __future__ import annotations

import csv
import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from genreclf.errors import RequestError

COLUMNS = ("path", "genre", "artist", "album", "title", "split", "track_id")


@dataclass(frozen=True)
class Track:
    """One track: where it is and what is known of it; a text is empty where nothing is known.

    `name` is the path as the source gives it, with forward slashes, fit for a table; `path` is where to read.
    `tagged` tells that artist, album and title are to be taken from the file's tags.
    """

    track_id: str
    path: Path
    name: str = ""
    genre: str = ""
    artist: str = ""
    album: str = ""
    title: str = ""
    split: str = ""
    tagged: bool = False


@dataclass(frozen=True)
class Manifest:
    """The tracks of one source, with unique ids, in the order of their ids, and what the user must know of it."""

    name: str
    tracks: tuple[Track, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.tracks)

    def __iter__(self) -> Iterator[Track]:
        return iter(self.tracks)

    @classmethod
    def of(cls, name: str, tracks: Iterable[Track], notes: Iterable[str] = ()) -> Manifest:
        """A manifest in the order of the ids; an id that stands twice gets a number."""
        ordered: list[Track] = []
        taken: Counter[str] = Counter()
        for track in sorted(tracks, key=lambda track: (track.track_id, str(track.path))):
            taken[track.track_id] += 1
            count = taken[track.track_id]
            ordered.append(track if count == 1 else replace(track, track_id=f"{track.track_id}#{count}"))
        return cls(name, tuple(ordered), tuple(notes))


def cell(text: str) -> str:
    """A text fit for one cell of a table: one line, no control characters, valid Unicode."""
    line = " ".join(text.split())
    clean = "".join(c for c in line if c == " " or unicodedata.category(c) not in ("Cc", "Cf") or c in "\u200d\u200c")
    return clean.encode("utf-8", "backslashreplace").decode("utf-8")


def path_name(path: Path | str) -> str:
    """A path as a label: forward slashes, one line; bytes that are no text are shown as escapes."""
    text = Path(path).as_posix() if isinstance(path, Path) else path
    shown = "".join(c if unicodedata.category(c) not in ("Cc", "Cs") else ascii(c)[1:-1] for c in text)
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def read_manifest(path: Path) -> Manifest:
    """Read a manifest CSV.

    Raises
    ------
    RequestError : no such file, not UTF-8, a missing column, a row without a path, or an id or path that stands
        twice; the line is named.
    """
    header, rows = _rows(path)
    if "path" not in header:
        raise RequestError(f"{path}: no column 'path'; a manifest has the columns path, genre and may have others")
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise RequestError(f"{path}: line 1: the column {doubled[0]!r} stands there twice; rename one")
    tracks: list[Track] = []
    lines: dict[str, int] = {}
    for line, cells in rows:
        if len(cells) != len(header):
            raise RequestError(f"{path}: line {line}: {len(cells)} cells where the header has {len(header)} columns")
        track = _track(path, line, dict(zip(header, cells, strict=True)))
        if track.track_id in lines:
            raise RequestError(
                f"{path}: line {line}: {track.track_id!r} stands on line {lines[track.track_id]} already; "
                "each track needs an id or path of its own"
            )
        lines[track.track_id] = line
        tracks.append(track)
    return Manifest.of(path.stem, tracks, _remarks(path, header, tracks))


def _rows(path: Path) -> tuple[list[str], list[tuple[int, list[str]]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            first = stream.readline()
            separator = max(",;\t|", key=first.count)
            stream.seek(0)
            reader = csv.reader(stream, delimiter=separator)
            rows = [(reader.line_num, [cell.strip() for cell in cells]) for cells in reader if any(cells)]
    except FileNotFoundError:
        raise RequestError(f"{path}: no such file") from None
    except UnicodeDecodeError:
        raise RequestError(f"{path}: not UTF-8 text; save the manifest as a UTF-8 CSV file") from None
    except (OSError, csv.Error) as error:
        raise RequestError(f"{path}: cannot be read as a manifest: {error}") from None
    if not rows:
        raise RequestError(f"{path}: empty; a manifest has a header line with the columns path, genre")
    return rows[0][1], rows[1:]


def _track(manifest: Path, line: int, row: dict[str, str]) -> Track:
    if not row["path"]:
        raise RequestError(f"{manifest}: line {line}, column 'path': no path")
    if "\0" in row["path"]:
        raise RequestError(f"{manifest}: line {line}, column 'path': a path cannot hold a zero byte")
    text = {name: cell(row.get(name, "")) for name in COLUMNS}
    name = path_name(row["path"].replace("\\", "/"))
    return Track(
        track_id=text["track_id"] or name,
        path=_located(manifest, row["path"]),
        name=name,
        genre=text["genre"],
        artist=text["artist"],
        album=text["album"],
        title=text["title"],
        split=text["split"],
    )


def _located(manifest: Path, text: str) -> Path:
    """Where the track is: as written, or with the other kind of slash or the other composition of accents."""
    for slashed in (text, text.replace("\\", "/")):
        for written in (slashed, unicodedata.normalize("NFC", slashed), unicodedata.normalize("NFD", slashed)):
            candidate = manifest.parent / written
            if os.path.lexists(candidate):
                return candidate
    return manifest.parent / text


def _remarks(path: Path, header: list[str], tracks: list[Track]) -> list[str]:
    remarks = []
    extra = [name for name in header if name not in COLUMNS]
    if extra:
        remarks.append(
            f"{path}: columns that a manifest has no use for: {', '.join(map(repr, extra[:8]))}"
            + (f" and {len(extra) - 8} more" if len(extra) > 8 else "")
        )
    root = path.parent.resolve()
    outside = [track for track in tracks if not track.path.resolve().is_relative_to(root)]
    if outside:
        remarks.append(f"{path}: {len(outside)} tracks lie outside its folder, the first is {outside[0].name}")
    unlabelled = sum(not track.genre for track in tracks)
    if unlabelled:
        remarks.append(f"{path}: {unlabelled} of {len(tracks)} tracks have no genre")
    return remarks
