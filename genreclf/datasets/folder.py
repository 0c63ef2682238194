"""A folder of music: each sub-folder is a genre, and what the files' tags say gives artist, album and title.

Single files and patterns such as ``album/*.flac`` are sources too; their tracks have no genre.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from genreclf.audio import AUDIO_SUFFIXES
from genreclf.datasets.manifest import Manifest, Track
from genreclf.datasets.playlists import PLAYLIST_SUFFIXES
from genreclf.errors import RequestError, TrackError
from genreclf.remote import Url, list_below
from genreclf.tables.cells import cell, escape, path_name


def scan(sources: Sequence[Path | Url]) -> Manifest:
    """The tracks of folders, files and patterns, also elsewhere.

    Parameters
    ----------
    sources : folders are searched through all their levels, links followed once; the first level below a folder
        names the genre. Files are taken as they are. Hidden files and other kinds of file are passed over.

    Raises
    ------
    RequestError : one of the sources does not exist.
    """
    tracks: dict[str, Track] = {}
    notes: list[str] = []
    again = 0
    here = Path.cwd()
    for source in sources:
        for track in _tracks(source, notes):
            again += tracks.setdefault(os.path.join(here, track.path), track) is not track  # noqa: PTH118 - as below
    if again:
        notes.append(f"{again} files are named more than once and taken once")
    first = sources[0]
    own = first.name if isinstance(first, Url) else Path(os.path.realpath(first)).name
    name = own if len(sources) == 1 else f"{len(tracks)} files"
    return Manifest.of(name or "music", tracks.values(), notes)


def _tracks(source: Path | Url, notes: list[str]) -> Iterable[Track]:
    if isinstance(source, Url):
        try:
            return remote_tracks(source, notes)
        except TrackError as error:
            raise RequestError(f"{source}: {error.reason}") from None
    try:
        if source.is_dir():
            return folder_tracks(source, notes)
        if os.path.lexists(source):
            return [single(source)]
        return _pattern(source, notes)
    except OSError as error:
        raise RequestError(f"{source}: cannot be read: {error.strerror or error}") from None


def folder_tracks(root: Path, notes: list[str]) -> Iterator[Track]:
    """The tracks below a folder, as they are found; `notes` gets what was passed over."""
    # By texts: of a hundred thousand tracks, path objects for each step would take seconds.
    above = os.path.join(root, "")  # noqa: PTH118
    passed_over = 0
    for path in _files(root, notes):
        if os.path.splitext(path)[1].lower() not in AUDIO_SUFFIXES:  # noqa: PTH122
            passed_over += 1
            continue
        inside = path.removeprefix(above).replace(os.sep, "/")
        genre, slash, _ = inside.partition("/")
        yield _track(Path(path), escape(inside), genre=cell(escape(genre)) if slash else "")
    if passed_over:
        notes.append(f"{root}: files whose names are not those of audio files, passed over: {passed_over}")


def remote_tracks(url: Url, notes: list[str]) -> list[Track]:
    """The tracks below a folder elsewhere, or the one file that has the name of an audio file.

    Raises
    ------
    TrackError : the folder cannot be listed, or there is nothing.
    """
    if url.suffix.lower() in AUDIO_SUFFIXES:
        return [single(url)]
    if url.suffix.lower() in PLAYLIST_SUFFIXES:
        raise TrackError("missing", "a playlist elsewhere; download it and name that, it may hold URLs")
    files = list_below(url)
    if not files:
        raise TrackError("missing", "there is no such folder, or nothing in it; the name of a file ends as .mp3 does")
    tracks = []
    for inside, place in files:
        if place.suffix.lower() in AUDIO_SUFFIXES and not any(part.startswith(".") for part in inside.split("/")):
            genre, slash, _ = inside.partition("/")
            tracks.append(_track(place, escape(inside), genre=cell(escape(genre)) if slash else ""))
    if len(tracks) < len(files):
        others = len(files) - len(tracks)
        notes.append(f"{url}: files whose names are not those of audio files, passed over: {others}")
    return tracks


def _files(root: Path, notes: list[str]) -> Iterator[str]:
    """All files below a folder, each folder entered once even where links lead round in a circle."""

    def closed(error: OSError) -> None:
        notes.append(f"{error.filename}: this folder cannot be read: {error.strerror}; nothing of it is taken")

    entered: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True, onerror=closed):
        try:
            stat = Path(folder).stat()
        except OSError as error:
            closed(error)
            names.clear()
            continue
        if (stat.st_dev, stat.st_ino) in entered:
            names.clear()
            continue
        entered.add((stat.st_dev, stat.st_ino))
        # Links last, so that a folder keeps its own name where a link beside it leads there too.
        names[:] = sorted((n for n in names if not n.startswith(".")), key=lambda n: (_is_link(folder, n), n))
        yield from (os.path.join(folder, name) for name in sorted(files) if not name.startswith("."))  # noqa: PTH118


def _is_link(folder: str, name: str) -> bool:
    """Also of what cannot be looked up: in a folder that may not be entered, or below too long a path."""
    return os.path.islink(os.path.join(folder, name))  # noqa: PTH114, PTH118 - `Path.is_symlink` raises there


def _pattern(source: Path, notes: list[str]) -> list[Track]:
    found = [Path(name) for name in sorted(glob.glob(str(source), recursive=True))]  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not found:
        pattern = glob.has_magic(str(source))
        raise RequestError(f"{source}: {'no file matches this pattern' if pattern else 'no such file or folder'}")
    files = [path for path in found if path.suffix.lower() in AUDIO_SUFFIXES and not path.is_dir()]
    if len(files) < len(found):
        notes.append(
            f"{source}: {len(found) - len(files)} folders and other files passed over; name folders themselves"
        )
    return [single(path) for path in files]


def single(path: Path | Url) -> Track:
    """A file that is named itself: a track without a genre."""
    return _track(path, escape(str(path)) if isinstance(path, Url) else path_name(path), genre="")


def _track(path: Path | Url, name: str, *, genre: str) -> Track:
    return Track(track_id=name, path=path, name=name, genre=genre, tagged=True)
