"""A made-up FMA: the metadata of any size in FMA's own formats, with genres that can be told apart."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

SIZES = {
    "chroma_cens": 12,
    "chroma_cqt": 12,
    "chroma_stft": 12,
    "mfcc": 20,
    "rmse": 1,
    "spectral_bandwidth": 1,
    "spectral_centroid": 1,
    "spectral_contrast": 7,
    "spectral_rolloff": 1,
    "tonnetz": 6,
    "zcr": 1,
}
STATISTICS = ("kurtosis", "max", "mean", "median", "min", "skew", "std")
COLUMNS = [(family, s, f"{i + 1:02d}") for family, size in SIZES.items() for s in STATISTICS for i in range(size)]
FAULTY = (98565, 98567, 98569, 99134, 108925, 133297)
GENRES = ("Electronic", "Experimental", "Folk", "Hip-Hop", "Instrumental", "International", "Pop", "Rock")

_TRACKS_TOP = ["", "album", "artist", "artist", "artist", "set", "set", "track", "track", "track", "track", "track"]
_TRACKS_BELOW = [
    "",
    "title",
    "bio",
    "id",
    "name",
    "split",
    "subset",
    "duration",
    "genre_top",
    "genres",
    "genres_all",
    "title",
]


def track_numbers(tracks: int) -> list[int]:
    """Ascending, from 2, and FMA's faulty tracks among them."""
    others = [number for number in range(2, 2 + tracks) if number not in FAULTY]
    return sorted(others[: tracks - len(FAULTY)] + list(FAULTY))


def write_tracks(path: Path, *, tracks: int, small: int, medium: int) -> None:
    """``tracks.csv``: `small` tracks, the faulty among them, `medium`, the rest ``large``, half without a genre."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerows([_TRACKS_TOP, _TRACKS_BELOW, ["track_id"] + [""] * (len(_TRACKS_TOP) - 1)])
        for row, number in enumerate(track_numbers(tracks)):
            small_too = number in FAULTY or row < small - len(FAULTY)
            subset = "small" if small_too else "medium" if row < small + medium - len(FAULTY) else "large"
            genre = "" if subset == "large" and row % 2 else GENRES[row % len(GENRES)]
            artist = row % max(2, tracks // 8)
            split = ("training",) * 3 + ("validation", "test")
            writer.writerow(
                [
                    number,
                    f"Album, {artist}",
                    f'<p>Biography of "{artist}"\nin two lines</p>',
                    artist + 1,
                    "Silence" if artist < 2 else f"Artist {artist}",
                    split[artist // 4 % 5],
                    subset,
                    30,
                    genre,
                    f"[{1 + row % 8}, {101 + row % 8}]" if row % 2 else f"[{1 + row % 8}]",
                    f"[{1 + row % 8}, {101 + row % 8}]" if row % 2 else f"[{1 + row % 8}]",
                    f"Title {number}",
                ]
            )


def write_genres(path: Path) -> None:
    """``genres.csv``: a subgenre below each root genre."""
    lines = [f"{1 + k},9,0,{genre},{1 + k}" for k, genre in enumerate(GENRES)]
    lines += [f"{101 + k},4,{1 + k},Odd/{genre},{1 + k}" for k, genre in enumerate(GENRES)]
    path.write_text("\n".join(["genre_id,#tracks,parent,title,top_level", *lines]) + "\n", encoding="utf-8")


def write_features(path: Path, *, tracks: int, distinct: int | None = None, seed: int = 0) -> None:
    """``features.csv``: eleven digits a value; after `distinct` rows the values repeat, which writes quickly."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(scale=0.08, size=(len(GENRES), len(COLUMNS)))
    pattern = ",".join(["%.10e"] * len(COLUMNS)) + "\n"
    rows: list[str] = []
    with path.open("w", encoding="utf-8", newline="") as stream:
        for level, title in enumerate(("feature", "statistics", "number")):
            stream.write(",".join([title] + [column[level] for column in COLUMNS]) + "\n")
        stream.write("track_id" + "," * len(COLUMNS) + "\n")
        for row, number in enumerate(track_numbers(tracks)):
            if distinct is None or row < distinct:
                values = (centres[row % len(GENRES)] + rng.normal(size=len(COLUMNS))).astype(np.float32)
                rows.append(pattern % tuple(values))
            stream.write(f"{number},{rows[row % len(rows)]}")


def write_fma(
    folder: Path, *, tracks: int = 60, small: int = 40, medium: int = 10, distinct: int | None = None
) -> Path:
    """``fma_metadata`` below the folder; the folder is returned."""
    metadata = folder / "fma_metadata"
    metadata.mkdir(parents=True)
    write_tracks(metadata / "tracks.csv", tracks=tracks, small=small, medium=medium)
    write_genres(metadata / "genres.csv")
    write_features(metadata / "features.csv", tracks=tracks, distinct=distinct)
    return folder
