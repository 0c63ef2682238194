"""Series as an array-like of tracks: indexed, cut into folds and pickled like an array, and read when needed.

Each track has shape (frames, bins), and tracks may differ in frames. Values are float16: 11 significant bits, so that a
level of -80 dB is stored to the nearest 0.06 dB.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Protocol, overload
from zlib import crc32

import numpy as np

from genreclf.errors import RequestError
from genreclf.series.format import Header

BATCH = 64
_MOST_BYTES = 128 << 20  # of one padded batch


class Source(Protocol):
    """Where the values of a series are: files, or arrays in memory."""

    @property
    def header(self) -> Header:
        """What all tracks have in common."""

    @property
    def track_ids(self) -> Sequence[str]:
        """(tracks,)."""

    @property
    def digests(self) -> Sequence[str]:
        """(tracks,), of the files that were described; empty where there is no file."""

    @property
    def lengths(self) -> np.ndarray:
        """(tracks,), frames of each."""

    @property
    def checksums(self) -> np.ndarray:
        """(tracks,) int64, CRC-32 of the bytes of each."""

    def frames(self, track: int) -> np.ndarray:
        """(frames, bins) float16 of one track, which cannot be written to."""


class Series:
    """Some tracks of a source, in some order.

    ``series[3]`` is the (frames, bins) float16 array of a track, a read-only memory map where it is on disk;
    ``series[rows]`` with a slice, integers or a mask is the series of those tracks, which reads nothing and pickles
    small. Estimators that take series get one as their X, so that scikit-learn's folds select tracks.

    Parameters
    ----------
    source : where the values are.
    rows : (tracks,), which tracks of the source, by number; None for all.
    """

    def __init__(self, source: Source, rows: np.ndarray | None = None) -> None:
        self._source = source
        self._rows = np.arange(len(source.lengths)) if rows is None else rows

    def __repr__(self) -> str:
        return f"<series {self.kind}: {len(self)} tracks, {self.bins} bins at {self.frame_rate:.4g} frames/s>"

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def shape(self) -> tuple[int]:
        """(tracks,), as scikit-learn asks for it."""
        return (len(self),)

    @property
    def header(self) -> Header:
        """What the values are, and what they were made with."""
        return self._source.header

    @property
    def kind(self) -> str:
        """What each frame holds, for example ``mel``."""
        return self.header.kind

    @property
    def bins(self) -> int:
        """Values in each frame."""
        return self.header.bins

    @property
    def frame_rate(self) -> float:
        """Frames in a second."""
        return float(self.header.frame_rate)

    @property
    def track_ids(self) -> tuple[str, ...]:
        """(tracks,)."""
        return tuple(self._source.track_ids[row] for row in self._rows.tolist())

    @property
    def digests(self) -> tuple[str, ...]:
        """(tracks,), of the files that were described; empty where there is no file."""
        return tuple(self._source.digests[row] for row in self._rows.tolist())

    @property
    def lengths(self) -> np.ndarray:
        """(tracks,) int64, frames of each."""
        return self._source.lengths[self._rows]

    @property
    def checksums(self) -> np.ndarray:
        """(tracks,) int64, CRC-32 of the bytes of each."""
        return self._source.checksums[self._rows]

    @property
    def digest(self) -> str:
        """BLAKE2b of the kind and the values of the tracks in their order, in hexadecimal."""
        digest = hashlib.blake2b(f"{self.kind} {self.bins} {self.frame_rate!r}".encode(), digest_size=10)
        digest.update(np.c_[self.lengths, self.checksums].tobytes())
        return digest.hexdigest()

    def described(self) -> dict[str, Any]:
        """What the series are, in plain values."""
        lengths = self.lengths
        return {
            "kind": self.kind,
            "bins": self.bins,
            "frame_rate": round(self.frame_rate, 6),
            "digest": self.digest,
            "frames": {"fewest": int(lengths.min()), "median": float(np.median(lengths)), "most": int(lengths.max())},
        }

    @overload
    def __getitem__(self, key: int) -> np.ndarray: ...
    @overload
    def __getitem__(self, key: slice | np.ndarray | Sequence[int] | tuple[Any, ...]) -> Series: ...
    def __getitem__(self, key: Any) -> np.ndarray | Series:
        if isinstance(key, tuple):  # scikit-learn writes X[rows, ...]
            key = key[0]
        if isinstance(key, int | np.integer):
            return self._source.frames(int(self._rows[key]))
        return Series(self._source, self._rows[key if isinstance(key, slice) else np.asarray(key)])

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[track] for track in range(len(self)))

    def matching(self, track_ids: Sequence[str], digests: Sequence[str] | None = None) -> Series:
        """The series of these tracks, in their order.

        Parameters
        ----------
        track_ids : (tracks,).
        digests : (tracks,), of their files; None, or empty, where unknown. A track is found by its id if the digest is
            the same, and else, as one of another name, by the digest.

        Raises
        ------
        RequestError : there is no series of some of them.
        """
        source = self._source
        by_digest = {source.digests[row]: row for row in self._rows.tolist() if source.digests[row]}
        by_id = {source.track_ids[row]: row for row in self._rows.tolist()}
        found: list[int | None] = []
        for track_id, digest in zip(track_ids, digests or [""] * len(track_ids), strict=True):
            row = by_id.get(track_id)
            same = row is not None and (not digest or source.digests[row] in ("", digest))
            found.append(row if same else by_digest.get(digest))
        if None in found:
            raise RequestError(
                f"no {self.kind} series of {found.count(None)} of {len(found)} tracks, "
                f"{track_ids[found.index(None)]!r} the first; extract them with --series {self.kind}"
            )
        return Series(source, np.array(found, dtype=np.intp))

    def batch(
        self,
        tracks: np.ndarray | Sequence[int],
        *,
        frames: int | None = None,
        starts: np.ndarray | Sequence[int] | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Some tracks as one array.

        Parameters
        ----------
        tracks : (n,), by number.
        frames : longer tracks are cut to so many; None keeps the longest whole.
        starts : (n,), frames where the cuts begin; None takes the middle.

        Returns
        -------
        (values, lengths) : (n, longest, bins) float32, zeros after the end of shorter tracks, and (n,) int64, the
            frames of each.
        """
        numbers = np.asarray(tracks, dtype=np.intp)
        whole = self.lengths[numbers]
        lengths = whole if frames is None else np.minimum(whole, frames)
        begins = (whole - lengths) // 2 if starts is None else np.minimum(starts, whole - lengths)
        values = np.zeros((len(numbers), int(lengths.max(initial=0)), self.bins), dtype=np.float32)
        for place, (number, start, length) in enumerate(zip(numbers, begins, lengths, strict=True)):
            values[place, :length] = self[int(number)][start : start + length]
        return values, lengths

    def batches(
        self, *, size: int = BATCH, frames: int | None = None, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """All tracks, some at a time: (tracks, values, lengths), see `batch`.

        A batch has at most 128 MiB, so that long tracks come in smaller ones, alone at the last.

        Parameters
        ----------
        size : tracks in a batch.
        frames : longer tracks are cut to so many: from the middle, or at random where there is an `rng`.
        rng : shuffles the tracks; None leaves their order.
        """
        order = np.arange(len(self)) if rng is None else rng.permutation(len(self))
        for tracks in self._divided(order, size, frames):
            starts = None
            if rng is not None and frames is not None:
                starts = rng.integers(0, np.maximum(self.lengths[tracks] - frames, 0), endpoint=True)
            yield tracks, *self.batch(tracks, frames=frames, starts=starts)

    def _divided(self, order: np.ndarray, size: int, frames: int | None) -> Iterator[np.ndarray]:
        """The order in parts of at most `size` tracks, whose padded batch has no more than so many bytes."""
        lengths = self.lengths[order] if frames is None else np.minimum(self.lengths[order], frames)
        start = longest = 0
        for place, length in enumerate(lengths):
            wider = max(longest, int(length))
            bytes_ = wider * (place - start + 1) * self.bins * 4
            if place > start and (place - start == size or bytes_ > _MOST_BYTES):
                yield order[start:place]
                start, wider = place, int(length)
            longest = wider
        if len(order):
            yield order[start:]


class _Arrays:
    """A source in memory."""

    def __init__(self, header: Header, arrays: Sequence[np.ndarray], track_ids: Sequence[str]) -> None:
        self.header = header
        self.track_ids = tuple(track_ids)
        self.digests = ("",) * len(arrays)
        self.lengths = np.array([len(array) for array in arrays], dtype=np.int64)
        self.checksums = np.array([crc32(array.data) for array in arrays], dtype=np.int64)
        self._arrays = arrays

    def frames(self, track: int) -> np.ndarray:
        return self._arrays[track]


class _Joined:
    """Several series, one after another, under other ids."""

    def __init__(self, parts: Sequence[Series], track_ids: Sequence[str]) -> None:
        self.header = parts[0].header
        self.track_ids = track_ids
        self.digests = tuple(digest for part in parts for digest in part.digests)
        self.lengths = np.concatenate([part.lengths for part in parts])
        self.checksums = np.concatenate([part.checksums for part in parts])
        self._places = [(part, track) for part in parts for track in range(len(part))]

    def frames(self, track: int) -> np.ndarray:
        part, number = self._places[track]
        return part[number]


def join_series(parts: Sequence[Series], track_ids: Sequence[str]) -> Series:
    """Several series as one, whose values stay where they are.

    Parameters
    ----------
    track_ids : of all tracks, in their order.

    Raises
    ------
    RequestError : they were not made alike.
    """
    first = parts[0].header
    for other in (part.header for part in parts[1:]):
        if name := first.difference(other):
            raise RequestError(
                f"series made with {name} {getattr(first, name)} and with {getattr(other, name)}; extract them alike"
            )
    return Series(_Joined(parts, track_ids))


def series_of_arrays(
    kind: str,
    arrays: Collection[np.ndarray],
    *,
    frame_rate: float,
    track_ids: Sequence[str] | None = None,
    parameters: Mapping[str, float | None] | None = None,
    weights: str = "",
) -> Series:
    """A series in memory, as for tracks that are to be predicted.

    Parameters
    ----------
    kind : what each frame holds, for example ``mel``.
    arrays : (frames, bins) of each track, at least one; they become float16, as on disk.
    frame_rate : frames in a second.
    track_ids : one for each; None numbers them from 1.
    parameters, weights : what they were made with, see `genreclf.series.Header`.

    Raises
    ------
    RequestError : the arrays are not of two dimensions, finite, and as wide as each other.
    """
    from genreclf.series.store import as_frames

    found = list(arrays)
    if not found:
        raise RequestError("no arrays; a series has at least one track")
    bins = np.shape(found[0])[-1] if np.ndim(found[0]) == 2 else 0
    ids = track_ids or [str(number) for number in range(1, len(found) + 1)]
    frames = [as_frames(array, bins=bins, kind=kind) for array in found]
    return Series(_Arrays(Header(kind, bins, frame_rate, dict(parameters or {}), weights), frames, ids))
