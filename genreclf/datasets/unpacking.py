"""Unpacking of zip and tar.gz archives, nowhere but below their target.

Every name is checked before anything is written: no absolute path, no ``..``, no link, no device, nothing encrypted,
no two files in one place. Sizes are bounded. Each file gets its name when it is whole; files that are there with the
right size are left, so that unpacking goes on where it stopped. A file of another size is set aside, not lost.
"""

from __future__ import annotations

import errno
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from lzma import LZMAError
from pathlib import Path
from typing import IO, NamedTuple, cast

from genreclf.errors import RequestError, one_line
from genreclf.files import set_aside
from genreclf.progress import SILENT, Progress

_MOST_FILES = 1_000_000
_DRIVE_OR_CONTROL = re.compile(r"[\x00-\x1f\x7f:\\]")
_Pack = zipfile.ZipFile | tarfile.TarFile
# What the libraries raise for a damaged archive; UnicodeDecodeError is for a name.
_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    LZMAError,
    UnicodeDecodeError,
    OverflowError,
)


class _Member(NamedTuple):
    """One file of an archive; `open` opens its content. Permissions, owners and times are not taken over."""

    name: str
    size: int
    open: Callable[[], IO[bytes]]


def unpack(archive: Path, target: Path, *, most_bytes: int | None = None, progress: Progress = SILENT) -> int:
    """Unpack an archive below a folder and return how many files were written.

    Parameters
    ----------
    archive : a ``.zip`` or ``.tar.gz`` file.
    most_bytes : the archive may hold no more than this; by default 1 GiB and twenty times its own size.

    Raises
    ------
    RequestError : the archive is damaged, of another kind, too large, or holds something that does not belong.
    OSError : the disk is full or cannot be written to; what was written stays for the next run.
    """
    bound = most_bytes if most_bytes is not None else (1 << 30) + 20 * archive.stat().st_size
    growing = target / f".{archive.name}.unpacking"
    try:
        with _opened(archive) as pack:
            members = _zip_members(archive, pack) if isinstance(pack, zipfile.ZipFile) else _tar_members(archive, pack)
            _check(archive, target, members, bound)
            progress.begin(f"{archive.name}, files", len(members))
            try:
                written = 0
                for member in members:
                    written += _write(archive, member, target=target, growing=growing, progress=progress)
                    progress.advance(member.name)
                return written
            finally:
                progress.end()
                shutil.rmtree(growing, ignore_errors=True)
    except _DAMAGED as error:
        raise RequestError(f"{archive}: damaged: {one_line(error)}; remove it and fetch again") from None
    except NotImplementedError as error:
        raise RequestError(f"{archive}: cannot be unpacked here ({error}); unpack it in place with 7-Zip") from None


def _opened(archive: Path) -> _Pack:
    if archive.name.endswith(".zip"):
        return zipfile.ZipFile(archive)
    if archive.name.endswith((".tar.gz", ".tgz")):
        return tarfile.open(archive, "r:gz")
    raise RequestError(f"{archive}: neither .zip nor .tar.gz")


def _zip_members(archive: Path, pack: zipfile.ZipFile) -> list[_Member]:
    members = []
    for info in pack.infolist():
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _refused(archive, info.filename, "a link or device")
        if info.flag_bits & 0x1:
            raise _refused(archive, info.filename, "encrypted")
        _check_name(archive, info.filename)
        if not info.is_dir():
            members.append(_Member(info.filename, info.file_size, partial(pack.open, info)))
    return members


def _tar_members(archive: Path, tape: tarfile.TarFile) -> list[_Member]:
    members = []
    for info in tape:
        if not (info.isreg() or info.isdir()):
            raise _refused(archive, info.name, "a link or device")
        _check_name(archive, info.name)
        if info.isreg():
            members.append(
                _Member(info.name, info.size, cast("Callable[[], IO[bytes]]", partial(tape.extractfile, info)))
            )
        if len(members) > _MOST_FILES:
            break
    return members


def _check_name(archive: Path, name: str) -> None:
    parts = name.removesuffix("/").split("/")
    strange = (
        not name or name.startswith("/") or ".." in parts or _DRIVE_OR_CONTROL.search(name) or not name.isprintable()
    )
    if strange or len(parts) > 32 or max(map(len, parts)) > 200:
        raise _refused(archive, name, "a name that may lead out of the target")


def _check(archive: Path, target: Path, members: list[_Member], bound: int) -> None:
    root = target.resolve()
    places: set[str] = set()
    for member in members:
        place = str(Path(member.name)).casefold()
        if place in places:
            raise _refused(archive, member.name, "a second file in one place")
        places.add(place)
        # A link that already stands in the target may lead elsewhere.
        if not (target / member.name).parent.resolve().is_relative_to(root):
            raise _refused(archive, member.name, f"a place outside {target}")
    total = sum(member.size for member in members)
    if total > bound or len(members) > _MOST_FILES:
        raise RequestError(
            f"{archive}: holds {len(members):,} files of {total:,} bytes, more than the {bound:,} bytes expected; "
            "nothing was unpacked"
        )
    needed = sum(member.size for member in members if not _is_there(member, target / member.name))
    room = shutil.disk_usage(target).free
    if needed > room:
        raise OSError(errno.ENOSPC, f"{archive.name} unpacks to {needed:,} bytes and {room:,} are free")


def _is_there(member: _Member, place: Path) -> bool:
    return place.is_file() and place.stat().st_size == member.size


def _write(archive: Path, member: _Member, *, target: Path, growing: Path, progress: Progress) -> bool:
    """Write one file unless it is there already; it grows in a folder of its own and is moved when it is whole."""
    place = target / member.name
    if place.is_symlink() or place.is_dir():
        raise _refused(archive, member.name, f"a file where {place} stands")
    if _is_there(member, place):
        return False
    grown = growing / member.name
    grown.parent.mkdir(parents=True, exist_ok=True)
    with member.open() as content, grown.open("wb") as file:
        shutil.copyfileobj(content, file)
    if place.exists():
        progress.message(f"{place}: not the published file; it is kept as {set_aside(place).name}")
    place.parent.mkdir(parents=True, exist_ok=True)
    grown.replace(place)
    return True


def _refused(archive: Path, name: str, what: str) -> RequestError:
    return RequestError(f"{archive}: {name!r} is {what}; nothing of it is unpacked")
