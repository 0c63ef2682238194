"""Playlists: the files that an m3u, m3u8, pls or xspf names, in its order; and playlists written, as m3u8.

Entries are paths relative to the playlist, absolute paths or URLs.

Sources: the m3u of Winamp with ``#EXTM3U`` (UTF-8 in m3u8), the pls of Shoutcast, and XSPF version 1 of Xiph.
"""

from __future__ import annotations

import os
import re
from itertools import count
from pathlib import Path

from genreclf.errors import RequestError
from genreclf.files import cannot_write, write_whole
from genreclf.remote import Url

PLAYLIST_SUFFIXES = frozenset({".m3u", ".m3u8", ".pls", ".xspf"})

_HEADER = b"#EXTM3U\n# written by genreclf; replaced when it is written again\n"
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_PLS_ENTRY = re.compile(r"file\d+\s*=\s*(.*)", re.IGNORECASE)


def read_playlist(path: Path) -> list[str]:
    """The entries of a playlist, as they stand there; those of an XSPF are URLs, which may be relative.

    Raises
    ------
    RequestError : the file cannot be read, or an XSPF is not the XML that it should be.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None
    if path.suffix.lower() == ".xspf":
        return _xspf(path, data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Where a name is no UTF-8 on this disk either, its bytes are what finds it; elsewhere it is Latin-1.
        text = os.fsdecode(data) if _exists(path, os.fsdecode(data)) else data.decode("latin-1")
    lines = [line.strip("\r ") for line in text.split("\n")]
    if path.suffix.lower() == ".pls":
        return [found[1] for line in lines if (found := _PLS_ENTRY.fullmatch(line)) and found[1]]
    return [line for line in lines if line and not line.startswith("#")]


def _exists(playlist: Path, text: str) -> bool:
    first = next((line.strip() for line in text.split("\n") if not line.isascii()), "")
    return os.path.lexists(playlist.parent / first)


def _xspf(path: Path, data: bytes) -> list[str]:
    from xml.etree import ElementTree as ET

    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise RequestError(f"{path}: declares entities, as no XSPF playlist needs to; it is not read")
    try:
        root = ET.fromstring(data)  # noqa: S314 - what makes XML dangerous has been refused
    except ET.ParseError as error:
        raise RequestError(f"{path}: not an XSPF playlist: {error}") from None
    locations = (element.text or "" for element in root.iter() if element.tag.rpartition("}")[2] == "location")
    return [location.strip() for location in locations if location.strip()]


class GenrePlaylists:
    """A folder with a playlist for each genre, ``GENRE.m3u8``, to which files are added one by one.

    Each line is written by one call, so that a kill leaves whole lines and at most one torn one, which is cut off.

    Parameters
    ----------
    folder : where they lie; it is made.
    keep : go on with the playlists of an earlier run; else those that were made here are removed.

    Raises
    ------
    RequestError : the place is taken or cannot be written to.
    """

    def __init__(self, folder: Path, *, keep: bool = False) -> None:
        self.folder = folder
        self._paths: dict[str, Path] = {}
        self._entries: dict[str, set[bytes]] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if not keep:
                for path in folder.glob("*.m3u8"):
                    if path.read_bytes().startswith(_HEADER):
                        path.unlink()
        except OSError as error:
            raise cannot_write(folder, error) from error

    def add(self, genre: str, path: Path | Url) -> bool:
        """Add a file to the playlist of its genre, where it does not stand yet; False for a name of several lines.

        Raises
        ------
        RequestError : the playlist cannot be written to, or is not one that was made here.
        """
        if genre not in self._paths:
            self._open(genre)
        try:
            name = str(path) if isinstance(path, Url) else os.path.relpath(path, self.folder)
        except ValueError:  # on another drive
            name = os.path.abspath(path)  # noqa: PTH100 - of a path alone, as above
        entry = os.fsencode(f"./{name}" if name.startswith("#") else name)
        if b"\n" in entry:
            return False
        if entry in self._entries[genre]:
            return True
        self._entries[genre].add(entry)
        try:
            with self._paths[genre].open("ab", buffering=0) as stream:
                stream.write(entry + b"\n")
        except OSError as error:
            raise cannot_write(self._paths[genre], error) from error
        return True

    def _open(self, genre: str) -> None:
        stem = _UNSAFE.sub("_", genre).strip(". ") or "_"
        names = (f"{stem}{'' if number == 1 else f' {number}'}.m3u8" for number in count(1))
        taken = {path.name.casefold() for path in self._paths.values()}
        path = self.folder / next(name for name in names if name.casefold() not in taken)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = _HEADER
        except OSError as error:
            raise cannot_write(path, error) from error
        if not data.startswith(_HEADER):
            raise RequestError(f"{path}: is there already and was not made here; choose another folder")
        lines = data.split(b"\n")[:-1]
        write_whole(path, b"".join(line + b"\n" for line in lines))
        self._paths[genre] = path
        self._entries[genre] = {line for line in lines if not line.startswith(b"#")}
