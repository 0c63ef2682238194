"""Writing series so that a kill at any moment loses nothing that was written, and doubles nothing.

The values of a track are appended to a shard first, then its line to the index, and its row to the table last: values
without a line are cut off when the series are opened again, and a track whose line leads to nothing is described again.
"""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from zlib import crc32

import msgspec
import numpy as np

from genreclf.errors import RequestError, TrackError
from genreclf.files import append_whole, cannot_write, write_whole
from genreclf.progress import SILENT, Progress
from genreclf.series.format import HEADER, INDEX, Entry, Header, read_entries, read_header, shard_path, sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARD_BYTES = 256 << 20
_LARGEST = float(np.finfo(np.float16).max)
# As of tables: a power cut loses at most what was written since the disk was last made sure.
_SYNC_SECONDS = 2.0


def as_frames(values: Any, *, bins: int, kind: str) -> np.ndarray:  # noqa: ANN401 - an array of any type
    """Values as a series keeps them: (frames, bins) float16, which cannot be written to.

    Values beyond 65,504 on either side, the largest that float16 has, become that; levels in dB, coefficients and
    activations of networks are far from it.

    Raises
    ------
    RequestError : the shape is another.
    TrackError : a value is not finite, or there is no frame.
    """
    found = np.asarray(values)
    if found.ndim != 2 or found.shape[1] != bins or not bins:
        raise RequestError(f"{kind}: values of shape {found.shape}; (frames, {bins or 'bins'}) are needed")
    if not len(found):
        raise TrackError("too-short", f"too short for one frame of {kind}")
    if not np.isfinite(found).all():
        raise TrackError("not-finite", f"its {kind} series is not finite")
    frames = np.ascontiguousarray(np.clip(found, -_LARGEST, _LARGEST), dtype="<f2")
    frames.setflags(write=False)
    return frames


