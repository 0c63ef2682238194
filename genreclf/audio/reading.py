"""Reading: a window of a file, or all its windows one after another."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.audio.inputs import name_of
from genreclf.audio.opening import open_sound
from genreclf.audio.samples import check_rate, check_samples, resample
from genreclf.audio.windowing import (
    DURATION,
    LONGEST_SECONDS,
    SAMPLE_RATE,
    SHORTEST_SECONDS,
    check_window,
    longest_whole,
    window,
)
from genreclf.errors import TrackError, with_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from genreclf.audio.inputs import Source
    from genreclf.audio.opening import Sound


def load(
    path: Source,
    *,
    sample_rate: int | None = SAMPLE_RATE,
    offset: float | None = None,
    duration: float | None = DURATION,
) -> tuple[np.ndarray, int]:
    """Read a stretch of a sound file.

    Parameters
    ----------
    path : the file; or its bytes, the file open for reading bytes, or (samples, rate).
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
    if sample_rate is not None:
        check_rate(sample_rate)
    check_window(offset=offset, duration=duration)
    with with_path(name_of(path)):
        with open_sound(path) as sound:
            samples = _read_window(sound, offset=offset, duration=duration)
            rate = sound.rate
        return _finish(samples, rate, sample_rate)


def segments(
    path: Source,
    *,
    sample_rate: int | None = SAMPLE_RATE,
    duration: float = DURATION,
) -> Iterator[tuple[float, np.ndarray]]:
    """Cut a whole file into successive windows, in the memory of one window.

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
    if sample_rate is not None:
        check_rate(sample_rate)
    check_window(offset=None, duration=duration)
    with with_path(name_of(path)), open_sound(path) as sound:
        whole = longest_whole(rate=sound.rate, duration=duration)
        length = max(1, int(duration * sound.rate))
        samples = sound.read(whole + 1)
        if len(samples) <= whole:
            yield 0.0, _finish(samples, sound.rate, sample_rate)[0]
            return
        shortest = max(length / 2, SHORTEST_SECONDS * sound.rate)
        start, samples = 0, samples[:length]
        while len(samples) >= shortest:
            yield _seconds(start, sound.rate), _finish(samples, sound.rate, sample_rate)[0]
            start += length
            sound.seek(start)
            samples = sound.read(length)


def _seconds(start: int, rate: int) -> float:
    """The time of a sample, such that reading from there begins with it and not, by rounding, with the one before."""
    seconds = start / rate
    return seconds if int(seconds * rate) == start else math.nextafter(seconds, math.inf)


def _finish(samples: np.ndarray, rate: int, target: int | None) -> tuple[np.ndarray, int]:
    check_samples(samples, rate)
    target = target or rate
    return resample(samples, rate, target), target


def _read_window(sound: Sound, *, offset: float | None, duration: float | None) -> np.ndarray:
    """Read what `window` says, even where the header's length is wrong."""
    if offset is not None:
        return _read_from(sound, offset, duration)
    if duration is None:
        return _read_from(sound, 0.0, None)
    whole = longest_whole(rate=sound.rate, duration=duration)
    if sound.n_frames <= whole:
        samples = sound.read(whole + 1)
        if len(samples) <= whole:
            return samples
    else:
        start, count = window(sound.n_frames, rate=sound.rate, offset=None, duration=duration)
        sound.seek(start)
        samples = sound.read(count)
        if len(samples) == count:
            return samples
    start, count = window(sound.count(), rate=sound.rate, offset=None, duration=duration)
    sound.seek(start)
    return sound.read(count)


def _read_from(sound: Sound, offset: float, duration: float | None) -> np.ndarray:
    sound.seek(int(offset * sound.rate))
    limit = int(LONGEST_SECONDS * sound.rate)
    samples = sound.read(limit + 1 if duration is None else int(duration * sound.rate))
    if len(samples) > limit:
        raise TrackError("too-long", f"more than {LONGEST_SECONDS:g} s would be read at once; ask for a duration")
    if offset and not len(samples):
        raise TrackError("too-short", f"the track ends before {offset:g} s")
    return samples
