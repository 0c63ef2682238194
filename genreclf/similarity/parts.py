"""The tracks of a large index that were added at once: arrays in files that are mapped into memory.

A part has six arrays, its tracks ordered by list, and one more where its points are kept in 16 bits:

============ ===================== ==============================================================
points       (rows, dimensions)    float32, or int16
steps        (dimensions,)         float32, by which points in 16 bits are multiplied
texts        (bytes,)              of each track a JSON array of its identity columns
offsets      (rows + 1,)           where in the texts each track begins
keys         (3, rows)             64-bit hashes of id, genre and artist, for look-ups and filters
starts       (lists + 1,)          the row with which each list begins
digests      (lists, 32)           SHA-256 of the points and texts of each list
============ ===================== ==============================================================

All that is small is checked when a part is opened; a list's points and texts when they are first read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np

from genreclf.archive import damaged, decode, map_array
from genreclf.errors import one_line
from genreclf.files import whole_file
from genreclf.similarity.description import LARGEST, all_below, check
from genreclf.similarity.lists import Block, Lists, rounded, squared_lengths, steps_of

KEYED = ("track_id", "genre", "artist")
_ARRAYS = ("points", "texts", "offsets", "keys", "starts", "digests")
_SMALL = ("offsets", "keys", "starts", "digests")  # checked as a whole
_TYPES = {"texts": "|u1", "offsets": "<i8", "keys": "<u8", "starts": "<i8", "digests": "|u1"}


class PartDescription(msgspec.Struct):
    """What ``index.json`` says of a part: the beginning of the names of its files, and digests of its small arrays."""

    name: Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
    sha256: dict[str, str]


@dataclass(frozen=True, eq=False)
class Part:
    """Tracks that were added at once, see the module.

    `checked` are the lists whose digests were found right, with the squared lengths of their points.
    """

    points: np.ndarray
    texts: np.ndarray
    offsets: np.ndarray
    keys: np.ndarray
    starts: np.ndarray
    digests: np.ndarray
    steps: np.ndarray | None = None
    folder: Path | None = field(default=None, kw_only=True)
    checked: dict[int, np.ndarray] = field(default_factory=dict, kw_only=True)

    @classmethod
    def of(cls, points: np.ndarray, identity: Mapping[str, list[str]], lists: Lists, *, bits: int = 32) -> Part:
        """Bring tracks into the order of their lists.

        Parameters
        ----------
        points : (rows, dimensions), float32.
        identity : columns of texts.
        bits : 16 rounds the coordinates, where that moves the points little enough, see `steps_of`.
        """
        home = lists.assign(points)
        order = np.argsort(home, kind="stable")
        starts = np.searchsorted(home[order], np.arange(len(lists.centres) + 1)).astype(np.int64)
        columns = list(identity.values())
        texts = [msgspec.json.encode([column[row] for column in columns]) for row in order]
        offsets = np.concatenate([[0], np.cumsum([len(text) for text in texts])]).astype(np.int64)
        steps = steps_of(points) if bits == 16 else None
        part = cls(
            points=points[order] if steps is None else rounded(points, steps, order),
            texts=np.frombuffer(b"".join(texts), dtype=np.uint8),
            offsets=offsets,
            keys=np.stack([hashes(identity.get(name, [""] * len(points)))[order] for name in KEYED]),
            starts=starts,
            digests=np.zeros((len(lists.centres), 32), dtype=np.uint8),
            steps=steps,
        )
        part.digests[:] = [np.frombuffer(part.digest(place), dtype=np.uint8) for place in range(len(lists.centres))]
        return part

    def __len__(self) -> int:
        return len(self.points)

    @property
    def bits(self) -> int:
        """Of a coordinate."""
        return 32 if self.steps is None else 16

    @property
    def description(self) -> PartDescription:
        """For ``index.json``."""
        return PartDescription(self.name, self.sha256)

    @property
    def arrays(self) -> tuple[str, ...]:
        """Names of the arrays that there are."""
        return _ARRAYS if self.steps is None else (*_ARRAYS, "steps")

    @property
    def files(self) -> set[str]:
        """Names of the files."""
        return {file_name(self.name, array) for array in self.arrays}

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
            whole = self.digest(place) == self.digests[place].tobytes()
            points = self.coordinates(slice(start, end))
            if not whole or not all_below(points, LARGEST):
                raise damaged(self.folder or Path(), f"list {place} has changed since it was written")
            self.checked[place] = squared_lengths(points)
        return slice(start, end)

    def coordinates(self, rows: slice) -> np.ndarray:
        """The points of some rows, (rows, dimensions), float32."""
        return Block(0, self.points[rows], self.steps).coordinates()

    def block(self, place: int, *, first: int, keep: np.ndarray | None) -> Block:
        """The points of a list, to be searched; `first` is added to the numbers of its rows."""
        rows = self.rows(place)
        return Block(first + rows.start, self.points[rows], self.steps, self.checked[place], keep)

    def point(self, row: int) -> np.ndarray:
        """The point of a row, (dimensions,), float32."""
        self.rows(self._place_of(row))
        return np.asarray(self.coordinates(slice(row, row + 1))[0])

    def identity(self, row: int, columns: int) -> list[str]:
        """The identity columns of a row."""
        self.rows(self._place_of(row))
        text = self.texts[self.offsets[row] : self.offsets[row + 1]].tobytes()
        found = decode(self.folder or Path(), "texts", text, list[str])
        if len(found) != columns:
            raise damaged(self.folder or Path(), f"{len(found)} texts of a track, not {columns}")
        return found

    def _place_of(self, row: int) -> int:
        return int(np.searchsorted(self.starts, row, side="right")) - 1

    @cached_property
    def name(self) -> str:
        """The beginning of the names of its files, from what is in them."""
        return hashlib.sha256("".join(self.sha256.values()).encode("ascii")).hexdigest()[:16]

    @cached_property
    def sha256(self) -> dict[str, str]:
        """Digests of the arrays that are checked as a whole."""
        small = (*_SMALL, "steps") if "steps" in self.arrays else _SMALL
        return {name: hashlib.sha256(np.ascontiguousarray(getattr(self, name)).data).hexdigest() for name in small}

    def save(self, folder: Path) -> None:
        """Write the arrays."""
        for name in self.arrays:
            with whole_file(folder / file_name(self.name, name)) as stream:
                np.save(stream, getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path, described: PartDescription, shape: tuple[int, int]) -> Part:
        """Map the arrays of a part with (lists, dimensions).

        Raises
        ------
        RequestError : they are missing, or do not fit each other or their digests.
        """
        names = (*_ARRAYS, "steps") if "steps" in described.sha256 else _ARRAYS
        try:
            part = cls(*(map_array(folder / file_name(described.name, name)) for name in names), folder=folder)
            check(part._fits(*shape))
        except (ValueError, OSError) as error:
            raise damaged(folder, f"an array of part {described.name}: {one_line(error)}") from None
        if part.sha256 != described.sha256:
            raise damaged(folder, f"part {described.name}: not what index.json names")
        return part

    def _fits(self, lists: int, dimensions: int) -> Iterator[tuple[str, bool]]:
        """What must hold, in an order in which each makes the next safe to ask."""
        rows, *_ = (*self.points.shape, 0)
        shapes = {
            "points": (rows, dimensions),
            "texts": (self.texts.size,),
            "offsets": (rows + 1,),
            "keys": (len(KEYED), rows),
            "starts": (lists + 1,),
            "digests": (lists, 32),
        }
        types = _TYPES | {"points": "<f4" if self.steps is None else "<i2"}
        for name, shape in shapes.items():
            array = getattr(self, name)
            yield name, rows > 0 and array.shape == shape and array.dtype.str == types[name]
        for name, total in (("starts", rows), ("offsets", self.texts.size)):
            ends = getattr(self, name)
            yield name, bool(ends[0] == 0 and ends[-1] == total and (ends[:-1] <= ends[1:]).all())
        if self.steps is not None:
            yield "steps", self.steps.dtype.str == "<f4" and self.steps.shape == (dimensions,)
            yield "steps", bool((self.steps > 0).all()) and all_below(self.steps, LARGEST / (1 << 15))


def file_name(name: str, array: str) -> str:
    """The name of the file of an array, from that of its part or its own digest."""
    return f"{name[:16]}.{array}.npy"


def hashes(texts: Sequence[str]) -> np.ndarray:
    """64-bit hashes of texts, (texts,)."""
    known: dict[str, int] = {}
    for text in texts:
        if text not in known:
            digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
            known[text] = int.from_bytes(digest, "little")
    return np.array([known[text] for text in texts], dtype=np.uint64)
