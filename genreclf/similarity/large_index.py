"""The index of many tracks: points in files that are mapped into memory, searched by inverted lists.

The index is a folder. ``index.json`` says what it is and names the parts, see `genreclf.similarity.parts`: the tracks
that were indexed first, and one for each time that tracks were added. Centres of lists and space belong to all parts.

Files are written before the ``index.json`` that names them, and removed after the one that no longer does, so that a
reader finds the old index or the new one.
"""

from __future__ import annotations

import hashlib
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import numpy as np

from genreclf.archive import damaged, dump_array, load_array
from genreclf.errors import RequestError
from genreclf.files import check_folder, lock, write_whole
from genreclf.similarity.description import LARGEST, MEMBER, SHOWN, Description, all_below, check, fitting
from genreclf.similarity.lists import NEIGHBOURS, Block, Lists, nearest_rows
from genreclf.similarity.metrics import Space
from genreclf.similarity.parts import KEYED, Part, PartDescription, file_name, hashes
from genreclf.similarity.querying import Condition, Searchable, identity_of, points_of

if TYPE_CHECKING:
    from genreclf.similarity.index import Index
    from genreclf.tables.table import FeatureTable

_MARK = b'"genreclf": "index"'
_SHARED = ("centres", *Space.ARRAYS)
_FILE = re.compile(r"[0-9a-f]{16}\.[a-z]+\.npy")
_LARGEST_JSON, _LARGEST_ARRAY = 1 << 26, 1 << 28  # bytes of index.json, and of centres and space


