"""From samples to a row: how a track is described by a feature set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.audio import DURATION, check_rate, check_samples, load, mono, name_of, resample
from genreclf.errors import RequestError, TrackError, with_path
from genreclf.features import sets  # noqa: F401 - registers the package's own
from genreclf.features.registry import DEFAULT_SET, Family, FeatureSet, find_feature_set
from genreclf.features.spectra import Spectra
from genreclf.forks import unforked

if TYPE_CHECKING:
    from genreclf.audio import Source


def describe(samples: np.ndarray, sample_rate: int, *, feature_set: str | FeatureSet = DEFAULT_SET) -> dict[str, float]:
    """Describe sound by one row of features.

    Parameters
    ----------
    samples : (n,) or (channels, n) floating-point samples, full scale 1; channels are averaged.
    sample_rate : of `samples`, in Hz; where the feature set has a rate of its own, they are resampled to it.
    feature_set : a feature set, its name, or a sum of names such as ``study+gauss``.

    Returns
    -------
    Each column's value, in the set's order; all finite.

    Raises
    ------
    RequestError
        If the feature set is unknown, the rate is none of sound, or `samples` is no array of floating-point samples.
    TrackError
        If the sound cannot be described: too short, not finite, out of range.
    """
    chosen = find_feature_set(feature_set)
    sound = np.asarray(samples)
    if sound.ndim not in {1, 2} or 0 in sound.shape[:-1] or not np.issubdtype(sound.dtype, np.floating):
        raise RequestError(
            f"samples of shape {sound.shape} and type {sound.dtype}; "
            "floating-point samples of shape (n,) or (channels, n) are needed"
        )
    check_rate(sample_rate)
    with np.errstate(over="ignore"):  # what is beyond single precision becomes infinite, and is refused below
        sound = sound.astype(np.float32, copy=False)
    sound = np.ascontiguousarray(mono(sound))
    check_samples(sound, sample_rate)
    phases = any(family.phases for family in chosen.parts)
    spectra: dict[int, Spectra] = {}
    parts = []
    for family in chosen.parts:
        rate = family.sample_rate or sample_rate
        if rate not in spectra:
            spectra[rate] = Spectra(resample(sound, sample_rate, rate), rate, phases=phases)
        parts.append(_described(family, spectra[rate]))
    values = np.concatenate(parts)
    if not np.isfinite(values).all():
        raise TrackError("not-finite", "its features are not finite numbers")
    return dict(zip(chosen.columns, values.tolist(), strict=True))


def _described(family: Family, spectra: Spectra) -> np.ndarray:
    with unforked():
        values = np.asarray(family.describe(spectra), dtype=np.float64)
    if values.shape != (len(family.columns),):
        raise RequestError(
            f"the feature family {family.name!r} gave values of shape {values.shape}; "
            f"one for each of its columns is needed, shape ({len(family.columns)},)"
        )
    return values


def extract_features(
    path: Source,
    *,
    feature_set: str | FeatureSet = DEFAULT_SET,
    offset: float | None = None,
    duration: float | None = DURATION,
) -> dict[str, float]:
    """Describe a sound file by one row of features.

    Parameters
    ----------
    path : the file; or its bytes, the file open for reading bytes, or (samples, rate), see `genreclf.audio`.
    feature_set : a feature set, its name, or a sum of names such as ``study+gauss``.
    offset, duration : the stretch to describe, in seconds, as for `genreclf.audio.load`; by default the middle 30 s, or
        the whole track if it is at most 31 s long.

    Returns
    -------
    Each column's value, in the set's order; all finite.

    Raises
    ------
    TrackError
        If the file cannot be read or described.
    RequestError
        If the request makes no sense.
    """
    chosen = find_feature_set(feature_set)
    samples, rate = load(path, sample_rate=chosen.sample_rate, offset=offset, duration=duration)
    with with_path(name_of(path)):
        return describe(samples, rate, feature_set=feature_set)
