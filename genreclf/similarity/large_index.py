"""The index of many tracks: points in files that are mapped into memory, searched by inverted lists.

The index is a folder. ``index.json`` says what it is and names the parts: the tracks that were indexed first,
and one for each time that tracks were added. A part has six arrays, its tracks ordered by list:

============ ===================== ==============================================================
points       (rows, dimensions)    float32
texts        (bytes,)              of each track a JSON array of its identity columns
offsets      (rows + 1,)           where in the texts each track begins
keys         (3, rows)             64-bit hashes of id, genre and artist, for look-ups and filters
starts       (lists + 1,)          the row with which each list begins
digests      (lists, 32)           SHA-256 of the points and texts of each list
============ ===================== ==============================================================

Opening an index checks all that is small against the digests in ``index.json``; a list's points and texts are checked
when they are first read. Files are written before the ``index.json`` that names them, and removed after the one that no
longer does, so that a reader finds the old index or the new one.
"""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np

from genreclf.archive import damaged, decode, dump_array, load_array, map_array
from genreclf.errors import RequestError, one_line
from genreclf.files import check_folder, lock, whole_file, write_whole
from genreclf.similarity.lists import Lists, nearest_rows
from genreclf.similarity.metrics import DISTANCES, METRICS, Space
from genreclf.similarity.querying import (
    LARGEST,
    SHOWN,
    WINDOW,
    Condition,
    Searchable,
    all_below,
    identity_of,
    points_of,
)

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

INDEX = "index.json"
_MARK = b'"genreclf": "index"'
_FORMAT = 1
_DESCRIBED = ("features", "metric", "distance", "skew", "feature_set", "feature_parameters", "weights")
_SHARED = ("centres", *Space.ARRAYS)
_FILE = re.compile(r"[0-9a-f]{16}\.[a-z]+\.npy")
_KEYED = ("track_id", "genre", "artist")
_ARRAYS = ("points", "texts", "offsets", "keys", "starts", "digests")
_SMALL = ("offsets", "keys", "starts", "digests")  # checked as a whole
_TYPES = {"points": "<f4", "texts": "|u1", "offsets": "<i8", "keys": "<u8", "starts": "<i8", "digests": "|u1"}
_LARGEST_JSON, _LARGEST_ARRAY = 1 << 26, 1 << 28  # bytes of index.json, and of centres and space


class _PartDescription(msgspec.Struct):
    name: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    sha256: dict[str, str]


class _Version(msgspec.Struct):
    """The fields of ``index.json`` that every version has."""

    genreclf: Literal["index"]
    format: int


class _Description(_Version):
    """The contents of ``index.json``."""

    columns: tuple[str, ...]
    features: tuple[str, ...]
    metric: str
    distance: str
    skew: Annotated[float, msgspec.Meta(gt=-LARGEST, lt=LARGEST)]
    feature_set: str
    feature_parameters: dict[str, float | None]
    weights: dict[str, str]
    probes: Annotated[int, msgspec.Meta(ge=1)]
    sha256: dict[str, Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]]
    parts: Annotated[list[_PartDescription], msgspec.Meta(min_length=1)]


