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

from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError

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
    path = PurePosixPath(name)
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
    tracks = tuple(t if t.artist else replace(t, artist=artist_of(t.name, way)) for t in manifest)
    guessed = [new for old, new in zip(manifest, tracks, strict=True) if new.artist and not old.artist]
    if not guessed and not all(track.artist for track in manifest):
        pattern = "genre/artist/track or genre/artist/album/track" if way == "folders" else "Artist - Title"
        raise RequestError(
            f"artists={way}: no path in {manifest.name} looks like {pattern}; the first is {manifest.tracks[0].name!r}"
        )
    return Manifest(manifest.name, tracks, (*manifest.notes, _note(guessed, len(tracks), way)))


def _note(guessed: Sequence[Track], tracks: int, way: str) -> str:
    counts = Counter(track.artist for track in guessed)
    largest = ", ".join(f"{artist} ({number})" for artist, number in counts.most_common(_SHOWN))
    where = "folders" if way == "folders" else "file names"
    more = f" and {len(counts) - _SHOWN} more" if len(counts) > _SHOWN else ""
    example = f"; for example {guessed[0].name!r}: {guessed[0].artist}" if guessed else ""
    return (
        f"artists guessed from {where} for {len(guessed)} of {tracks} tracks, {len(counts)} artists: "
        f"{largest}{more}{example}"
    )
