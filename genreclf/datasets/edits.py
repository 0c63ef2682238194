"""Edits: labels changed, tracks left out and artists merged, in a small file beside the music and the table.

The file is a CSV with the columns ``edit, name, value``, one line an edit, in the order in which they were made:

- ``label, TRACK, GENRE`` gives a track another genre;
- ``leave-out, TRACK,`` leaves a track out;
- ``artist, ARTIST, OTHER`` makes one artist of two: ARTIST becomes OTHER;
- ``undo, NAME,`` takes back the last edit of that track or artist that still stands.

A track is named by its id, its path or the digest of its file; a digest names every copy. Of several labels of a track
the last one holds. Taking a line out undoes it, too.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError, unknown
from genreclf.files import append_whole, cannot_write
from genreclf.tables.columns import PARENT_GENRE
from genreclf.tables.rows import read_rows

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

COLUMNS = ("edit", "name", "value")
KINDS = ("label", "leave-out", "artist", "undo")
_WITH_VALUE = ("label", "artist")
_LONGEST = 4096  # characters of a name, as of a path
_SHOWN = 5
_KEYS = ("track_id", "path", "digest", "genre", "artist")


class Edit(NamedTuple):
    """One line of the file: what is edited of which track or artist, and the new value, empty where there is none."""

    kind: str
    name: str
    value: str = ""

    def check(self) -> Edit:
        """The edit itself.

        Raises
        ------
        RequestError : it makes no sense.
        """
        if self.kind not in KINDS:
            raise unknown("edit", self.kind, KINDS)
        if not self.name:
            raise RequestError(f"{self.kind}: no name; name the track or the artist")
        if self.kind in _WITH_VALUE and not self.value:
            raise RequestError(f"{self.kind} of {self.name!r}: no value; give the new {self.kind}")
        if self.value and self.kind not in _WITH_VALUE:
            raise RequestError(f"{self.kind} of {self.name!r}: a value of {self.value!r}; {self.kind} takes none")
        if self.kind == "artist" and self.name == self.value:
            raise RequestError(f"artist {self.name!r} becomes itself; give the name of the other artist")
        if len(self.name) > _LONGEST or len(self.value) > _LONGEST:
            raise RequestError(f"{self.kind} of {self.name[:40]!r}...: longer than {_LONGEST:,} characters")
        if self.value != self.value.strip() or not (_is_line(self.name) and _is_line(self.value)):
            raise RequestError(
                f"{self.kind} of {self.name[:80]!r}: {self.value[:80]!r}; write both on one line, without control"
                " characters, and the value without blanks at its ends"
            )
        return self


class Edited(NamedTuple):
    """What edits did to tracks.

    Parameters
    ----------
    genres : by track id, the new genre.
    left_out : ids of the tracks that are left out.
    artists : by artist, what the artist is called now.
    notes : what was applied, and what matched nothing.
    """

    genres: dict[str, str]
    left_out: frozenset[str]
    artists: dict[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Edits:
    """The edits of a file.

    Parameters
    ----------
    lines : every line, undone ones and the lines that undo them included.
    name : of the file, for messages.
    """

    lines: tuple[Edit, ...] = ()
    name: str = "edits"

    @classmethod
    def read(cls, path: Path | str) -> Edits:
        """Read a file of edits.

        Raises
        ------
        RequestError : it is not there, or a line makes no sense; the line is named.
        """
        path = Path(path)
        lines: list[Edit] = []
        rows = read_rows(path, ",", strict=True)
        header = next(rows, (1, []))[1]
        if tuple(header) != COLUMNS:
            raise RequestError(
                f"{path}: begins with {','.join(header)[:60]!r}; a file of edits begins with {','.join(COLUMNS)}"
            )
        for number, cells in rows:
            try:
                lines.append(Edit(*cells).check())
            except RequestError as error:
                raise RequestError(f"{path}: line {number}: {error}") from None
        try:
            _standing(lines)
        except RequestError as error:
            raise RequestError(f"{path}: {error}") from None
        return cls(tuple(lines), str(path))

    @property
    def standing(self) -> tuple[Edit, ...]:
        """The edits that are not undone."""
        return tuple(_standing(self.lines))

    def append(self, edit: Edit, path: Path) -> Edits:
        """The edits with one more, which is written at the end of the file; where there is none, one is made.

        Raises
        ------
        RequestError : the edit makes no sense, undoes nothing, or cannot be written.
        """
        more = replace(self, lines=(*self.lines, edit.check()))
        _standing(more.lines)
        try:
            with path.open("a+b", buffering=0) as stream:
                size = stream.seek(0, os.SEEK_END)
                before = b"" if size else _line(COLUMNS)
                if size:
                    stream.seek(-1, os.SEEK_END)
                    before = b"" if stream.read(1) == b"\n" else b"\n"  # a hand may have left out the last line end
                append_whole(stream, before + _line(edit), size=size)
                os.fsync(stream.fileno())
        except OSError as error:
            raise cannot_write(path, error) from error
        return more

    def resolve(self, tracks: Iterable[Sequence[str]]) -> Edited:
        """What the edits mean for some tracks.

        Parameters
        ----------
        tracks : for each its id, path, digest, genre and artist; empty where not known.
        """
        ids: dict[str, list[str]] = {}
        known_genres, artists = set(), set()
        for track_id, path, digest, genre, artist in tracks:
            for name in {track_id, path, digest} - {""}:
                ids.setdefault(name, []).append(track_id)
            known_genres.add(genre)
            artists.add(artist)
        genres: dict[str, str] = {}
        left_out: set[str] = set()
        merged: dict[str, str] = {}
        unmatched: list[Edit] = []
        for edit in self.standing:
            found = ids.get(edit.name, [])
            if edit.kind == "artist":
                known = {name for name in artists if merged.get(name, name) == edit.name}
                merged |= dict.fromkeys(known, edit.value)
                found = list(known)
            elif edit.kind == "label":
                genres |= dict.fromkeys(found, edit.value)
            else:
                left_out.update(found)
            if not found:
                unmatched.append(edit)
        notes = _notes(self, genres, left_out, merged, unmatched)
        new = sorted(set(genres.values()) - known_genres)
        if new:
            notes.append(f"{self.name}: no track had the genre {', '.join(map(repr, new[:_SHOWN]))} before")
        return Edited(genres, frozenset(left_out), merged, tuple(notes))


def read_edits(edits: Edits | Path | str | None) -> Edits | None:
    """Edits as they are, or read from a file; None where there are none."""
    return edits if edits is None or isinstance(edits, Edits) else Edits.read(edits)


def edit_tables(tables: Sequence[FeatureTable], edits: Edits | Path | str | None) -> list[FeatureTable]:
    """The tables with the edits applied; what was applied is among the notes of the first.

    Raises
    ------
    RequestError : the edits cannot be read, or leave no track of a table.
    """
    edits = read_edits(edits)
    if edits is None:
        return list(tables)
    done = edits.resolve(row for table in tables for row in zip(*map(partial(_texts, table), _KEYS), strict=True))
    first, *others = (_edited(table, done, edits.name) for table in tables)
    return [replace(first, notes=(*first.notes, *done.notes)), *others]


def _edited(table: FeatureTable, done: Edited, name: str) -> FeatureTable:
    frame, ids, genres = table.frame, _texts(table, "track_id"), _texts(table, "genre")
    new: dict[str, list[str]] = {"genre": [done.genres.get(i, g) for i, g in zip(ids, genres, strict=True)]}
    if "artist" in frame:
        new["artist"] = [done.artists.get(artist, artist) for artist in _texts(table, "artist")]
    if PARENT_GENRE in frame:
        parents = _texts(table, PARENT_GENRE)
        of_genre = dict(zip(genres, parents, strict=True))
        new[PARENT_GENRE] = [
            of_genre.get(done.genres[i], "") if i in done.genres else parent
            for i, parent in zip(ids, parents, strict=True)
        ]
    kept = np.array([track not in done.left_out for track in ids], dtype=bool)
    if not kept.any():
        raise RequestError(f"{name}: leaves out every track of {table.name}")
    frame = frame.assign(**{column: np.array(texts, dtype=object) for column, texts in new.items()})
    edited = table.with_frame(frame, table.features)
    return edited if kept.all() else edited.take(kept)


def _texts(table: FeatureTable, column: str) -> list[str]:
    return [str(text) for text in table.frame[column]] if column in table.frame else [""] * len(table)


def edit_manifest(manifest: Manifest, edits: Edits | Path | str | None) -> tuple[Manifest, frozenset[str]]:
    """The manifest with the edits applied, and the ids of the tracks that they leave out.

    Digests and artists that only the files' tags name are not known here.

    Raises
    ------
    RequestError : the edits cannot be read.
    """
    edits = read_edits(edits)
    if edits is None:
        return manifest, frozenset()
    done = edits.resolve((track.track_id, track.name, "", track.genre, track.artist) for track in manifest)

    def edited(track: Track) -> Track:
        genre = done.genres.get(track.track_id, track.genre)
        return replace(track, genre=genre, artist=done.artists.get(track.artist, track.artist))

    tracks = tuple(edited(track) for track in manifest if track.track_id not in done.left_out)
    notes = list(done.notes)
    if any(edit.kind == "artist" for edit in edits.standing) and any(track.tagged for track in manifest):
        notes.append(f"{edits.name}: artists from tags are merged where the table is read, by benchmark and train")
    return Manifest(manifest.name, tracks, (*manifest.notes, *notes)), done.left_out


def _standing(lines: Iterable[Edit]) -> list[Edit]:
    """The edits that are not undone.

    Raises
    ------
    RequestError : one undoes nothing.
    """
    standing: dict[int, Edit] = {}
    places: dict[str, list[int]] = {}
    for place, edit in enumerate(lines):
        if edit.kind != "undo":
            standing[place] = edit
            places.setdefault(edit.name, []).append(place)
        elif places.get(edit.name):
            del standing[places[edit.name].pop()]
        else:
            raise RequestError(f"undo of {edit.name!r}: there is no edit of that name to undo")
    return list(standing.values())


def _notes(
    edits: Edits, genres: dict[str, str], left_out: set[str], merged: dict[str, str], unmatched: Sequence[Edit]
) -> list[str]:
    def counted(number: int, noun: str) -> str:
        return f"{number} {noun}{'' if number == 1 else 's'}"

    applied = f"{counted(len(genres), 'label')} changed, {counted(len(left_out), 'track')} left out"
    notes = [f"{edits.name}: {applied}, {counted(len(merged), 'artist')} merged"]
    if unmatched:
        shown = ", ".join(f"{edit.kind} of {edit.name!r}" for edit in unmatched[:_SHOWN])
        more = f" and {len(unmatched) - _SHOWN} more" if len(unmatched) > _SHOWN else ""
        notes.append(f"{edits.name}: {counted(len(unmatched), 'edit')} matched nothing: {shown}{more}")
    return notes


def _line(cells: Sequence[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(cells)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _is_line(text: str) -> bool:
    return all(character >= " " and character not in "\x7f\x85\u2028\u2029" for character in text)
