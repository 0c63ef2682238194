"""The feature families composed of librosa's own functions: the yardstick for values and for speed.

What the package computes fast must equal what this computes plainly; see `genreclf.verification`. Each function takes
a track's samples and their rate, and nothing else, from its `Spectra`. Only the families of the set ``fma`` share
what they have in common: the composition that would be written by hand.

Importing this is quick: librosa is imported when it is first used.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.features.registry import DEFAULT_SET, FeatureSet, find_feature_set
from genreclf.features.spectra import Spectra
from genreclf.features.statistics import STATISTICS

if TYPE_CHECKING:
    from types import ModuleType

    from genreclf.networks import LogMel


def load(path: Path, *, sample_rate: int | None, offset: float, duration: float) -> tuple[np.ndarray, int]:
    """(n,) mono samples and their rate, by librosa's own reader."""
    import librosa

    samples, rate = librosa.load(path, sr=sample_rate, offset=offset, duration=duration)
    return samples, int(rate)


def describe_plainly(
    samples: np.ndarray, sample_rate: int, *, feature_set: str | FeatureSet = DEFAULT_SET
) -> dict[str, float]:
    """The row that `genreclf.describe` gives, by each family's own yardstick.

    Parameters
    ----------
    samples : (n,) mono float32.
    sample_rate : of `samples`, in Hz.

    Returns
    -------
    Each column's value, in the set's order; columns of families without a yardstick are left out.
    """
    import librosa

    row: dict[str, float] = {}
    spectra: dict[int, Spectra] = {}
    for family in find_feature_set(feature_set).parts:
        if family.plain is None:
            continue
        rate = family.sample_rate or sample_rate
        if rate not in spectra:
            sound = samples if rate == sample_rate else librosa.resample(samples, orig_sr=sample_rate, target_sr=rate)
            spectra[rate] = Spectra(sound, rate)
        row |= zip(family.columns, map(float, family.plain(spectra[rate])), strict=True)
    return row


def summary(series: np.ndarray, *, statistics: tuple[str, ...] = STATISTICS) -> np.ndarray:
    """The statistics of (size, frames), one after the other."""
    import scipy.stats

    functions: Mapping[str, Callable[..., np.ndarray]] = {
        "mean": np.mean,
        "std": np.std,
        "skew": scipy.stats.skew,
        "kurtosis": scipy.stats.kurtosis,
        "median": np.median,
        "min": np.min,
        "max": np.max,
    }
    with warnings.catch_warnings():
        # scipy warns that a constant series has no skew; what it then gives is compared all the same.
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.concatenate([functions[name](series, axis=1) for name in statistics])


def mfcc(spectra: Spectra) -> np.ndarray:
    """Statistics of the 20 coefficients."""
    import librosa

    return summary(librosa.feature.mfcc(y=spectra.samples, sr=spectra.sample_rate, n_mfcc=20))


def tonnetz(spectra: Spectra) -> np.ndarray:
    """Statistics of the Tonnetz."""
    import librosa

    return summary(librosa.feature.tonnetz(y=spectra.samples, sr=spectra.sample_rate))


def tempo(spectra: Spectra) -> np.ndarray:
    """Beats a minute."""
    import librosa

    onsets = librosa.onset.onset_strength(y=spectra.samples, sr=spectra.sample_rate)
    return np.asarray(librosa.feature.tempo(onset_envelope=onsets, sr=spectra.sample_rate))


def powers(spectra: Spectra) -> np.ndarray:
    """Mean squares of the harmonic and of the percussive part."""
    import librosa

    return np.array([np.mean(part**2) for part in librosa.effects.hpss(spectra.samples)])


def gauss(spectra: Spectra) -> np.ndarray:
    """The matrix logarithm of the Gaussian that the MFCCs follow."""
    import librosa

    scales = np.array([100, 30, 25, 20, 15, 12, 10, 10, 9, 8, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6])
    series = librosa.feature.mfcc(y=spectra.samples, sr=spectra.sample_rate, n_mfcc=20).T / scales
    mean, covariance = series.mean(axis=0), np.cov(series, rowvar=False)
    embedded = np.block([[covariance + np.outer(mean, mean), mean[:, None]], [mean, np.ones(1)]])
    values, vectors = np.linalg.eigh(embedded)
    logarithm = sum(np.log(max(x, 0) + 0.01) * np.outer(v, v) for x, v in zip(values, vectors.T, strict=True))
    return np.array([logarithm[i, j] * (1 if i == j else np.sqrt(2)) for i in range(21) for j in range(i, 21)])


