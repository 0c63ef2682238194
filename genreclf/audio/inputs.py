"""What a sound may be given as: a path or URL, an open binary file, bytes, or samples with their rate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

import numpy as np

from genreclf.audio.samples import mono
from genreclf.errors import RequestError, TrackError
from genreclf.remote import as_location, at_hand

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | tuple[np.ndarray, int]
"""A path or URL; bytes of a file; a file open for reading bytes; (n,) or (channels, n) samples and their rate."""


class Samples:
    """Samples in memory, read as an open sound; see `genreclf.audio.opening.Sound` for the protocol."""

    def __init__(self, samples: np.ndarray, rate: int) -> None:
        given = np.asarray(samples)
        if given.ndim not in {1, 2} or 0 in given.shape[:-1] or not np.issubdtype(given.dtype, np.floating):
            raise RequestError(
                f"samples of shape {given.shape} and type {given.dtype}; "
                "floating-point samples of shape (n,) or (channels, n) are needed"
            )
        with np.errstate(over="ignore"):  # what is beyond single precision becomes infinite, and is refused later
            self._samples = np.ascontiguousarray(mono(given.astype(np.float32, copy=False)))
        self.rate = int(rate)
        self.n_frames = len(self._samples)
        self._position = 0

    def seek(self, start: int) -> None:
        """Go to sample `start`."""
        self._position = start

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` samples; fewer, or none, only at the end."""
        samples = self._samples[self._position : self._position + count]
        self._position += len(samples)
        return samples

    def count(self) -> int:
        """The length."""
        return self.n_frames


def is_samples(source: object) -> bool:
    """Whether a source is samples with their rate."""
    return isinstance(source, tuple) and len(source) == 2 and isinstance(source[0], np.ndarray)


def is_source(source: object) -> bool:
    """Whether this is one sound, and not several."""
    return isinstance(source, str | os.PathLike | bytes | bytearray | memoryview) or (
        is_samples(source) or hasattr(source, "read")
    )


def name_of(source: Source) -> str:
    """What a source is called in messages and tables."""
    if isinstance(source, str | os.PathLike):
        return os.fspath(as_location(source))
    if isinstance(source, tuple):
        return "samples"
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "bytes"


@contextmanager
def as_path(source: str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO) -> Iterator[Path]:
    """The path of a sound file; of URLs, bytes and open files, that of a copy while the context lasts.

    Decoders go by a file's name, and seek in it as they like; so what is left of an open file is copied.
    """
    if isinstance(source, str | os.PathLike):
        with at_hand(as_location(source)) as (path, _):
            yield path
        return
    with TemporaryDirectory(prefix="genreclf-") as folder:
        suffix = Path(name_of(source)).suffix
        path = Path(folder, f"sound{suffix if suffix.isascii() else ''}")
        with path.open("wb") as copy:
            if isinstance(source, bytes | bytearray | memoryview):
                copy.write(source)
            else:
                while block := source.read(1 << 20):
                    if not isinstance(block, bytes | bytearray):
                        raise TrackError("unreadable", "a file that is open as text; open it with 'rb'")
                    copy.write(block)
        yield path
