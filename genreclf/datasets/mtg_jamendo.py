"""MTG-Jamendo: 55,609 full tracks by 3,565 artists of Jamendo, with 195 tags by those who uploaded them.

Tags are of three categories and written as ``genre---rock``, ``instrument---piano``, ``mood/theme---happy``. Five
random splits are published, each with the tracks of an artist on one side, as files such as
``data/splits/split-0/autotagging_moodtheme-train.tsv``: a line a track, with as many cells as the track has tags.
Audio is named by track number: ``48/948.mp3``, or ``48/948.low.mp3`` of the smaller copy.

Source: Bogdanov, Won, Tovstogan, Porter and Serra (2019), The MTG-Jamendo Dataset for Automatic Music Tagging, ICML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from genreclf.datasets.dataset import Archive, Dataset
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError, unknown
from genreclf.tables.cells import cell

SUBSETS = ("moodtheme", "instrument", "top50tags", "genre", "all")
NUMBERS = range(5)
_SIDES = {"train": "training", "validation": "validation", "test": "test"}
_HEADER = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
_PATH = re.compile(r"\d\d/\d+\.mp3")
_REVISION = "d6252e4a3b378ba045b0159401b805b3a0cfe9de"
_REPOSITORY = f"https://raw.githubusercontent.com/MTG/mtg-jamendo-dataset/{_REVISION}"


def manifest(folder: Path, *, subset: str | None = None) -> Manifest:
    """The tracks of a subset with their tags, artists and sides of a split.

    Parameters
    ----------
    folder : holds the lists as published (``data/splits/split-0``), and the audio folders 00 to 99 or a folder
        ``audio``, ``audio-low`` or ``raw_30s/audio`` with them.
    subset : ``moodtheme``, the default, ``instrument``, ``genre``, ``top50tags`` or ``all``; with the number of a split
        after a colon, as ``genre:3``, or else 0.

    Raises
    ------
    RequestError : no such subset or split, lists or audio are not there, or a list is not one of MTG-Jamendo.
    """
    name, colon, number = (subset or SUBSETS[0]).partition(":")
    if name not in SUBSETS:
        raise unknown("subset of mtg-jamendo", name, SUBSETS)
    if colon and number not in map(str, NUMBERS):
        raise RequestError(f"no split {number!r} of mtg-jamendo; choose 0 to 4, for example {name}:0")
    number = number or "0"
    splits = _first(folder, ("data/splits", "splits", "mtg-jamendo-dataset/data/splits"), f"split-{number}")
    audio = _first(folder, (".", "audio", "audio-low", "raw_30s/audio", "raw_30s/audio-low"), "[0-9][0-9]")
    low = ".low" if next(audio.glob("[0-9][0-9]/*.low.mp3"), None) else ""
    tracks: dict[str, Track] = {}
    for side, split in _SIDES.items():
        path = splits / f"split-{number}" / list_name(name, side)
        for line, cells in _lines(path):
            track = _track(path, line, cells, audio=audio, ending=f"{low}.mp3", split=split)
            if track.track_id in tracks:
                raise RequestError(f"{path}: line {line}: {track.track_id} is listed already; fetch the list again")
            tracks[track.track_id] = track
    return Manifest.of(f"mtg-jamendo_{name}_{number}", tracks.values())


def list_name(subset: str, side: str) -> str:
    """The file that lists the tracks of a subset on one side of a split."""
    return f"autotagging{'' if subset == 'all' else '_' + subset}-{side}.tsv"


def _first(folder: Path, places: tuple[str, ...], pattern: str) -> Path:
    found = next((folder / place for place in places if any(p.is_dir() for p in (folder / place).glob(pattern))), None)
    if found is None:
        what = "audio folders 00 to 99" if pattern.startswith("[") else pattern
        raise RequestError(
            f"no MTG-Jamendo in {folder}: looked for {what} in {', '.join(places)}; how to get it: "
            "genreclf datasets info mtg-jamendo"
        )
    return found


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise RequestError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None
    for number, line in enumerate(text.rstrip("\n").split("\n"), start=1):
        cells = line.rstrip("\r").split("\t")
        if number > 1:
            yield number, cells
        elif cells != _HEADER:
            raise RequestError(f"{path}: not a list of MTG-Jamendo, whose first line is: {' '.join(_HEADER)}, by tabs")


def _track(path: Path, line: int, cells: list[str], *, audio: Path, ending: str, split: str) -> Track:
    number, artist, album, name = (cells + [""] * 4)[:4]
    tags = tuple(dict.fromkeys(map(cell, cells[5:])))
    if not number or not _PATH.fullmatch(name) or not tags or not all("---" in tag for tag in tags):
        raise RequestError(
            f"{path}: line {line}: {' '.join(cells)[:60]!r}; a line has a track, artist, album, path such as "
            "48/948.mp3, duration and tags such as genre---rock, by tabs"
        )
    name = name.removesuffix(".mp3") + ending
    return Track(cell(number), audio / name, name, artist=cell(artist), album=cell(album), split=split, tags=tags)


def _archive(subset: str, number: int, side: str) -> Archive:
    name = f"data/splits/split-{number}/{list_name(subset, side)}"
    return Archive(name, (f"{_REPOSITORY}/{name}",), "", "at most 5 MiB", name, (subset,))


MTG_JAMENDO = Dataset(
    name="mtg-jamendo",
    title="MTG-Jamendo: 55,609 tracks, 195 tags; moodtheme:3 is its split 3 of 0 to 4",
    home="https://github.com/MTG/mtg-jamendo-dataset",
    licence="metadata CC BY-NC-SA 4.0; audio under the Creative Commons licence that each artist chose",
    citation=(
        "D. Bogdanov, M. Won, P. Tovstogan, A. Porter, X. Serra: The MTG-Jamendo Dataset for Automatic Music Tagging. "
        "Machine Learning for Music Discovery Workshop, International Conference on Machine Learning (ICML), 2019"
    ),
    archives=tuple(_archive(subset, number, side) for subset in SUBSETS for number in NUMBERS for side in _SIDES),
    subsets=SUBSETS,
    portions=SUBSETS,
    by_hand=(
        (
            "the audio, 100 tar archives: scripts/download/download.py of the repository checks them against its own "
            "checksums. As full tracks 508 GB, or 156 GB with --type audio-low; of moodtheme alone 152 GB or 46 GB"
        ),
    ),
    manifest=manifest,
    errata=(
        "990 of the 55,701 files are in 465 sets of equal ones (issue 52); folds keep copies on one side",
        "the splits lack some tags and tracks, so that each has the same tags: 87 genres, 40 instruments, 56 moods",
    ),
    references=("bogdanov2019",),
)
