"""Sounds that libsndfile decodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.audio.samples import mono
from genreclf.stderr import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_BLOCK_SAMPLES = 1 << 22
_UNLIMITED = 1 << 62
_WITH_MEMORY = frozenset({"MP3", "OGG"})


class SndfileSound:
    """An open sound, read as mono float32 samples; see `genreclf.audio.opening.Sound` for the protocol.

    The decoders of mp3, Vorbis and Opus carry something over from one packet to the next, which a seek takes from
    them: at up to 48 kbit/s an mp3's samples are wrong for up to a tenth of a second after it. soundfile itself seeks
    after each read. So each window is one seek of a file just opened and one read, as in ``librosa.load``, and has
    its samples, whatever was read before.

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
        self._position = 0
        self._seekable = True

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def seek(self, start: int) -> None:
        """Go to sample `start`."""
        from soundfile import LibsndfileError

        remembers = self._file.format in _WITH_MEMORY and self._seekable
        if start == self._position and not (start and remembers):
            return
        if self._position and remembers:
            self._rewind()
        self._position = start
        try:
            with quiet():
                self._file.seek(min(start, self.n_frames))
        except LibsndfileError:
            # The file is shorter than its header says, or damaged; the decoder is of no more use then. Reading on from
            # the beginning finds what there is.
            self._seekable = False
            self._rewind()
            for _ in self._blocks(start):
                pass

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` mono samples; fewer, or none, only at the end."""
        # An mp3 in one call, however long: it has two channels at most.
        longest = max(1, count) if self._file.format == "MP3" else None
        blocks = [mono(block.T) for block in self._blocks(count, longest)]
        return blocks[0] if len(blocks) == 1 else np.concatenate([np.empty(0, dtype=np.float32), *blocks])

    def count(self) -> int:
        """Decode the whole sound for its true length."""
        self._rewind()
        return sum(len(block) for block in self._blocks(_UNLIMITED))

    def _rewind(self) -> None:
        self._file.close()
        with quiet():
            self._file = self._reopen()
        self._position = 0

    def _blocks(self, count: int, longest: int | None = None) -> Iterator[np.ndarray]:
        """Yield the next `count` samples in (n, channels) blocks of up to `longest`, or fewer up to the end."""
        longest = longest or max(1, _BLOCK_SAMPLES // self._file.channels)
        while count > 0:
            with quiet():
                block = self._file.read(min(count, longest), dtype="float32", always_2d=True)
            if not len(block):
                return
            self._position += len(block)
            count -= len(block)
            yield block
