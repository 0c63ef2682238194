"""Containers: a zip file of a few named members, read without trusting it.

Model bundles and indexes are containers. The archive's comment holds the kind of the container and the SHA-256 of
everything before the comment, so that any change to the file, even of a bit that zip readers ignore, is noticed.
The digest guards against accidents; against malice everything else is checked too: members are exactly those that
the kind has, sizes are bounded before anything is unpacked, nothing is written to disk, and JSON and arrays are
read by readers that cannot run code.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.errors import RequestError
from genreclf.files import write_whole

if TYPE_CHECKING:
    import numpy as np

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_MAGIC = b"PK\x03\x04"
_MOST_TIMES_SMALLER = 200  # real members shrink 5 to 30 times; a zip bomb 1,000 times and more
_SMALLEST_PART = 3  # bytes for each part of JSON; real ones take 4 and more
_SMALL = 1 << 20  # members up to this size may shrink as much as they like
_DATE = (1980, 1, 1, 0, 0, 0)  # the same members give the same bytes


@dataclass(frozen=True)
class Kind:
    """What a container holds.

    Parameters
    ----------
    name : one word of ASCII letters for messages, for example ``model``.
    members : names of the members, each with the most bytes it may have when unpacked.
    made_with : the command that makes such a file.
    """

    name: str
    members: Mapping[str, int]
    made_with: str


def write_container(path: Path, kind: Kind, members: Mapping[str, bytes]) -> None:
    """Write a container whole or not at all.

    Raises
    ------
    RequestError : the place cannot be written to, or a member is larger than a reader would take.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, limit in kind.members.items():
            if len(members[name]) > limit:
                raise RequestError(
                    f"{path}: the {kind.name} is too large to store: {len(members[name]):,} bytes in {name}, "
                    f"at most {limit:,}; train a smaller model or on fewer tracks"
                )
            # Arrays of measured numbers hardly shrink, and large ones would take minutes.
            packing = zipfile.ZIP_STORED if name.endswith(".npy") else zipfile.ZIP_DEFLATED
            archive.writestr(zipfile.ZipInfo(name, _DATE), members[name], packing)
        archive.comment = _comment(kind.name, "0" * 64)
    size = len(_comment(kind.name, "0" * 64))
    body = buffer.getvalue()[:-size]
    write_whole(path, body + _comment(kind.name, hashlib.sha256(body).hexdigest()))


def read_container(path: Path, kind: Kind) -> dict[str, bytes]:
    """Read the members of a container.

    Raises
    ------
    RequestError : there is no such file, or it is not a whole, unaltered container of this kind.
    """
    content = _bytes(path, kind)
    if not content.startswith(_MAGIC):
        raise RequestError(f"{path}: not a genreclf {kind.name}; make one with: {kind.made_with}")
    _check_digest(path, kind, content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {info.filename: _member(path, archive, info) for info in _checked(path, kind, archive)}
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError, OSError) as error:
        if isinstance(error, RequestError):
            raise
        raise damaged(path, f"it cannot be unpacked ({one_line(error)})") from None


def damaged(path: Path, reason: str) -> RequestError:
    """The one line for a file that genreclf did not write like this."""
    return RequestError(f"{path}: damaged or not made by genreclf: {reason}; use an unaltered copy, or make it again")


def parse_json(path: Path, member: str, data: bytes) -> dict[str, Any]:
    """Read one JSON object strictly: no doubled keys, NaN, infinite numbers, half characters or deep nesting.

    Raises
    ------
    RequestError : it is anything else.
    """
    try:
        check_parts(data, smallest=_SMALLEST_PART)
        value = json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
        if _SURROGATE.search(data):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"{member} is not JSON ({one_line(error)})") from None
    if not isinstance(value, dict):
        raise damaged(path, f"{member} holds no JSON object")
    return value


def check_parts(data: bytes, *, smallest: int) -> None:
    """Make sure that JSON does not become far larger in memory than it is in the file.

    Parameters
    ----------
    smallest : bytes that each of its lists, objects and values takes at least, on average.

    Raises
    ------
    ValueError : it holds more parts than that.
    """
    parts = data.count(b"[") + data.count(b"{") + data.count(b",")
    if parts * smallest > len(data) + 1000:
        raise ValueError(f"{parts:,} parts in {len(data):,} bytes")


