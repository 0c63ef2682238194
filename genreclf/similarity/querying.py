"""Queries: a track in, the nearest tracks out. What the indexes of this package have in common.

`genreclf.similarity.index` holds points in memory and searches all of them, `genreclf.similarity.large_index` maps
them from files and searches inverted lists.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from genreclf.display import Displayed
from genreclf.errors import RequestError, nearest, one_line
from genreclf.similarity.description import DESCRIBED, LARGEST, SHOWN, WINDOW, all_below
from genreclf.similarity.series import describe_track, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.similarity.metrics import Space
    from genreclf.tables.table import FeatureTable

_ROWS = 1 << 16  # that become points at once
_COMPARED = 10_000  # ids with which a mistyped one is compared; of a million that takes minutes


class Condition(NamedTuple):
    """What a neighbour must be: a column that equals a value, or that does not."""

    column: str
    value: str
    equal: bool = True

    def __str__(self) -> str:
        return f"{self.column} {'' if self.equal else 'other than '}{one_line(repr(self.value), longest=60)}"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Searchable(Displayed, ABC):
    """Tracks as points in a space.

    Parameters
    ----------
    space : how features become a point.
    features : names of the columns.
    metric, distance, hubness : how the index was built.
    skew : of the 10-occurrence; estimated from a sample in a large index.
    feature_set, feature_parameters : how audio was described; empty for a table from elsewhere.
    weights : names of networks that described it, and the digests of their weights.
    """

    space: Space
    features: tuple[str, ...]
    metric: str = "euclidean"
    distance: str = "euclidean"
    hubness: str = "none"
    skew: float = 0.0
    feature_set: str = ""
    feature_parameters: Mapping[str, float | None] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)

    @property
    def described(self) -> dict[str, Any]:
        """What a `genreclf.similarity.description.Description` says of it."""
        return {name: getattr(self, name) for name in DESCRIBED}

    @abstractmethod
    def __len__(self) -> int: ...

    @property
    @abstractmethod
    def dimensions(self) -> int:
        """Of the space."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The identity columns of the tracks, some of `SHOWN`."""

    @abstractmethod
    def identity(self, rows: Sequence[int] | np.ndarray) -> dict[str, list[str]]:
        """The identity columns of some tracks."""

    @abstractmethod
    def row_of(self, track_id: str) -> int | None:
        """The row of a track; None where there is none with that id."""

    @abstractmethod
    def has(self, track_ids: np.ndarray) -> np.ndarray:
        """Whether each of some ids is a track's, (ids,), bool."""

    @abstractmethod
    def point(self, row: int) -> np.ndarray:
        """The point of a track in the index, (dimensions,), float32."""

    @abstractmethod
    def batches(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Rows and their points, (rows,) and (rows, dimensions), until every track has come once."""

    @abstractmethod
    def genre_counts(self) -> dict[str, int]:
        """The number of tracks of each genre, sorted by name."""

    @abstractmethod
    def how_searched(self) -> dict[str, int | bool]:
        """Facts for people about the search."""

    @abstractmethod
    def extend(self, table: FeatureTable) -> Searchable:
        """The index with the tracks of a table that are not in it yet, in the same space; `save` it.

        Raises
        ------
        RequestError : the table has other features.
        """

    @abstractmethod
    def save(self, path: Path | str) -> None:
        """Write the index whole or not at all.

        Raises
        ------
        RequestError : the place cannot be written to.
        """

    @abstractmethod
    def _near(
        self, point: np.ndarray, k: int, conditions: Sequence[Condition], *, exact: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows of at most `k` nearest tracks that fulfil all conditions, nearest first, and their distances."""

    def __repr__(self) -> str:
        how = f"metric {self.metric}, hubness {self.hubness}"
        return f"<index of {len(self)} tracks, {len(self.features)} features, {how}>"

    def query(
        self,
        track: str | Path | np.ndarray,
        k: int = 10,
        *,
        genre: str | None = None,
        exclude_artist: str | None = None,
        other_artists: bool = False,
        exact: bool = False,
    ) -> pd.DataFrame:
        """The nearest tracks.

        Parameters
        ----------
        track : the id of a track in the index, which is not its own neighbour; a file; or features, (features,).
        k : number of tracks.
        genre : only tracks of this genre.
        exclude_artist : no tracks by this artist.
        other_artists : no tracks by the artist of `track`, whom the index or the tags of the file name.
        exact : look at every track also where the index is searched in lists.

        Returns
        -------
        Nearest first: ``distance``, then the identity columns that are known. With mutual proximity, the distance
        is 1 minus the proximity, from 0 to 1.

        Raises
        ------
        RequestError : there is no such track or file, no track fulfils the conditions, or `k` is below 1.
        TrackError : the file cannot be read.
        """
        import pandas as pd

        if k < 1:
            raise RequestError(f"{k} neighbours make no list; ask for at least one")
        point, itself = self._point_of(track)
        conditions = [Condition("genre", genre)] if genre is not None else []
        artists = {exclude_artist} if exclude_artist is not None else set()
        artists |= {self._artist(track, itself)} if other_artists else set()
        conditions += [Condition("artist", artist, equal=False) for artist in sorted(artists)]
        missing = next((c.column for c in conditions if c.column not in self.columns), None)
        if missing:
            raise RequestError(f"the tracks of this index have no {missing}; make it from a table with that column")
        near, distances = self._near(point, min(k + (itself is not None), len(self)), conditions, exact=exact)
        keep = near != itself if itself is not None else np.ones(len(near), dtype=bool)
        rows, found = near[keep][:k], distances[keep][:k]
        if conditions and not len(rows):
            raise RequestError(f"no other track of the index has {' and '.join(map(str, conditions))}")
        return pd.DataFrame({"distance": found.astype(float), **self.identity(rows)})

    def _artist(self, track: str | Path | np.ndarray, row: int | None) -> str:
        from genreclf.datasets.tags import read_tags

        if row is not None:
            artist = self.identity([row]).get("artist", [""])[0]
        else:
            artist = "" if isinstance(track, np.ndarray) else read_tags(Path(track))[0]
        if not artist:
            raise RequestError("the artist of the track is not known; name who is left out with `exclude_artist`")
        return artist

    def _point_of(self, track: str | Path | np.ndarray) -> tuple[np.ndarray, int | None]:
        if isinstance(track, np.ndarray):
            if track.shape != (len(self.features),):
                raise RequestError(f"features of shape {track.shape}; the index needs ({len(self.features)},)")
            return self._projected(track), None
        row = self.row_of(str(track))
        if row is not None:
            return self.point(row), row
        if not os.path.exists(track):  # noqa: PTH110 - for `Path`, a name that cannot be is an error
            raise RequestError(
                f"{track}: no track with that id in the index, and no such file{self._alike(str(track))}"
            )
        return self._projected(self._described(Path(track))), None

    def _alike(self, track_id: str) -> str:
        """A hint at an id that is nearly the same."""
        rows = range(len(self) if len(self) <= _COMPARED else 0)
        return nearest(track_id, self.identity(rows)["track_id"])

    def _projected(self, features: np.ndarray) -> np.ndarray:
        with np.errstate(all="ignore"):
            point = self.space(features[None])[0]
        if not all_below(point, LARGEST):
            raise RequestError("the track's features lie too far from those of the index to be compared")
        return np.asarray(point, dtype=np.float32)

    def _described(self, path: Path) -> np.ndarray:
        from genreclf.features import FEATURE_SETS, extract_features

        window = {name: self.feature_parameters.get(name) for name in WINDOW}
        kind = kind_of(self.feature_set)
        if kind is not None:
            return describe_track(path, kind, columns=len(self.features), weights=self.weights, window=window)
        if self.feature_set not in FEATURE_SETS or set(self.features) - set(FEATURE_SETS[self.feature_set].columns):
            raise RequestError(
                "this index was made from features that genreclf does not extract; ask for a track by its id, or index "
                "a table that genreclf extract made"
            )
        weights = FEATURE_SETS[self.feature_set].weights()
        if self.weights != weights:
            names = ", ".join(sorted({*self.weights, *weights}))
            raise RequestError(
                f"this index was made with other weights of {names} than those on this machine; extract and index again"
            )
        row = extract_features(path, feature_set=self.feature_set, **window)
        return np.array([row[name] for name in self.features])

    def additions(self, table: FeatureTable) -> FeatureTable:
        """The tracks of a table that are not in the index yet.

        Raises
        ------
        RequestError : its features are not those of the index, or were made with other parameters.
        """
        check_complete(table)
        missing = [name for name in self.features if name not in table.features]
        if missing:
            raise RequestError(f"{table.name}: the column {missing[0]!r} of the index is missing")
        if any(value != getattr(self, name) for name, value in made_with(table).items()):
            raise RequestError(
                f"{table.name}: its features were not made as those of the index (feature set "
                f"{self.feature_set or 'of a table from elsewhere'}, {dict(self.feature_parameters)})"
            )
        return table.with_frame(table.frame[~self.has(table.ids)].reset_index(drop=True), self.features)


def made_with(table: FeatureTable) -> dict[str, Any]:
    """How the features of a table were made, as an index keeps it."""
    window = table.meta.get("parameters") or {}
    return {
        "feature_set": str(table.meta.get("feature_set", "")),
        "feature_parameters": {name: window.get(name) for name in WINDOW},
        "weights": dict(table.meta.get("weights") or {}),
    }


def columns_of(table: FeatureTable) -> tuple[str, ...]:
    """The identity columns that a table has, of those that are shown."""
    return tuple(name for name in SHOWN if name in table.frame)


def check_complete(table: FeatureTable) -> None:
    """Raise a `RequestError` where a table has empty cells."""
    if table.incomplete:
        raise RequestError(
            f"{table.name}: column {table.incomplete[0]!r} has empty cells, and distances need every value; fill or "
            "remove the cells or the column"
        )


def points_of(space: Space, table: FeatureTable) -> np.ndarray:
    """The tracks of a table as points, (tracks, dimensions), float32, made in parts to bound memory.

    Raises
    ------
    RequestError : a track lies too far off to be compared.
    """
    parts = []
    for start in range(0, len(table), _ROWS):
        with np.errstate(all="ignore"):
            points = space(table.X[start : start + _ROWS])
        if not all_below(points, LARGEST):
            row = start + int((~(np.abs(points) < LARGEST)).any(axis=1).argmax())
            raise RequestError(f"{table.name}: track {table.ids[row]!r} lies too far from the others to be compared")
        parts.append(points.astype(np.float32))
    return np.concatenate(parts)


def identity_of(table: FeatureTable, columns: Sequence[str]) -> dict[str, list[str]]:
    """The identity columns of a table as texts, empty where it has no such column."""
    return {
        name: table.frame[name].astype(str).tolist() if name in table.frame else [""] * len(table) for name in columns
    }
