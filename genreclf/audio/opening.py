"""Opening: a path becomes an open sound, by the decoder that knows its kind."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING, Protocol

from genreclf.audio.samples import HIGHEST_RATE, LOWEST_RATE
from genreclf.audio.sndfile import SndfileSound
from genreclf.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np

EXTRA_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".wma"})
AUDIO_SUFFIXES = EXTRA_SUFFIXES | {
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au",
}  # fmt: skip


class Sound(Protocol):
    """An open sound file, read as mono float32 samples."""

    rate: int
    """In Hz."""

    n_frames: int
    """The length in samples according to the header; the file may hold less."""

    def seek(self, start: int) -> None:
        """Go to sample `start`; where that cannot be reached, `read` finds nothing."""

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` samples; fewer, or none, only at the end."""

    def count(self) -> int:
        """Decode the whole file for its true length."""


@contextlib.contextmanager
def open_sound(path: Path) -> Iterator[Sound]:
    """Open a regular file that holds sound, with every failure told as a `TrackError`."""
    _check_file(path)
    import soundfile

    # As bytes, since a name need not be valid text; by name and not by descriptor, since libsndfile finds an mp3
    # behind junk by its suffix.
    name = os.fsencode(path) if os.name == "posix" else str(path)
    try:
        sound = SndfileSound(lambda: soundfile.SoundFile(name))
    except TypeError as error:
        # By its name headerless, so that nothing says which rate and sample format it has.
        raise TrackError("unreadable", f"{path.suffix} files do not say what sound they hold") from error
    except (soundfile.LibsndfileError, OSError) as error:
        if path.suffix.lower() in EXTRA_SUFFIXES:
            from genreclf.audio.pyav import open_with_av

            with open_with_av(path) as compressed:
                yield _checked(compressed)
            return
        _check_file(path)
        raise TrackError("unreadable", "not a sound file of a known kind") from error
    with contextlib.closing(sound):
        try:
            yield _checked(sound)
        except (soundfile.LibsndfileError, OSError) as error:
            raise TrackError("unreadable", f"damaged: {_cause(error)}") from error


def _checked(sound: Sound) -> Sound:
    if not LOWEST_RATE <= sound.rate <= HIGHEST_RATE:
        raise TrackError("odd-rate", f"the sample rate {sound.rate} Hz is not between {LOWEST_RATE} and {HIGHEST_RATE}")
    return sound


def _cause(error: Exception) -> str:
    """What the decoder said, without the file's name."""
    return str(getattr(error, "error_string", error)).strip().rstrip(".").lower()


def _check_file(path: Path) -> None:
    """Raise a `TrackError` unless `path` is a regular, readable file with something in it."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            # A pipe is never opened: that would wait for its other end.
            os.close(os.open(path, os.O_RDONLY))
    except PermissionError as error:
        raise TrackError("no-permission", "the file may not be read") from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.EIO:
            raise TrackError("unreadable", "the disk cannot read the file") from error
        loop = isinstance(error, OSError) and error.errno == errno.ELOOP
        raise TrackError("missing", "its link leads in a circle" if loop else "there is no such file") from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe or a device"
        raise TrackError("not-a-file", f"{kind}, not a file")
    if not status.st_size:
        raise TrackError("empty", "the file has no bytes")
