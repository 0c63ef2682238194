"""Files that are written whole or not at all, and line by line."""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genreclf.errors import RequestError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_HEAD, _TAIL = 1024, 128  # bytes in which a mark stands


def user_cache(name: str) -> Path:
    """The folder of that name among the user's caches; it need not be there."""
    try:
        home = Path.home()
    except RuntimeError:
        home = Path("/nonexistent")
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "genreclf" / name
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "genreclf" / name
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "genreclf" / name


@contextmanager
def whole_file(path: Path, *, like: Path | None = None) -> Iterator[BinaryIO]:
    """A file to write into, which takes its place when the block ends and vanishes where it raises.

    A reader sees the old content or the new, never a part. Folders are made; a link stays, and what it leads to is
    replaced.

    Parameters
    ----------
    like : a file to take the permissions from; by default they are those of any new file.

    Raises
    ------
    RequestError : the place cannot be written to, or the disk is full; what was there before is untouched.
    """
    place = Path(os.path.realpath(path))
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".genreclf-", suffix=".part", dir=place.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w+b") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(stat.S_IMODE(like.stat().st_mode) if like else 0o666 & ~_umask())
            temporary.replace(place)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all; see `whole_file`."""
    with whole_file(path) as stream:
        stream.write(content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content)


def append_whole(stream: io.FileIO, line: bytes, *, size: int) -> None:
    """Write a line at the end of a file of `size` bytes, by one call; when this raises, the file is as it was.

    Where even that fails, as on a disk that is gone, a torn line stays, which whoever opens the file has to cut off.

    Raises
    ------
    RequestError : the file has another size, as another run writes to it in spite of its lock.
    OSError : the disk is full or fails.
    """
    if os.fstat(stream.fileno()).st_size != size:
        raise RequestError(
            f"{stream.name}: another run writes to this file as well; its lock has no effect in this folder, so let "
            "one run at a time write there, or choose a place on a local disk"
        )
    try:
        if stream.write(line) != len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError:
        with suppress(OSError):
            stream.truncate(size)
        raise


def lock(path: Path, *, waiting: Callable[[], None] | None = None) -> BaseFileLock:
    """Lock a file against other runs, by a hidden file beside it; folders are made.

    Parameters
    ----------
    waiting : called before another run's end is waited for; None does not wait.

    Raises
    ------
    RequestError : another run has locked it and it is not waited for, or nothing can be locked there.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        held = FileLock(path.with_name(f".{path.name}.lock"))
        try:
            held.acquire(timeout=0)
        except Timeout:
            if waiting is None:
                raise RequestError(f"{path}: another run is writing this table; wait for it to end") from None
            waiting()
            held.acquire()
    except OSError as error:
        raise cannot_write(path, error) from error
    except NotImplementedError:
        raise RequestError(f"{path}: files cannot be locked there; choose a place on another disk") from None
    return held


def free_name(path: Path) -> Path:
    """Where a copy of a file can be kept beside it: ``NAME.old``, or the next such name that is free."""
    names = (path.with_name(f"{path.name}.old{number if number > 1 else ''}") for number in count(1))
    return next(name for name in names if not os.path.lexists(name))


def set_aside(path: Path) -> Path:
    """Rename a file whose place is taken by another, and return its new name."""
    return path.rename(free_name(path))


def check_file(path: Path, *, mark: bytes, what: str) -> None:
    """Refuse a place for a result before work begins: a folder, or a file that genreclf did not write.

    Parameters
    ----------
    mark : what a file that may be replaced holds at its beginning or its end; an empty file may be, too.
    what : what is going to be written, with its article, for the message.

    Raises
    ------
    RequestError : nothing may be written there.
    """
    if os.path.isdir(path):  # noqa: PTH112 - `Path.is_dir` raises on a path that is too long
        raise RequestError(f"{path}: a folder; name a file for {what}")
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - _TAIL))
            tail = stream.read()
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from error
    if mark not in head + tail and not mark.startswith(head):  # a killed run may have begun with less
        raise RequestError(f"{path}: is there already and is not {what}; choose another name")


def check_unmarked(*paths: Path, what: str) -> None:
    """Refuse places whose files bear no mark of their own, where the file that vouches for them is missing.

    Raises
    ------
    RequestError : there is something.
    """
    there = next(filter(os.path.lexists, paths), None)
    if there:
        raise RequestError(f"{there}: is there already and does not belong to {what}; choose another place")


def check_folder(path: Path) -> None:
    """Refuse a place for a folder before work begins: it, or what it would lie in, is a file.

    Raises
    ------
    RequestError : no folder can be there.
    """
    there = next((place for place in (path, *path.parents) if os.path.exists(place)), path)  # noqa: PTH110 - as above
    if os.path.exists(there) and not os.path.isdir(there):  # noqa: PTH110, PTH112
        raise RequestError(f"{there}: a file, not a folder; choose another place with -o")


def cannot_write(path: Path, error: OSError) -> RequestError:
    """The one line for a place that cannot be written to."""
    return RequestError(f"cannot write {path}: {error.strerror or error}; choose another place or make room")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
