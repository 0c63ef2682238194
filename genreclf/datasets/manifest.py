"""The manifest: which tracks there are, with labels, artists and splits where known.

As a file it is a CSV with the columns ``path, genre`` and, where known, ``artist, album, title, split, track_id``;
paths are relative to the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Track:
    """One track: where it is and what is known of it; a text is empty where nothing is known.

    `name` is the path as the source gives it, with forward slashes, fit for a table; `path` is where to read.
    """

    track_id: str
    path: Path
    name: str = ""
    genre: str = ""
    artist: str = ""
    album: str = ""
    title: str = ""
    split: str = ""


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
