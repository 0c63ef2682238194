"""The index of similar tracks: finds the nearest tracks, and measures how far hubs distort that.

Tracks are points of a space, see `genreclf.similarity.metrics`; distances are measured there. Hubness is measured and
can be reduced, see `genreclf.similarity.hubness`.

Search is exact and in blocks of bounded memory; above `EXACT_LIMIT` tracks the extra usearch takes over.

Source: Malkov and Yashunin (2018), Hierarchical Navigable Small World graphs.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import numpy as np

from genreclf.archive import Kind, damaged, decode, dump_array, load_array, read_container, write_container
from genreclf.display import Displayed
from genreclf.errors import RequestError, nearest, one_line, unknown
from genreclf.similarity.hubness import blocks, mutual_proximity, occurrence_skew, pairwise, spread_of_distances
from genreclf.similarity.metrics import METRICS, TAGS, Space, fit_space, standard_deviations

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.tables.table import FeatureTable

HUBNESS = ("none", "mutual-proximity")
EXACT_LIMIT = 100_000

KIND = Kind(
    name="index",
    members={"index.json": 1 << 28, "points.npy": 1 << 32, "space.npy": 1 << 28, "spread.npy": 1 << 28},
    made_with="genreclf index TABLE -o INDEX",
)
_FORMAT = 1
_LARGEST = 1e15  # coordinate; squares of sums of such numbers stay finite in single precision
_SAMPLE = 2_000  # tracks from which hubness and spreads of distances are estimated in large tables
_WORTH_A_GRAPH = 1_000  # queries; making the graph takes as long as some thousand exact ones
_WINDOW = ("duration", "offset")  # feature parameters that are kept
_SHOWN = ("track_id", "genre", "artist", "title", "path")


class _Version(msgspec.Struct):
    """The one field of ``index.json`` that every version has."""

    format: int


class _Description(_Version):
    """The contents of ``index.json``: an `Index` without its arrays, and the digests of those."""

    tracks: dict[str, list[str]]
    features: tuple[str, ...]
    metric: str
    hubness: str
    approximate: bool
    skew: Annotated[float, msgspec.Meta(gt=-_LARGEST, lt=_LARGEST)]
    feature_set: str
    feature_parameters: dict[str, float | None]
    sha256: dict[str, str]


_DESCRIBED = tuple(name for name in _Description.__struct_fields__ if name not in ("sha256", "format"))


@dataclass(frozen=True, eq=False, repr=False)
class Index(Displayed):
    """Tracks as points in a space, searched for nearest neighbours.

    Parameters
    ----------
    points : (tracks, dimensions), float32.
    spread : (tracks, 2), mean and standard deviation of the distances from each track to the others; empty without
        mutual proximity.
    tracks : identity columns of the tracks, each a list of texts.
    space : how features become a point.
    features : names of the columns.
    metric, hubness : how the index was built.
    approximate : whether it is searched with usearch.
    skew : of the 10-occurrence; estimated from a sample in a large index.
    feature_set, feature_parameters : how audio was described; empty for a table from elsewhere.
    """

    points: np.ndarray
    spread: np.ndarray
    tracks: Mapping[str, list[str]]
    space: Space
    features: tuple[str, ...]
    metric: str = "euclidean"
    hubness: str = "none"
    approximate: bool = False
    skew: float = 0.0
    feature_set: str = ""
    feature_parameters: Mapping[str, float | None] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.points)

    def __repr__(self) -> str:
        how = f"metric {self.metric}, hubness {self.hubness}"
        return f"<index of {len(self)} tracks, {len(self.features)} features, {how}>"

    def query(self, track: str | Path | np.ndarray, k: int = 10) -> pd.DataFrame:
        """The nearest tracks.

        Parameters
        ----------
        track : the id of a track in the index, which is not its own neighbour; a file; or features, (features,).
        k : number of tracks.

        Returns
        -------
        Nearest first: ``distance``, then the identity columns that are known. With mutual proximity, the distance
        is 1 minus the proximity, from 0 to 1.

        Raises
        ------
        RequestError : there is no such track or file, or `k` is below 1.
        TrackError : the file cannot be read.
        """
        import pandas as pd

        if k < 1:
            raise RequestError(f"{k} neighbours make no list; ask for at least one")
        points, itself = self._points_of(track)
        near, distances = self.neighbours(points, min(k + (itself is not None), len(self)))
        keep = near[0] != itself if itself is not None else np.ones(len(near[0]), dtype=bool)
        rows, found = near[0][keep][:k], distances[0][keep][:k]
        columns = {name: [values[row] for row in rows] for name, values in self.tracks.items()}
        return pd.DataFrame({"distance": found.astype(float), **columns})

    def neighbours(self, points: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """Rows of the `k` nearest tracks of each point, (points, k), nearest first, and their distances.

        An approximate index makes its graph when it is first searched for many points at once, and keeps it; for a
        few, exact search is quicker. The graph is never read from a file, as usearch does not check what it reads.
        """
        if self.approximate and (len(points) >= _WORTH_A_GRAPH or "_graph" in vars(self)):
            found = self._graph.search(np.asarray(points, dtype=np.float32), k)
            keys = np.asarray(found.keys).reshape(len(points), -1)
            return keys.astype(np.intp), np.sqrt(np.maximum(np.asarray(found.distances).reshape(keys.shape), 0))
        return _exact(points, self, k)

    @cached_property
    def _graph(self) -> Any:  # noqa: ANN401 - usearch has no types
        graph = _usearch().Index(ndim=self.points.shape[1], metric="l2sq", dtype="f32")
        graph.add(np.arange(len(self.points)), self.points, threads=1)
        return graph

    def _points_of(self, track: str | Path | np.ndarray) -> tuple[np.ndarray, int | None]:
        if isinstance(track, np.ndarray):
            if track.shape != (len(self.features),):
                raise RequestError(f"features of shape {track.shape}; the index needs ({len(self.features)},)")
            return self._point(track), None
        row = self._rows.get(str(track))
        if row is not None:
            return self.points[row : row + 1], row
        if not os.path.exists(track):  # noqa: PTH110 - for `Path`, a name that cannot be is an error
            raise RequestError(
                f"{track}: no track with that id in the index, and no such file{nearest(str(track), self._rows)}"
            )
        return self._point(self._described(Path(track))), None

    def _point(self, features: np.ndarray) -> np.ndarray:
        """Features, (features,), as the only row of (1, dimensions)."""
        with np.errstate(all="ignore"):
            point = self.space(features[None])
        if not _all_below(point, _LARGEST):
            raise RequestError("the track's features lie too far from those of the index to be compared")
        return point.astype(np.float32)

    @cached_property
    def _rows(self) -> dict[str, int]:
        return {name: row for row, name in enumerate(self.tracks["track_id"])}

    def _described(self, path: Path) -> np.ndarray:
        from genreclf.features import FEATURE_SETS, extract_features

        if self.feature_set not in FEATURE_SETS or set(self.features) - set(FEATURE_SETS[self.feature_set].columns):
            raise RequestError(
                "this index was made from features that genreclf does not extract; ask for a track by its id, or index "
                "a table that genreclf extract made"
            )
        window = {name: self.feature_parameters.get(name) for name in _WINDOW}
        row = extract_features(path, feature_set=self.feature_set, **window)
        return np.array([row[name] for name in self.features])

    def save(self, path: Path | str) -> None:
        """Write the index whole or not at all.

        Raises
        ------
        RequestError : the place cannot be written to.
        """
        space = np.vstack([self.space.mean, self.space.std, self.space.projection.T])
        arrays = {"points.npy": self.points, "space.npy": space, "spread.npy": self.spread}
        members = {name: dump_array(array) for name, array in arrays.items()}
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
            return _from_parts(description, {name: load_array(data) for name, data in members.items()})
        except ValueError as error:
            raise damaged(path, f"index.json and its arrays do not fit ({one_line(error)})") from None


def _digests(members: Mapping[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}


def build_index(
    table: FeatureTable,
    *,
    metric: str = "euclidean",
    hubness: str = "none",
    approximate: bool = False,
    seed: int = 42,
) -> Index:
    """Make an index of the tracks of a table.

    Parameters
    ----------
    metric : ``euclidean`` on standardised features, or learned from the genres, ``lda`` or ``nca``, or from the tags,
        ``tags``.
    hubness : how hubness is reduced: ``none`` or ``mutual-proximity``.
    approximate : search with usearch, which is needed above `EXACT_LIMIT` tracks.
    seed : of samples, and of NCA.

    Raises
    ------
    RequestError : an option makes no sense or does not suit the table, or usearch is not installed.
    """
    _check_options(table, metric=metric, hubness=hubness, approximate=approximate)
    standard_deviations(table)  # raises on values that cannot be standardised
    labels = table.tags.matrix if metric == TAGS else table.y
    space = fit_space(table.X, labels, metric=metric, seed=seed)
    points = np.ascontiguousarray(space(table.X), dtype=np.float32)
    window = table.meta.get("parameters") or {}
    index = Index(
        points=points,
        spread=_spread(points, points, seed=seed) if hubness != "none" else np.zeros((0, 2)),
        tracks={name: table.frame[name].astype(str).tolist() for name in _SHOWN if name in table.frame},
        space=space,
        features=table.features,
        metric=metric,
        hubness=hubness,
        approximate=approximate,
        feature_set=str(table.meta.get("feature_set", "")),
        feature_parameters={name: window.get(name) for name in _WINDOW},
    )
    return replace(index, skew=_measured_skew(index, seed=seed))


def _check_options(table: FeatureTable, *, metric: str, hubness: str, approximate: bool) -> None:
    if metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    if hubness not in HUBNESS:
        raise unknown("hubness reduction", hubness, HUBNESS)
    if len(table) < 2:
        raise RequestError(f"{table.name}: an index needs at least two tracks; there is {len(table)}")
    if table.incomplete:
        raise RequestError(
            f"{table.name}: column {table.incomplete[0]!r} has empty cells, and distances need every value; fill or "
            "remove the cells or the column"
        )
    _check_labels(table, metric)
    if approximate and hubness != "none":
        raise RequestError(f"hubness={hubness} goes with exact search; leave out approximate=True")
    if len(table) > EXACT_LIMIT and not approximate:
        raise RequestError(
            f"{table.name}: {len(table):,} tracks; exact search is for up to {EXACT_LIMIT:,}: choose approximate=True"
        )
    if approximate:
        _usearch()


def _check_labels(table: FeatureTable, metric: str) -> None:
    """Raise a `RequestError` unless the table has the labels that a metric is learned from."""
    if metric == TAGS:
        if table.tags.matrix.all(axis=0).all():
            raise RequestError(f"{table.name}: the metric tags needs a column of tags that tell tracks apart")
    elif METRICS[metric]:
        counts = [int((table.y == genre).sum()) for genre in table.genres if genre]
        if len(counts) < 2 or min(counts) < 2:
            raise RequestError(f"{table.name}: the metric {metric} needs two genres or more with two tracks each")


def _usearch() -> Any:  # noqa: ANN401 - usearch has no types
    try:
        from usearch import index
    except ImportError:
        raise RequestError('approximate search needs an extra: pip install "genreclf[usearch]"') from None
    return index


def _exact(points: np.ndarray, index: Index, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Search block by block; ties are broken by row, so that the result does not depend on the blocks."""
    near, far = [], []
    for rows in blocks(len(points), len(index)):
        block = np.asarray(points[rows])
        distances = pairwise(block, index.points)
        if index.hubness != "none":
            spread = _spread(block, index.points, seed=0)
            distances = 1.0 - mutual_proximity(distances.astype(np.float64), spread, index.spread)
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
    points, space, spread = arrays["points.npy"], arrays["space.npy"], arrays["spread.npy"]
    tracks, features = description.tracks, description.features
    rows, width = points.shape
    spreads = rows if description.hubness != "none" else 0
    fits = {
        "format": description.format == _FORMAT,
        "options": description.metric in METRICS and description.hubness in HUBNESS,
        "feature parameters": description.feature_parameters.keys() <= set(_WINDOW),
        "tracks": "track_id" in tracks
        and tracks.keys() <= set(_SHOWN)
        and all(len(column) == rows for column in tracks.values()),
        "points": points.dtype == np.float32 and rows >= 2 and width >= 1 and _all_below(points, _LARGEST),
        "space": space.dtype == np.float64
        and space.shape == (width + 2, len(features))
        and _all_below(space, np.inf)
        and bool((space[1] > 0).all()),
        "spread": spread.dtype == np.float64
        and spread.shape == (spreads, 2)
        and _all_below(spread, np.inf)
        and bool((spread[:, 1] > 0).all()),
    }
    for what, holds in fits.items():
        if not holds:
            raise ValueError(what)
    described = {name: getattr(description, name) for name in _DESCRIBED}
    described["tracks"] = {name: tracks[name] for name in _SHOWN if name in tracks}
    return Index(points=points, spread=spread, space=Space(space[0], space[1], space[2:].T), **described)


def _all_below(array: np.ndarray, limit: float) -> bool:
    """Whether the magnitude of every number is below a limit, and none is NaN."""
    return bool((np.abs(array) < limit).all())
