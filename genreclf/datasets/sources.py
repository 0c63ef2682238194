"""What a batch works through: files, folders, patterns, playlists, manifests, data sets and lists on standard input.

Tracks come as they are found, in the order of the sources; those of a folder by name. What cannot be found is an entry
of its own, a `TrackError` with its path, and the others go on.
"""

from __future__ import annotations

import glob
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, Queue
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit

from genreclf.audio import AUDIO_SUFFIXES
from genreclf.datasets import find_dataset_folder, is_manifest
from genreclf.datasets.folder import folder_tracks, remote_tracks, single
from genreclf.datasets.manifest import Track, located, read_manifest
from genreclf.datasets.playlists import PLAYLIST_SUFFIXES, read_playlist
from genreclf.errors import RequestError, TrackError, with_path
from genreclf.progress import SILENT, Progress
from genreclf.remote import ANY_URL, Url, redacted
from genreclf.workers import PENDING

STDIN = "-"
Entry = Track | TrackError

_POLL_SECONDS = 0.05


def check_sources(sources: Sequence[str | Path]) -> None:
    """Raise a `RequestError` where no source is named."""
    if not sources or "" in map(str, sources):
        raise RequestError("no source named; give files, folders, patterns, playlists, a manifest, or - for a list")


def tracks_of(
    sources: Sequence[str | Path],
    *,
    stdin: BinaryIO | None = None,
    null: bool = False,
    progress: Progress = SILENT,
) -> Iterator[Any]:
    """The tracks of sources, each file once.

    Parameters
    ----------
    sources : what to list; ``-`` is a list of paths on `stdin`.
    stdin : where that list comes from, a line a path.
    null : the paths there end with a zero byte, as ``find -print0`` writes them.
    progress : is told of what is passed over.

    Yields
    ------
    A `Track`; or a `TrackError` whose path could not be found; or `genreclf.workers.PENDING` while `stdin` has nothing.
    """
    taken: set[str] = set()
    again = 0
    here = Path.cwd()
    for source in sources:
        notes: list[str] = []
        entries = _stdin(stdin, notes, null=null) if str(source) == STDIN else _entries(source, notes, patterns=True)
        for entry in entries:
            if entry is not PENDING:
                key = entry.path if isinstance(entry, TrackError) else os.path.join(here, entry.path)  # noqa: PTH118 - a million paths
                if key in taken:
                    again += 1
                    continue
                taken.add(key)
            yield entry
        for note in notes:
            progress.message(note)
    if again:
        progress.message(f"{again} files are named more than once and taken once")


def root_of(sources: Sequence[str | Path]) -> Path:
    """The folder that all sources lie in, absolute: a folder is one itself, a file lies in one.

    Below it the places of results mirror those of the files. Lists on standard input lie in the current folder.
    """
    folders = []
    for source in map(str, sources):
        found = find_dataset_folder(source)
        folder = found[1] if found else Path.cwd() if source == STDIN else _local(source) or Path.cwd()
        while glob.has_magic(str(folder)) and not os.path.lexists(folder):
            folder = folder.parent
        folders.append(str((folder if folder.is_dir() else folder.parent).absolute()))
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:  # on several drives
        return Path.cwd()


def _entries(source: str | Path | Url, notes: list[str], *, patterns: bool = False) -> Iterator[Entry]:
    """The tracks of one source; whatever is wrong with it is an entry."""
    if isinstance(source, Url):
        yield single(source)
        return
    shown = redacted(str(source))
    try:
        with with_path(shown):
            yield from _found(str(source), notes, patterns=patterns)
    except TrackError as error:
        yield error
    except RequestError as error:
        yield _refused(shown, "unreadable", str(error).removeprefix(f"{shown}: "))
    except (OSError, ValueError) as error:  # a name that no file can have
        yield _refused(shown, "missing", f"no file can have this name: {getattr(error, 'strerror', error)}")


def _found(source: str, notes: list[str], *, patterns: bool) -> Iterator[Entry]:
    if found := find_dataset_folder(source):
        yield from found[0].manifest(found[1])
        return
    path = _local(source)
    if path is None:
        url = Url(source)
        yield from read_manifest(url) if is_manifest(url) else remote_tracks(url, notes)
        return
    if path.is_dir():
        yield from folder_tracks(path, notes)
    elif is_manifest(path):
        yield from read_manifest(path)
    elif path.suffix.lower() in PLAYLIST_SUFFIXES and os.path.lexists(path):
        for entry in read_playlist(path):
            local = _local(entry, relative=path.suffix.lower() == ".xspf")
            yield from _entries(entry if local is None else located(path, str(local)), notes)
    elif os.path.lexists(path):
        yield single(path)
    elif patterns and glob.has_magic(source):
        yield from _matching(source, notes)
    else:
        raise TrackError("missing", "there is no such file")


def _matching(pattern: str, notes: list[str]) -> Iterator[Track]:
    names = sorted(glob.glob(pattern, recursive=True))  # noqa: PTH207 - Path.glob refuses absolute patterns
    if not names:
        raise TrackError("missing", "no file matches this pattern")
    files = [name for name in names if os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES]  # noqa: PTH122 - as below
    files = [name for name in files if not os.path.isdir(name)]  # noqa: PTH112 - a million names
    if len(files) < len(names):
        others = len(names) - len(files)
        notes.append(f"{pattern}: {others} folders and other files passed over; name folders themselves")
    yield from (single(Path(name)) for name in files)


def _local(text: str, *, relative: bool = False) -> Path | None:
    """The path that a text or a URL of a file names, None for a URL of elsewhere.

    Parameters
    ----------
    relative : the text is a URL even where it names no scheme, so that ``%20`` stands for a blank.
    """
    if not ANY_URL.match(text):
        return Path(unquote(text)) if relative else Path(text).expanduser()
    parts = urlsplit(text)
    if parts.scheme.lower() != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(text.split("://", 1)[1].removeprefix(parts.netloc))
    return Path(path.removeprefix("/") if os.name == "nt" else path)


def _stdin(stream: BinaryIO | None, notes: list[str], *, null: bool) -> Iterator[Any]:
    """The tracks of a list that is read while others work: a thread waits for it."""
    if stream is None:
        raise RequestError("- stands for a list on standard input, and there is none")
    waiting: Queue[str | None] = Queue(maxsize=1000)

    def read() -> None:
        for name in _names(stream, b"\0" if null else b"\n"):
            waiting.put(name)
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while True:
        try:
            name = waiting.get(timeout=_POLL_SECONDS)
        except Empty:
            yield PENDING
            continue
        if name is None:
            return
        yield from _entries(name, notes)


def _names(stream: BinaryIO, separator: bytes) -> Iterator[str]:
    # Unbuffered: Python's own buffer is locked while a thread waits for it, which would outlast the program.
    raw = getattr(stream, "raw", stream)
    rest = b""
    while block := raw.read(1 << 16):
        *names, rest = (rest + block).split(separator)
        yield from (os.fsdecode(name) for part in names if (name := _trimmed(part, separator)))
    if name := _trimmed(rest, separator):
        yield os.fsdecode(name)


def _trimmed(name: bytes, separator: bytes) -> bytes:
    return name.removesuffix(b"\r") if separator == b"\n" else name


def _refused(path: str, code: str, reason: str) -> TrackError:
    error = TrackError(code, reason)
    error.path = path
    return error
