"""The panels of an inspection: what each shows, before it is drawn as SVG or by matplotlib."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from genreclf.inspection.heatmap import DIVERGING, SEQUENTIAL
from genreclf.pages.wording import points

if TYPE_CHECKING:
    from genreclf.inspection.series import TrackSeries

NOTES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
TONNETZ_AXES = (
    "fifths, sin",
    "fifths, cos",
    "minor 3rds, sin",
    "minor 3rds, cos",
    "major 3rds, sin",
    "major 3rds, cos",
)


@dataclass(frozen=True, eq=False)
class Panel:
    """A heat map over time, or a curve.

    Parameters
    ----------
    values : (rows, frames), the lowest row first; of a curve (1, frames), or (2, frames) for the band between two.
    low, high : the values at the ends of the colours or of the axis.
    height : in pixels.
    colours : of a heat map, from low to high; none for a curve.
    ticks : places of labels as shares of the height from below, and their texts.
    line : a share of the height that is marked, and its label.
    """

    title: str
    note: str
    values: np.ndarray
    low: float
    high: float
    height: float
    colours: tuple[str, ...] = ()
    ticks: Sequence[tuple[float, str]] = ()
    line: tuple[float, str] | None = None


def panels_of(series: TrackSeries, features: Mapping[str, float]) -> list[Panel]:
    """The panels that share the time axis, from top to bottom."""
    peak, tempo, onsets = float(series.mel.max()), features["tempo"], series.onset_strength
    mel = _minus(f"128 bands, {peak - 80:.0f} to {peak:.0f} dB")
    mfcc = _minus("20 coefficients, each standardised, from -2.5 to 2.5 standard deviations")
    mfcc_ticks = [((row + 0.5) / 20, str(row + 1)) for row in (0, 4, 9, 14, 19)]
    notes = [((row + 0.5) / 12, note) for row, note in enumerate(NOTES)]
    axes = [((5 - row + 0.5) / 6, axis) for row, axis in enumerate(TONNETZ_AXES)]
    tempi = [(_tempo_place(series.tempi, beat), f"{beat}") for beat in (40, 60, 90, 120, 180, 240)]
    chroma = "energy of each pitch class, scaled to a maximum of 1 in each frame"
    tempogram = "autocorrelation of the onsets within eight seconds, by tempo in BPM"
    marked = _tempo_place(series.tempi, tempo), f"tempo {tempo:.1f} BPM"
    brightest = max(float(np.quantile(series.tempogram, 0.995)), 1e-9)
    return [
        Panel("Waveform", "largest and smallest samples", _envelope(series.samples), -1, 1, 84),
        Panel("Mel spectrogram", mel, series.mel, peak - 80, peak, 128, SEQUENTIAL, mel_ticks(series.sample_rate)),
        Panel("MFCC", mfcc, _standardised(series.mfcc), -2.5, 2.5, 140, DIVERGING, mfcc_ticks),
        Panel("Chroma", chroma, series.chroma, 0, 1, 162, SEQUENTIAL, notes),
        Panel("Tonnetz", _minus("six axes, -0.4 to 0.4"), series.tonnetz[::-1], -0.4, 0.4, 96, DIVERGING, axes),
        Panel("Onset strength", "mean rise of the mel bands, dB", onsets[None, :], 0, max(onsets.max(), 1e-9), 72),
        Panel("Tempogram", tempogram, np.maximum(series.tempogram, 0.0), 0, brightest, 110, SEQUENTIAL, tempi, marked),
    ]


def parts_of(series: TrackSeries, features: Mapping[str, float]) -> list[Panel]:
    """The harmonic and the percussive part, to be drawn side by side."""
    peak, ticks = float(series.mel.max()), mel_ticks(series.sample_rate)
    total = max(features["harmonic_power"] + features["percussive_power"], 1e-30)

    def part(title: str, power: float, values: np.ndarray) -> Panel:
        note = f"power {power:.3g}, {points(power / total)} % of the total"
        return Panel(title, note, values, peak - 80, peak, 150, SEQUENTIAL, ticks)

    return [
        part("Harmonic part", features["harmonic_power"], series.harmonic),
        part("Percussive part", features["percussive_power"], series.percussive),
    ]


def mel_ticks(sample_rate: int) -> list[tuple[float, str]]:
    """Round frequencies and where they lie among the mel bands."""
    from genreclf.features.spectra import N_MELS, mel_frequencies

    centres = mel_frequencies(N_MELS + 2, highest=sample_rate / 2)
    shown = ((500, "500 Hz"), (1000, "1 kHz"), (2000, "2 kHz"), (4000, "4 kHz"), (8000, "8 kHz"))
    return [
        (float(np.interp(hertz, centres, np.linspace(0, 1, N_MELS + 2))), name)
        for hertz, name in shown
        if hertz < 0.9 * sample_rate / 2
    ]


def _minus(text: str) -> str:
    return text.replace("-", "\u2212")


def _tempo_place(tempi: np.ndarray, tempo: float) -> float:
    return float(np.interp(np.log(tempo), np.log(tempi), np.linspace(0, 1, len(tempi))))


def _standardised(rows: np.ndarray) -> np.ndarray:
    spread = rows.std(axis=1, keepdims=True)
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0))


def _envelope(samples: np.ndarray, *, columns: int = 800) -> np.ndarray:
    starts = np.unique(np.linspace(0, len(samples) - 1, columns).astype(int))
    return np.stack([np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)])
