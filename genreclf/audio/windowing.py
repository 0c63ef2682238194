"""Windows: which stretch of a track is described."""

from __future__ import annotations

from genreclf.errors import RequestError

SAMPLE_RATE = 22050
DURATION = 30.0
SHORTEST_SECONDS = 0.1
LONGEST_SECONDS = 3600.0
LATEST_OFFSET = 1e6

_TOLERANCE_SECONDS = 1.0
_BEYOND_BELIEF = 1 << 48


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
    if duration is None or n_samples <= longest_whole(rate=rate, duration=duration):
        return 0, n_samples
    count = int(duration * rate)
    return (n_samples - count) // 2, count


def longest_whole(*, rate: int, duration: float) -> int:
    """The most samples that a track may have to be taken whole, where no offset is given."""
    return int((duration + _TOLERANCE_SECONDS) * rate)


def stated_length(n_frames: int) -> int:
    """The samples that a header states; 0 where it does not, as by a number that no file can hold."""
    return n_frames if 0 < n_frames < _BEYOND_BELIEF else 0


def check_window(*, offset: float | None, duration: float | None) -> None:
    """Raise a `RequestError` unless an offset and a duration, in seconds, make sense."""
    if offset is not None and not 0 <= offset <= LATEST_OFFSET:
        raise RequestError(f"the offset {offset:g} s is not between 0 and {LATEST_OFFSET:,.0f}")
    if duration is not None and not SHORTEST_SECONDS <= duration <= LONGEST_SECONDS:
        raise RequestError(f"the duration {duration:g} s is not between {SHORTEST_SECONDS:g} and {LONGEST_SECONDS:g}")
