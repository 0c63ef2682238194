"""Feature tables: one row a track, identity columns first, then the features.

A table is a UTF-8 CSV file, or a folder of Parquet files, that reads back as it was written. Columns named
``<family>_<statistic>_<number>`` belong to a family, so that families can be chosen and compared. Tables from elsewhere
are welcome: any CSV or Parquet with a label column and numeric columns; errors name the row and the column.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from genreclf.display import Displayed
from genreclf.errors import RequestError, nearest
from genreclf.files import whole_file
from genreclf.remote import check_local
from genreclf.tables.columns import IDENTITY, family_of
from genreclf.tables.labels import TAGS, Tags, choose_tags, split_tags
from genreclf.tables.meta import check_meta, write_meta
from genreclf.tables.parquet import is_parquet, write_parquet
from genreclf.tables.parquet_reader import read_parquet
from genreclf.tables.reader import read_csv
from genreclf.tables.sampling import check_sample, sample_note, sample_rows

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

SUFFIXES = (".csv", ".parquet")
_CHUNK_ROWS = 10_000
__all__ = ["IDENTITY", "FeatureTable", "family_of", "table_path"]


def table_path(path: Path) -> Path:
    """The path, if a table can be written there: a file called ``.csv``, or a folder called ``.parquet``.

    The files beside a table share its name.

    Raises
    ------
    RequestError : it is a URL or ends in something else, a CSV file would replace a folder, or a folder a file.
    """
    check_local(path)
    suffix, folder = path.suffix.lower(), os.path.isdir(path)  # noqa: PTH112 - `Path.is_dir` raises where a path is too long
    if suffix not in SUFFIXES or (suffix == ".csv" and folder):
        raise RequestError(f"cannot write a table to {path}: choose a file whose name ends in {' or '.join(SUFFIXES)}")
    if suffix == ".parquet" and not folder and os.path.lexists(path):
        raise RequestError(
            f"{path}: a single file; a Parquet table is written as a folder of parts, choose another name"
        )
    return path


@dataclass(frozen=True, eq=False, repr=False)
class FeatureTable(Displayed):
    """Tracks and their features.

    Parameters
    ----------
    frame : one row a track; ``track_id`` and ``genre`` are always there, ``artist, album, title, split, path,
        digest``, ``parent_genre`` and ``tags`` (separated by ``|``) where known (empty text where not), then the
        features as float64, or as float32 where the table is kept so.
    features : names of the feature columns, in order.
    meta : what the table was made with (feature set, parameters, versions); empty for tables from elsewhere.
    notes : what was noticed while reading that the user must see.
    name : short name for reports.
    label : what the genre column was called where it came from, for example ``mood``.
    grouping : columns whose tracks stay together besides those of an artist, for example ``album``.
    path : the file that it was read from; series are beside it.
    """

    frame: pd.DataFrame
    features: tuple[str, ...]
    meta: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    name: str = "table"
    label: str = "genre"
    grouping: tuple[str, ...] = ()
    path: Path | None = None

    def __len__(self) -> int:
        return len(self.frame)

    def __repr__(self) -> str:
        made = self.meta.get("feature_set") or "from elsewhere"
        size = f"{len(self)} tracks of {len(self.genres)} genres, {len(self.features)} features"
        return f"<table {self.name}: {size}, {made}>"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the features: float64, or float32 where all of them are kept so."""
        import numpy as np

        single = all(dtype == np.float32 for dtype in self.frame.dtypes[list(self.features)])
        return np.dtype(np.float32 if single else np.float64)

    @cached_property
    def X(self) -> np.ndarray:  # noqa: N802 - scikit-learn's name
        """(tracks, features), float64, or float32 where the table is kept so; NaN where a cell of it is empty."""
        import numpy as np

        first = list(self.frame.columns).index(self.features[0])
        block = self.frame.iloc[:, first : first + len(self.features)]  # which is not copied, as a choice would be
        if tuple(block.columns) != self.features:
            block = self.frame[list(self.features)]
        return np.ascontiguousarray(block.to_numpy(dtype=self.dtype))

    @cached_property
    def incomplete(self) -> tuple[str, ...]:
        """The features with empty cells."""
        import numpy as np

        empty = np.isnan(self.X).any(axis=0)
        return tuple(name for name, some in zip(self.features, empty, strict=True) if some)

    @cached_property
    def filled(self) -> np.ndarray:
        """(tracks, features), `X` with the column's median over all tracks in empty cells: for pictures, not scores."""
        import numpy as np

        return np.where(np.isnan(self.X), np.nanmedian(self.X, axis=0), self.X) if self.incomplete else self.X

    @cached_property
    def y(self) -> np.ndarray:
        """(tracks,), genre names as an object array (CatBoost refuses pandas' own text type)."""
        return self._text("genre")

    @cached_property
    def ids(self) -> np.ndarray:
        """(tracks,), track ids as an object array."""
        return self._text("track_id")

    @cached_property
    def groups(self) -> np.ndarray | None:
        """(tracks,), artist names as an object array; None where no artist is known.

        A track whose artist is not known is a group of its own.
        """
        if "artist" not in self.frame:
            return None
        artists = self._text("artist")
        if not any(artists):
            return None
        for row, artist in enumerate(artists):
            if not artist:
                artists[row] = f"\0unknown artist of {self.ids[row]}"
        return artists

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """The genres of the table, sorted."""
        return tuple(sorted(set(self.y)))

    @cached_property
    def tags(self) -> Tags:
        """The tags of the tracks, (tracks, tags) with their names; without any where the table has none."""
        texts = self._text(TAGS) if TAGS in self.frame else [""] * len(self)
        return Tags.of([split_tags(text) for text in texts])

    def with_tags(self, tags: Tags) -> FeatureTable:
        """The same tracks with other tags."""
        return self.with_frame(self.frame.assign(**{TAGS: tags.texts()}), self.features)

    def choose_tags(self, **options: Any) -> tuple[FeatureTable, list[str]]:  # noqa: ANN401 - those of the function
        """The table with synonyms merged and rare tags left out, and notes that name them.

        See `genreclf.tables.labels.choose_tags`.
        """
        tags, notes = choose_tags(self.tags, self.groups, **options)
        return self.with_tags(tags), notes

    @cached_property
    def parents(self) -> dict[str, tuple[str, ...]]:
        """The path to each genre, topmost first, from the column ``parent_genre`` (``Rock/Metal``); empty without it.

        Raises
        ------
        RequestError : a genre has two parents.
        """
        if "parent_genre" not in self.frame:
            return {}
        found: dict[str, str] = {}
        for genre, parent in zip(self.y, self._text("parent_genre"), strict=True):
            if parent and found.setdefault(genre, parent) != parent:
                raise RequestError(
                    f"{self.name}: genre {genre!r} has two parents, {found[genre]!r} and {parent!r}, in the column "
                    "'parent_genre'; give it one"
                )
        return {genre: tuple(part.strip() for part in path.split("/")) for genre, path in found.items()}

    @cached_property
    def families(self) -> dict[str, tuple[str, ...]]:
        """Feature columns by family, in the order of the table."""
        found: dict[str, list[str]] = {}
        for column in self.features:
            found.setdefault(family_of(column), []).append(column)
        return {family: tuple(columns) for family, columns in found.items()}

    @cached_property
    def family_numbers(self) -> np.ndarray:
        """(features,), the number of each feature's family, in the order of `families`."""
        import numpy as np

        numbers = {family: number for number, family in enumerate(self.families)}
        return np.array([numbers[family_of(column)] for column in self.features], dtype=np.intp)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the ids, labels, artists and values, in hexadecimal."""
        digest = hashlib.sha256()
        texts = [self.ids, self.y] + ([] if self.groups is None else [self.groups])
        for column in texts:
            digest.update(json.dumps([str(value) for value in column]).encode())
        digest.update(json.dumps(self.features).encode())
        digest.update(self.X.data.cast("B"))
        return digest.hexdigest()

    def select(self, families: Iterable[str], *, sets: Mapping[str, Any] = MappingProxyType({})) -> FeatureTable:
        """The same tracks with the features of some families only.

        Parameters
        ----------
        families : names of families, or of feature sets of which the table has all columns.
        sets : the feature sets that can be named, `genreclf.features.FEATURE_SETS`.

        Raises
        ------
        RequestError : a family is not in the table.
        """
        wanted: set[str] = set()
        for name in families:
            found = self.families.get(name) or (sets[name].columns if name in sets else ())
            if not found or not set(found) <= set(self.features):
                raise RequestError(
                    f"no feature family {name!r} in {self.name}; choose from {', '.join(self.families)}"
                    f"{nearest(name, self.families)}"
                )
            wanted.update(found)
        columns = tuple(c for c in self.features if c in wanted)
        return self.with_frame(self.frame.drop(columns=[c for c in self.features if c not in columns]), columns)

    def take(self, rows: np.ndarray) -> FeatureTable:
        """Some rows of the table, by position or by a boolean mask."""
        import numpy as np

        positions = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else rows
        return self.with_frame(self.frame.iloc[positions].reset_index(drop=True), self.features)

    def with_frame(self, frame: pd.DataFrame, features: tuple[str, ...]) -> FeatureTable:
        """The same table with other rows or columns."""
        return replace(self, frame=frame, features=features)

    def _text(self, column: str) -> np.ndarray:
        import numpy as np

        return np.array([str(value) for value in self.frame[column]], dtype=object)

    def write(self, path: Path | str) -> None:
        """Write the table whole or not at all, and beside it what it was made with.

        Parameters
        ----------
        path : ends in ``.csv``; or in ``.parquet``, which makes a folder of parts, for pyarrow.

        Raises
        ------
        RequestError : nothing can be written there, or there is a Parquet table already.
        """
        path = table_path(Path(path))
        check_meta(path)
        if path.suffix.lower() == ".parquet":
            meta = write_parquet(path, self.frame, self.features, self.meta)
        else:
            meta = {name: value for name, value in self.meta.items() if name != "dtype"}
            _write_csv(path, self.frame)
        write_meta(path, meta)

    @classmethod
    def read(
        cls,
        path: Path | str,
        *,
        label: str | None = None,
        id: str | None = None,  # noqa: A002 - the name that the command uses
        group: str | None = None,
        sample: int | None = None,
        seed: int = 42,
    ) -> FeatureTable:
        """Read a table that genreclf wrote, or any CSV or Parquet with a label column and numeric columns.

        Parameters
        ----------
        path : a CSV file; comma, semicolon, tab or bar between columns, with or without a byte-order mark. Or a
            Parquet file, or a folder of them.
        label, id, group : columns that hold the genre, the track's id and the artist; by default ``genre``,
            ``track_id`` (or another usual name, or the row's number) and ``artist`` where there is one. Several
            columns, ``artist,album``, keep the tracks together that share a value in any of them.
        sample : take so many tracks only, drawn within each genre in its proportion, with a note; of Parquet, no other
            row is held in memory.
        seed : of that draw.

        Raises
        ------
        RequestError : the file cannot be used; the line names the row and the column.
        """
        check_local(path)
        path = Path(path)
        check_sample(sample)
        if is_parquet(path):
            return cls(**read_parquet(path, label=label, id_column=id, group=group, sample=sample, seed=seed)._asdict())
        table = cls(**read_csv(path, label=label, id_column=id, group=group)._asdict())
        if sample is None or sample >= len(table):
            return table
        taken = table.take(sample_rows(table.y, sample, seed=seed))
        return replace(taken, notes=(*table.notes, sample_note(sample, len(table), seed)))


def _write_csv(path: Path, frame: pd.DataFrame) -> None:
    """Write a data frame whole or not at all, each number as the shortest text that reads back as it."""
    with whole_file(path) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(frame.columns)
        for start in range(0, len(frame), _CHUNK_ROWS):
            rows = frame.iloc[start : start + _CHUNK_ROWS]
            writer.writerows(zip(*(_cells(rows[name]) for name in rows), strict=True))
        text.flush()
        text.detach()


def _cells(column: pd.Series[Any]) -> list[Any]:
    """The values of a column, as texts or in double precision; an empty text where there is none."""
    return ["" if value != value else value for value in column.tolist()]  # noqa: PLR0124 - NaN is not itself
