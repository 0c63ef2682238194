"""Sounds that libsndfile decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.audio.samples import mono
from genreclf.stderr import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK_SAMPLES = 1 << 21
_UNLIMITED = 1 << 62


class SndfileSound:
    """An open sound, read as mono float32 samples; see `genreclf.audio.opening.Sound` for the protocol.

    Parameters
    ----------
    reopen : opens the file anew at its beginning.
    """

    def __init__(self, reopen: Callable[[], Any]) -> None:
        self._reopen = reopen
        with quiet():
            self._file = reopen()
        self.rate: int = self._file.samplerate
        self.n_frames: int = self._file.frames
        self._block = max(1, _BLOCK_SAMPLES // self._file.channels)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def seek(self, start: int) -> None:
        """Go to sample `start`."""
        from soundfile import LibsndfileError

        try:
            with quiet():
                self._file.seek(min(start, self.n_frames))
        except LibsndfileError:
            # The file is shorter than its header says, or damaged; the decoder is of no more use then. Reading on from
            # the beginning finds what there is.
            self._rewind()
            for _ in self._blocks(start):
                pass

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` mono samples; fewer, or none, only at the end."""
        blocks = [mono(block.T) for block in self._blocks(count)]
        return np.concatenate([np.empty(0, dtype=np.float32), *blocks])

    def count(self) -> int:
        """Decode the whole sound for its true length."""
        self._rewind()
        return sum(len(block) for block in self._blocks(_UNLIMITED))

    def _rewind(self) -> None:
        self._file.close()
        with quiet():
            self._file = self._reopen()

    def _blocks(self, count: int) -> Iterator[np.ndarray]:
        """Yield the next `count` samples in (n, channels) blocks, or fewer up to the end."""
        while count > 0:
            with quiet():
                block = self._file.read(min(count, self._block), dtype="float32", always_2d=True)
            if not len(block):
                return
            yield block
            count -= len(block)
