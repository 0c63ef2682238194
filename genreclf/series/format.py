"""How series are kept: a folder for each kind, with shards of values and an index of what lies where.

``TABLE.series/KIND/series.json`` says what the values are and what they were made with. ``00000.f16``, ``00001.f16``
and so on hold them, little-endian float16, frame after frame and track after track, without anything in between.
``index.jsonl`` has a line for each track. Tracks whose files are equal share their values.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec

from genreclf.errors import RequestError, one_line

HEADER, INDEX = "series.json", "index.jsonl"
VALUE_BYTES = 2
_Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]


class Header(msgspec.Struct, frozen=True):
    """What all tracks of a folder have in common.

    Parameters
    ----------
    kind : what each frame holds, for example ``mel``.
    bins : values in each frame.
    frame_rate : frames in a second.
    parameters : of the extraction: stretch of the track, sample rate.
    weights : digest of the weights of the network that computed the values; empty for none.
    versions : of the libraries that computed the values.
    """

    kind: str
    bins: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    frame_rate: Annotated[float, msgspec.Meta(gt=0, le=1e6)]
    parameters: dict[str, float | None] = {}
    weights: str = ""
    versions: dict[str, Any] = {}

    def difference(self, other: Header) -> str:
        """The first field in which other series are made otherwise; empty where none is. Versions may differ."""
        names = ("kind", "bins", "frame_rate", "parameters", "weights")
        return next((name for name in names if getattr(self, name) != getattr(other, name)), "")


class Entry(msgspec.Struct, frozen=True):
    """Where the values of a track are.

    Parameters
    ----------
    track_id : its id in the table.
    digest : of the file that was described.
    shard : number of the shard.
    offset : of the first byte in it.
    frames : how many there are.
    crc : CRC-32 of their bytes.
    """

    track_id: str
    digest: str
    shard: Annotated[int, msgspec.Meta(ge=0, le=99_999)]
    offset: _Count
    frames: Annotated[int, msgspec.Meta(ge=1, le=1 << 40)]
    crc: _Count

    def end(self, bins: int) -> int:
        """The byte in the shard after the last value."""
        return self.offset + self.frames * bins * VALUE_BYTES


def shard_path(folder: Path, number: int) -> Path:
    """The file of a shard."""
    return folder / f"{number:05d}.f16"


def read_header(folder: Path) -> Header:
    """What the series of a folder are.

    Raises
    ------
    RequestError : there are none.
    """
    path = folder / HEADER
    try:
        return msgspec.json.decode(path.read_bytes(), type=Header)
    except (FileNotFoundError, NotADirectoryError):
        raise RequestError(
            f"{folder}: no series there; make some with: genreclf extract SOURCE -o TABLE.csv --series KIND"
        ) from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise RequestError(f"{path}: damaged: {one_line(error)}; extract the series again") from None


def read_entries(folder: Path) -> tuple[dict[str, Entry], int]:
    """The entries by track id, the last of each; and how many lines are older, or torn as by a kill."""
    try:
        lines = (folder / INDEX).read_bytes().split(b"\n")
    except FileNotFoundError:
        return {}, 0
    except OSError as error:
        raise RequestError(f"{folder / INDEX}: cannot be read: {error.strerror or error}") from None
    surplus = int(lines.pop() != b"")  # what follows the last line end is torn
    decoder = msgspec.json.Decoder(Entry)
    entries: dict[str, Entry] = {}
    for line in lines:
        try:
            entry = decoder.decode(line)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            surplus += 1
        else:
            surplus += entries.pop(entry.track_id, None) is not None
            entries[entry.track_id] = entry
    return entries, surplus


def sizes(folder: Path, entries: Iterator[Entry] | list[Entry]) -> dict[int, int]:
    """The size of each shard that entries name, in bytes; -1 for one that is missing."""
    found = {}
    for number in {entry.shard for entry in entries}:
        try:
            found[number] = shard_path(folder, number).stat().st_size
        except OSError:
            found[number] = -1
    return found
