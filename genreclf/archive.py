"""Archives: a zip file of a few named members, read without trusting it.

Model files and indexes are archives. The zip's comment holds the kind of the archive and the SHA-256 of everything
before the comment, so that any change to the file, even of a bit that zip readers ignore, is noticed. That guards
against accidents. Against malice, members are exactly those that the kind has, their sizes are bounded before
anything is unpacked, nothing is written to disk, and JSON and arrays are read by readers that cannot run code.
"""

from __future__ import annotations

import hashlib
import io
import math
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeVar

from genreclf.errors import RequestError, one_line
from genreclf.files import check_file, write_whole

if TYPE_CHECKING:
    import numpy as np

_MAGIC = b"PK\x03\x04"
_MOST_TIMES_SMALLER = 200  # real members shrink 5 to 30 times; a zip bomb 1,000 times and more
_SMALL = 1 << 20  # members up to this size may shrink as much as they like
_PIECE = 1 << 20
_DATE = (1980, 1, 1, 0, 0, 0)  # the same members give the same bytes

T = TypeVar("T")


@dataclass(frozen=True)
class Kind:
    """What an archive holds.

    Parameters
    ----------
    name : one word of ASCII letters for messages, for example ``model``.
    members : names of the members, each with the most bytes it may have when unpacked.
    made_with : the command that makes such a file.
    optional : the members that may be missing.
    """

    name: str
    members: Mapping[str, int]
    made_with: str
    optional: frozenset[str] = frozenset()

    @property
    def with_article(self) -> str:
        """The name for the middle of a sentence."""
        return f"an {self.name}" if self.name[0] in "aeiou" else f"a {self.name}"

    def check_place(self, path: Path) -> None:
        """Refuse a place for such an archive before work begins.

        Raises
        ------
        RequestError : there is a folder, or a file that is no such archive.
        """
        check_file(path, mark=self.comment(""), what=f"a genreclf {self.name}")

    def comment(self, digest: str) -> bytes:
        """The comment of a zip file of this kind; its length does not depend on the digest."""
        return f"genreclf {self.name} sha256:{digest}".encode("ascii")


def write_container(path: Path, kind: Kind, members: Mapping[str, bytes]) -> None:
    """Write an archive whole or not at all.

    Raises
    ------
    RequestError : the place cannot be written to or holds another file, or a member is larger than a reader would
        take.
    """
    kind.check_place(path)
    buffer = io.BytesIO()
    blank = kind.comment("0" * 64)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, limit in kind.members.items():
            if name in kind.optional and name not in members:
                continue
            if len(members[name]) > limit:
                raise RequestError(
                    f"{path}: the {kind.name} is too large to store: {len(members[name]):,} bytes in {name}, "
                    f"at most {limit:,}; make it of fewer tracks or parameters"
                )
            # Arrays of measured numbers hardly shrink, and large ones would take minutes.
            packing = zipfile.ZIP_STORED if name.endswith(".npy") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, _DATE), members[name], packing)
        archive.comment = blank
    body = buffer.getvalue()[: -len(blank)]
    write_whole(path, body + kind.comment(hashlib.sha256(body).hexdigest()))


def read_container(path: Path, kind: Kind) -> dict[str, bytes]:
    """Read the members of an archive.

    Raises
    ------
    RequestError : there is no such file, or it is not a whole, unaltered archive of this kind.
    """
    content = _content(path, kind)
    if not content:
        raise RequestError(f"{path}: empty; make {kind.with_article} with: {kind.made_with}")
    if not content.startswith(_MAGIC):
        raise RequestError(f"{path}: not a genreclf {kind.name}; make one with: {kind.made_with}")
    _check_digest(path, kind, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_members(path, kind, archive.infolist())
            return {info.filename: _unpacked(archive, info) for info in archive.infolist()}
    except RequestError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError) as error:
        raise damaged(path, f"it cannot be unpacked ({one_line(error)})") from None


def damaged(path: Path, reason: str) -> RequestError:
    """The one line for a file that genreclf did not write like this."""
    return RequestError(f"{path}: damaged or not made by genreclf: {reason}; use an unaltered copy, or make it again")


def decode(path: Path, member: str, data: bytes, type: type[T]) -> T:  # noqa: A002 - msgspec's name
    """Read JSON into a type that msgspec knows.

    Raises
    ------
    RequestError : it is not JSON, or not of that type; the line says where.
    """
    import msgspec

    try:
        return msgspec.json.decode(data, type=type)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise damaged(path, f"{member}: {one_line(error)}") from None


