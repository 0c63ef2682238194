"""Lists published beside a data set: who plays in each file, and which split each file belongs to.

An artist index has a line a file, ``blues.00002.wav ::: John Lee Hooker ::: Think Twice`` as in Sturm's index of
GTZAN, or the file and the artist apart by a tab. A split is a folder of lists, ``train*.txt``, ``valid*.txt`` and
``test*.txt`` with a file a line, or one file of lines ``blues/blues.00029.wav<tab>train``. Files are matched by
their name without folder and ending, so that lists made for ``.wav`` serve ``.au``. Lines that start with # are
comments.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from genreclf.datasets.manifest import Manifest
from genreclf.errors import RequestError
from genreclf.tables.cells import cell

SPLITS = {"train": "training", "valid": "validation", "test": "test"}
_ENDINGS = (".wav", ".au", ".mp3", ".flac", ".ogg", ".m4a")
_Value = TypeVar("_Value", str, tuple[str, str])


def join(manifest: Manifest, *, artists: Path | str | None = None, split: Path | str | None = None) -> Manifest:
    """The manifest with what the lists tell; tracks that stand in no split list are left out and noted.

    Raises
    ------
    RequestError : a list cannot be read, or names none of the tracks.
    """
    tracks = manifest.tracks
    notes = list(manifest.notes)
    if artists is not None:
        known = read_artists(Path(artists))
        named = [track for track in tracks if known.get(_key(track.name), ("", ""))[0]]
        _check_any(artists, manifest, found=bool(named))
        if len(named) < len(tracks):
            notes.append(f"{artists}: {len(tracks) - len(named):,} of {len(tracks):,} tracks have no artist there")
        tracks = tuple(
            replace(track, artist=artist, title=title or track.title)
            for track in tracks
            for artist, title in [known.get(_key(track.name), (track.artist, track.title))]
        )
    if split is not None:
        belongs = read_split(Path(split))
        kept = tuple(replace(track, split=belongs[_key(track.name)]) for track in tracks if _key(track.name) in belongs)
        _check_any(split, manifest, found=bool(kept))
        if len(kept) < len(tracks):
            notes.append(f"{split}: {len(tracks) - len(kept):,} of {len(tracks):,} tracks stand in no list: left out")
        if len(kept) < len(belongs):
            notes.append(f"{split}: {len(belongs) - len(kept):,} listed files are not in {manifest.name}")
        tracks = kept
    return Manifest(manifest.name, tracks, tuple(notes))


def read_artists(path: Path) -> dict[str, tuple[str, str]]:
    """Artist and title by file name; both may be empty.

    Raises
    ------
    RequestError : the file cannot be read, a line has no artist, or a file stands there twice.
    """
    found: dict[str, tuple[str, str]] = {}
    for number, line in _lines(path):
        separator = ":::" if ":::" in line else "\t"
        name, *rest = (cell(part) for part in line.split(separator))
        if not rest or not name:
            raise RequestError(
                f"{path}: line {number}: {line[:60]!r}; an artist index has lines like: "
                "blues.00002.wav ::: Artist ::: Title"
            )
        _add(path, number, found, _key(name), (rest[0], rest[1] if len(rest) > 1 else ""))
    return found


def read_split(path: Path) -> dict[str, str]:
    """``training``, ``validation`` or ``test`` by file name, from a folder of lists or from one file.

    Raises
    ------
    RequestError : the lists are not there or cannot be read, or a file stands in two of them.
    """
    found: dict[str, str] = {}
    if not path.is_dir():
        for number, line in _lines(path):
            name, _, split = line.partition("\t")
            spelled = next((full for short, full in SPLITS.items() if split.strip().lower().startswith(short)), "")
            if not spelled:
                raise RequestError(
                    f"{path}: line {number}: {line[:60]!r}; give a folder that holds train*.txt, valid*.txt and "
                    "test*.txt, or a file of lines with a name, a tab and train, valid or test"
                )
            _add(path, number, found, _key(name), spelled)
        return found
    for short, full in SPLITS.items():
        lists = sorted(path.glob(f"{short}*.txt"))
        if len(lists) != 1:
            there = "none" if not lists else ", ".join(file.name for file in lists)
            raise RequestError(f"{path}: one list {short}*.txt belongs there, found {there}")
        for number, line in _lines(lists[0]):
            _add(lists[0], number, found, _key(line), full)
    return found


def _add(path: Path, number: int, found: dict[str, _Value], name: str, value: _Value) -> None:
    if name in found:
        raise RequestError(f"{path}: line {number}: {name!r} is listed already; each file belongs to one line")
    found[name] = value


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        # Sturm's index was written before UTF-8 was everywhere; every byte means something in Latin-1.
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    # A byte that Windows means as dots is a line end to `splitlines`.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def _key(name: str) -> str:
    last = name.strip().replace("\\", "/").rpartition("/")[2]
    ending = next((e for e in _ENDINGS if last.lower().endswith(e)), "")
    return last[: len(last) - len(ending)].lower()


def _check_any(path: Path | str, manifest: Manifest, *, found: bool) -> None:
    if not found:
        raise RequestError(f"{path}: names none of the {len(manifest):,} tracks of {manifest.name}")