class _Description(Description):
    """The contents of ``index.json``."""

    genreclf: Literal["index"]
    columns: tuple[str, ...]
    probes: Annotated[int, msgspec.Meta(ge=1)]
    sha256: dict[str, Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]]
    parts: Annotated[list[PartDescription], msgspec.Meta(min_length=1)]

    def fits(self, centres: np.ndarray) -> Iterator[tuple[str, bool]]:
        """What must hold for it and the centres of the lists, (lists, dimensions)."""
        yield "hubness", self.hubness == "none"
        yield "columns", "track_id" in self.columns
        yield "columns", self.columns == tuple(name for name in SHOWN if name in self.columns)
        yield "centres", centres.dtype == np.float32 and centres.ndim == 2 and centres.size > 0
        yield "centres", all_below(centres, LARGEST)
        yield "probes", self.probes <= len(centres)


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
    def of(cls, index: Index, *, bits: int = 32, seed: int) -> LargeIndex:
        """Put the points of an index into lists, and keep them in 32 or 16 bits a coordinate."""
        lists = Lists.fit(index.points, seed=seed)
        part = Part.of(index.points, index.tracks, lists, bits=bits)
        return cls(lists=lists, parts=(part,), known=index.columns, space=index.space, **index.described)

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
        key, first = hashes([track_id])[0], 0
        for part in self.parts:
            for row in np.flatnonzero(part.keys[0] == key):
                if part.identity(int(row), len(self.known))[0] == track_id:
                    return first + int(row)
            first += len(part)
        return None

    def has(self, track_ids: np.ndarray) -> np.ndarray:
        """Whether each of some ids is a track's, (ids,), bool."""
        return np.isin(hashes(list(track_ids)), np.concatenate([part.keys[0] for part in self.parts]))

    def point(self, row: int) -> np.ndarray:
        """The point of a track in the index, (dimensions,), float32."""
        part, row = self._located(row)
        return part.point(row)

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows and their points, until every track has come once."""
        first = 0
        for part in self.parts:
            for place in range(len(part.digests)):
                rows = part.rows(place)
                yield np.arange(first + rows.start, first + rows.stop), part.coordinates(rows)
            first += len(part)

    def genre_counts(self) -> dict[str, int]:
        """The number of tracks of each genre, sorted by name."""
        counts: dict[str, int] = {}
        if "genre" not in self.known:
            return counts
        place = self.known.index("genre")
        for part in self.parts:
            _, rows, tracks = np.unique(part.keys[KEYED.index("genre")], return_index=True, return_counts=True)
            for row, number in zip(rows, tracks, strict=True):
                genre = part.identity(int(row), len(self.known))[place]
                counts[genre] = counts.get(genre, 0) + int(number)
        return dict(sorted(counts.items()))

    def how_searched(self) -> dict[str, int | bool]:
        """Facts for people about the search."""
        return {
            "exact": False,
            "lists": len(self.lists.centres),
            "lists of a query": self.lists.probes,
            "bits a coordinate": self.parts[0].bits,
        }

    def neighbours(self, points: np.ndarray, k: int, *, exact: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `k` nearest tracks of each point, (points, k), nearest first, and their distances."""
        found = [self._near(point, k, (), exact=exact) for point in np.asarray(points, dtype=np.float32)]
        return np.stack([rows for rows, _ in found]), np.stack([distances for _, distances in found])

    def _near(
        self, point: np.ndarray, k: int, conditions: Sequence[Condition], *, exact: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """More lists are looked through where the nearest hold too few tracks that fulfil the conditions.

        The lists of a query hold its ten nearest tracks. Those of one genre, or more of them, lie farther off: then
        lists are added until twice as many find nothing nearer.
        """
        order = self.lists.nearest(point)
        probes = len(order) if exact else self.lists.probes
        rows, distances = nearest_rows(point, k, self._candidates(order[:probes], conditions))
        farther = k > NEIGHBOURS + 1 or any(condition.equal for condition in conditions)
        while probes < len(order) and (len(rows) < k or farther):
            probes, before = 2 * probes, rows
            rows, distances = nearest_rows(point, k, self._candidates(order[:probes], conditions))
            farther = farther and not np.array_equal(rows, before)
        return rows, distances

    def _candidates(self, places: np.ndarray, conditions: Sequence[Condition]) -> Iterator[Block]:
        """The points of some lists, and which of them fulfil the conditions."""
        keys = [(KEYED.index(c.column), hashes([c.value])[0], c.equal) for c in conditions]
        first = 0
        for part in self.parts:
            for place in places:
                rows = part.rows(int(place))
                held = [(part.keys[key, rows] == value) == equal for key, value, equal in keys]
                yield part.block(int(place), first=first, keep=np.all(held, axis=0) if held else None)
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
        bits = self.parts[0].bits
        part = Part.of(points_of(self.space, new), identity_of(new, self.known), self.lists, bits=bits)
        return replace(self, parts=(*self.parts, part))

    def save(self, path: Path | str) -> None:
        """Write the index whole or not at all; see `Searchable.save`."""
        path = Path(path)
        check_place(path)
        with lock(path / MEMBER):
            if any(part.folder == path for part in self.parts) and _stored(path) != self.stored:
                raise RequestError(f"{path}: another run has changed this index meanwhile; add the tracks again")
            arrays = {"centres": self.lists.centres, **self.space.arrays()}
            shared = {name: dump_array(array) for name, array in arrays.items()}
            description = self._description({name: hashlib.sha256(data).hexdigest() for name, data in shared.items()})
            for name, data in shared.items():
                write_whole(path / file_name(description.sha256[name], name), data)
            for part in self.parts:
                if part.folder != path:
                    part.save(path)
            write_whole(path / MEMBER, description.text())
            named = {file_name(digest, name) for name, digest in description.sha256.items()}
            named = named.union(*(part.files for part in self.parts))
            for file in path.glob("*.*.npy"):
                if _FILE.fullmatch(file.name) and file.name not in named:
                    file.unlink(missing_ok=True)

    def _description(self, sha256: dict[str, str]) -> _Description:
        return _Description(
            format=2 if any(part.bits == 16 for part in self.parts) else 1,
            genreclf="index",
            columns=self.known,
            probes=self.lists.probes,
            sha256=sha256,
            parts=[part.description for part in self.parts],
            **self.described,
        )

    @classmethod
    def load(cls, path: Path | str) -> LargeIndex:
        """Open an index; no code from its files runs. The files must not change while it is in use.

        Raises
        ------
        RequestError : the folder is missing, altered, not an index, or made by a newer version.
        """
        path = Path(path)
        text = _read(path, MEMBER, _LARGEST_JSON)
        description = _Description.read(path, text)
        with fitting(path):
            shared = {name: _shared_array(path, name, digest) for name, digest in description.sha256.items()}
            centres = shared.pop("centres")
            check(description.fits(centres))
            lists, dimensions = centres.shape
            fields = description.fields(shared, dimensions=dimensions)
        return cls(
            lists=Lists(centres, description.probes),
            parts=tuple(Part.load(path, part, (lists, dimensions)) for part in description.parts),
            known=description.columns,
            stored=hashlib.sha256(text).hexdigest(),
            **fields,
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
        return _MARK in _read(path, MEMBER, _LARGEST_JSON)
    except RequestError:
        return False


def _shared_array(folder: Path, name: str, digest: str) -> np.ndarray:
    if name not in _SHARED:
        raise ValueError(f"an array named {name[:60]!r}")
    data = _read(folder, file_name(digest, name), _LARGEST_ARRAY)
    if hashlib.sha256(data).hexdigest() != digest:
        raise ValueError(f"{name} is not what was written")
    return load_array(data)


def _stored(path: Path) -> str:
    return hashlib.sha256(_read(path, MEMBER, _LARGEST_JSON)).hexdigest()


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