def read_array(stream: IO[bytes], size: int) -> np.ndarray:
    """Read a ``.npy`` file of plain numbers or texts.

    Parameters
    ----------
    stream : at its start; can seek.
    size : bytes in it.

    Raises
    ------
    ValueError : it holds objects, or its size is not what its header says, or it is no ``.npy`` file.
    """
    import numpy as np

    check_array(stream, size)
    stream.seek(0)
    return np.asarray(np.load(stream, allow_pickle=False))


def map_array(path: Path) -> np.ndarray:
    """Map a ``.npy`` file into memory, to be read where it is used; see `read_array` for what is refused.

    Raises
    ------
    ValueError : as `read_array`, or it is no regular file.
    OSError : it cannot be read.
    """
    import numpy as np

    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{path.name} is not a file")
    with path.open("rb") as stream:
        check_array(stream, status.st_size)
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def check_array(stream: IO[bytes], size: int) -> None:
    """Check the header of a ``.npy`` file against its size; see `read_array`."""
    from numpy.lib import format as npy

    try:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, _, dtype = read(stream)
    except Exception as error:  # noqa: BLE001 - numpy's parser of headers can raise nearly anything
        raise ValueError(f"an array whose header cannot be read ({one_line(error)})") from None
    if dtype.hasobject or dtype.kind not in "biufUV" or dtype.subdtype is not None:
        raise ValueError(f"an array of type {dtype}")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != size - stream.tell():
        raise ValueError(f"an array of {size} bytes that claims the shape {shape}")


def load_array(data: bytes) -> np.ndarray:
    """Read a ``.npy`` file; see `read_array` for what is refused."""
    return read_array(io.BytesIO(data), len(data))


def dump_array(array: np.ndarray) -> bytes:
    """An array as a ``.npy`` file."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _content(path: Path, kind: Kind) -> bytes:
    most = sum(kind.members.values())
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RequestError(f"{path}: not a file; give a genreclf {kind.name}, made with: {kind.made_with}")
        if status.st_size > most:
            raise damaged(path, f"{status.st_size:,} bytes, {kind.with_article} has at most {most:,}")
        with path.open("rb") as stream:
            return stream.read(status.st_size + 1)  # reading makes room for all that it is asked for
    except RequestError:
        raise
    except FileNotFoundError:
        raise RequestError(f"{path}: no such file; make one with: {kind.made_with}") from None
    except (OSError, ValueError) as error:
        raise RequestError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _check_digest(path: Path, kind: Kind, content: bytes) -> None:
    start = content.rfind(b"genreclf ", max(0, len(content) - 128))
    words = content[start:].decode("ascii", "replace").split() if start >= 0 else []
    if len(words) != 3 or not words[2].startswith("sha256:"):
        raise damaged(path, "its end is missing")
    if words[2] != "sha256:" + hashlib.sha256(memoryview(content)[:start]).hexdigest():
        raise damaged(path, "its bytes have changed since it was written")
    if words[1] != kind.name:
        raise RequestError(f"{path}: a genreclf {words[1]}, not {kind.with_article}; make one with: {kind.made_with}")


def _check_members(path: Path, kind: Kind, members: list[zipfile.ZipInfo]) -> None:
    names = [info.filename for info in members]
    if len(set(names)) != len(names) or not kind.members.keys() - kind.optional <= set(names) <= kind.members.keys():
        shown = ", ".join(repr(name[:60]) for name in names[:4]) + (" and more" if len(names) > 4 else "")
        raise damaged(path, f"it holds {shown or 'nothing'}, not {' and '.join(kind.members)}")
    for info in members:
        limit = min(kind.members[info.filename], max(_SMALL, _MOST_TIMES_SMALLER * info.compress_size))
        if info.file_size > limit:
            raise damaged(path, f"{info.filename} would unpack to {info.file_size:,} bytes, at most {limit:,}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise damaged(path, f"{info.filename} is packed or locked in a way that genreclf does not use")


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """No more bytes than were announced, and in pieces, since zipfile doubles what it is asked for at once."""
    with archive.open(info) as stream:
        return b"".join(iter(partial(stream.read, _PIECE), b""))
