"""A sound file becomes mono samples: which stretch of it, at which rate, or for which reason not.

What is decoded is what ``librosa.load`` decodes: libsndfile's samples, the mean of the channels, soxr's high-quality
resampling. A track of up to a second more than the wanted duration is taken whole; of a longer one the middle is, by
seeking to it, so that a two-hour file costs no more than a clip. Files are read in bounded blocks: nothing is
allocated because a header promises it.

Whatever is wrong with a file is a `TrackError` with one of these codes:

=================  ====================================================================================
missing            there is no such file (any more), or a link leads nowhere
not-a-file         a folder, a pipe, a device
no-permission      the file may not be read
empty              no bytes, or no samples
unreadable         not sound, of an unknown kind, or damaged beyond decoding
needs-extra        m4a, aac and wma need the optional extra ``genreclf[m4a]``
odd-rate           a sample rate below 1 kHz or above 768 kHz
too-short          less than a tenth of a second, or nothing after the offset
too-long           over an hour was to be read at once
not-finite         a sample is infinite or not a number
out-of-range       a sample is beyond ten thousand million times full scale
=================  ====================================================================================
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from genreclf.errors import RequestError, TrackError, naming
from genreclf.stderr import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLE_RATE = 22050
DURATION = 30.0
SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 3600.0

EXTRA_SUFFIXES = frozenset({".m4a", ".mp4", ".aac", ".wma"})
AUDIO_SUFFIXES = EXTRA_SUFFIXES | {
    ".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".au",
}  # fmt: skip

_TOLERANCE_SECONDS = 1.0
_LOWEST_RATE, _HIGHEST_RATE = 1_000, 768_000
_LARGEST_SAMPLE = 1e10
_BLOCK_SAMPLES = 1 << 21
_UNLIMITED = 1 << 62


def load(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = SAMPLE_RATE,
    offset: float | None = None,
    duration: float | None = DURATION,
) -> tuple[np.ndarray, int]:
    """Read a stretch of a sound file.

    Parameters
    ----------
    path : the file.
    sample_rate : in Hz, of the result; None keeps the file's own.
    offset : where to begin, in seconds; None takes the middle of a long track.
    duration : how much to read, in seconds; None reads on to the end.

    Returns
    -------
    (samples, sample_rate) : (n,) mono float32, full scale 1; and its rate in Hz.

    Raises
    ------
    TrackError
        If the file cannot be read; the module lists the codes.
    RequestError
        If the rate, the offset or the duration makes no sense.
    """
    _check_request(sample_rate=sample_rate, offset=offset, duration=duration)
    with naming(path):
        with _open(Path(path)) as sound:
            samples = _read_window(sound, offset=offset, duration=duration)
            rate = sound.rate
        return _finish(samples, rate, sample_rate)


def segments(
    path: str | os.PathLike[str],
    *,
    sample_rate: int | None = SAMPLE_RATE,
    duration: float = DURATION,
) -> Iterator[tuple[float, np.ndarray]]:
    """Cut a whole file into successive windows, in one pass and in the memory of one window.

    A file that `load` would take whole is one segment, the same to the last bit. Of a longer one, each segment is
    `duration` seconds long and equal to ``load(path, offset=start, duration=duration)``; what is left at the end is a
    segment if it is at least half a window long, and else is dropped.

    Yields
    ------
    (start, samples) : where the segment begins, in seconds, and its (n,) mono float32 samples.

    Raises
    ------
    TrackError, RequestError
        As `load`.
    """
    _check_request(sample_rate=sample_rate, offset=None, duration=duration)
    with naming(path), _open(Path(path)) as sound:
        whole = int((duration + _TOLERANCE_SECONDS) * sound.rate)
        length = max(1, int(duration * sound.rate))
        held = sound.read(whole + 1)
        if len(held) <= whole:
            yield 0.0, _finish(held, sound.rate, sample_rate)[0]
            return
        shortest = max(length / 2, SHORTEST_SECONDS * sound.rate)
        start = 0
        while len(held) >= shortest:
            samples, _ = _finish(held[:length], sound.rate, sample_rate)
            yield start / sound.rate, samples
            start += length
            held = held[length:]
            held = np.concatenate([held, sound.read(length - len(held))])


def window(n_samples: int, *, rate: int, offset: float | None, duration: float | None) -> tuple[int, int]:
    """Which stretch of a track is described.

    Parameters
    ----------
    n_samples : length of the track.
    rate : its sample rate in Hz.
    offset : where to begin, in seconds; None for the middle of a long track.
    duration : in seconds; None for all to the end.

    Returns
    -------
    (start, count) in samples. Without an offset, a track of at most `duration` + 1 s is taken whole, a longer one by
    its middle `duration` seconds.
    """
    if offset is not None:
        start = min(int(offset * rate), n_samples)
        rest = n_samples - start
        return start, rest if duration is None else min(int(duration * rate), rest)
    if duration is None or n_samples <= int((duration + _TOLERANCE_SECONDS) * rate):
        return 0, n_samples
    count = int(duration * rate)
    return (n_samples - count) // 2, count


def mono(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels of (channels, n) samples; (n,) samples as they are."""
    if samples.ndim == 1:
        return samples
    # Added up channel by channel: numpy's mean gives the same, several times slower, where channels interleave.
    total: np.ndarray = samples[0].copy()
    with np.errstate(all="ignore"):  # what is not finite is refused afterwards
        for channel in samples[1:]:
            total += channel
        total /= len(samples)
    return total


