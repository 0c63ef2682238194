"""MagnaTagATune: 25,863 clips of 29 s by 230 artists of the label Magnatune, with 188 tags by players of TagATune.

``annotations_final.csv`` has a row a clip with 0 and 1 for each tag, ``clip_info_final.csv`` its artist; both are
separated by tabs. Clips lie in the folders 0 to f. The usual split is by folder: 0 to b to train on, c to validate,
d, e and f to test; it does not keep the clips of an artist on one side.

Sources: Law, West, Mandel, Bay and Downie (2009), Evaluation of Algorithms Using Games: The Case of Music Tagging,
ISMIR; the 50 most frequent tags as in the lists of https://github.com/jordipons/musicnn-training; synonyms as proposed
in https://github.com/keunwoochoi/magnatagatune-list, and ``female vocal``, which it lacks. The checksums are those
that several public loaders state.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from genreclf.datasets.dataset import Archive, Dataset
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError, unknown
from genreclf.tables.cells import cell
from genreclf.tables.rows import read_rows

SUBSETS = ("top50", "merged", "all")
BROKEN = (
    "6/norine_braun-now_and_zen-08-gently-117-146.mp3",
    "8/jacob_heringman-josquin_des_prez_lute_settings-19-gintzler__pater_noster-204-233.mp3",
    "9/american_baroque-dances_and_suites_of_rameau_and_couperin-25-le_petit_rien_xiveme_ordre_couperin-88-117.mp3",
)
_TOP50 = (
    "guitar|classical|slow|techno|strings|drums|electronic|rock|fast|piano|ambient|beat|violin|vocal|synth|female|"
    "indian|opera|male|singing|vocals|no vocals|harpsichord|loud|quiet|flute|woman|male vocal|no vocal|pop|soft|sitar|"
    "solo|man|classic|choir|voice|new age|dance|male voice|female vocal|beats|harp|cello|no voice|weird|country|metal|"
    "female voice|choral"
)
TOP50 = tuple(_TOP50.split("|"))
_SYNONYMS = (
    "beat|beats, chant|chanting, choir|choral, classical|clasical|classic, drum|drums, fast|fast beat|quick, "
    "electro|electronic|electronica|electric, female|female singer|female singing|female vocal|female vocals|"
    "female voice|woman|woman singing|women, flute|flutes, guitar|guitars, hard|hard rock, harpsichord|harpsicord, "
    "heavy|heavy metal|metal, horn|horns, india|indian, jazz|jazzy, male|male singer|male vocal|male vocals|"
    "male voice|man|man singing|men, no beat|no drums, opera|operatic, orchestra|orchestral, quiet|silence, "
    "no singer|no singing|no vocal|no vocals|no voice|no voices|instrumental, singer|singing, space|spacey, "
    "string|strings, strange|weird, synth|synthesizer, violin|violins, vocal|vocals|voice|voices"
)
SYNONYMS = {tag: tags[0] for tags in (group.split("|") for group in _SYNONYMS.split(", ")) for tag in tags[1:]}
_SPLITS = dict.fromkeys("0123456789ab", "training") | {"c": "validation"} | dict.fromkeys("def", "test")
ANNOTATIONS, CLIPS = "annotations_final.csv", "clip_info_final.csv"
_PATH = re.compile(r"[0-9a-f]/[^/]+\.mp3")
_ABOUT = ("artist", "album", "title")


def manifest(folder: Path, *, subset: str | None = None) -> Manifest:
    """The clips with their tags, artists and sides of the split.

    Parameters
    ----------
    folder : holds the two lists, and the folders 0 to f or a folder ``mp3`` with them.
    subset : ``top50``, the default, for the 50 most frequent tags and the clips that have one of them; ``all`` for
        every clip with its tags as they are; ``merged`` for those with synonyms made one.

    Raises
    ------
    RequestError : no such subset, a list or the audio is not there, or a list has other columns.
    """
    wanted = subset or SUBSETS[0]
    if wanted not in SUBSETS:
        raise unknown("subset of magnatagatune", wanted, SUBSETS)
    audio = _audio(folder)
    about = {row["clip_id"]: row for _, row in _read(folder / CLIPS, ("clip_id", *_ABOUT))}
    columns = TOP50 if wanted == "top50" else ()
    tracks: list[Track] = []
    counts = Counter[str]()
    for line, row in _read(folder / ANNOTATIONS, ("clip_id", *columns, "mp3_path")):
        name = row["mp3_path"]
        if not _PATH.fullmatch(name):
            raise RequestError(f"{folder / ANNOTATIONS}: line {line}: {name!r} is no path such as f/NAME.mp3")
        tags = _tags(folder / ANNOTATIONS, line, row, columns)
        if name in BROKEN or (columns and not tags):
            counts["broken" if name in BROKEN else "untagged"] += 1
            continue
        if wanted == "merged":
            tags = tuple(dict.fromkeys(SYNONYMS.get(tag, tag) for tag in tags))
        artist, album, title = (cell(about.get(row["clip_id"], {}).get(key, "")) for key in _ABOUT)
        number = f"{row['clip_id']:0>5}"
        split = _SPLITS[name[0]]
        tracks.append(Track(number, audio / name, name, "", artist, album, title, split, tags=tags))
    notes = [f"skipped, as these clips are empty files: {counts['broken']}"] if counts["broken"] else []
    if counts["untagged"]:
        notes.append(f"left out, as they have none of the 50 tags: {counts['untagged']:,} clips")
    if unnamed := sum(not track.artist for track in tracks):
        notes.append(f"{folder / CLIPS}: {unnamed:,} of {len(tracks):,} clips have no artist there")
    return Manifest.of(f"magnatagatune_{wanted}", tracks, notes)


def _audio(folder: Path) -> Path:
    """The folder that holds the folders 0 to f, once the lists are seen to be there as well."""
    found = next((p for p in (folder, folder / "mp3") if any((p / name).is_dir() for name in _SPLITS)), None)
    missing = next((name for name in (ANNOTATIONS, CLIPS) if not (folder / name).is_file()), None)
    if found is None or missing:
        raise RequestError(
            f"no MagnaTagATune in {folder}: looked for {missing or 'the folders 0 to f there and in mp3'}; "
            "get it with: genreclf datasets fetch magnatagatune --to DIR"
        )
    return found


def _read(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a list as texts by column, each with its line."""
    rows = read_rows(path, "\t")
    header = next(rows, (1, [""]))[1]
    lacking = next((column for column in needed if column not in header), None)
    if lacking:
        raise RequestError(f"{path}: not MagnaTagATune's {path.name}, by tabs: no column {lacking!r}")
    for line, cells in rows:
        yield line, dict(zip(header, cells, strict=True))


