"""A folder of music: each sub-folder is a genre, and what the files' tags say gives artist, album and title.

Single files and patterns such as ``album/*.flac`` are sources too; their tracks have no genre.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from genreclf.audio import AUDIO_SUFFIXES
from genreclf.datasets.manifest import Manifest, Track, cell, path_name
from genreclf.errors import RequestError


def scan(sources: Sequence[Path]) -> Manifest:
    """The tracks of folders, files and patterns.

    Parameters
    ----------
    sources : folders are searched through all their levels, links followed once; the first level below a folder
        names the genre. Files are taken as they are. Hidden files and other kinds of file are passed over.

    Raises
    ------
    RequestError : one of the sources does not exist.
    """
    tracks: list[Track] = []
    notes: list[str] = []
    for source in sources:
        if source.is_dir():
            tracks += _folder(source, notes)
        elif os.path.lexists(source):
            tracks.append(_track(source, path_name(source), genre=""))
        else:
            tracks += _pattern(source)
    name = sources[0].resolve().name if len(sources) == 1 else f"{len(tracks)} files"
    return Manifest.of(name, tracks, notes)


def _folder(root: Path, notes: list[str]) -> Iterator[Track]:
    passed_over = 0
    for path in _files(root):
        if path.suffix.lower() not in AUDIO_SUFFIXES:
            passed_over += 1
            continue
        inside = path.relative_to(root)
        genre = cell(path_name(inside.parts[0])) if len(inside.parts) > 1 else ""
        yield _track(path, path_name(inside), genre=genre)
    if passed_over:
        notes.append(f"{root}: {passed_over} files passed over, as their names are not those of audio files")


def _files(root: Path) -> Iterator[Path]:
    """All files below a folder, each folder entered once even where links lead round in a circle."""
    entered: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        stat = Path(folder).stat()
        if (stat.st_dev, stat.st_ino) in entered:
            names.clear()
            continue
        entered.add((stat.st_dev, stat.st_ino))
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if not name.startswith("."))


def _pattern(source: Path) -> list[Track]:
    found = sorted(glob.glob(str(source), recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not found:
        raise RequestError(f"{source}: no such file or folder")
    files = (Path(name) for name in found)
    return [_track(path, path_name(path), genre="") for path in files if path.suffix.lower() in AUDIO_SUFFIXES]


def _track(path: Path, name: str, *, genre: str) -> Track:
    return Track(track_id=name, path=path, name=name, genre=genre, tagged=True)
