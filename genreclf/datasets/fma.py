"""FMA: 106,574 tracks of the Free Music Archive with artists, an official split and nested subsets.

Read from FMA's own ``tracks.csv``, whose header has three rows. Genres are FMA's root genres (``genre_top``);
the official split keeps the tracks of an artist on one side. The subsets are nested: ``medium`` holds ``small``.
Audio is named by track number: ``fma_small/000/000002.mp3``. Tracks have more specific genres
as well, of a tree (``genres.csv``) that has the root genres at its roots; those of a track and all above them
(``genres_all``) are its tags.

Source: Defferrard, Benzi, Vandergheynst and Bresson (2017), FMA: A Dataset for Music Analysis, ISMIR. Checksums
from https://github.com/mdeff/fma, known faults from its wiki and its issues 8, 23, 41 and 44.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.datasets.dataset import Archive, Dataset
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError, one_line, unknown
from genreclf.tables.cells import cell
from genreclf.tables.labels import TAGS, join_tags, split_tags

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.tables.table import FeatureTable

SUBGENRE = "subgenre"
GENRES = (
    "Blues", "Classical", "Country", "Easy Listening", "Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental",
    "International", "Jazz", "Old-Time / Historic", "Pop", "Rock", "Soul-RnB", "Spoken",
)  # fmt: skip
SUBSETS = ("small", "medium", "large", "full")
# fmt: off
NO_AUDIO = (
    1486, 5574, 65753, 80391, 98558, 98559, 98560, 98571, 99134, 105247, 108925, 126981, 127336, 133297, 143992,
)
# fmt: on
SHORTER_THAN_30_S = (98565, 98566, 98567, 98568, 98569, 108924)
_LARGEST_NUMBER = 999_999  # six digits name a clip

_COLUMNS = {
    ("artist", "id"): "artist_id",
    ("artist", "name"): "artist",
    ("album", "title"): "album",
    ("set", "split"): "split",
    ("set", "subset"): "subset",
    ("track", "genre_top"): "genre",
    ("track", "genres"): "genres",
    ("track", "genres_all"): "genres_all",
    ("track", "title"): "title",
}


@dataclass(frozen=True)
class Layout:
    """Where the parts of FMA lie; `audio` maps a subset to the folder of its clips."""

    tracks: Path
    audio: dict[str, Path]
    subset: str

    @classmethod
    def find(cls, folder: Path, *, subset: str | None = None) -> Layout:
        """Look for FMA in a folder, which may also be ``fma_metadata`` or ``fma_small`` itself.

        Raises
        ------
        RequestError : there is no such subset, or no ``tracks.csv``; the line says where it was looked for.
        """
        if subset is not None and subset not in SUBSETS:
            raise unknown("subset of fma", subset, SUBSETS)
        own = folder.name.removeprefix("fma_")
        roots = (folder, folder.parent) if own in (*SUBSETS, "metadata") else (folder,)
        places = [folder / "tracks.csv"] + [root / "fma_metadata" / "tracks.csv" for root in roots]
        tracks = next((place for place in places if place.is_file()), None)
        if tracks is None:
            looked = ", ".join(str(place) for place in places)
            raise RequestError(
                f"no FMA metadata in {folder}: looked for {looked}; get it with: genreclf datasets fetch fma --to DIR"
            )
        audio = {
            name: place
            for name in reversed(SUBSETS)
            for place in [folder if own == name else roots[-1] / f"fma_{name}"]
            if place.is_dir()
        }
        return cls(tracks, audio, subset or (own if own in SUBSETS else "small"))

    def clips(self) -> tuple[str, Path]:
        """The smallest set of audio at hand that holds the subset, and its folder."""
        for name in SUBSETS[SUBSETS.index(self.subset) :]:
            if name in self.audio:
                return name, self.audio[name]
        root = self.tracks.parent.parent if self.tracks.parent.name == "fma_metadata" else self.tracks.parent
        looked = ", ".join(f"fma_{name}" for name in SUBSETS[SUBSETS.index(self.subset) :])
        raise RequestError(
            f"no audio of FMA's subset {self.subset} in {root}: looked for the folders {looked}; "
            f"get it with: genreclf datasets fetch fma --subset {self.subset} --to {root}"
        )


def manifest(folder: Path, *, subset: str | None = None) -> Manifest:
    """The tracks of an FMA subset, by default ``small``, with their audio.

    Raises
    ------
    RequestError : metadata or audio are not there.
    """
    layout = Layout.find(folder, subset=subset)
    audio, clips = layout.clips()
    frame = read_tracks(layout.tracks, subset=layout.subset)
    notes = []
    if audio != "full":
        if silent := frame.index.intersection(list(NO_AUDIO)).tolist():
            frame = frame.drop(index=silent)
            notes.append(f"skipped, as FMA's clips of these tracks hold no audio: {_numbers(silent)}")
        if short := frame.index.intersection(list(SHORTER_THAN_30_S)).tolist():
            notes.append(f"kept, though FMA's clips of these tracks are shorter than 30 s: {_numbers(short)}")
    notes += _unlabelled(frame)
    frame, unknown_tags = _with_tags(layout, frame)
    notes += unknown_tags
    tracks = (_track(clips, number, row) for number, row in zip(frame.index, frame.to_dict("records"), strict=True))
    return Manifest(name=f"fma_{layout.subset}", tracks=tuple(tracks), notes=tuple(notes))


def features(
    folder: Path, *, subset: str | None = None, families: Sequence[str] | None = None, label: str | None = None
) -> FeatureTable:
    """The features that FMA publishes for a subset, by default ``small``; no audio is needed.

    Every row is kept, also of the tracks whose clips are known to be faulty, so that FMA's own baselines compare.

    Parameters
    ----------
    label : ``subgenre`` takes the most specific genre of each track instead of its root genre, and what stands above
        it as its parents.

    Raises
    ------
    RequestError : the files are not there or not FMA's, or there is no such feature family or label.
    """
    import pandas as pd

    from genreclf.datasets.fma_features import read_features
    from genreclf.tables.columns import PARENT_GENRE
    from genreclf.tables.table import IDENTITY, FeatureTable

    layout = Layout.find(folder, subset=subset)
    frame = read_tracks(layout.tracks, subset=layout.subset)
    frame, unknown_tags = _with_tags(layout, frame)
    if label not in (None, SUBGENRE):
        raise unknown("label of fma", str(label), (SUBGENRE,))
    if label == SUBGENRE:
        tree = read_genres(layout.tracks.with_name("genres.csv"))
        paths = [most_specific(genres, tree) for genres in frame["genres"]]
        frame = frame.assign(genre=[path[-1] for path in paths], parent_genre=["/".join(path[:-1]) for path in paths])
    notes = _unlabelled(frame) + unknown_tags
    found = read_features(layout.tracks.with_name("features.csv"), frame.index, families)
    if len(found) < len(frame):
        gone = sorted(set(frame.index) - set(found.index))
        notes.append(f"left out, as FMA publishes no features or not all of them: {len(gone):,} ({_numbers(gone)})")
        frame = frame.loc[found.index]
    identity = frame[["genre", "artist", "album", "title", "split"]].reset_index(drop=True)
    identity.insert(0, "track_id", [f"{number:06d}" for number in found.index])
    identity = identity.reindex(columns=list(IDENTITY), fill_value="")
    identity[TAGS] = frame["tags"].to_numpy()
    if label == SUBGENRE:
        identity[PARENT_GENRE] = frame[PARENT_GENRE].to_numpy()
    return FeatureTable(
        frame=pd.concat([identity.astype("object"), found.reset_index(drop=True)], axis=1),
        features=tuple(found.columns),
        # As of a table that is extracted from FMA's clips here, so that one's own tracks can be added to it.
        meta={
            "feature_set": "fma",
            "parameters": {"offset": None, "duration": 30.0, "sample_rate": None},
            "columns": list(found.columns),
            "source": "FMA's published features.csv",
        },
        notes=tuple(notes),
        name=f"fma_{layout.subset}",
        label=label or "genre",
    )


def read_genres(path: Path) -> dict[str, tuple[str, ...]]:
    """FMA's ``genres.csv``: for the number of each genre the titles of those above it, the root first, and its own.

    A slash in a title becomes a dash, as slashes divide the genres of a path.

    Raises
    ------
    RequestError : the file is not there, or not FMA's ``genres.csv``.
    """
    frame = _genres(path)
    titles = dict(zip(frame["genre_id"], (title.replace("/", "-") for title in frame["title"]), strict=True))
    parents = dict(zip(frame["genre_id"], frame["parent"], strict=True))
    tree = {}
    for number in titles:
        line = [number]
        while (above := parents[line[-1]]) in titles and above not in line:
            line.append(above)
        tree[number] = tuple(titles[one] for one in reversed(line))
    return tree


def _genres(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        return pd.read_csv(path, usecols=["genre_id", "parent", "title"], dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise RequestError(f"{path}: cannot be read as FMA's genres.csv: {one_line(error)}") from None


def _with_tags(layout: Layout, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The tracks with a column ``tags``, the titles of all their genres; and a note where these are not there."""
    path = layout.tracks.with_name("genres.csv")
    if not path.is_file():
        return frame.assign(tags=""), [f"{path}: not there, so that the tracks have no tags"]
    genres = _genres(path)
    titles = dict(zip(genres["genre_id"], map(cell, genres["title"]), strict=True))
    found = [re.findall(r"\d+", numbers) for numbers in frame["genres_all"]]
    nameless = next((number for numbers in found for number in numbers if number not in titles), None)
    if nameless:
        raise RequestError(f"{path}: no genre {nameless}, which {layout.tracks.name} has; fetch both again")
    return frame.assign(tags=[join_tags(titles[number] for number in numbers) for numbers in found]), []


