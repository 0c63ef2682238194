"""Tagging: writes a genre into the tags of mp3 and FLAC files, and changes nothing else.

In an mp3 the genre is the frame ``TCON`` of the ID3v2 tag, in FLAC the Vorbis comment ``GENRE``. Other frames,
comments, pictures and every byte of the sound stay as they are. The new file is written beside the old one and
takes its place in one step. What is not understood in full is refused, not guessed at.

Sources: M. Nilsson, ID3 tag version 2.3.0 and 2.4.0 (id3.org); RFC 9639, Free Lossless Audio Codec.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from genreclf.errors import RequestError, TrackError
from genreclf.files import cannot_write

if TYPE_CHECKING:
    from genreclf.prediction import Prediction

_PADDING = 1024
_MOST_TAG = 1 << 28
_MOST_BLOCK = (1 << 24) - 1
_VORBIS_COMMENT = 4
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REFERENCE = re.compile(r"\(|\d+$|RX$|CR$")  # how a tag refers to ID3v1's numbered genres, remix and cover


@dataclass(frozen=True)
class Tagger:
    """Writes predicted genres into copies in a folder, or into the files themselves where `folder` is None."""

    folder: Path | None

    @classmethod
    def of(cls, *, write_tags: bool, to: Path | None, in_place: bool) -> Tagger | None:
        """The tagger that the options ask for; None where no tags are to be written.

        Raises
        ------
        RequestError : the options do not say whether copies or the files themselves are to be written.
        """
        if not write_tags:
            if to is not None or in_place:
                raise RequestError("--to and --in-place go with --write-tags; add it to write tags")
            return None
        if (to is not None) == in_place:
            raise RequestError("--write-tags: say --to DIR for tagged copies, or --in-place to change the files")
        return cls(to)

    def write(self, path: Path, prediction: Prediction) -> str | None:
        """Write what was predicted for a file; why it cannot be written, None where it was or nothing was said."""
        if prediction.error is not None:
            return None
        try:
            if self.folder is None:
                write_genre(path, path.resolve(), prediction.genre)
            else:
                target = self.folder / path.name
                if target.exists() or target.is_symlink():
                    return f"{target} is there already and stays as it is"
                write_genre(path, target, prediction.genre)
        except TrackError as error:
            return error.reason
        except RequestError as error:
            return str(error)
        return None


def write_genre(path: Path, target: Path, genre: str) -> None:
    """Write a file with its genre tag set; `target` may be the file itself.

    Raises
    ------
    TrackError : it is not an mp3 or FLAC file whose tags are understood in full, or a tag cannot hold the genre.
    RequestError : the place cannot be written to.
    """
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise TrackError("untaggable", f"tags are written into {' and '.join(_WRITERS)} files only, not {suffix!r}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in genre):
        raise TrackError("untaggable", f"the genre {genre!r} has characters that are not for a tag")
    try:
        if target.exists() and not (os.access(target, os.W_OK) and target.stat().st_mode & _WRITABLE):
            raise TrackError("untaggable", "it is read-only")
        with path.open("rb") as source:
            head, start = _WRITERS[suffix](source, genre)
            _replace(target, head, source, start, like=path)
    except OSError as error:
        raise cannot_write(target, error) from error


def _replace(target: Path, head: bytes, source: BinaryIO, start: int, *, like: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".genreclf-", suffix=".part", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(head)
            source.seek(start)
            shutil.copyfileobj(source, stream, 1 << 20)
            stream.flush()
            os.fsync(stream.fileno())
        shutil.copymode(like, temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _mp3(source: BinaryIO, genre: str) -> tuple[bytes, int]:
    """A new ID3v2 tag, and where the sound begins."""
    if _REFERENCE.match(genre):
        raise TrackError("untaggable", f"players take the genre {genre!r} of an ID3 tag for the number of another")
    head = source.read(10)
    if head[:3] != b"ID3":
        if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
            raise TrackError("untaggable", "it begins with neither an ID3 tag nor sound")
        return _id3(3, [_genre_frame(genre, 3)], 0), 0
    if len(head) < 10:
        raise TrackError("untaggable", "its ID3 tag breaks off")
    version, flags = head[3], head[5]
    size = _synchsafe(head[6:10])
    if version not in {3, 4} or flags or size > _MOST_TAG:
        raise TrackError("untaggable", f"its ID3 tag (version 2.{version}, flags {flags:#x}) is of a kind left alone")
    body = source.read(size)
    if len(body) < size:
        raise TrackError("untaggable", "its ID3 tag breaks off")
    frames = [frame for frame in _id3_frames(body, version) if frame[:4] != b"TCON"]
    return _id3(version, [_genre_frame(genre, version), *frames], size), 10 + size


def _id3_frames(body: bytes, version: int) -> Iterator[bytes]:
    """The frames of a tag, each with its header; padding is left out."""
    place = 0
    while place < len(body) and body[place]:
        head = body[place : place + 10]
        size = _synchsafe(head[4:8]) if version == 4 else int.from_bytes(head[4:8], "big")
        end = place + 10 + size
        if len(head) < 10 or not (head[:4].isalnum() and head[:4].isupper()) or end > len(body) or not size:
            raise TrackError("untaggable", "its ID3 tag has a frame that cannot be read")
        yield body[place:end]
        place = end
    if any(body[place:]):
        raise TrackError("untaggable", "its ID3 tag ends in something that cannot be read")


def _id3(version: int, frames: list[bytes], room: int) -> bytes:
    """A tag of these frames, as long as the old one where they fit."""
    body = b"".join(frames)
    size = room if len(body) <= room else len(body) + _PADDING
    if size > _MOST_TAG:
        raise TrackError("untaggable", "its ID3 tag is too large")
    return b"ID3" + bytes((version, 0, 0)) + _as_synchsafe(size) + body.ljust(size, b"\0")


def _genre_frame(genre: str, version: int) -> bytes:
    if version == 4:
        text = b"\3" + genre.encode("utf-8")
    else:
        text = b"\0" + genre.encode("latin-1") if _is_latin(genre) else b"\1\xff\xfe" + genre.encode("utf-16-le")
    size = len(text)
    return b"TCON" + (_as_synchsafe(size) if version == 4 else size.to_bytes(4, "big")) + b"\0\0" + text


def _is_latin(text: str) -> bool:
    return all(ord(character) < 256 for character in text)


def _synchsafe(data: bytes) -> int:
    if len(data) != 4 or any(byte & 0x80 for byte in data):
        raise TrackError("untaggable", "its ID3 tag has a length that cannot be")
    return data[0] << 21 | data[1] << 14 | data[2] << 7 | data[3]


def _as_synchsafe(size: int) -> bytes:
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))


def _flac(source: BinaryIO, genre: str) -> tuple[bytes, int]:
    """New metadata blocks, and where the sound begins."""
    if source.read(4) != b"fLaC":
        raise TrackError("untaggable", "it does not begin as a FLAC file")
    blocks: list[tuple[int, bytes]] = []
    last = False
    while not last:
        head = source.read(4)
        size = int.from_bytes(head[1:], "big")
        content = source.read(size) if len(head) == 4 else b""
        if len(head) < 4 or len(content) < size or head[0] & 0x7F == 0x7F or len(blocks) > 1000:
            raise TrackError("untaggable", "its metadata cannot be read")
        blocks.append((head[0] & 0x7F, content))
        last = bool(head[0] & 0x80)
    start = source.tell()
    comments = [i for i, (kind, _) in enumerate(blocks) if kind == _VORBIS_COMMENT]
    if len(comments) > 1:
        raise TrackError("untaggable", "it has two blocks of comments")
    if comments:
        blocks[comments[0]] = (_VORBIS_COMMENT, _with_genre(blocks[comments[0]][1], genre))
    else:
        blocks.insert(1, (_VORBIS_COMMENT, _vorbis(b"genreclf", [b"GENRE=" + genre.encode("utf-8")])))
    if any(len(content) > _MOST_BLOCK for _, content in blocks):
        raise TrackError("untaggable", "its comments are too long")
    parts = [
        bytes([kind | (0x80 if i == len(blocks) - 1 else 0)]) + len(content).to_bytes(3, "big") + content
        for i, (kind, content) in enumerate(blocks)
    ]
    return b"fLaC" + b"".join(parts), start


def _with_genre(content: bytes, genre: str) -> bytes:
    """A block of Vorbis comments with this genre and no other."""
    vendor, place = _text(content, 0)
    count, place = int.from_bytes(content[place : place + 4], "little"), place + 4
    if count > len(content) // 4:
        raise TrackError("untaggable", "its comments cannot be read")
    comments = []
    for _ in range(count):
        comment, place = _text(content, place)
        comments.append(comment)
    if place != len(content):
        raise TrackError("untaggable", "its comments end in something that cannot be read")
    kept = [comment for comment in comments if comment.partition(b"=")[0].upper() != b"GENRE"]
    return _vorbis(vendor, [*kept, b"GENRE=" + genre.encode("utf-8")])


def _text(content: bytes, place: int) -> tuple[bytes, int]:
    """The text with its length in front that begins at a place, and where it ends."""
    size = int.from_bytes(content[place : place + 4], "little")
    end = place + 4 + size
    if place + 4 > len(content) or end > len(content):
        raise TrackError("untaggable", "its comments cannot be read")
    return content[place + 4 : end], end


def _vorbis(vendor: bytes, comments: list[bytes]) -> bytes:
    texts = [len(comments).to_bytes(4, "little")]
    texts += [len(comment).to_bytes(4, "little") + comment for comment in comments]
    return len(vendor).to_bytes(4, "little") + vendor + b"".join(texts)


_WRITERS = {".mp3": _mp3, ".flac": _flac}
