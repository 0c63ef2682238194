"""The panels of an inspection: what each shows, before it is drawn as SVG or by matplotlib."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.inspection.heatmap import DIVERGING, SEQUENTIAL
from genreclf.pages.wording import points

if TYPE_CHECKING:
    import numpy as np

    from genreclf.inspection.series import TrackSeries

NOTES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
TONNETZ_AXES = ("fifths, sine", "fifths, cosine", "minor thirds, sine", "minor thirds, cosine", "major thirds, sine",
                "major thirds, cosine")  # fmt: skip


@dataclass(frozen=True, eq=False)
class HeatPanel:
    """A picture over time.

    Parameters
    ----------
    values : (rows, frames), the lowest row first.
    low, high : the values at the ends of the colours.
    ticks : places of labels as shares of the height from below, and their texts.
    line : a share of the height at which something is marked, and what.
    """

    title: str
    note: str
    values: np.ndarray
    low: float
    high: float
    height: float
    ticks: Sequence[tuple[float, str]] = ()
    colours: tuple[str, ...] = SEQUENTIAL
    line: tuple[float, str] | None = None


@dataclass(frozen=True, eq=False)
class LinePanel:
    """A curve over time, or with two rows the band between them.

    Parameters
    ----------
    values : (1 or 2, frames).
    """

    title: str
    note: str
    values: np.ndarray
    low: float
    high: float
    height: float


Panel = HeatPanel | LinePanel


def panels_of(series: TrackSeries, features: dict[str, float]) -> list[Panel]:
    """The panels that share the time axis, from top to bottom."""
    import numpy as np

    peak = float(series.mel.max())
    tempo = features["tempo"]
    strongest = max(float(series.onset_strength.max()), 1e-9)
    return [
        LinePanel("Waveform", "largest and smallest samples", _envelope(series.samples), -1.0, 1.0, 84.0),
        HeatPanel(
            "Mel spectrogram",
            _minus(f"128 bands, {peak - 80:.0f} to {peak:.0f} dB"),
            series.mel,
            peak - 80,
            peak,
            128.0,
            ticks=mel_ticks(series.sample_rate),
        ),
        HeatPanel(
            "MFCC",
            _minus("20 coefficients, each standardised, from -2.5 to 2.5 standard deviations"),
            _standardised(series.mfcc),
            -2.5,
            2.5,
            140.0,
            ticks=[((row + 0.5) / 20, str(row + 1)) for row in (0, 4, 9, 14, 19)],
            colours=DIVERGING,
        ),
        HeatPanel(
            "Chroma",
            "energy of each pitch class, scaled to a maximum of 1 in each frame",
            series.chroma,
            0.0,
            1.0,
            162.0,
            ticks=[((row + 0.5) / 12, note) for row, note in enumerate(NOTES)],
        ),
        HeatPanel(
            "Tonnetz",
            _minus("six axes of harmony, -0.4 to 0.4"),
            series.tonnetz[::-1],
            -0.4,
            0.4,
            96.0,
            ticks=[((5 - row + 0.5) / 6, axis) for row, axis in enumerate(TONNETZ_AXES)],
            colours=DIVERGING,
        ),
        LinePanel(
            "Onset strength", "mean rise of the mel bands, dB", series.onset_strength[None, :], 0.0, strongest, 72.0
        ),
        HeatPanel(
            "Tempogram",
            "autocorrelation of the onsets within eight seconds, by tempo in BPM",
            np.maximum(series.tempogram, 0.0),
            0.0,
            max(float(np.quantile(series.tempogram, 0.995)), 1e-9),
            110.0,
            ticks=[(_tempo_place(series.tempi, beat), f"{beat}") for beat in (40, 60, 90, 120, 180, 240)],
            line=(_tempo_place(series.tempi, tempo), f"tempo {tempo:.1f} BPM"),
        ),
    ]


def parts_of(series: TrackSeries, features: dict[str, float]) -> list[HeatPanel]:
    """The harmonic and the percussive part, to be drawn side by side."""
    peak = float(series.mel.max())
    ticks = mel_ticks(series.sample_rate)
    harmonic, percussive = features["harmonic_power"], features["percussive_power"]
    total = max(harmonic + percussive, 1e-30)
    return [
        HeatPanel(
            title,
            f"power {power:.3g}, {points(power / total)} % of the total",
            values,
            peak - 80,
            peak,
            150.0,
            ticks=ticks,
        )
        for title, power, values in (
            ("Harmonic part", harmonic, series.harmonic),
            ("Percussive part", percussive, series.percussive),
        )
    ]


def mel_ticks(sample_rate: int) -> list[tuple[float, str]]:
    """Round frequencies and where they lie among the mel bands."""
    import numpy as np

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
    import numpy as np

    return float(np.interp(np.log(tempo), np.log(tempi), np.linspace(0, 1, len(tempi))))


def _standardised(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    spread = rows.std(axis=1, keepdims=True)
    return np.asarray((rows - rows.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1.0))


def _envelope(samples: np.ndarray, *, columns: int = 800) -> np.ndarray:
    import numpy as np

    starts = np.unique(np.linspace(0, len(samples) - 1, columns).astype(int))
    return np.stack([np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)])