def array_header(data: bytes) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of a ``.npy`` file that holds plain numbers or texts and just as many bytes as it says.

    Raises
    ------
    ValueError : it holds objects, or its size is not what its header says, or it is no ``.npy`` file.
    """
    from numpy.lib import format as npy

    stream = io.BytesIO(data)
    try:
        version = npy.read_magic(stream)
        read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, _, dtype = read(stream)
    except Exception as error:  # noqa: BLE001 - numpy's parser of headers can raise nearly anything
        raise ValueError(f"an array whose header cannot be read ({one_line(error)})") from None
    if dtype.hasobject or dtype.kind not in "biufUV" or dtype.subdtype is not None:
        raise ValueError(f"an array of type {dtype}")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError(f"an array of {len(data)} bytes that claims the shape {shape}")
    return tuple(int(length) for length in shape), dtype


def load_array(data: bytes) -> np.ndarray:
    """Read a ``.npy`` file; see `array_header` for what is refused."""
    import numpy as np

    array_header(data)
    return np.asarray(np.load(io.BytesIO(data), allow_pickle=False))


def dump_array(array: np.ndarray) -> bytes:
    """An array as a ``.npy`` file."""
    import numpy as np

    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def one_line(error: BaseException) -> str:
    """The text of an error in one line of bounded length."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."


def _comment(kind: str, digest: str) -> bytes:
    return f"genreclf {kind} sha256:{digest}".encode("ascii")


def _bytes(path: Path, kind: Kind) -> bytes:
    most = sum(kind.members.values())
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise RequestError(f"{path}: not a file; give a genreclf {kind.name}, made with: {kind.made_with}")
        if status.st_size > most:
            raise damaged(path, f"{status.st_size:,} bytes, {_a(kind)} has at most {most:,}")
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except FileNotFoundError:
        raise RequestError(f"{path}: no such file; make one with: {kind.made_with}") from None
    except (OSError, ValueError) as error:
        if isinstance(error, RequestError):
            raise
        raise RequestError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not content:
        raise RequestError(f"{path}: empty; make {_a(kind)} with: {kind.made_with}")
    return content


def _a(kind: Kind) -> str:
    return f"an {kind.name}" if kind.name[0] in "aeiou" else f"a {kind.name}"


def _check_digest(path: Path, kind: Kind, content: bytes) -> None:
    start = content.rfind(b"genreclf ", max(0, len(content) - 128))
    words = content[start:].split() if start >= 0 else []
    if len(words) != 3 or not words[2].startswith(b"sha256:"):
        raise damaged(path, "its end is missing")
    if content[start:] != _comment(words[1].decode("ascii", "replace"), hashlib.sha256(content[:start]).hexdigest()):
        raise damaged(path, "its bytes have changed since it was written")
    if words[1] != kind.name.encode("ascii"):
        found = words[1].decode("ascii", "replace")
        raise RequestError(f"{path}: a genreclf {found}, not {_a(kind)}; make one with: {kind.made_with}")


def _checked(path: Path, kind: Kind, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    names = [info.filename for info in members]
    if sorted(names) != sorted(kind.members):
        shown = ", ".join(repr(name[:60]) for name in names[:4]) + (" and more" if len(names) > 4 else "")
        raise damaged(path, f"it holds {shown or 'nothing'}, not {' and '.join(kind.members)}")
    for info in members:
        if info.file_size > kind.members[info.filename]:
            raise damaged(
                path,
                f"{info.filename} would unpack to {info.file_size:,} bytes, at most {kind.members[info.filename]:,}",
            )
        if info.file_size > max(_SMALL, _MOST_TIMES_SMALLER * info.compress_size):
            raise damaged(path, f"{info.filename} would unpack to {info.file_size:,} bytes from {info.compress_size:,}")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
            raise damaged(path, f"{info.filename} is packed or locked in a way that genreclf does not use")
    return members


def _member(path: Path, archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as stream:
        data = stream.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise damaged(path, f"{info.filename} has {len(data):,} bytes, {info.file_size:,} were promised")
    return data


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands there twice")
    return found


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a finite number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is not a finite number")
    return value