def _tags(path: Path, line: int, row: dict[str, str], columns: tuple[str, ...]) -> tuple[str, ...]:
    names = columns or [name for name in row if name not in ("clip_id", "mp3_path")]
    odd = next((name for name in names if row[name] not in ("0", "1")), None)
    if odd:
        raise RequestError(f"{path}: line {line}, column {odd!r}: {row[odd]!r}; 0 or 1 belongs there")
    return tuple(name for name in names if row[name] == "1")


def _archive(name: str, md5: str, size: str, subsets: tuple[str, ...] = ()) -> Archive:
    homes = ("https://mirg.city.ac.uk/datasets/magnatagatune", "http://mi.soi.city.ac.uk/datasets/magnatagatune")
    return Archive(name, tuple(f"{home}/{name}" for home in homes), f"md5:{md5}", size, name, subsets)


MAGNATAGATUNE = Dataset(
    name="magnatagatune",
    title="MagnaTagATune: 25,863 clips, 188 tags",
    home="https://mirg.city.ac.uk/codeapps/the-magnatagatune-dataset",
    licence="CC BY-NC-SA 3.0",
    citation=(
        "E. Law, K. West, M. Mandel, M. Bay, J. S. Downie: Evaluation of Algorithms Using Games: The Case of Music "
        "Tagging. 10th International Society for Music Information Retrieval Conference (ISMIR), 2009"
    ),
    archives=(
        _archive(ANNOTATIONS, "f04fa01752a8cc64f6e1ca142a0fef1d", "at most 32 MiB"),
        _archive(CLIPS, "03ef3cb8ddcfe53fdcdb8e0cda005be2", "at most 32 MiB"),
        Archive(
            "mp3.zip",
            (),
            "",
            "2.8 GiB",
            holds="f",
            subsets=("all",),
            parts=(
                _archive("mp3.zip.001", "179c91c8c2a6e9b3da3d4e69d306fd3b", "1.02 GiB"),
                _archive("mp3.zip.002", "acf8265ff2e35c6ff22210e46457a824", "1.02 GiB"),
                _archive("mp3.zip.003", "582dc649cabb8cd991f09e14b99349a5", "737 MiB"),
            ),
        ),
    ),
    subsets=SUBSETS,
    portions=("all", "lists"),
    by_hand=(),
    manifest=manifest,
    errata=(
        "three clips are empty files and are skipped: 35644, 55753 and 57881 (in the folders 6, 8 and 9)",
        "tags are those that players agreed on: a tag that a clip lacks may fit it, and synonyms stand side by side",
        "artists stand on several sides: --protocol split leaves those tested out of training, --no-group keeps them",
    ),
    references=("law2009",),
)
