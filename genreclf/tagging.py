r"""Tagging: writes a genre into the tags of audio files, and leaves the sound as it is.

Tags are written by the optional extra mutagen: ID3's ``TCON`` in mp3 and aiff, the Vorbis comment ``GENRE`` in flac,
ogg and opus, ``\xa9gen`` in m4a, ``WM/Genre`` in wma. The tagged file is made beside the old one and takes its place in
one step.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from genreclf.errors import RequestError, TrackError, one_line
from genreclf.files import whole_file
from genreclf.remote import Url

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
    ".wma": ("asf.ASF",),
    ".aiff": ("aiff.AIFF",),
    ".aif": ("aiff.AIFF",),
}
_ID3 = frozenset({".mp3", ".aiff", ".aif"})
_KEYS = {".m4a": "\xa9gen", ".wma": "WM/Genre"}
_WRITABLE = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH
_REFERENCE = re.compile(r"\(|\d+$|RX$|CR$")  # how a tag refers to ID3v1's numbered genres, remix and cover


@dataclass(frozen=True)
class Tagged:
    """What became of the genre tag of one file.

    Parameters
    ----------
    status : ``written``, ``would-write`` in a dry run, ``kept`` where nothing was to be written, ``refused`` where
        it could not be.
    before : the genre that the file had; empty where it had none.
    reason : why it was kept or refused.
    """

    status: str
    before: str = ""
    reason: str = ""


class Tagger:
    """Writes predicted genres into files; one that cannot be tagged stops nothing.

    Parameters
    ----------
    to : a folder for tagged copies; a copy that is there already stays as it is.
    in_place : change the files themselves.
    root : copies lie below `to` as their files lie below this folder; by default all lie in `to` itself.
    dry_run : only tell what would be written.
    only_empty : leave files that have a genre alone.

    Raises
    ------
    RequestError : neither or both of `to` and `in_place` are given, or mutagen is not installed.
    """

    def __init__(
        self,
        *,
        to: Path | None = None,
        in_place: bool = False,
        root: Path | None = None,
        dry_run: bool = False,
        only_empty: bool = False,
    ) -> None:
        if (to is not None) == in_place:
            raise RequestError(
                "choose where to write tags: to=FOLDER for tagged copies, or in_place=True for the files"
            )
        _mutagen()
        self.to = to
        self.root = root
        self.dry_run = dry_run
        self.only_empty = only_empty

    def tag(self, prediction: Prediction, path: Path | Url) -> Tagged:
        """Write the genre of a prediction into the file that it is about, or into its copy."""
        if prediction.error is not None:
            return Tagged("kept", "", "it was not predicted")
        if prediction.unknown:
            return Tagged("kept", "", "its genre is unknown")
        if isinstance(path, Url):
            return Tagged("refused", "", "a URL, where nothing is written")
        try:
            return self._tag(path, prediction.genre)
        except TrackError as error:
            return Tagged("refused", "", error.reason)
        except RequestError as error:
            return Tagged("refused", "", str(error))

    def _tag(self, path: Path, genre: str) -> Tagged:
        target = path if self.to is None else self.to / _below(path, self.root)
        if self.to is not None and os.path.lexists(target):
            if target.is_file() and genre_of(target) == genre:
                return Tagged("kept", genre, f"{target} has this genre already")
            return Tagged("refused", "", f"{target} is there already and stays as it is")
        before = genre_of(path)
        if before == genre and self.to is None:
            return Tagged("kept", before, "it has this genre already")
        if before and self.only_empty:
            return Tagged("kept", before, "it has a genre")
        if self.dry_run:
            _check(path, target, genre)
            return Tagged("would-write", before)
        write_genre(path, target, genre)
        return Tagged("written", before)


def _below(path: Path, root: Path | None) -> Path:
    """Where a copy lies below the folder of copies: as the file does below `root`, else by its whole path."""
    if root is None:
        return Path(path.name)
    whole = Path(os.path.abspath(path))  # noqa: PTH100 - links stay as they are, steps upward do not
    return whole.relative_to(root) if whole.is_relative_to(root) else whole.relative_to(whole.anchor)


def genre_of(path: Path) -> str:
    """The genre that a file's tags name; several are joined by a semicolon, none is an empty text.

    Raises
    ------
    TrackError : it is not an audio file of a kind that can be tagged.
    """
    suffix = _suffix_of(path)
    try:
        with path.open("rb") as stream:
            tags = _opened(stream, suffix).tags
    except OSError as error:
        raise _untaggable(f"it cannot be read: {error.strerror or error}") from None
    if not tags:
        return ""
    if suffix in _ID3:
        frame = tags.get("TCON")
        return "; ".join(frame.genres) if frame else ""
    return "; ".join(map(str, tags.get(_KEYS.get(suffix, "genre"), [])))


def _suffix_of(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in _KINDS:
        kinds = ", ".join(kind.removeprefix(".") for kind in _KINDS)
        raise _untaggable(f"tags are written into {kinds} files only, not {suffix!r}")
    return suffix


def _check(path: Path, target: Path, genre: str) -> str:
    """The kind of file, by its suffix; raises as `write_genre`."""
    suffix = _suffix_of(path)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in genre):
        raise _untaggable(f"the genre {genre!r} has characters that do not belong in a tag")
    if suffix in _ID3 and _REFERENCE.match(genre):
        raise _untaggable(f"players read the genre {genre!r} of an ID3 tag as the number of another genre")
    if target.exists() and not (os.access(target, os.W_OK) and target.stat().st_mode & _WRITABLE):
        raise _untaggable("it is read-only")
    return suffix


def write_genre(path: Path, target: Path, genre: str) -> None:
    """Write a copy of a file with its genre tag set; `target` may be the file itself.

    Raises
    ------
    TrackError : it is not an audio file of a kind that can be tagged, or a tag cannot hold the genre.
    RequestError : the place cannot be written to, or mutagen is not installed.
    """
    suffix = _check(path, target, genre)
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
    if suffix in _ID3:
        from mutagen.id3 import TCON

        audio.tags.setall("TCON", [TCON(encoding=1, text=[genre])])  # type: ignore[no-untyped-call]
        audio.save(stream, v2_version=3, v23_sep=None)
        return
    audio.tags[_KEYS.get(suffix, "genre")] = [genre]
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
