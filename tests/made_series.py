"""Made-up series for the tests: what tells genres apart is in the order of the frames, or in their mean."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genreclf.series import Series, SeriesStore, as_frames, open_series, series_of_arrays
from genreclf.series.format import Header

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable


def made_up_arrays(
    y: np.ndarray, *, bins: int = 4, frames: tuple[int, int] = (8, 16), ordered: bool = False, seed: int = 0
) -> list[np.ndarray]:
    """(frames, bins) of each track, by its genre: noise around a vector of the genre.

    With `ordered` the vector stands in the first half and its negative in the second, or the other way round, by the
    parity of the genre's number, so that means and standard deviations over the frames tell nothing.
    """
    rng = np.random.default_rng(seed)
    codes = np.unique(np.asarray(y, dtype=str), return_inverse=True)[1]
    centres = rng.normal(scale=2.0, size=(codes.max() + 1, bins))
    found = []
    for code in codes:
        length = int(rng.integers(frames[0], frames[1], endpoint=True))
        values = rng.normal(size=(length, bins))
        if ordered:
            half = length // 2
            rising = np.r_[np.ones(half), np.zeros(length - 2 * half), -np.ones(half)]
            values += (1 if code % 2 else -1) * rising[:, None] * centres[code // 2]
        else:
            values += centres[code]
        found.append(values)
    return found


def made_up_series(table: FeatureTable, *, frame_rate: float = 1 / 3, **options: object) -> Series:
    """A series in memory of the tracks of a table; see `made_up_arrays` for the options."""
    arrays = made_up_arrays(table.y, **options)  # type: ignore[arg-type]
    return series_of_arrays("made", arrays, frame_rate=frame_rate, track_ids=list(table.ids))


def write_series(
    folder: Path, arrays: list[np.ndarray], track_ids: list[str], *, kind: str = "made", shard_bytes: int = 1 << 20
) -> Series:
    """The same on disk, in ``FOLDER/KIND``; the digest of each track is its id."""
    header = Header(kind, arrays[0].shape[1], 1 / 3)
    with SeriesStore(folder / kind, header, shard_bytes=shard_bytes) as store:
        for track_id, array in zip(track_ids, arrays, strict=True):
            store.append(track_id, track_id, as_frames(array, bins=header.bins, kind=kind))
        store.finish(dict(zip(track_ids, track_ids, strict=True)))
    return open_series(folder / kind)