def resample(samples: np.ndarray, rate: int, target: int) -> np.ndarray:
    """Resample (n,) float32 samples from `rate` to `target` Hz with soxr, to ceil(n * target / rate) samples."""
    if rate == target:
        return samples
    import soxr

    size = int(np.ceil(len(samples) * (target / rate)))
    resampled = np.asarray(soxr.resample(samples, rate, target, quality="HQ"), dtype=np.float32)[:size]
    return resampled if len(resampled) == size else np.pad(resampled, (0, size - len(resampled)))


def check_rate(sample_rate: float) -> None:
    """Raise a `RequestError` unless a sample rate, in Hz, is one that sound can have."""
    if not _LOWEST_RATE <= sample_rate <= _HIGHEST_RATE:
        raise RequestError(f"the sample rate {sample_rate} Hz is not between {_LOWEST_RATE} and {_HIGHEST_RATE}")


def check_samples(samples: np.ndarray, rate: int) -> None:
    """Raise a `TrackError` if mono samples are too short, not finite or out of range."""
    if not len(samples):
        raise TrackError("empty", "there are no samples")
    if len(samples) < SHORTEST_SECONDS * rate:
        raise TrackError(
            "too-short",
            f"{len(samples) / rate:.3g} s of sound; at least {SHORTEST_SECONDS:g} s are needed",
        )
    largest = np.abs(samples).max()
    if not np.isfinite(largest):
        raise TrackError("not-finite", "a sample is infinite or not a number")
    if largest > _LARGEST_SAMPLE:
        raise TrackError("out-of-range", f"a sample is {largest:.2g} times full scale")


def _finish(samples: np.ndarray, rate: int, target: int | None) -> tuple[np.ndarray, int]:
    check_samples(samples, rate)
    target = target or rate
    return resample(samples, rate, target), target


def _check_request(*, sample_rate: int | None, offset: float | None, duration: float | None) -> None:
    if sample_rate is not None:
        check_rate(sample_rate)
    if offset is not None and not 0 <= offset < np.inf:
        raise RequestError(f"the offset {offset} s is not zero or more")
    if duration is not None and not SHORTEST_SECONDS <= duration <= LONGEST_SECONDS:
        raise RequestError(f"the duration {duration} s is not between {SHORTEST_SECONDS:g} and {LONGEST_SECONDS:g}")


