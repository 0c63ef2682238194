"""Samples: channels mixed, rates converted, and what is no sound refused."""

from __future__ import annotations

import numpy as np

from genreclf.audio.windowing import SHORTEST_SECONDS
from genreclf.errors import RequestError, TrackError

LOWEST_RATE, HIGHEST_RATE = 1_000, 768_000
_LARGEST_SAMPLE = 1e10


def mono(samples: np.ndarray) -> np.ndarray:
    """The mean of the channels of (channels, n) samples; (n,) samples as they are."""
    if samples.ndim == 1 or len(samples) == 1:
        return samples if samples.ndim == 1 else samples[0]
    # Added up channel by channel: numpy's mean gives the same, several times slower, where channels interleave.
    with np.errstate(all="ignore"):  # what is not finite is refused afterwards
        total: np.ndarray = samples[0] + samples[1]
        for channel in samples[2:]:
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
    if not LOWEST_RATE <= sample_rate <= HIGHEST_RATE:
        raise RequestError(f"the sample rate {sample_rate} Hz is not between {LOWEST_RATE} and {HIGHEST_RATE}")


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
