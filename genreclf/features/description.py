"""From samples to a row: how a track is described by a feature set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genreclf.audio import DURATION, check_rate, check_samples, load, mono, name_of, resample
from genreclf.errors import RequestError, TrackError, with_path
from genreclf.features import sets  # noqa: F401 - registers the package's own
from genreclf.features.registry import DEFAULT_SET, Family, FeatureSet, find_feature_set
from genreclf.features.series import find_kind
from genreclf.features.spectra import Spectra
from genreclf.forks import unforked
from genreclf.series import as_frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from genreclf.audio import Source
    from genreclf.features.series import SeriesKind


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
    return _row(chosen, _sound_of(samples, sample_rate, chosen.parts))


def describe_series(samples: np.ndarray, sample_rate: int, *, kind: str) -> np.ndarray:
    """Describe sound by a series, (frames, bins) float16.

    Parameters
    ----------
    samples, sample_rate : as for `describe`.
    kind : of series, see `genreclf.features.SERIES`.

    Raises
    ------
    RequestError, TrackError
        As `describe`.
    """
    chosen = find_kind(kind)
    return _frames(chosen, _sound_of(samples, sample_rate, (chosen,)).at(chosen.sample_rate))


def _sound_of(samples: np.ndarray, sample_rate: int, parts: Sequence[Family | SeriesKind]) -> _Sound:
    """Checked samples as what the parts of a description take their spectra from."""
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
    return _Sound(sound, sample_rate, phases=any(part.phases for part in parts))


class _Sound:
    """The spectra of one sound at each rate that is asked for, each made once."""

    def __init__(self, samples: np.ndarray, sample_rate: int, *, phases: bool) -> None:
        self._samples, self._rate, self._phases = samples, sample_rate, phases
        self._spectra: dict[int, Spectra] = {}

    def at(self, sample_rate: int | None) -> Spectra:
        """At a rate in Hz, or at the sound's own."""
        rate = sample_rate or self._rate
        if rate not in self._spectra:
            self._spectra[rate] = Spectra(resample(self._samples, self._rate, rate), rate, phases=self._phases)
        return self._spectra[rate]


def _row(feature_set: FeatureSet, sound: _Sound) -> dict[str, float]:
    values = np.concatenate([_described(family, sound.at(family.sample_rate)) for family in feature_set.parts])
    if not np.isfinite(values).all():
        raise TrackError("not-finite", "its features are not finite numbers")
    return dict(zip(feature_set.columns, values.tolist(), strict=True))


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
    return describe_file(path, feature_set=chosen, offset=offset, duration=duration)[0]


def describe_file(
    path: Source,
    *,
    feature_set: FeatureSet | None,
    series: Sequence[SeriesKind] = (),
    offset: float | None = None,
    duration: float | None = DURATION,
) -> tuple[dict[str, float], dict[str, np.ndarray]]:
    """Describe a sound file by one row of features and by series, which share the spectra.

    Parameters
    ----------
    feature_set : None for no row.
    series : kinds of series.
    path, offset, duration : as for `extract_features`.

    Returns
    -------
    (row, series) : each column's value, and of each kind (frames, bins) float16.

    Raises
    ------
    TrackError, RequestError
        As `extract_features`.
    """
    parts: list[Family | SeriesKind] = [*(feature_set.parts if feature_set else ()), *series]
    rates = {part.sample_rate for part in parts}
    samples, rate = load(path, sample_rate=rates.pop() if len(rates) == 1 else None, offset=offset, duration=duration)
    with with_path(name_of(path)):
        sound = _Sound(samples, rate, phases=any(part.phases for part in parts))
        row = _row(feature_set, sound) if feature_set else {}
        return row, {kind.name: _frames(kind, sound.at(kind.sample_rate)) for kind in series}


def _frames(kind: SeriesKind, spectra: Spectra) -> np.ndarray:
    with unforked():
        return as_frames(kind.frames(spectra), bins=kind.bins, kind=kind.name)
