"""The feature sets composed of librosa's own functions, nothing shared: the yardstick for values and for speed.

What the package computes fast must equal what this computes plainly; see `genreclf.verification`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import librosa
import numpy as np
import scipy.stats

STATISTICS = ("mean", "std", "skew", "kurtosis", "median", "min", "max")


def load(path: Path, *, sample_rate: int | None, offset: float, duration: float) -> tuple[np.ndarray, int]:
    """(n,) mono samples and their rate, by librosa's own reader."""
    samples, rate = librosa.load(path, sr=sample_rate, offset=offset, duration=duration)
    return samples, int(rate)


def summary(series: np.ndarray) -> dict[str, np.ndarray]:
    """The seven statistics of (size, frames)."""
    with warnings.catch_warnings():
        # scipy warns that a constant series has no skew; what it then gives is compared all the same.
        warnings.simplefilter("ignore", RuntimeWarning)
        return {
            "mean": np.mean(series, axis=1),
            "std": np.std(series, axis=1),
            "skew": scipy.stats.skew(series, axis=1),
            "kurtosis": scipy.stats.kurtosis(series, axis=1),
            "median": np.median(series, axis=1),
            "min": np.min(series, axis=1),
            "max": np.max(series, axis=1),
        }


def columns(family: str, series: np.ndarray, *, order: tuple[str, ...] = STATISTICS) -> dict[str, float]:
    """The statistics of (size, frames), each under its column's name."""
    values = summary(series)
    return {
        f"{family}_{name}_{number:02d}": float(value)
        for name in order
        for number, value in enumerate(values[name], start=1)
    }


def tempo(samples: np.ndarray, rate: int) -> float:
    """Beats a minute."""
    onsets = librosa.onset.onset_strength(y=samples, sr=rate)
    return float(librosa.feature.tempo(onset_envelope=onsets, sr=rate)[0])


def powers(samples: np.ndarray) -> tuple[float, float]:
    """Mean squares of the harmonic and of the percussive part."""
    harmonic, percussive = librosa.effects.hpss(samples)
    return float(np.mean(harmonic**2)), float(np.mean(percussive**2))


def study(samples: np.ndarray, rate: int) -> dict[str, float]:
    """The 185 features of the study."""
    row = columns("mfcc", librosa.feature.mfcc(y=samples, sr=rate, n_mfcc=20))
    row |= columns("tonnetz", librosa.feature.tonnetz(y=samples, sr=rate))
    row["tempo"] = tempo(samples, rate)
    row["harmonic_power"], row["percussive_power"] = powers(samples)
    return row


def fma(samples: np.ndarray, rate: int) -> dict[str, float]:
    """The 518 features of the FMA data set, alphabetically.

    Its table was made with librosa 0.5, whose chroma had as many bins to the octave as the transform it was given:
    12 here, which today has to be said. The spectral features are called without a rate, as there.
    """
    feature = librosa.feature
    magnitude = np.abs(librosa.stft(samples, n_fft=2048, hop_length=512))
    power = magnitude**2
    constant_q = np.abs(librosa.cqt(samples, sr=rate, n_bins=84, bins_per_octave=12, tuning=None))
    chroma = {"C": constant_q, "n_chroma": 12, "bins_per_octave": 12}
    cens = feature.chroma_cens(**chroma)
    mel = librosa.power_to_db(feature.melspectrogram(S=power, sr=rate))
    families = {
        "chroma_cens": cens,
        "chroma_cqt": feature.chroma_cqt(**chroma),
        "chroma_stft": feature.chroma_stft(S=power, n_chroma=12),
        "mfcc": feature.mfcc(S=mel, n_mfcc=20),
        "rmse": feature.rms(S=magnitude),
        "spectral_bandwidth": feature.spectral_bandwidth(S=magnitude),
        "spectral_centroid": feature.spectral_centroid(S=magnitude),
        "spectral_contrast": feature.spectral_contrast(S=magnitude, n_bands=6),
        "spectral_rolloff": feature.spectral_rolloff(S=magnitude),
        "tonnetz": feature.tonnetz(chroma=cens),
        "zcr": feature.zero_crossing_rate(samples, frame_length=2048, hop_length=512),
    }
    order = tuple(sorted(STATISTICS))
    return {
        column: value
        for family, series in families.items()
        for column, value in columns(family, series, order=order).items()
    }


COMPOSITIONS: Mapping[str, Callable[[np.ndarray, int], dict[str, float]]] = {"study": study, "fma": fma}