def mscat(spectra: Spectra) -> np.ndarray:
    """Level, spread and modulations of 40 mel bands, each filter applied to all of the spectrum."""
    import librosa

    rate = spectra.sample_rate
    mel = librosa.feature.melspectrogram(
        y=spectra.samples, sr=rate, n_fft=512, hop_length=128, n_mels=40, pad_mode="constant"
    )
    series = np.sqrt(mel[:, : mel.shape[1] // 8 * 8].astype(np.float64))
    mean = series.mean(axis=1)
    frequencies = np.fft.fftfreq(series.shape[1], 128 / rate)
    values = [np.log(mean + 1e-5), np.log(series.std(axis=1) + 1e-5)]
    for centre in 0.35 * rate / 128 / 2.0 ** np.arange(9):

        def bell(f: np.ndarray, *, width: float = 0.35 * centre) -> np.ndarray:
            return np.asarray(np.exp(-0.5 * (f / width) ** 2))

        gains = bell(frequencies - centre) - bell(np.array(centre)) * bell(frequencies)
        envelope = np.abs(np.fft.ifft(np.fft.fft(series) * gains * (frequencies > 0)))
        values.append(np.log((envelope.mean(axis=1) + 1e-6) / (mean + 1e-5)))
    return np.concatenate(values)


def log_mel(samples: np.ndarray, kind: LogMel, sample_rate: int) -> np.ndarray:
    """The log-mel spectrogram that a network takes, (frames, bands)."""
    import librosa

    length = kind.win_length or kind.n_fft
    if kind.centred:
        spectrum = librosa.stft(samples, n_fft=kind.n_fft, hop_length=kind.hop_length, win_length=length)
        magnitudes = np.abs(spectrum)
    else:
        sound = np.pad(samples, (0, max(0, length - len(samples))))
        frames = np.lib.stride_tricks.sliding_window_view(sound, length)[:: kind.hop_length]
        window = librosa.filters.get_window("hann", length)
        magnitudes = np.abs(np.fft.rfft(frames * window, kind.n_fft)).T
    if kind.scale == "slaney":
        bank = librosa.filters.mel(sr=sample_rate, n_fft=kind.n_fft, n_mels=kind.n_mels)
    else:
        top = kind.fmax or sample_rate / 2
        edges = librosa.mel_frequencies(kind.n_mels + 2, fmin=kind.fmin, fmax=top, htk=True)
        edges, bins = (
            librosa.hz_to_mel(f, htk=True) for f in (edges, librosa.fft_frequencies(sr=sample_rate, n_fft=kind.n_fft))
        )
        bank = np.array([np.interp(bins, edges[k : k + 3], [0.0, 1.0, 0.0]) for k in range(kind.n_mels)])
        bank[:, 0] = 0
    values = np.log(kind.gain * (bank @ magnitudes**kind.power).T + kind.offset)
    return np.asarray(values / np.log(kind.base) if kind.base else values)


def fma_family(name: str) -> Callable[[Spectra], np.ndarray]:
    """A family of the set ``fma``, its statistics in alphabetical order."""
    return partial(_fma_summary, name=name)


def _fma_summary(spectra: Spectra, *, name: str) -> np.ndarray:
    import librosa

    return summary(_FMA[name](spectra, librosa.feature), statistics=tuple(sorted(STATISTICS)))


# The data set's table was made with librosa 0.5, whose chroma had as many bins to the octave as the transform it was
# given: 12 here, which today has to be given. The spectral features are called without a rate, as there.
_FMA: Mapping[str, Callable[[Spectra, ModuleType], np.ndarray]] = {
    "chroma_cens": lambda spectra, _: spectra.shared(_cens),
    "chroma_cqt": lambda spectra, feature: feature.chroma_cqt(**_chroma(spectra)),
    "chroma_stft": lambda spectra, feature: feature.chroma_stft(S=spectra.shared(_power), n_chroma=12),
    "mfcc": lambda spectra, feature: feature.mfcc(S=spectra.shared(_mel), n_mfcc=20),
    "rmse": lambda spectra, feature: feature.rms(S=spectra.shared(_magnitude)),
    "spectral_bandwidth": lambda spectra, feature: feature.spectral_bandwidth(S=spectra.shared(_magnitude)),
    "spectral_centroid": lambda spectra, feature: feature.spectral_centroid(S=spectra.shared(_magnitude)),
    "spectral_contrast": lambda spectra, feature: feature.spectral_contrast(S=spectra.shared(_magnitude), n_bands=6),
    "spectral_rolloff": lambda spectra, feature: feature.spectral_rolloff(S=spectra.shared(_magnitude)),
    "tonnetz": lambda spectra, feature: feature.tonnetz(chroma=spectra.shared(_cens)),
    "zcr": lambda spectra, feature: feature.zero_crossing_rate(spectra.samples, frame_length=2048, hop_length=512),
}


def _magnitude(spectra: Spectra) -> np.ndarray:
    import librosa

    return np.asarray(np.abs(librosa.stft(spectra.samples, n_fft=2048, hop_length=512)))


def _power(spectra: Spectra) -> np.ndarray:
    return np.asarray(spectra.shared(_magnitude) ** 2)


def _mel(spectra: Spectra) -> np.ndarray:
    import librosa

    power = spectra.shared(_power)
    return np.asarray(librosa.power_to_db(librosa.feature.melspectrogram(S=power, sr=spectra.sample_rate)))


def _constant_q(spectra: Spectra) -> np.ndarray:
    import librosa

    rate = spectra.sample_rate
    return np.asarray(np.abs(librosa.cqt(spectra.samples, sr=rate, n_bins=84, bins_per_octave=12, tuning=None)))


def _chroma(spectra: Spectra) -> dict[str, Any]:
    return {"C": spectra.shared(_constant_q), "n_chroma": 12, "bins_per_octave": 12}


def _cens(spectra: Spectra) -> np.ndarray:
    import librosa

    return np.asarray(librosa.feature.chroma_cens(**_chroma(spectra)))