def _read_window(sound: _Sound, *, offset: float | None, duration: float | None) -> np.ndarray:
    """Read what `window` says, even where the header's length is wrong."""
    if offset is not None:
        return _read_from(sound, offset, duration)
    if duration is None:
        return _read_from(sound, 0.0, None)
    whole = int((duration + _TOLERANCE_SECONDS) * sound.rate)
    if sound.promised <= whole:
        samples = sound.read(whole + 1)
        if len(samples) <= whole:
            return samples
    else:
        start, count = window(sound.promised, rate=sound.rate, offset=None, duration=duration)
        sound.seek(start)
        samples = sound.read(count)
        if len(samples) == count:
            return samples
    start, count = window(sound.count(), rate=sound.rate, offset=None, duration=duration)
    sound.seek(start)
    return sound.read(count)


def _read_from(sound: _Sound, offset: float, duration: float | None) -> np.ndarray:
    sound.seek(int(offset * sound.rate))
    limit = int(LONGEST_SECONDS * sound.rate)
    samples = sound.read(limit + 1 if duration is None else int(duration * sound.rate))
    if len(samples) > limit:
        raise TrackError("too-long", f"more than {LONGEST_SECONDS:g} s would be read at once; ask for a duration")
    if offset and not len(samples):
        raise TrackError("too-short", f"the track ends before {offset:g} s")
    return samples


class _Sound(Protocol):
    """An open sound file, read as mono float32 samples."""

    rate: int
    """In Hz."""

    promised: int
    """The length in samples according to the header; the file may hold less."""

    def seek(self, start: int) -> None:
        """Go to sample `start`; where that cannot be reached, `read` finds nothing."""

    def read(self, count: int) -> np.ndarray:
        """Read up to `count` samples; fewer, or none, only at the end."""

    def count(self) -> int:
        """Decode the whole file for its true length."""


class _SndfileSound:
    """A sound that libsndfile decodes.

    Parameters
    ----------
    reopen : opens the file anew at its beginning.
    """

    def __init__(self, reopen: Callable[[], Any]) -> None:
        self._reopen = reopen
        with quiet():
            self._file = reopen()
        self.rate: int = self._file.samplerate
        self.promised: int = self._file.frames
        self._block = max(1, _BLOCK_SAMPLES // self._file.channels)

    def close(self) -> None:
        self._file.close()

    def seek(self, start: int) -> None:
        from soundfile import LibsndfileError

        try:
            with quiet():
                self._file.seek(min(start, self.promised))
        except LibsndfileError:
            # The file is shorter than its header says, or damaged; the decoder is of no more use then. Reading on from
            # the beginning finds what there is.
            self._rewind()
            for _ in self._blocks(start):
                pass

    def read(self, count: int) -> np.ndarray:
        blocks = [mono(block.T) for block in self._blocks(count)]
        return np.concatenate([np.empty(0, dtype=np.float32), *blocks])

    def count(self) -> int:
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


@contextlib.contextmanager
def _open(path: Path) -> Iterator[_Sound]:
    """Open a regular file that holds sound, with every failure told as a `TrackError`."""
    _check_file(path)
    import soundfile

    # As bytes, since a name need not be valid text; by name and not by descriptor, since libsndfile finds an mp3
    # behind junk by its suffix.
    name = os.fsencode(path) if os.name == "posix" else str(path)
    try:
        sound = _SndfileSound(lambda: soundfile.SoundFile(name))
    except TypeError as error:
        # By its name headerless, so that nothing says which rate and sample format it has.
        raise TrackError("unreadable", f"{path.suffix} files do not say what sound they hold") from error
    except (soundfile.LibsndfileError, OSError) as error:
        if path.suffix.lower() in EXTRA_SUFFIXES:
            from genreclf.compressed import open_with_av

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


def _checked(sound: _Sound) -> _Sound:
    if not _LOWEST_RATE <= sound.rate <= _HIGHEST_RATE:
        raise TrackError(
            "odd-rate", f"the sample rate {sound.rate} Hz is not between {_LOWEST_RATE} and {_HIGHEST_RATE}"
        )
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
