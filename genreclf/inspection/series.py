"""The series behind the features of a track, by the functions that the features themselves are computed with.

Series have shape (rows, frames), a column for each hop of 512 samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genreclf.features import chroma, kernels, mfcc, power, rhythm, tonnetz
from genreclf.features.spectra import HOP_LENGTH, Spectra, mel_bands

SLOWEST_TEMPO, FASTEST_TEMPO = 30.0, 300.0
_TEMPO_ROWS = 96
_TEMPOGRAM_SECONDS = 8.0
_FLOOR = 1e-10
_RANGE = 80.0


@dataclass(frozen=True, eq=False)
class TrackSeries:
    """The series of one track.

    Parameters
    ----------
    samples : (n,) mono, at `sample_rate` Hz.
    mel, harmonic, percussive : (128, frames) dB, of the whole and of its two parts, down to 80 dB below the peak of
        the whole.
    mfcc : (20, frames).
    chroma : (12, frames), C first, each frame's largest is 1.
    tonnetz : (6, frames).
    onset_strength : (frames,).
    tempogram : (tempi, frames), autocorrelation of the onset strength around a frame at each of `tempi`, at most 1.
    tempi : (tempi,) in BPM, evenly spaced in octaves, slowest first.
    """

    samples: np.ndarray
    sample_rate: int
    mel: np.ndarray
    harmonic: np.ndarray
    percussive: np.ndarray
    mfcc: np.ndarray
    chroma: np.ndarray
    tonnetz: np.ndarray
    onset_strength: np.ndarray
    tempogram: np.ndarray
    tempi: np.ndarray

    @property
    def seconds(self) -> float:
        """The length of the excerpt."""
        return len(self.samples) / self.sample_rate


def series_of(samples: np.ndarray, sample_rate: int) -> TrackSeries:
    """Compute the series of (n,) mono float32 samples at the rate of the feature set."""
    spectra = Spectra(samples, sample_rate)
    strength = rhythm.onset_strength(spectra.mel_decibels)
    tempogram, tempi = tempogram_of(strength, sample_rate=sample_rate)
    harmonic = power.harmonic_part(spectra)
    peak = float(spectra.mel_decibels.max())
    return TrackSeries(
        samples=samples,
        sample_rate=sample_rate,
        mel=spectra.mel_decibels.T,
        harmonic=_mel_decibels(harmonic, sample_rate, peak),
        percussive=_mel_decibels(samples - harmonic, sample_rate, peak),
        mfcc=mfcc.mfcc(spectra.mel_decibels),
        chroma=chroma.constant_q_series(spectra),
        tonnetz=tonnetz.series(spectra),
        onset_strength=strength,
        tempogram=tempogram,
        tempi=tempi,
    )


def _mel_decibels(samples: np.ndarray, sample_rate: int, peak: float) -> np.ndarray:
    power = kernels.mel_power(Spectra(samples, sample_rate).by_bin, *mel_bands(sample_rate))
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power, _FLOOR)), peak - _RANGE)).T


def tempogram_of(strength: np.ndarray, *, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Autocorrelation of the onset strength in windows of eight seconds around each frame, by tempo.

    Its mean over the frames is what the feature ``tempo`` is read from.

    Returns
    -------
    (tempogram, tempi) : (tempi, frames) and (tempi,) in BPM.
    """
    local = rhythm.autocorrelation(strength, window=int(_TEMPOGRAM_SECONDS * sample_rate) // HOP_LENGTH)
    tempi = np.geomspace(SLOWEST_TEMPO, FASTEST_TEMPO, _TEMPO_ROWS)
    lags = np.clip(60.0 * sample_rate / (HOP_LENGTH * tempi), 1, len(local) - 1.001)
    below = lags.astype(int)
    share = (lags - below)[:, None]
    return (1 - share) * local[below] + share * local[below + 1], tempi
