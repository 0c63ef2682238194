"""The manifest: which tracks there are, with labels, artists and splits where known.

As a file it is a CSV with the columns ``path, genre`` and, where known, ``artist, album, title, split, track_id``, and
``tags`` or columns ``tag:NAME`` (see `genreclf.tables.labels`); paths are relative to the manifest, or URLs. It may be
elsewhere itself; then no path leads to this disk.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from genreclf.errors import RequestError, TrackError
from genreclf.remote import Url, as_location, at_hand, is_url
from genreclf.tables.cells import cell, escape
from genreclf.tables.labels import TAG_PREFIX, TAGS, tags_of_columns
from genreclf.tables.rows import read_rows, separator_of

COLUMNS = ("path", "genre", "artist", "album", "title", "split", "track_id")


@dataclass(frozen=True)
class Track:
    """One track: where it is and what is known of it; a text is empty where nothing is known.

    `name` is the path as the source gives it, with forward slashes, fit for a table; `path` is where to read, which may
    be a URL.
    `tags` are labels, of which a track may have many. `tagged` tells that artist, album and title are to be taken from
    the file's tags.
    """

    track_id: str
    path: Path | Url
    name: str = ""
    genre: str = ""
    artist: str = ""
    album: str = ""
    title: str = ""
    split: str = ""
    tagged: bool = False
    tags: tuple[str, ...] = ()


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

    @cached_property
    def has_tags(self) -> bool:
        """Whether any track has a tag."""
        return any(track.tags for track in self.tracks)

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


def read_manifest(path: Path | Url) -> Manifest:
    """Read a manifest CSV.

    Raises
    ------
    RequestError : no such file, not UTF-8, a missing column, no rows, a row without a path, or an id or path that
        stands twice; the line is named.
    """
    rows = _rows(path)
    header = rows[0][1] if rows else []
    if "path" not in header:
        there = ", ".join(repr(name) for name in header[:8])
        raise RequestError(f"{path}: no column 'path' but {there}; a manifest has a first line such as path,genre")
    if len(rows) == 1:
        raise RequestError(f"{path}: a header and no rows; a manifest has a row a track")
    doubled = [name for name, count in Counter(header).items() if count > 1]
    if doubled:
        raise RequestError(f"{path}: line 1: two columns are called {doubled[0]!r}; rename one")
    tracks: list[Track] = []
    lines: dict[str, int] = {}
    for (line, cells), tags in zip(rows[1:], _tags(path, header, rows[1:]), strict=True):
        track = _track(path, line, dict(zip(header, cells, strict=True)), tags)
        if track.track_id in lines:
            raise RequestError(
                f"{path}: line {line}: {track.track_id!r} is on line {lines[track.track_id]} already; "
                "each track needs an id or path of its own"
            )
        lines[track.track_id] = line
        tracks.append(track)
    return Manifest.of(PurePosixPath(path.name).stem, tracks, _remarks(path, header, tracks))


def _rows(place: Path | Url) -> list[tuple[int, list[str]]]:
    """The cells of each line that has some."""
    try:
        with at_hand(place) as (path, _):
            rows = read_rows(path, separator_of(path), strict=True)
            return [(line, [text.strip() for text in cells]) for line, cells in rows if any(cells)]
    except TrackError as error:
        raise RequestError(f"{place}: {error.reason}") from None
    except RequestError as error:  # the path of a copy says nothing to a user
        raise RequestError(str(error).replace(str(path), str(place), 1)) from None


def _tags(path: Path | Url, header: list[str], rows: list[tuple[int, list[str]]]) -> list[tuple[str, ...]]:
    """The tags of each row."""
    columns = dict(zip(header, zip(*(cells for _, cells in rows), strict=True), strict=True))
    of_one = {name: cells for name, cells in columns.items() if name.startswith(TAG_PREFIX)}
    return tags_of_columns(path, [line for line, _ in rows], columns.get(TAGS, [""] * len(rows)), of_one)


def _track(manifest: Path | Url, line: int, row: dict[str, str], tags: tuple[str, ...]) -> Track:
    if not row["path"]:
        raise RequestError(f"{manifest}: line {line}, column 'path': no path")
    place = as_location(row["path"])
    name = escape(str(place) if isinstance(place, Url) else row["path"].replace("\\", "/"))
    known: dict[str, Any] = {column: cell(row.get(column, "")) for column in COLUMNS[1:-1]}
    return Track(cell(row.get("track_id", "")) or name, located(manifest, row["path"]), name, tags=tags, **known)


def located(manifest: Path | Url, text: str) -> Path | Url:
    """Where the track is: a URL, or the path as written, or with other slashes or another composition of accents."""
    if is_url(text):
        return Url(text)
    if isinstance(manifest, Url):
        return manifest.beside(text.replace("\\", "/"))
    as_written = manifest.parent / text
    if os.path.lexists(as_written):
        return as_written
    slashed = text.replace("\\", "/")
    composed = (unicodedata.normalize(form, way) for way in (text, slashed) for form in ("NFC", "NFD"))
    others = [written for written in dict.fromkeys((slashed, *composed)) if written != text]
    found = (manifest.parent / written for written in others if os.path.lexists(manifest.parent / written))
    return next(found, as_written)


def _remarks(path: Path | Url, header: list[str], tracks: list[Track]) -> list[str]:
    remarks = []
    extra = [name for name in header if name not in (*COLUMNS, TAGS) and not name.startswith(TAG_PREFIX)]
    if extra:
        remarks.append(
            f"{path}: columns that a manifest has no use for: {', '.join(map(repr, extra[:8]))}"
            + (f" and {len(extra) - 8} more" if len(extra) > 8 else "")
        )
    if "digest" in extra:
        remarks.append(f"{path}: a feature table; its files are read again, and their paths count from its folder")
    outside = [] if isinstance(path, Url) else _outside(path.parent, tracks)
    if outside:
        remarks.append(f"{path}: tracks outside its folder: {len(outside)}, the first is {outside[0].name}")
    unlabelled = sum(not track.genre for track in tracks)
    if unlabelled and not any(track.tags for track in tracks):
        remarks.append(f"{path}: {unlabelled} of {len(tracks)} tracks have no genre")
    return remarks


def _outside(folder: Path, tracks: list[Track]) -> list[Track]:
    """The tracks that do not lie below a folder; links are followed, each folder of tracks looked up once."""
    root = os.path.realpath(folder)
    below: dict[str, bool] = {}
    outside = []
    for track in tracks:
        if isinstance(track.path, Url):
            continue
        # Not by `Path`, whose methods fail where links lead in a circle or a name is too long.
        place = os.path.realpath(track.path) if os.path.islink(track.path) else str(track.path)  # noqa: PTH114 - as below
        parent = os.path.dirname(place)  # noqa: PTH120 - of a million tracks, a path object each would take seconds
        if parent not in below:
            below[parent] = Path(os.path.realpath(parent)).is_relative_to(root)
        if not below[parent]:
            outside.append(track)
    return outside