class SeriesStore(AbstractContextManager["SeriesStore"]):
    """The series of one kind, open for writing; whoever opens it holds the lock of the table.

    ``entries`` are by track id.

    Parameters
    ----------
    folder : of this kind.
    header : what the values are; must equal what an existing folder has, but for the versions.
    shard_bytes : a shard that holds so much is followed by another.

    Raises
    ------
    RequestError : the folder holds something else, or series made with other parameters, or cannot be written.
    """

    def __init__(
        self, folder: Path, header: Header, *, shard_bytes: int = SHARD_BYTES, progress: Progress = SILENT
    ) -> None:
        self.folder = folder
        self.header = header
        self.entries: dict[str, Entry] = {}
        self._by_digest: dict[str, Entry] = {}
        self._shard_bytes = shard_bytes
        self._progress = progress
        self._number = 0
        self._shard: io.FileIO | None = None
        self._index: io.FileIO | None = None
        self._superseded = False
        self._synced = time.monotonic()

    def __enter__(self) -> Self:
        with self._writing():
            self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for stream in (self._shard, self._index):
            if stream is not None:
                stream.close()

    def has(self, track_id: str, digest: str) -> bool:
        """Whether the series of a track is there, of a file of this digest."""
        entry = self.entries.get(track_id)
        return entry is not None and entry.digest == digest

    def append(self, track_id: str, digest: str, frames: np.ndarray) -> None:
        """Write the (frames, bins) float16 series of a track; those of an equal file are not written again."""
        if self.has(track_id, digest):
            return
        with self._writing():
            there = self._by_digest.get(digest)
            if there is None:
                there = self._put(track_id, digest, frames)
            self._add(msgspec.structs.replace(there, track_id=track_id))
            if time.monotonic() - self._synced > _SYNC_SECONDS:
                self._sync()

    def finish(self, digests: Mapping[str, str]) -> None:
        """Put the index in the order of these tracks' ids and leave out others, and files that have changed."""
        wanted = [track_id for track_id in sorted(digests) if self.has(track_id, digests[track_id])]
        with self._writing():
            self._sync()
            if self._superseded or wanted != list(self.entries):
                self._rewrite([self.entries[track_id] for track_id in wanted])

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise cannot_write(self.folder, error) from error

    def _open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        if (self.folder / HEADER).exists():
            self._check_header()
        elif any(self.folder.iterdir()):
            raise RequestError(
                f"{self.folder}: is there already and does not hold series; choose another name for the table"
            )
        else:
            write_whole(self.folder / HEADER, msgspec.json.format(msgspec.json.encode(self.header)) + b"\n")
        entries, surplus = read_entries(self.folder)
        size = sizes(self.folder, list(entries.values()))
        bins = self.header.bins
        whole = [entry for entry in entries.values() if entry.end(bins) <= size[entry.shard]]
        if len(whole) < len(entries):
            lost = len(entries) - len(whole)
            self._progress.message(f"{self.folder}: the values of {lost} tracks are missing; they are computed again")
        if surplus or len(whole) < len(entries):
            self._rewrite(whole)
        else:
            self._take(whole)
        ends: dict[int, int] = {}
        for entry in whole:
            ends[entry.shard] = max(ends.get(entry.shard, 0), entry.end(bins))
        self._number = max(ends, default=0)
        for path in self.folder.glob("[0-9][0-9][0-9][0-9][0-9].f16"):  # values without a line in the index
            if int(path.stem) not in ends:
                path.unlink()
            else:
                os.truncate(path, ends[int(path.stem)])
        self._shard = shard_path(self.folder, self._number).open("ab", buffering=0)

    def _check_header(self) -> None:
        there = read_header(self.folder)
        if name := there.difference(self.header):
            raise RequestError(
                f"{self.folder}: was made with {name} {getattr(there, name)}, this run asks for "
                f"{getattr(self.header, name)}; choose another table with -o, or delete this folder to start over"
            )

    def _take(self, entries: list[Entry]) -> None:
        self.entries = {entry.track_id: entry for entry in entries}
        self._by_digest = {entry.digest: entry for entry in entries}
        self._index = (self.folder / INDEX).open("ab", buffering=0)
        self._superseded = False

    def _rewrite(self, entries: list[Entry]) -> None:
        if self._index is not None:
            self._index.close()
        write_whole(self.folder / INDEX, b"".join(map(_line, entries)))
        self._take(entries)

    def _put(self, track_id: str, digest: str, frames: np.ndarray) -> Entry:
        """Write the values behind those that are there."""
        assert self._shard is not None, "the store is open"  # noqa: S101
        data = frames.data.cast("B")
        offset = os.fstat(self._shard.fileno()).st_size
        if offset and offset + len(data) > self._shard_bytes:
            os.fsync(self._shard.fileno())
            self._shard.close()
            self._number, offset = self._number + 1, 0
            self._shard = shard_path(self.folder, self._number).open("wb", buffering=0)
        try:
            written = 0
            while written < len(data):
                step = self._shard.write(data[written:])
                if not step:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                written += step
        except OSError:
            with suppress(OSError):
                self._shard.truncate(offset)
            raise
        return Entry(track_id, digest, self._number, offset, len(frames), crc32(data))

    def _add(self, entry: Entry) -> None:
        assert self._index is not None, "the store is open"  # noqa: S101
        append_whole(self._index, _line(entry), size=os.fstat(self._index.fileno()).st_size)
        self._superseded |= self.entries.pop(entry.track_id, None) is not None
        self.entries[entry.track_id] = self._by_digest[entry.digest] = entry

    def _sync(self) -> None:
        for stream in (self._shard, self._index):
            if stream is not None:
                os.fsync(stream.fileno())
        self._synced = time.monotonic()


class SeriesStores(AbstractContextManager["SeriesStores"]):
    """The series of all kinds beside a table, open for writing; there may be none.

    Parameters
    ----------
    folder : ``TABLE.series``.
    headers : of each kind.
    """

    def __init__(self, folder: Path, headers: Sequence[Header], *, progress: Progress = SILENT) -> None:
        self._stores = {header.kind: SeriesStore(folder / header.kind, header, progress=progress) for header in headers}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for store in self._stores.values():
                opening.enter_context(store)
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def has(self, track_id: str, digest: str) -> bool:
        """Whether the series of a track are there in every kind, of a file of this digest."""
        return all(store.has(track_id, digest) for store in self._stores.values())

    def append(self, track_id: str, digest: str, series: Mapping[str, np.ndarray]) -> None:
        """Write the series of a track, by kind."""
        for kind, frames in series.items():
            self._stores[kind].append(track_id, digest, frames)

    def finish(self, digests: Mapping[str, str]) -> None:
        """See `SeriesStore.finish`."""
        for store in self._stores.values():
            store.finish(digests)


def _line(entry: Entry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"
