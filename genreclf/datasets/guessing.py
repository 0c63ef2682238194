"""Guessing: who plays a track, from the folders that it lies in or from the name of its file.

``genre/artist/album/track.mp3`` and ``genre/artist/track.mp3`` name the artist by folder; ``01 Artist - Title.mp3`` by
file. A guess is listed, so that it can be checked: a folder ``Various`` is no artist, and a title may hold a dash.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from genreclf.datasets.manifest import Manifest
from genreclf.errors import RequestError
from genreclf.remote import Url, is_url

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

WAYS = ("folders", "names", "tags")
_SHOWN = 5
_DASH = re.compile(r"\s+[-\u2013\u2014]\s+")
_NUMBER = re.compile(r"^\d{1,3}(?:[.)]|\s*[-\u2013\u2014]\s|\s)\s*")
_NOBODY = frozenset({"various", "various artists", "va", "v.a.", "unknown", "unknown artist", "compilation"})


def artist_of(name: str, way: str) -> str:
    """The artist that a path names; empty where it names none.

    Parameters
    ----------
    name : path below the folder of genres, with forward slashes.
    way : ``folders`` or ``names``.
    """
    path = PurePosixPath(Url(name).path if is_url(name) else name)
    if way == "folders":
        folders = path.parts[:-1]
        found = folders[1] if len(folders) > 1 else ""
    else:
        stem = _NUMBER.sub("", path.stem.replace("_", " ").strip())
        parts = _DASH.split(stem, maxsplit=1)
        found = parts[0].strip() if len(parts) > 1 else ""
    return "" if found.casefold() in _NOBODY else found


def guess(manifest: Manifest, way: str) -> Manifest:
    """The manifest with artists guessed for the tracks that name none, and a note that lists them.

    Parameters
    ----------
    way : ``folders`` or ``names``, which take precedence over tags; or ``tags``, to take artists from tags alone.

    Raises
    ------
    RequestError : nothing can be guessed that way.
    """
    if way == "tags":
        tagged = tuple(track if track.artist else replace(track, tagged=True) for track in manifest)
        note = "artists are taken from the tags of the files"
        return Manifest(manifest.name, tagged, (*manifest.notes, note))
    names, known = [track.name for track in manifest], [track.artist for track in manifest]
    artists, note = _guessed(names, known, way, source=manifest.name)
    tracks = tuple(replace(track, artist=artist) for track, artist in zip(manifest, artists, strict=True))
    return Manifest(manifest.name, tracks, (*manifest.notes, note))


def guess_in_table(table: FeatureTable, way: str) -> FeatureTable:
    """The table with artists guessed for the tracks that name none, and a note that lists them.

    Paths are in the column ``path``, else the ids; they may begin above the folder of the genre.

    Parameters
    ----------
    way : ``folders`` or ``names``.

    Raises
    ------
    RequestError : nothing can be guessed that way.
    """
    if way not in WAYS or way == "tags":
        raise RequestError(f"artists={way}: a table has neither files nor lists of artists; choose folders or names")
    frame = table.frame
    paths = frame["path"].where(frame["path"].astype(str) != "", table.ids) if "path" in frame else table.ids
    names = [_below(str(path), str(genre)) for path, genre in zip(paths, table.y, strict=True)]
    known = frame["artist"].astype(str).tolist() if "artist" in frame else [""] * len(table)
    artists, note = _guessed(names, known, way, source=table.name)
    return replace(table, frame=frame.assign(artist=artists), notes=(*table.notes, note))


def _below(path: str, genre: str) -> str:
    """A path from the folder of its genre on, if it has one."""
    parts = PurePosixPath(path.replace("\\", "/")).parts
    return "/".join(parts[parts.index(genre) :] if genre in parts[:-1] else parts)


def _guessed(names: Sequence[str], known: Sequence[str], way: str, *, source: str) -> tuple[list[str], str]:
    """The artists of paths, those that are known as they are, and a note on the others."""
    artists = [artist or artist_of(name, way) for name, artist in zip(names, known, strict=True)]
    guessed = [(name, artist) for name, artist, was in zip(names, artists, known, strict=True) if artist and not was]
    if not guessed and not all(known):
        pattern = "genre/artist/track or genre/artist/album/track" if way == "folders" else "Artist - Title"
        raise RequestError(f"artists={way}: no path in {source} looks like {pattern}; the first is {names[0]!r}")
    return artists, _note(guessed, len(names), way)


def _note(guessed: Sequence[tuple[str, str]], tracks: int, way: str) -> str:
    counts = Counter(artist for _, artist in guessed)
    largest = ", ".join(f"{artist} ({number})" for artist, number in counts.most_common(_SHOWN))
    where = "folders" if way == "folders" else "file names"
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    example = f"; for example {guessed[0][0]!r}: {guessed[0][1]}" if guessed else ""
    return (
        f"artists guessed from {where} for {len(guessed)} of {tracks} tracks, {len(counts)} artists: "
        f"{largest}{more}{example}"
    )
