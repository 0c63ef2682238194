"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO

from genreclf.errors import RequestError


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


def free_name(path: Path) -> Path:
    """Where a copy of a file can be kept beside it: ``NAME.old``, or the next such name that is free."""
    names = (path.with_name(f"{path.name}.old{number if number > 1 else ''}") for number in count(1))
    return next(name for name in names if not os.path.lexists(name))


def set_aside(path: Path) -> Path:
    """Rename a file whose place is taken by another, and return its new name."""
    return path.rename(free_name(path))


def check_file(path: Path, *, begins: bytes, what: str) -> None:
    """Refuse a place for a result before work begins: a folder, or a file of another kind, perhaps the source itself.

    Parameters
    ----------
    begins : what a file that may be replaced starts with, in any case; an empty file may be.
    what : what is going to be written, with its article, for the message.

    Raises
    ------
    RequestError : nothing may be written there.
    """
    if path.is_dir():
        raise RequestError(f"{path}: a folder; name a file for {what}")
    try:
        with path.open("rb") as stream:
            head = stream.read(len(begins))
    except FileNotFoundError:
        return
    except OSError as error:
        raise cannot_write(path, error) from error
    if not begins.lower().startswith(head.lower()):  # a killed run may have begun with less
        raise RequestError(f"{path}: is there already and is not {what}; choose another name")


def check_folder(path: Path) -> None:
    """Refuse a place for a folder before work begins: it, or what it would lie in, is a file.

    Raises
    ------
    RequestError : no folder can be there.
    """
    there = next((place for place in (path, *path.parents) if place.exists()), path)
    if there.exists() and not there.is_dir():
        raise RequestError(f"{there}: a file, not a folder; choose another place with -o")


def cannot_write(path: Path, error: OSError) -> RequestError:
    """The one line for a place that cannot be written to."""
    return RequestError(f"cannot write {path}: {error.strerror or error}; choose another place or make room")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
