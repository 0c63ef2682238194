"""The index of similar tracks: finds the nearest tracks, and measures how far hubs distort that.

Tracks are points of a space, see `genreclf.similarity.metrics`; distances are measured there. Hubness is measured and
can be reduced, see `genreclf.similarity.hubness`. An `Index` holds its points in memory and compares a track with all
of them, in blocks of bounded memory; above `EXACT_LIMIT` tracks a `LargeIndex` searches inverted lists.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np

from genreclf.archive import Kind, damaged, decode, dump_array, load_array, read_container, write_container
from genreclf.errors import RequestError, one_line, unknown
from genreclf.similarity import large_index
from genreclf.similarity.hubness import blocks, mutual_proximity, occurrence_skew, pairwise, spread_of_distances
from genreclf.similarity.large_index import LargeIndex, is_large_index
from genreclf.similarity.metrics import (
    DISTANCES,
    METRICS,
    Space,
    check_labels,
    check_metric,
    fit_space,
    labels_of,
    standard_deviations,
)
from genreclf.similarity.querying import (
    LARGEST,
    SHOWN,
    WINDOW,
    Condition,
    Searchable,
    all_below,
    check_complete,
    columns_of,
    identity_of,
    made_with,
    points_of,
)

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

HUBNESS = ("none", "mutual-proximity")
EXACT_LIMIT = 100_000

KIND = Kind(
    name="index",
    members={
        "index.json": 1 << 28,
        "points.npy": 1 << 32,
        "space.npy": 1 << 28,
        "spread.npy": 1 << 28,
        "network.npy": 1 << 24,
    },
    optional=frozenset({"network.npy"}),
    made_with="genreclf index TABLE -o INDEX",
)
_FORMAT = 1
_SAMPLE = 2_000  # tracks from which hubness and spreads of distances are estimated in large tables


class _Version(msgspec.Struct):
    """The one field of ``index.json`` that every version has."""

    format: int


class _Description(_Version):
    """The contents of ``index.json``: an `Index` without its arrays, and the digests of those."""

    tracks: dict[str, list[str]]
    features: tuple[str, ...]
    metric: str
    hubness: str
    skew: Annotated[float, msgspec.Meta(gt=-LARGEST, lt=LARGEST)]
    feature_set: str
    feature_parameters: dict[str, float | None]
    sha256: dict[str, str]
    distance: str = "euclidean"
    weights: dict[str, str] = {}


_DESCRIBED = tuple(name for name in _Description.__struct_fields__ if name not in ("sha256", "format"))


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
            spread=_spread(points, points, seed=0) if self.hubness != "none" else self.spread,
            tracks={name: values + added[name] for name, values in self.tracks.items()},
        )

    def save(self, path: Path | str) -> None:
        """Write the index whole or not at all; see `Searchable.save`."""
        arrays = {"points": self.points, "spread": self.spread, **self.space.arrays()}
        members = {f"{name}.npy": dump_array(array) for name, array in arrays.items()}
        described = {name: getattr(self, name) for name in _DESCRIBED}
        text = json.dumps(described | {"sha256": _digests(members), "format": _FORMAT}, sort_keys=True)
        write_container(Path(path), KIND, {"index.json": text.encode("ascii")} | members)

    @classmethod
    def load(cls, path: Path | str) -> Index:
        """Read an index; no code from the file runs.

        Raises
        ------
        RequestError : the file is missing, altered, not an index, or made by a newer version.
        """
        path = Path(path)
        members = read_container(path, KIND)
        text = members.pop("index.json")
        if decode(path, "index.json", text, _Version).format > _FORMAT:
            raise RequestError(f"{path}: made by a newer genreclf: pip install --upgrade genreclf")
        description = decode(path, "index.json", text, _Description)
        if description.sha256 != _digests(members):
            raise damaged(path, "its arrays are not those that index.json names")
        try:
            return _from_parts(
                description, {name.removesuffix(".npy"): load_array(data) for name, data in members.items()}
            )
        except ValueError as error:
            raise damaged(path, f"index.json and its arrays do not fit ({one_line(error)})") from None


def _digests(members: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}


def build_index(
    table: FeatureTable,
    *,
    metric: str = "euclidean",
    by: str = "genre",
    distance: str | None = None,
    hubness: str = "none",
    approximate: bool | None = None,
    seed: int = 42,
) -> Index | LargeIndex:
    """Make an index of the tracks of a table.

    Parameters
    ----------
    metric : ``euclidean`` on standardised features; or learned, by a projection, ``lda`` or ``nca``, or by a network,
        ``triplet`` or ``siamese``, or from the tags, ``tags``.
    by : the labels that a metric is learned from: ``genre``, ``artist``, or for a network ``tags``.
    distance : ``euclidean`` or ``cosine``; by default cosine for networks, and Euclidean for the others.
    hubness : how hubness is reduced: ``none`` or ``mutual-proximity``, which goes with exact search.
    approximate : search inverted lists; by default above `EXACT_LIMIT` tracks.
    seed : of samples, of NCA, and of k-means.

    Raises
    ------
    RequestError : an option makes no sense or does not suit the table.
    """
    _check_options(table, metric=metric, by=by, distance=distance, hubness=hubness, approximate=bool(approximate))
    standard_deviations(table)  # raises on values that cannot be standardised
    distance = distance or METRICS[metric].distance
    check_labels(table, metric, by)
    labels = labels_of(table, metric, by)
    space = fit_space(table.X, labels, metric=metric, distance=distance, seed=seed)
    points = points_of(space, table)
    columns = columns_of(table)
    index = Index(
        points=points,
        spread=_spread(points, points, seed=seed) if hubness != "none" else np.zeros((0, 2)),
        tracks=identity_of(table, columns),
        space=space,
        features=table.features,
        metric=metric,
        distance=distance,
        hubness=hubness,
        **made_with(table),
    )
    index = replace(index, skew=_measured_skew(index, seed=seed))
    if approximate or (approximate is None and hubness == "none" and len(table) > EXACT_LIMIT):
        return LargeIndex.of(index, points=points, tracks=index.tracks, seed=seed)
    return index


def open_index(path: Path | str) -> Index | LargeIndex:
    """Open an index of either kind.

    Raises
    ------
    RequestError : it is missing, altered, not an index, or made by a newer version.
    """
    return LargeIndex.load(path) if Path(path).is_dir() else Index.load(path)


def is_index(path: Path) -> bool:
    """Whether there is a file or a folder that looks like an index."""
    if is_large_index(path):
        return True
    try:
        with path.open("rb") as stream:
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - 200))
            return KIND.comment("")[:-1] in stream.read()
    except (OSError, ValueError):
        return False


def check_place(path: Path) -> None:
    """Refuse a place for an index before work begins.

    Raises
    ------
    RequestError : something else is there.
    """
    if is_large_index(path):
        return
    if path.is_dir():
        large_index.check_place(path)
    KIND.check_place(path)


def _check_options(
    table: FeatureTable, *, metric: str, by: str, distance: str | None, hubness: str, approximate: bool
) -> None:
    check_metric(metric, by=by, distance=distance)
    if by != "genre" and not METRICS[metric].learn:
        raise RequestError(f"the metric {metric} is not learned; leave out by={by}, or choose another metric")
    if hubness not in HUBNESS:
        raise unknown("hubness reduction", hubness, HUBNESS)
    if len(table) < 2:
        raise RequestError(f"{table.name}: an index needs at least two tracks; there is {len(table)}")
    check_complete(table)
    if approximate and hubness != "none":
        raise RequestError(f"hubness={hubness} goes with exact search; leave out approximate=True")


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
            spread = _spread(block, index.points, seed=0)
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


def _spread(points: np.ndarray, others: np.ndarray, *, seed: int) -> np.ndarray:
    """Mean and standard deviation of the distances from each point to the others, or to a sample of many."""
    if len(others) > _SAMPLE:
        others = others[_sample(len(others), seed)]
    return spread_of_distances(points.astype(np.float64), others.astype(np.float64))


def _sample(tracks: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).permutation(tracks)[:_SAMPLE])


def _measured_skew(index: Index, *, seed: int) -> float:
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


def _from_parts(description: _Description, arrays: dict[str, np.ndarray]) -> Index:
    """An index from checked bytes.

    Raises
    ------
    ValueError : its parts do not fit each other.
    """
    points, spread = arrays.pop("points"), arrays.pop("spread")
    tracks, features = description.tracks, description.features
    rows, width = points.shape
    spreads = rows if description.hubness != "none" else 0
    fits = {
        "format": description.format == _FORMAT,
        "options": description.metric in METRICS
        and description.distance in DISTANCES
        and description.hubness in HUBNESS,
        "feature parameters": description.feature_parameters.keys() <= set(WINDOW),
        "tracks": "track_id" in tracks
        and tracks.keys() <= set(SHOWN)
        and all(len(column) == rows for column in tracks.values()),
        "points": points.dtype == np.float32 and rows >= 2 and width >= 1 and all_below(points, LARGEST),
        "spread": spread.dtype == np.float64
        and spread.shape == (spreads, 2)
        and all_below(spread, np.inf)
        and bool((spread[:, 1] > 0).all()),
    }
    for what, holds in fits.items():
        if not holds:
            raise ValueError(what)
    described = {name: getattr(description, name) for name in _DESCRIBED}
    described["tracks"] = {name: tracks[name] for name in SHOWN if name in tracks}
    unit = description.distance == "cosine"
    space = Space.of_arrays(arrays, features=len(features), dimensions=width, unit=unit)
    return Index(points=points, spread=spread, space=space, **described)