def most_specific(genres: str, tree: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The longest path among the genres of a track, ``[21, 76]``, the first of equals; ``("",)`` where it has none."""
    paths = [tree[number] for number in re.findall(r"\d+", genres) if number in tree]
    return max(paths, key=len, default=("",))


def read_tracks(path: Path, *, subset: str = "full") -> pd.DataFrame:
    """FMA's ``tracks.csv``, only what genre classification needs.

    Returns
    -------
    Rows of the subset by track number, in order, with ``artist_id, artist, album, split, subset, genre, genres,
    genres_all, title`` as text. Artists of one name are told apart by their FMA number: ``Silence (1234)``.

    Raises
    ------
    RequestError : the file is not FMA's ``tracks.csv``.
    """
    import pandas as pd

    columns = _positions(path)
    try:
        frame = pd.read_csv(path, header=None, skiprows=3, usecols=[0, *columns], dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:
        raise RequestError(f"{path}: cannot be read as FMA's tracks.csv: {one_line(error)}") from None
    frame = frame.rename(columns={0: "number", **columns})
    numbers = pd.Series(pd.to_numeric(frame.pop("number"), errors="coerce"))
    bad = numbers.isna() | (numbers % 1 != 0) | (numbers < 0) | (numbers > _LARGEST_NUMBER)
    if bad.any() or numbers.duplicated().any():
        row = int((bad | numbers.duplicated()).to_numpy().argmax())
        raise RequestError(f"{path}: row {row + 1} after the header: no track number of its own; fetch the file again")
    frame.index = pd.Index(numbers.astype("int64"), name="track_id")
    for column in frame.columns:
        frame[column] = frame[column].fillna("").str.strip()
    frame["artist"] = _told_apart(frame)
    wanted = SUBSETS[: SUBSETS.index(subset) + 1]
    frame = frame[frame["subset"].isin(wanted)].sort_index()
    if frame.empty:
        raise RequestError(f"{path}: no track of the subset {subset}; fetch the file again")
    return frame


def _positions(path: Path) -> dict[int, str]:
    """Position in the file of each column that is read."""
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            top, below, third = (next(csv.reader([stream.readline(1_000_000)]), []) for _ in range(3))
    except (OSError, ValueError, csv.Error) as error:
        raise RequestError(f"{path}: cannot be read: {error}") from None
    found = {pair: position for position, pair in enumerate(zip(top, below, strict=False))}
    missing = [pair for pair in _COLUMNS if pair not in found]
    if missing or third[:1] != ["track_id"]:
        wanted = f"no column {'/'.join(missing[0])}" if missing else "no third header row that starts with track_id"
        raise RequestError(f"{path}: not FMA's tracks.csv, whose header has three rows: {wanted}")
    return {found[pair]: name for pair, name in _COLUMNS.items()}


def _told_apart(frame: pd.DataFrame) -> pd.Series[str]:
    names = frame["artist"]
    shared = (frame.groupby("artist")["artist_id"].transform("nunique") > 1) | (names == "")
    return names.mask(shared, (names + " (" + frame["artist_id"] + ")").str.strip())


def _track(clips: Path, number: int, row: dict[Any, Any]) -> Track:
    name = f"{number:06d}"
    relative = f"{name[:3]}/{name}.mp3"
    known = {column: row[column] for column in ("genre", "artist", "album", "title", "split")}
    return Track(name, clips / relative, f"{clips.name}/{relative}", tags=split_tags(row["tags"]), **known)


def _unlabelled(frame: pd.DataFrame) -> list[str]:
    count = int((frame["genre"] == "").sum())
    return [f"{count:,} of {len(frame):,} tracks have no root genre in FMA"] if count else []


def _numbers(numbers: Sequence[int], most: int = 6) -> str:
    shown = ", ".join(f"{number:06d}" for number in numbers[:most])
    return shown if len(numbers) <= most else f"{shown} and {len(numbers) - most:,} more"


def _archive(name: str, size: str, sha1: str, subsets: tuple[str, ...] = ()) -> Archive:
    file = f"fma_{name}.zip"
    url = f"https://os.unil.cloud.switch.ch/fma/{file}"
    return Archive(file, (url,), f"sha1:{sha1}", size, holds=f"fma_{name}", subsets=subsets)


FMA = Dataset(
    name="fma",
    title="FMA: A Dataset for Music Analysis",
    home="https://github.com/mdeff/fma",
    licence="metadata and features CC BY 4.0; audio under the Creative Commons licence that each artist chose",
    citation=(
        "M. Defferrard, K. Benzi, P. Vandergheynst, X. Bresson: FMA: A Dataset for Music Analysis. "
        "18th International Society for Music Information Retrieval Conference (ISMIR), 2017. arXiv:1612.01840"
    ),
    archives=(
        _archive("metadata", "342 MiB", "f0df49ffe5f2a6008d7dc83c6915b31835dfe733"),
        _archive("small", "7.2 GiB", "ade154f733639d52e35e32f5593efe5be76c6d70", ("small",)),
        _archive("medium", "22 GiB", "c67b69ea232021025fca9231fc1c7c1a063ab50b", ("medium",)),
        _archive("large", "93 GiB", "497109f4dd721066b5ce5e5f250ec604dc78939e", ("large",)),
        _archive("full", "879 GiB", "0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab", ("full",)),
    ),
    subsets=SUBSETS,
    portions=("small", "medium", "large", "full", "metadata"),
    by_hand=(),
    manifest=manifest,
    features=features,
    labels=(SUBGENRE,),
    references=("fma",),
    genres=GENRES,
    errata=(
        "of the clips of medium 15 hold no audio and are skipped, six are shorter than 30 s and are kept (wiki)",
        "of the 106,574 files of full, 105,637 are different (issue 23); folds keep copies on one side",
    ),
)
