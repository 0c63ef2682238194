"""Sounds that libsndfile decodes."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.audio.samples import mono
from genreclf.audio.windowing import stated_length
from genreclf.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF", "FLAC", "OGG", "MP3"})

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
        self._file = reopen()
        self.rate: int = self._file.samplerate
        self.n_frames = stated_length(self._file.frames)
        self.empty: bool = self._file.frames <= 0
        self.format: str = self._file.format
        self._position = 0
        self._seekable = True
        self._ended = False

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def seek(self, start: int) -> None:
        """Go to sample `start`."""
        from soundfile import LibsndfileError

        remembers = self.format in _WITH_MEMORY and self._seekable
        if start == self._position and not (start and remembers):
            return
        if self._ended or (self._position and remembers):
            self._rewind()
        self._position = start
        try:
            self._file.seek(min(start, self._file.frames))
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
        longest = max(1, count) if self.format == "MP3" else None
        blocks = [mono(block.T) for block in self._blocks(count, longest)]
        return blocks[0] if len(blocks) == 1 else np.concatenate([np.empty(0, dtype=np.float32), *blocks])

    def count(self) -> int:
        """Decode the whole sound for its true length."""
        self._rewind()
        return sum(len(block) for block in self._blocks(_UNLIMITED))

    def _rewind(self) -> None:
        self._file.close()
        self._file = self._reopen()
        self._position = 0
        self._ended = False

    def _blocks(self, count: int, longest: int | None = None) -> Iterator[np.ndarray]:
        """Yield the next `count` samples in (n, channels) blocks of up to `longest`, or fewer up to the end."""
        longest = longest or max(1, _BLOCK_SAMPLES // self._file.channels)
        while count > 0 and len(block := self._decoded(min(count, longest))):
            self._position += len(block)
            count -= len(block)
            yield block

    def _decoded(self, count: int) -> np.ndarray:
        """The next `count` samples, (n, channels), or fewer before the end or a damage."""
        from soundfile import LibsndfileError

        if self._ended:
            return np.empty((0, self._file.channels), dtype=np.float32)
        try:
            samples: np.ndarray = self._file.read(count, dtype="float32", always_2d=True)
        except LibsndfileError:
            samples = self._salvaged(count)
            if not self._position and not len(samples):
                raise
        return samples

    def _salvaged(self, count: int) -> np.ndarray:
        """What is decoded before an error, which may be but soundfile's seek to an end that is not the header's."""
        from soundfile import LibsndfileError

        start = self._position
        self._rewind()
        self.seek(start)
        samples = np.full((count, self._file.channels), np.nan, dtype=np.float32)
        if self._position == start:
            with contextlib.suppress(LibsndfileError):
                self._file.read(out=samples)
        self._ended = True
        decoded = ~np.isnan(samples[:, 0])
        return samples[: count if decoded.all() else int(decoded.argmin())]


@contextlib.contextmanager
def open_with_libsndfile(path: Path) -> Iterator[SndfileSound]:
    """Open a sound file of one of `FORMATS`, with every failure told as a `TrackError`."""
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
        raise TrackError("unreadable", "not a sound file of a known kind") from error
    with contextlib.closing(sound):
        if sound.format not in FORMATS:
            raise TrackError("unreadable", f"a file of the kind {sound.format}, which is not read")
        if sound.empty:
            raise TrackError("empty", "there are no samples")
        try:
            yield sound
        except (soundfile.LibsndfileError, OSError) as error:
            raise TrackError("unreadable", f"damaged: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """The decoder's message, without the file's name."""
    return str(getattr(error, "error_string", error)).strip().rstrip(".").lower()
