"""The index of tracks in memory: a query is compared with every one of them.

Distances are measured in blocks of bounded memory. Hubness is measured and can be reduced, see
`genreclf.similarity.hubness`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genreclf.archive import Kind, damaged, dump_array, load_array, read_container, write_container
from genreclf.similarity.description import LARGEST, MEMBER, SHOWN, Description, all_below, check, fitting
from genreclf.similarity.hubness import blocks, mutual_proximity, occurrence_skew, pairwise, spread_of_distances
from genreclf.similarity.lists import Block, nearest_rows, squared_lengths
from genreclf.similarity.querying import Condition, Searchable, identity_of, points_of

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

KIND = Kind(
    name="index",
    members={
        MEMBER: 1 << 28,
        "points.npy": 1 << 32,
        "space.npy": 1 << 28,
        "spread.npy": 1 << 28,
        "network.npy": 1 << 24,
    },
    optional=frozenset({"network.npy"}),
    made_with="genreclf index TABLE -o INDEX",
)
_SAMPLE = 2_000  # tracks from which hubness and spreads of distances are estimated in large tables


class _Description(Description):
    """The contents of ``index.json``."""

    tracks: dict[str, list[str]]

    def fits(self, points: np.ndarray, spread: np.ndarray) -> Iterator[tuple[str, bool]]:
        """What must hold for it and the arrays, see `Index`."""
        yield "format", self.format == 1
        yield "points", points.dtype == np.float32 and points.ndim == 2 and points.size > 0 and len(points) > 1
        yield "points", all_below(points, LARGEST)
        yield "tracks", "track_id" in self.tracks and self.tracks.keys() <= set(SHOWN)
        yield "tracks", all(len(column) == len(points) for column in self.tracks.values())
        rows = len(points) if self.hubness != "none" else 0
        yield "spread", spread.dtype == np.float64 and spread.shape == (rows, 2)
        yield "spread", all_below(spread, np.inf) and bool((spread[:, 1] > 0).all())


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Index(Searchable):
    """Tracks in memory, all of which a query is compared with.

    Parameters
    ----------
    points : (tracks, dimensions), float32.
    spread : (tracks, 2), mean and standard deviation of the distances from each track to the others; empty without
        mutual proximity.
    tracks : identity columns of the tracks, each a list of texts.
    """

    points: np.ndarray
    spread: np.ndarray
    tracks: Mapping[str, list[str]]

    def __len__(self) -> int:
        return len(self.points)

    @property
    def columns(self) -> tuple[str, ...]:
        """The identity columns that are known."""
        return tuple(self.tracks)

    @property
    def dimensions(self) -> int:
        """Of the space."""
        return int(self.points.shape[1])

    def identity(self, rows: Sequence[int] | np.ndarray) -> dict[str, list[str]]:
        """The identity columns of some tracks."""
        return {name: [values[row] for row in rows] for name, values in self.tracks.items()}

    def row_of(self, track_id: str) -> int | None:
        """The row of a track; None where there is none with that id."""
        return self._rows.get(track_id)

    def has(self, track_ids: np.ndarray) -> np.ndarray:
        """Whether each of some ids is a track's, (ids,), bool."""
        return np.array([name in self._rows for name in track_ids], dtype=bool)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.tracks["track_id"])}

    @cached_property
    def _squares(self) -> np.ndarray:
        return squared_lengths(self.points)

    def point(self, row: int) -> np.ndarray:
        """The point of a track in the index, (dimensions,), float32."""
        return np.asarray(self.points[row])

    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows and their points, until every track has come once."""
        yield np.arange(len(self)), self.points

    def genre_counts(self) -> dict[str, int]:
        """The number of tracks of each genre, sorted by name."""
        names, tracks = np.unique(np.array(self.tracks.get("genre", []), dtype=str), return_counts=True)
        return dict(zip(names.tolist(), tracks.tolist(), strict=True))

    def how_searched(self) -> dict[str, int | bool]:
        """Facts for people about the search."""
        return {"exact": True}

    def neighbours(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `k` nearest tracks of each point, (points, k), nearest first, and their distances."""
        return _exact(points, self, k)

    def _near(
        self, point: np.ndarray, k: int, conditions: Sequence[Condition], *, exact: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        del exact  # it always is
        keep = None
        if conditions:
            held = [[(value == c.value) == c.equal for value in self.tracks[c.column]] for c in conditions]
            keep = np.all(held, axis=0)
        if self.hubness == "none":
            return nearest_rows(point, k, [Block(0, self.points, squares=self._squares, keep=keep)])
        near, distances = _exact(point[None], self, k, keep=keep)
        found = np.isfinite(distances[0])
        return near[0][found], distances[0][found]

    def extend(self, table: FeatureTable) -> Index:
        """The index with the tracks of a table that are not in it yet; see `Searchable.extend`."""
        new = self.additions(table)
        if not len(new):
            return self
        points = np.concatenate([self.points, points_of(self.space, new)])
        added = identity_of(new, self.columns)
        return replace(
            self,
            points=points,
            spread=spread_of(points, points, seed=0) if self.hubness != "none" else self.spread,
            tracks={name: values + added[name] for name, values in self.tracks.items()},
        )

    def save(self, path: Path | str) -> None:
        """Write the index whole or not at all; see `Searchable.save`."""
        arrays = {"points": self.points, "spread": self.spread, **self.space.arrays()}
        members = {f"{name}.npy": dump_array(array) for name, array in arrays.items()}
        description = _Description(format=1, tracks=dict(self.tracks), sha256=_digests(members), **self.described)
        write_container(Path(path), KIND, {MEMBER: description.text()} | members)

    @classmethod
    def load(cls, path: Path | str) -> Index:
        """Read an index; no code from the file runs.

        Raises
        ------
        RequestError : the file is missing, altered, not an index, or made by a newer version.
        """
        path = Path(path)
        members = read_container(path, KIND)
        description = _Description.read(path, members.pop(MEMBER))
        if description.sha256 != _digests(members):
            raise damaged(path, f"its arrays are not those that {MEMBER} names")
        with fitting(path):
            arrays = {name.removesuffix(".npy"): load_array(data) for name, data in members.items()}
            points, spread = arrays.pop("points"), arrays.pop("spread")
            check(description.fits(points, spread))
            return cls(
                points=points,
                spread=spread,
                tracks={name: description.tracks[name] for name in SHOWN if name in description.tracks},
                **description.fields(arrays, dimensions=points.shape[1]),
            )


def _digests(members: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}


def _exact(
    points: np.ndarray, index: Index, k: int, *, keep: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Search block by block; ties are broken by row, so that the result does not depend on the blocks.

    Parameters
    ----------
    keep : which tracks may be found, (tracks,); the others are at an infinite distance.
    """
    near, far = [], []
    for rows in blocks(len(points), len(index)):
        block = np.asarray(points[rows])
        distances = pairwise(block, index.points)
        if index.hubness != "none":
            spread = spread_of(block, index.points, seed=0)
            distances = 1.0 - mutual_proximity(distances.astype(np.float64), spread, index.spread)
        if keep is not None:
            distances[:, ~keep] = np.inf
        nearest = np.broadcast_to(np.arange(len(index)), distances.shape)
        if k < len(index):
            nearest = np.sort(np.argpartition(distances, k - 1, axis=1)[:, :k])
        found = np.take_along_axis(distances, nearest, axis=1)
        order = np.argsort(found, axis=1, kind="stable")
        near.append(np.take_along_axis(nearest, order, axis=1))
        far.append(np.take_along_axis(found, order, axis=1))
    return np.concatenate(near), np.concatenate(far)


def spread_of(points: np.ndarray, others: np.ndarray, *, seed: int) -> np.ndarray:
    """Mean and standard deviation of the distances from each point to the others, or to a sample of many."""
    if len(others) > _SAMPLE:
        others = others[_sample(len(others), seed)]
    return spread_of_distances(points.astype(np.float64), others.astype(np.float64))


def _sample(tracks: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(tracks)[:_SAMPLE])


def measured_skew(index: Index, *, seed: int) -> float:
    """Skewness of the 10-occurrence over all tracks, or within a sample of them."""
    if len(index) > _SAMPLE:
        rows = _sample(len(index), seed)
        index = replace(
            index, points=index.points[rows], spread=index.spread[rows] if len(index.spread) else index.spread
        )
    k = min(10, len(index) - 1)
    near, _ = _exact(index.points, index, k + 1)
    others = near != np.arange(len(index))[:, None]
    # A track that equals another may not be its own first neighbour; k others are kept in any case.
    keep = np.cumsum(others, axis=1) <= k
    return occurrence_skew(near[others & keep], len(index))
