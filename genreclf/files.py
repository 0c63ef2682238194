"""Files that are written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from genreclf.errors import RequestError


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader sees the old content or the new, never a part; folders are made.

    Raises
    ------
    RequestError : the place cannot be written to, or the disk is full; what was there before is untouched.
    """
    data = content.encode("utf-8", "backslashreplace") if isinstance(content, str) else content
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.chmod(0o666 & ~_umask())
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise cannot_write(path, error) from error


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
    if head and head.lower() != begins.lower():
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
