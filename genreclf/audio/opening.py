"""Opening: a path becomes an open sound, by the decoder that knows its kind."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections import Counter
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, Protocol

from genreclf.audio.inputs import Samples, as_path
from genreclf.audio.pyav import open_with_av
from genreclf.audio.samples import HIGHEST_RATE, LOWEST_RATE
from genreclf.audio.sndfile import open_with_libsndfile
from genreclf.errors import TrackError
from genreclf.forks import unforked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    import numpy as np

    from genreclf.audio.inputs import Source
    from genreclf.remote import Url

EXTRA_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".wma"})
AUDIO_SUFFIXES = EXTRA_SUFFIXES | {
    ".wav", ".w64", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".caf",
}  # fmt: skip


def missing_extras(paths: Iterable[Path | Url]) -> list[str]:
    """What has to be installed before files of these names can be read, a line for each kind of file."""
    kinds = Counter(path.suffix.lower() for path in paths)
    if find_spec("av"):
        return []
    return [
        f'{count} {kind[1:]} file{" needs" if count == 1 else "s need"} PyAV: pip install "genreclf[m4a]"'
        for kind, count in sorted(kinds.items())
        if kind in EXTRA_SUFFIXES
    ]


class Sound(Protocol):
    """An open sound file, read as mono float32 samples."""

    rate: int
    """In Hz."""

    n_frames: int
    """The length in samples according to the header, 0 where that does not say; the file may hold less."""

    def seek(self, start: int) -> None:
        """Go to sample `start`; where that cannot be reached, `read` finds nothing."""

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` samples; fewer, or none, only at the end."""

    def count(self) -> int:
        """Decode the whole file for its true length."""


@contextlib.contextmanager
def open_sound(source: Source) -> Iterator[Sound]:
    """Open what holds sound, a regular file where it is a path, with every failure told as a `TrackError`.

    What libsndfile does not know, or finds no samples in, PyAV may decode: it knows more kinds, and does not go by
    every length that a header states.
    """
    with contextlib.ExitStack() as stack:
        if isinstance(source, tuple):
            sound: Sound = Samples(*source)
        else:
            path = stack.enter_context(as_path(source))
            check_file(path)
            with unforked():
                sound = _opened(path, stack)
        if not LOWEST_RATE <= sound.rate <= HIGHEST_RATE:
            raise TrackError(
                "odd-rate", f"the sample rate {sound.rate} Hz is not between {LOWEST_RATE} and {HIGHEST_RATE}"
            )
        yield sound


def _opened(path: Path, stack: contextlib.ExitStack) -> Sound:
    try:
        return stack.enter_context(open_with_libsndfile(path))
    except TrackError as refused:
        check_file(path)
        try:
            return stack.enter_context(open_with_av(path))
        except TrackError as error:
            raise (error if path.suffix.lower() in EXTRA_SUFFIXES else refused) from error


def check_file(path: Path) -> None:
    """Raise a `TrackError` unless `path` is a regular, readable file with something in it that may be sound."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            # A pipe is never opened: that would wait for its other end.
            with path.open("rb") as file:
                dump = _is_sample_dump(file)
    except (OSError, ValueError) as error:
        raise _refusal(error) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise TrackError("not-a-file", f"{kind}, not a file")
    if not status.st_size:
        raise TrackError("empty", "the file has no bytes")
    if dump:
        raise TrackError("unreadable", "a MIDI sample dump, which is not read")


def _is_sample_dump(file: BinaryIO) -> bool:
    """Whether libsndfile would take an open file for a MIDI sample dump, whose reader prints to standard output."""
    while (head := file.read(10))[:3] == b"ID3" and len(head) == 10:
        size = 0
        for byte in head[6:]:
            size = size << 7 | byte & 0x7F
        file.seek(size, os.SEEK_CUR)
    return head[:2] == b"\xf0\x7e"


def _refusal(error: OSError | ValueError) -> TrackError:
    """Why a file cannot be looked at."""
    number = error.errno if isinstance(error, OSError) else errno.ENOENT  # a name with a zero byte
    if number in {errno.EACCES, errno.EPERM}:
        return TrackError("no-permission", "the file may not be read")
    if number == errno.EIO:
        return TrackError("unreadable", "the disk cannot read the file")
    if number == errno.ELOOP:
        return TrackError("missing", "its link leads in a circle")
    if number in {errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG}:
        return TrackError("missing", "there is no such file")
    return TrackError("system", f"the system cannot open the file now: {os.strerror(number or 0).lower()}")
