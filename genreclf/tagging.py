r"""Tagging: writes a genre into the tags of audio files, and leaves the sound as it is.

Tags are written by the optional extra mutagen: ID3's ``TCON`` in mp3, the Vorbis comment ``GENRE`` in flac, ogg and
opus, ``\xa9gen`` in m4a. The tagged file is made beside the old one and takes its place in one step.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from genreclf.errors import RequestError, TrackError, one_line
from genreclf.files import whole_file
from genreclf.prediction import shown

if TYPE_CHECKING:
    from genreclf.prediction import Prediction

_OGG = ("oggvorbis.OggVorbis", "oggopus.OggOpus", "oggflac.OggFLAC")
_KINDS = {
    ".mp3": ("mp3.MP3",),
    ".flac": ("flac.FLAC",),
    ".ogg": _OGG,
    ".oga": _OGG,
    ".opus": _OGG,
    ".m4a": ("mp4.MP4",),
}
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REFERENCE = re.compile(r"\(|\d+$|RX$|CR$")  # how a tag refers to ID3v1's numbered genres, remix and cover


def write_genres(
    predictions: Iterable[Prediction],
    sources: Iterable[Path],
    *,
    to: Path | None = None,
    in_place: bool = False,
) -> Iterator[tuple[Prediction, str]]:
    """Write predicted genres into files as the predictions come; a file that cannot be tagged stops nothing.

    Parameters
    ----------
    predictions : as `Predictor.stream` yields them; those with an error are passed on and nothing is written.
    sources : the files that they are about.
    to : a folder for tagged copies; a copy that is there already stays as it is.
    in_place : change the files themselves.

    Yields
    ------
    Each prediction, and why its genre was not written; an empty text where it was.

    Raises
    ------
    RequestError : neither or both of `to` and `in_place` are given, or mutagen is not installed.
    """
    check_places(to=to, in_place=in_place)
    places = {shown(path): path for path in sources}
    return ((prediction, _refusal(prediction, places[prediction.path], to)) for prediction in predictions)


def check_places(*, to: Path | None, in_place: bool) -> None:
    """Raise a `RequestError` unless it is clear where `write_genres` shall write and mutagen is there to do it."""
    if (to is not None) == in_place:
        raise RequestError("choose where to write tags: to=FOLDER for tagged copies, or in_place=True for the files")
    _mutagen()


def _refusal(prediction: Prediction, path: Path, to: Path | None) -> str:
    if prediction.error is not None:
        return ""
    target = path if to is None else to / path.name
    if to is not None and os.path.lexists(target):
        return f"{target} is there already and stays as it is"
    try:
        write_genre(path, target, prediction.genre)
    except (TrackError, RequestError) as error:
        return error.reason if isinstance(error, TrackError) else str(error)
    return ""


def write_genre(path: Path, target: Path, genre: str) -> None:
    """Write a copy of a file with its genre tag set; `target` may be the file itself.

    Raises
    ------
    TrackError : it is not an audio file of a kind that can be tagged, or a tag cannot hold the genre.
    RequestError : the place cannot be written to, or mutagen is not installed.
    """
    suffix = path.suffix.lower()
    if suffix not in _KINDS:
        kinds = ", ".join(kind.removeprefix(".") for kind in _KINDS)
        raise _untaggable(f"tags are written into {kinds} files only, not {suffix!r}")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in genre):
        raise _untaggable(f"the genre {genre!r} has characters that do not belong in a tag")
    if suffix == ".mp3" and _REFERENCE.match(genre):
        raise _untaggable(f"players read the genre {genre!r} of an ID3 tag as the number of another genre")
    if target.exists() and not (os.access(target, os.W_OK) and target.stat().st_mode & _WRITABLE):
        raise _untaggable("it is read-only")
    mutagen = _mutagen()
    with whole_file(target, like=path) as stream:
        with path.open("rb") as source:
            shutil.copyfileobj(source, stream, 1 << 20)
        try:
            _set_genre(stream, suffix, genre)
        except mutagen.MutagenError as error:
            if error.args and isinstance(error.args[0], OSError):
                raise error.args[0] from error
            raise _untaggable(f"its tags cannot be read: {one_line(error)}") from error


def _set_genre(stream: BinaryIO, suffix: str, genre: str) -> None:
    """Set the genre in an open file, which mutagen changes in place."""
    audio = _opened(stream, suffix)
    if audio.tags is None:
        audio.add_tags()
    stream.seek(0)
    if suffix == ".mp3":
        from mutagen.id3 import TCON

        # The frames of an old version are those of 2.3 under shorter names.
        version = max(audio.tags.version[1], 3) if audio.tags.version else 3
        stream.seek(max(0, stream.seek(0, os.SEEK_END) - 128))
        ends = stream.read()
        stream.seek(0)
        frame = TCON(encoding=3 if version == 4 else 1, text=[genre])  # type: ignore[no-untyped-call]
        audio.tags.setall("TCON", [frame])
        audio.tags.save(stream, v2_version=version, v23_sep=None)
        if ends.startswith(b"TAG"):
            # The short tag of ID3v1 at the end holds numbers for genres; it stays as it was.
            stream.seek(-len(ends), os.SEEK_END)
            stream.write(ends)
        return
    audio.tags["\xa9gen" if suffix == ".m4a" else "genre"] = [genre]
    audio.save(stream)


def _opened(stream: BinaryIO, suffix: str) -> Any:  # noqa: ANN401 - mutagen has no types
    """The file as mutagen sees it, by the first of the suffix's kinds that takes it."""
    from importlib import import_module

    fault: Exception | None = None
    for kind in _KINDS[suffix]:
        module, _, name = kind.partition(".")
        options = {"translate": False, "load_v1": False} if suffix == ".mp3" else {}
        stream.seek(0)
        try:
            return getattr(import_module(f"mutagen.{module}"), name)(stream, **options)
        except Exception as error:  # noqa: BLE001 - a damaged file may trip mutagen in any way
            fault = fault or error
    raise _untaggable(f"it is damaged or not {suffix.removeprefix('.')}: {one_line(fault)}")


def _mutagen() -> Any:  # noqa: ANN401 - mutagen has no types
    try:
        import mutagen
    except ImportError:
        raise RequestError('writing tags needs mutagen; install it with: pip install "genreclf[tags]"') from None
    return mutagen


def _untaggable(reason: str) -> TrackError:
    return TrackError("untaggable", reason)