@dataclass(frozen=True, eq=False)
class Part:
    """Tracks that were added at once, see the module; `checked` are the lists whose digests were found right."""

    points: np.ndarray
    texts: np.ndarray
    offsets: np.ndarray
    keys: np.ndarray
    starts: np.ndarray
    digests: np.ndarray
    folder: Path | None = field(default=None, kw_only=True)
    checked: set[int] = field(default_factory=set, kw_only=True)

    @classmethod
    def of(cls, points: np.ndarray, identity: Mapping[str, list[str]], lists: Lists) -> Part:
        """Bring tracks into the order of their lists."""
        home = lists.assign(points)
        order = np.argsort(home, kind="stable")
        starts = np.searchsorted(home[order], np.arange(len(lists.centres) + 1)).astype(np.int64)
        columns = list(identity.values())
        texts = [msgspec.json.encode([column[row] for column in columns]) for row in order]
        offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
        keys = np.stack([_keys(identity.get(name, [""] * len(points)))[order] for name in _KEYED])
        part = cls(
            points=points[order],
            texts=np.frombuffer(b"".join(texts), dtype=np.uint8),
            offsets=offsets,
            keys=keys,
            starts=starts,
            digests=np.zeros((len(lists.centres), 32), dtype=np.uint8),
            checked=set(range(len(lists.centres))),
        )
        part.digests[:] = [np.frombuffer(part.digest(place), dtype=np.uint8) for place in part.checked]
        return part

    def __len__(self) -> int:
        return len(self.points)

    def digest(self, place: int) -> bytes:
        """SHA-256 of the points and texts of a list."""
        start, end = self.starts[place : place + 2]
        digest = hashlib.sha256(np.ascontiguousarray(self.points[start:end]).data)
        digest.update(np.ascontiguousarray(self.texts[self.offsets[start] : self.offsets[end]]).data)
        return digest.digest()

    def rows(self, place: int) -> slice:
        """The rows of a list, whose content is checked when it is first asked for.

        Raises
        ------
        RequestError : it is not what was written.
        """
        start, end = map(int, self.starts[place : place + 2])
        if place not in self.checked:
            if self.digest(place) != self.digests[place].tobytes() or not all_below(self.points[start:end], LARGEST):
                raise damaged(self.folder or Path(), f"list {place} has changed since it was written")
            self.checked.add(place)
        return slice(start, end)

    def place_of(self, row: int) -> int:
        """The list of a row."""
        return int(np.searchsorted(self.starts, row, side="right")) - 1

    def identity(self, row: int, columns: int) -> list[str]:
        """The identity columns of a row."""
        self.rows(self.place_of(row))
        text = self.texts[self.offsets[row] : self.offsets[row + 1]].tobytes()
        found = decode(self.folder or Path(), "texts", text, list[str])
        if len(found) != columns:
            raise damaged(self.folder or Path(), f"{len(found)} texts of a track, not {columns}")
        return found

    @cached_property
    def name(self) -> str:
        """The beginning of the names of its files, from what is in them."""
        return hashlib.sha256("".join(self.sha256.values()).encode("ascii")).hexdigest()[:16]

    @cached_property
    def sha256(self) -> dict[str, str]:
        """Digests of the arrays that are checked as a whole."""
        return {name: hashlib.sha256(np.ascontiguousarray(getattr(self, name)).data).hexdigest() for name in _SMALL}

    def save(self, folder: Path) -> None:
        """Write the arrays."""
        for name in _ARRAYS:
            with whole_file(folder / _file(self.name, name)) as stream:
                np.save(stream, getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, described: _PartDescription, shape: tuple[int, int]) -> Part:
        """Map the arrays of a part with (lists, dimensions).

        Raises
        ------
        RequestError : they are missing, or do not fit each other or their digests.
        """
        try:
            part = cls(*(map_array(folder / _file(described.name, name)) for name in _ARRAYS), folder=folder)
        except (ValueError, OSError) as error:
            raise damaged(folder, f"an array of part {described.name}: {one_line(error)}") from None
        wrong = next((what for what, holds in part._fits(*shape) if not holds), None)
        if wrong or part.sha256 != described.sha256:
            raise damaged(folder, f"part {described.name}: {wrong or 'not what index.json names'}")
        return part

    def _fits(self, lists: int, dimensions: int) -> Iterator[tuple[str, bool]]:
        """What must hold, in an order in which each makes the next safe to ask."""
        rows = len(self.points)
        shapes = {
            "points": (rows, dimensions),
            "texts": (len(self.texts),),
            "offsets": (rows + 1,),
            "keys": (len(_KEYED), rows),
            "starts": (lists + 1,),
            "digests": (lists, 32),
        }
        for name, shape in shapes.items():
            array = getattr(self, name)
            yield name, rows > 0 and array.shape == shape and array.dtype.str == _TYPES[name]
        for name, total in (("starts", rows), ("offsets", len(self.texts))):
            ends = getattr(self, name)
            yield name, bool(ends[0] == 0 and ends[-1] == total and (ends[:-1] <= ends[1:]).all())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LargeIndex(Searchable):
    """Tracks in inverted lists.

    Parameters
    ----------
    lists : see `genreclf.similarity.lists`.
    parts : the tracks.
    known : names of the identity columns.
    stored : SHA-256 of the ``index.json`` that was read.
    """

    lists: Lists
    parts: tuple[Part, ...]
    known: tuple[str, ...]
    stored: str = ""

    @classmethod
    def of(cls, index: Searchable, points: np.ndarray, tracks: Mapping[str, list[str]], *, seed: int) -> LargeIndex:
        """Put the points of an index, (tracks, dimensions), and its identity columns into lists."""
        lists = Lists.fit(points, seed=seed)
        described = {name: getattr(index, name) for name in ("space", *_DESCRIBED)}
        return cls(lists=lists, parts=(Part.of(points, tracks, lists),), known=tuple(tracks), **described)

    def __len__(self) -> int:
        return sum(map(len, self.parts))

    @property
    def columns(self) -> tuple[str, ...]:
        """The identity columns that are known."""
        return self.known

    @property
    def dimensions(self) -> int:
        """Of the space."""
        return int(self.lists.centres.shape[1])

    def identity(self, rows: Sequence[int] | np.ndarray) -> dict[str, list[str]]:
        """The identity columns of some tracks."""
        found = [part.identity(row, len(self.known)) for part, row in map(self._located, rows)]
        return {name: [texts[number] for texts in found] for number, name in enumerate(self.known)}

    def row_of(self, track_id: str) -> int | None:
        """The row of a track; None where there is none with that id."""
        key, first = _keys([track_id])[0], 0
        for part in self.parts:
            for row in np.flatnonzero(part.keys[0] == key):
                if part.identity(int(row), len(self.known))[0] == track_id:
                    return first + int(row)
            first += len(part)
        return None

    def has(self, track_ids: np.ndarray) -> np.ndarray:
        """Whether each of some ids is a track's, (ids,), bool."""
        return np.isin(_keys(list(track_ids)), np.concatenate([part.keys[0] for part in self.parts]))

    def point(self, row: int) -> np.ndarray:
        """The point of a track in the index, (dimensions,), float32."""
        part, row = self._located(row)
        part.rows(part.place_of(row))
        return np.asarray(part.points[row])

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows and their points, until every track has come once."""
        first = 0
        for part in self.parts:
            for place in range(len(part.digests)):
                rows = part.rows(place)
                yield np.arange(first + rows.start, first + rows.stop), part.points[rows]
            first += len(part)

    def genre_counts(self) -> dict[str, int]:
        """The number of tracks of each genre, sorted by name."""
        counts: dict[str, int] = {}
        if "genre" not in self.known:
            return counts
        place = self.known.index("genre")
        for part in self.parts:
            _, rows, tracks = np.unique(part.keys[_KEYED.index("genre")], return_index=True, return_counts=True)
            for row, number in zip(rows, tracks, strict=True):
                genre = part.identity(int(row), len(self.known))[place]
                counts[genre] = counts.get(genre, 0) + int(number)
        return dict(sorted(counts.items()))

    def how_searched(self) -> dict[str, int | bool]:
        """Facts for people about the search."""
        return {"exact": False, "lists": len(self.lists.centres), "lists of a query": self.lists.probes}

    def neighbours(self, points: np.ndarray, k: int, *, exact: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `k` nearest tracks of each point, (points, k), nearest first, and their distances."""
        found = [self._near(point, k, (), exact=exact) for point in np.asarray(points, dtype=np.float32)]
        return np.stack([rows for rows, _ in found]), np.stack([distances for _, distances in found])

    def _near(
        self, point: np.ndarray, k: int, conditions: Sequence[Condition], *, exact: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where the nearest lists hold too few tracks that fulfil the conditions, more lists are looked through."""
        order = self.lists.nearest(point)
        probes = len(order) if exact else self.lists.probes
        while True:
            rows, distances = nearest_rows(point, k, self._candidates(order[:probes], conditions))
            if len(rows) == k or probes >= len(order):
                return rows, distances
            probes *= 4

    def _candidates(
        self, places: np.ndarray, conditions: Sequence[Condition]
    ) -> Iterator[tuple[int, np.ndarray, np.ndarray | None]]:
        """The first row of some lists, their points, and which of them fulfil the conditions."""
        keys = [(_KEYED.index(c.column), _keys([c.value])[0], c.equal) for c in conditions]
        first = 0
        for part in self.parts:
            for place in places:
                rows = part.rows(int(place))
                held = [(part.keys[key, rows] == value) == equal for key, value, equal in keys]
                yield first + rows.start, part.points[rows], np.all(held, axis=0) if held else None
            first += len(part)

    def _located(self, row: int) -> tuple[Part, int]:
        for part in self.parts:
            if row < len(part):
                return part, int(row)
            row -= len(part)
        raise IndexError(row)

    def extend(self, table: FeatureTable) -> LargeIndex:
        """The index with the tracks of a table that are not in it yet; see `Searchable.extend`."""
        new = self.additions(table)
        if not len(new):
            return self
        part = Part.of(points_of(self.space, new), identity_of(new, self.known), self.lists)
        return replace(self, parts=(*self.parts, part))

    def save(self, path: Path | str) -> None:
        """Write the index whole or not at all; see `Searchable.save`."""
        path = Path(path)
        check_place(path)
        with lock(path / INDEX):
            if any(part.folder == path for part in self.parts) and _stored(path) != self.stored:
                raise RequestError(f"{path}: another run has changed this index meanwhile; add the tracks again")
            shared = {name: dump_array(array) for name, array in self._shared().items()}
            digests = {name: hashlib.sha256(data).hexdigest() for name, data in shared.items()}
            for name, data in shared.items():
                write_whole(path / _file(digests[name], name), data)
            for part in self.parts:
                if part.folder != path:
                    part.save(path)
            described = {
                "genreclf": "index",
                "format": _FORMAT,
                "columns": self.known,
                "probes": self.lists.probes,
                "sha256": digests,
                "parts": [{"name": part.name, "sha256": part.sha256} for part in self.parts],
                **{name: getattr(self, name) for name in _DESCRIBED},
            }
            write_whole(path / INDEX, json.dumps(described, sort_keys=True, allow_nan=False))
            named = {_file(digest, name) for name, digest in digests.items()}
            named |= {_file(part.name, name) for part in self.parts for name in _ARRAYS}
            for file in path.glob("*.*.npy"):
                if _FILE.fullmatch(file.name) and file.name not in named:
                    file.unlink(missing_ok=True)

    def _shared(self) -> dict[str, np.ndarray]:
        """The arrays that belong to all parts."""
        return {"centres": self.lists.centres, **self.space.arrays()}

    @classmethod
    def load(cls, path: Path | str) -> LargeIndex:
        """Open an index; no code from its files runs. The files must not change while it is in use.

        Raises
        ------
        RequestError : the folder is missing, altered, not an index, or made by a newer version.
        """
        path = Path(path)
        text = _read(path, INDEX, _LARGEST_JSON)
        if decode(path, INDEX, text, _Version).format > _FORMAT:
            raise RequestError(f"{path}: made by a newer genreclf: pip install --upgrade genreclf")
        described = decode(path, INDEX, text, _Description)
        try:
            shared = {name: _shared_array(path, name, digest) for name, digest in described.sha256.items()}
            lists = Lists(shared.pop("centres"), described.probes)
            shape = _checked(lists, described)
            unit = described.distance == "cosine"
            space = Space.of_arrays(shared, features=len(described.features), dimensions=shape[1], unit=unit)
        except (ValueError, KeyError) as error:
            raise damaged(path, f"{INDEX} and its arrays do not fit ({one_line(error)})") from None
        return cls(
            lists=lists,
            parts=tuple(Part.load(path, part, shape) for part in described.parts),
            known=described.columns,
            space=space,
            stored=hashlib.sha256(text).hexdigest(),
            **{name: getattr(described, name) for name in _DESCRIBED},
        )


def check_place(path: Path) -> None:
    """Refuse a place for such a folder before work begins.

    Raises
    ------
    RequestError : there is a file, or a folder of something else.
    """
    check_folder(path)
    if path.is_dir() and any(path.iterdir()) and not is_large_index(path):
        raise RequestError(f"{path}: is there already and is not a genreclf index; choose another name")


def is_large_index(path: Path) -> bool:
    """Whether there is a folder that looks like an index."""
    try:
        return _MARK in _read(path, INDEX, _LARGEST_JSON)
    except RequestError:
        return False


def _checked(lists: Lists, described: _Description) -> tuple[int, int]:
    """Numbers of lists and of dimensions, of lists and options that make sense; otherwise a `ValueError`."""
    centres = lists.centres
    fits = {
        "metric": described.metric in METRICS and described.distance in DISTANCES,
        "feature parameters": described.feature_parameters.keys() <= set(WINDOW),
        "columns": "track_id" in described.columns
        and list(described.columns) == [n for n in SHOWN if n in described.columns],
        "type of centres": centres.dtype == np.float32 and centres.ndim == 2,
        "centres": centres.size > 0 and centres.dtype == np.float32 and all_below(centres, LARGEST),
        "probes": described.probes <= len(centres),
    }
    wrong = next((what for what, holds in fits.items() if not holds), None)
    if wrong:
        raise ValueError(wrong)
    return len(centres), centres.shape[1]


def _shared_array(folder: Path, name: str, digest: str) -> np.ndarray:
    if name not in _SHARED:
        raise ValueError(f"an array named {name[:60]!r}")
    data = _read(folder, _file(digest, name), _LARGEST_ARRAY)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name} is not what was written")
    return load_array(data)


def _file(name: str, array: str) -> str:
    return f"{name[:16]}.{array}.npy"


def _stored(path: Path) -> str:
    return hashlib.sha256(_read(path, INDEX, _LARGEST_JSON)).hexdigest()


def _read(folder: Path, name: str, limit: int) -> bytes:
    """A small file of the index."""
    path = folder / name
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > limit:
            raise damaged(folder, f"{name} is not a file of at most {limit:,} bytes")
        return path.read_bytes()
    except FileNotFoundError:
        raise RequestError(
            f"{folder}: no index, as {name} is missing; make one with: genreclf index TABLE -o INDEX"
        ) from None
    except (OSError, ValueError) as error:
        raise RequestError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _keys(texts: Sequence[str]) -> np.ndarray:
    """64-bit hashes of texts, (texts,)."""
    known: dict[str, int] = {}
    for text in texts:
        if text not in known:
            digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            known[text] = int.from_bytes(digest, "little")
    return np.array([known[text] for text in texts], dtype=np.uint64)
