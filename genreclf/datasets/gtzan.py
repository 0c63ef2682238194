"""GTZAN: 1,000 excerpts of 30 s, ten genres of a hundred, in folders ``blues/blues.00000.wav``.

The set has known faults: repetitions, wrong labels, distortions, and a few artists behind many tracks (Sturm 2013).
The fault-filtered split of Kereliuk, Sturm and Larsen (2015) leaves out 70 tracks and keeps the tracks of an artist on
one side: 443 to train on, 197 to validate, 290 to test. Where its lists lie beside the audio they are used; who plays
in each file is told by Sturm's index, given with ``--artists``.

Sources: Tzanetakis and Cook (2002), Musical Genre Classification of Audio Signals; Sturm (2013), The GTZAN Dataset:
Its Contents, Its Faults, Their Effects on Evaluation, and Its Future Use, arXiv:1306.1461; Kereliuk, Sturm and Larsen
(2015), Deep Learning and Music Adversaries, arXiv:1507.04761. The checksum of the archive is the one that torchaudio
states; those of the lists were computed from the files at the revision named in their address.
"""

from __future__ import annotations

import re
from pathlib import Path

from genreclf.datasets.dataset import Archive, Dataset
from genreclf.datasets.lists import join
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError, unknown

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
FAULTY = {"jazz.00054": "cannot be decoded in the widespread .wav copy of the set"}
_FILE = re.compile(rf"(?:{'|'.join(GENRES)})\.\d{{5}}\.(?:wav|au)", re.IGNORECASE)
_LISTS = tuple(f"{name}_filtered.txt" for name in ("train", "valid", "test"))
_LISTS_AT = (
    "https://raw.githubusercontent.com/jordipons/sklearn-audio-transfer-learning/"
    "066fc6a292bd5f8f4b494d6a17271276ea1e173b/data/index/GTZAN"
)


def manifest(folder: Path, *, subset: str | None = None) -> Manifest:
    """The tracks of GTZAN.

    Parameters
    ----------
    folder : holds the genre folders, or ``genres`` or ``genres_original`` that does.
    subset : ``filtered`` for the tracks of the fault-filtered split, ``all`` for every track; by default ``filtered``
        where the lists lie in the folder.

    Raises
    ------
    RequestError : no such subset, no GTZAN there, or the lists of the split are not there.
    """
    if subset not in (None, "filtered", "all"):
        raise unknown("subset of gtzan", subset, ("filtered", "all"))
    home = _home(folder)
    files = [
        (genre, path)
        for genre in GENRES
        for path in sorted((home / genre).glob("*"))
        if _FILE.fullmatch(path.name) and path.name.lower().startswith(genre)
    ]
    if not files:
        raise RequestError(f"{home}: genre folders without files such as blues/blues.00000.wav")
    # Where a recording is there as .au and as .wav, the last is taken: it must not stand on two sides of a split.
    tracks = {
        path.stem: Track(track_id=path.stem, path=path, name=f"{genre}/{path.name}", genre=genre)
        for genre, path in files
    }
    notes = [f"{name} {reason}" for name, reason in FAULTY.items() if name in tracks]
    if len(tracks) < len(files):
        notes.append(f"{home}: {len(files) - len(tracks)} recordings are there as .au and as .wav; the .wav is taken")
    missing = [genre for genre in GENRES if not any(track.genre == genre for track in tracks.values())]
    if missing:
        notes.append(f"{home}: no tracks of {', '.join(missing)}")
    found = Manifest.of("gtzan", tracks.values(), notes)
    lists = next((place for place in (folder, home, home.parent) if all((place / n).is_file() for n in _LISTS)), None)
    if lists is not None and subset != "all":
        return join(found, split=lists)
    if subset == "filtered":
        raise RequestError(
            f"no lists of the fault-filtered split in {folder}: looked for {', '.join(_LISTS)}; get them with: "
            f"genreclf datasets fetch gtzan --subset lists --to {folder}"
        )
    return found


def _home(folder: Path) -> Path:
    places = (folder, folder / "genres", folder / "genres_original", folder / "Data" / "genres_original")
    for place in places:
        if any((place / genre).is_dir() for genre in GENRES):
            return place
    raise RequestError(
        f"no GTZAN in {folder}: looked for the folders blues to rock there and in genres, genres_original; "
        "get it with: genreclf datasets fetch gtzan --to DIR"
    )


def _list(name: str, sha256: str) -> Archive:
    file = f"{name}_filtered.txt"
    return Archive(file, (f"{_LISTS_AT}/{file}",), f"sha256:{sha256}", "10 KiB", holds=file)


GTZAN = Dataset(
    name="gtzan",
    title="GTZAN genre collection",
    home="http://marsyas.info/downloads/datasets.html",
    licence="none stated; commercial recordings collected for research",
    citation=(
        "G. Tzanetakis, P. Cook: Musical Genre Classification of Audio Signals. "
        "IEEE Transactions on Speech and Audio Processing 10(5), 2002"
    ),
    archives=(
        Archive(
            name="genres.tar.gz",
            urls=(
                "https://huggingface.co/datasets/marsyas/gtzan/resolve/main/data/genres.tar.gz",
                "http://opihi.cs.uvic.ca/sound/genres.tar.gz",
            ),
            checksum="sha256:24347e0223d2ba798e0a558c4c172d9d4a19c00bb7963fe055d183dadb4ef2c6",
            size="1.2 GiB",
            holds="genres",
            subsets=("all",),
        ),
        _list("train", "9c072084333ddd41b5726137a19fb468738b03734b765711b15250ce19d67c78"),
        _list("valid", "c0293b0440c5f932107c5919efcf6409d274f82cb550f3e913a38750096f72aa"),
        _list("test", "51599fef0db28080669a215c3ac8816994440223d5945de53ed69ed96de9b155"),
    ),
    subsets=("filtered", "all"),
    portions=("all", "lists"),
    by_hand=(
        (
            "who plays in each file: Sturm's GTZANindex.txt, part of the GTZAN-Rhythm annotations (Marchand and "
            "others 2015) and linked from arXiv:1306.1461; no checksum of it is published, so it is not fetched. "
            "Use it with: genreclf extract gtzan:DIR --artists GTZANindex.txt"
        ),
    ),
    manifest=manifest,
    references=("gtzan", "sturm2013gtzan", "kereliuk2015"),
    genres=GENRES,
    errata=(
        *(f"{name} {reason}" for name, reason in FAULTY.items()),
        "repetitions, wrong labels and distortions (Sturm 2013); the filtered split leaves out 70 tracks",
    ),
)
