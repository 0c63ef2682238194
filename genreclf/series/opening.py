"""Opening what ``genreclf extract --series`` wrote: values are mapped into memory when they are read."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from genreclf.errors import RequestError
from genreclf.series.format import HEADER, Entry, Header, read_entries, read_header, shard_path, sizes
from genreclf.series.series import Series
from genreclf.tables.meta import beside

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

_SUFFIX = ".series"


def series_folder(table: Path) -> Path:
    """The folder of the series beside a table, or beside what leads to it as a link."""
    return beside(Path(os.path.realpath(table)), _SUFFIX)


def kinds_in(folder: Path) -> list[str]:
    """The kinds of series in the folder beside a table."""
    return sorted(place.parent.name for place in folder.glob(f"*/{HEADER}"))


def open_series(path: Path | str, *, kind: str | None = None) -> Series:
    """Open series.

    Parameters
    ----------
    path : a table with series beside it, their folder ``TABLE.series``, or the folder of one kind in that.
    kind : which of several kinds; None where there is one.

    Raises
    ------
    RequestError : there are none, or none or several of that kind, or a file is not as the index says.
    """
    place = Path(path)
    if place.suffix != _SUFFIX and not (place / HEADER).exists():
        place = series_folder(place)
    if not (place / HEADER).exists():
        place = _of_kind(place, kind)
    elif kind is not None and read_header(place).kind != kind:
        raise RequestError(f"{place}: series of kind {read_header(place).kind}, not {kind}")
    header, (entries, _) = read_header(place), read_entries(place)
    if not entries:
        raise RequestError(f"{place}: no tracks yet; run the command that made it to the end")
    return Series(_Files(place, header, entries))


def find_series(table: FeatureTable, series: Series | str | Path | None) -> Series:
    """Series for a table, of other tracks as well.

    Parameters
    ----------
    series : a `Series`; a kind of series beside the table; the path of some; None for the one kind beside the table.

    Raises
    ------
    RequestError : there are none.
    """
    if isinstance(series, Series):
        return series
    path = Path(series or "")
    if series is not None and (isinstance(series, Path) or len(path.parts) > 1 or path.exists()):
        return open_series(path)
    if table.path is None:
        raise RequestError(f"{table.name}: not read from a file, so no series are beside it; give their path")
    return open_series(table.path, kind=None if series is None else str(series))


def series_of(table: FeatureTable, series: Series | str | Path | None) -> Series:
    """The series of a table's tracks, in their order; see `find_series`.

    Raises
    ------
    RequestError : there are none, or not of all tracks.
    """
    series = find_series(table, series)
    digests = [str(digest) for digest in table.frame["digest"]] if "digest" in table.frame else None
    return series.matching([str(name) for name in table.ids], digests)


def _of_kind(folder: Path, kind: str | None) -> Path:
    kinds = kinds_in(folder)
    if not kinds or (kind is not None and kind not in kinds):
        there = f"; there are {', '.join(kinds)}" if kinds else ""
        what = f"no {kind} series" if kind else "no series"
        raise RequestError(f"{folder}: {what}{there}; make them with: genreclf extract --series {kind or 'KIND'}")
    if kind is None and len(kinds) > 1:
        raise RequestError(f"{folder}: series of several kinds; choose one of {', '.join(kinds)}")
    return folder / (kind or kinds[0])


class _Files:
    """A source on disk. Only what is held is mapped, so that a limit on address space does not count the files."""

    def __init__(self, folder: Path, header: Header, entries: dict[str, Entry]) -> None:
        found = list(entries.values())
        self.header = header
        self.track_ids = tuple(entries)
        self.digests = tuple(entry.digest for entry in found)
        self.lengths = np.array([entry.frames for entry in found], dtype=np.int64)
        self._folder = folder.absolute()
        self.checksums = np.array([entry.crc for entry in found], dtype=np.int64)
        self._places = np.array([(entry.shard, entry.offset) for entry in found], dtype=np.int64)
        self._checked = np.zeros(len(found), dtype=bool)
        size = sizes(folder, found)
        for entry in found:
            if entry.end(header.bins) > size[entry.shard]:
                raise self._damaged(entry.shard, "shorter than its index says")

    def frames(self, track: int) -> np.ndarray:
        shard, offset = map(int, self._places[track])
        shape = (int(self.lengths[track]), self.header.bins)
        path = shard_path(self._folder, shard)
        try:
            values = np.memmap(path, dtype="<f2", mode="r", offset=offset, shape=shape)
        except FileNotFoundError:
            raise self._damaged(shard, "no longer there") from None
        except ValueError:
            raise self._damaged(shard, "shorter than its index says") from None
        except OSError as error:
            raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None
        if not self._checked[track]:
            if crc32(values.data) != self.checksums[track]:
                raise self._damaged(shard, f"the values of {self.track_ids[track]!r} have changed")
            self._checked[track] = True
        return np.asarray(values)

    def _damaged(self, shard: int, reason: str) -> RequestError:
        path = shard_path(self._folder, shard)
        return RequestError(f"{path}: {reason}; delete this file and extract again, which computes what it held")
