"""Made-up MagnaTagATune and MTG-Jamendo: a few clips, and lists of the published formats."""

from __future__ import annotations

from pathlib import Path

from genreclf.datasets.magnatagatune import BROKEN, TOP50
from genreclf.datasets.mtg_jamendo import list_name

FOLDERS = "04bcdf"
HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"


def write_magnatagatune(folder: Path) -> list[Path]:
    """The lists, quoted as published, and where the clips belong: one a folder, and a broken one."""
    tags = [*TOP50, "hard rock", "jazzy"]
    annotations = ["\t".join(f'"{name}"' for name in ("clip_id", *tags, "mp3_path"))]
    clips = ["clip_id\ttrack_number\ttitle\tartist\talbum\turl\tsegmentStart\tsegmentEnd\toriginal_url\tmp3_path"]
    names = [f"{letter}/ann-{number}-29-58.mp3" for number, letter in enumerate(FOLDERS)]
    for number, name in enumerate([*names, BROKEN[0]], start=2):
        has = {"jazzy"} if number == 4 else {TOP50[number], "guitar", "hard rock"}
        cells = [str(number), *(str(int(tag in has)) for tag in tags), name]
        annotations.append("\t".join(f'"{cell}"' for cell in cells))
        artist = f"Artist {number // 2}"
        clips.append(f'{number}\t1\tThe "Old" Song\t{artist}\tAlbum\thttp://x\t29\t58\thttp://y\t{name}')
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "annotations_final.csv").write_text("\n".join(annotations) + "\n")
    (folder / "clip_info_final.csv").write_text("\n".join(clips) + "\n")
    places = [folder / name for name in names]
    for place in places:
        place.parent.mkdir(exist_ok=True)
    return places


def write_mtg_jamendo(folder: Path, *, subset: str = "moodtheme", split: int = 0, low: bool = False) -> list[Path]:
    """The three lists of a subset, two tracks each, and where the audio belongs."""
    lists = folder / "data" / "splits" / f"split-{split}"
    lists.mkdir(parents=True, exist_ok=True)
    places = []
    for side, numbers in {"train": (948, 1049), "validation": (950, 1051), "test": (951, 1052)}.items():
        text = HEADER
        for number in numbers:
            path = f"{number % 100:02d}/{number}.mp3"
            tags = ["mood/theme---happy", "mood/theme---film"][: 1 + number % 2]
            text += "\t".join(
                [f"track_{number:07d}", f"artist_{number // 100:06d}", "album_000149", path, "29.5", *tags]
            )
            text += "\n"
            places.append(folder / "audio" / (path.replace(".mp3", ".low.mp3") if low else path))
            places[-1].parent.mkdir(parents=True, exist_ok=True)
        (lists / list_name(subset, side)).write_text(text)
    return places
