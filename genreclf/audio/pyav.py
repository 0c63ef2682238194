"""Sounds that libsndfile cannot decode, m4a, aac and wma among them, through FFmpeg by the optional extra PyAV."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from genreclf.audio.windowing import stated_length
from genreclf.errors import TrackError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# FFmpeg's names of containers; among those left out are playlists, which would open other files.
FORMATS = ("aac", "aiff", "asf", "au", "caf", "flac", "mov", "mp3", "ogg", "w64", "wav")


class PyavSound:
    """An open sound, read as mono float32 samples; see `genreclf.audio.opening.Sound` for the protocol.

    Parameters
    ----------
    file : open at its beginning; it stays the caller's to close.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self._rewind()
        self.rate: int = self._stream.rate
        self.n_frames = stated_length(int((self._stream.duration or 0) * self._stream.time_base * self.rate))

    def close(self) -> None:
        """Close the container, not the file."""
        self._container.close()

    def seek(self, start: int) -> None:
        """Go to sample `start`: to the packet before it, and on from there by the decoded frames' own times."""
        if start == self._position:
            return
        # A lossy decoder needs a few packets before its samples are right again.
        target = min(start, self.n_frames or start) - self.rate
        if target > 0:
            begin = self._stream.start_time or 0
            self._container.seek(begin + int(target / self.rate / self._stream.time_base), stream=self._stream)
            self._frames = self._decoded(start)
            self._ahead = np.empty(0, dtype=np.float32)
            self._position = start
        else:
            # Decoded from the first packet on: sought, the start comes without what the decoder has to drop before it.
            self.close()
            self._rewind(start)

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` samples; fewer, or none, only at the end."""
        blocks = [self._ahead]
        held = len(self._ahead)
        while held < count:
            block = next(self._frames, None)
            if block is None:
                break
            blocks.append(block)
            held += len(block)
        samples = np.concatenate(blocks)
        self._ahead = samples[count:]
        self._position += len(samples[:count])
        return samples[:count]

    def count(self) -> int:
        """Decode the whole sound for its true length."""
        self.close()
        self._rewind()
        self._position = sum(len(block) for block in self._frames)
        return self._position

    def _rewind(self, start: int = 0) -> None:
        """Open the container anew, to be read from sample `start` on."""
        import av

        self._file.seek(0)
        self._container: Any = av.open(self._file, container_options={"format_whitelist": ",".join(FORMATS)})
        if not self._container.streams.audio:
            raise TrackError("unreadable", "the file holds no sound")
        self._stream: Any = self._container.streams.audio[0]
        if self._stream.codec_context is None:
            raise TrackError("unreadable", "its sound is encoded in a way that FFmpeg does not know")
        if not self._stream.rate:
            raise TrackError("unreadable", "the file does not say at which rate its sound is")
        self._frames = self._decoded(start)
        self._ahead = np.empty(0, dtype=np.float32)
        self._position = start

    def _decoded(self, start: int) -> Iterator[np.ndarray]:
        """Mono blocks from sample `start` on."""
        from av.audio.resampler import AudioResampler

        begin = self._stream.start_time or 0
        planar: Any = AudioResampler(format="fltp")
        for decoded in self._frames_before_damage():
            for frame in planar.resample(decoded):
                channels = frame.to_ndarray()
                block = channels.sum(axis=0, dtype=np.float32) / np.float32(len(channels))
                if start and frame.pts is not None:
                    position = round((frame.pts - begin) * frame.time_base * self.rate)
                    block = block[max(0, start - position) :]
                if len(block):
                    start = 0
                    yield block

    def _frames_before_damage(self) -> Iterator[Any]:
        """Decoded frames from where the container stands, up to the end or the first that cannot be decoded."""
        import av

        decoded = 0
        try:
            for frame in self._container.decode(self._stream):
                decoded += 1
                yield frame
        except av.FFmpegError:
            if not decoded:
                raise


@contextlib.contextmanager
def open_with_av(path: Path) -> Iterator[PyavSound]:
    """Open a sound file with PyAV; a `TrackError` ``needs-extra`` if that is not installed."""
    try:
        import av
    except ImportError as error:
        raise TrackError(
            "needs-extra",
            f'{path.suffix.lower()} files need PyAV: pip install "genreclf[m4a]"',
        ) from error
    try:
        with path.open("rb") as file, contextlib.closing(PyavSound(file)) as sound:
            yield sound
    except (av.FFmpegError, OSError, ValueError, OverflowError) as error:
        cause = getattr(error, "strerror", None) or error  # the rest is the path once more
        raise TrackError("unreadable", f"not a sound file that can be decoded ({cause})") from error
