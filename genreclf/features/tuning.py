"""Tuning: by how much the track's pitches lie above or below the equal-tempered scale on A = 440 Hz.

Peaks of each spectrum between 150 and 4,000 Hz that reach a tenth of its maximum are placed between bins by a
parabola through three points; the louder half of them vote for the deviation from the nearest step of the scale.

Source: Smith and Serra (1987), PARSHL: An Analysis/Synthesis Program for Non-Harmonic Sounds.
"""

from __future__ import annotations

import numpy as np

from genreclf.features.spectra import FRAME_LENGTH

_LOWEST, _HIGHEST = 150.0, 4000.0
_PEAK_THRESHOLD = 0.1
_RESOLUTION = 0.01
_REFERENCE = 440.0 / 16


def estimate_tuning(spectrum: np.ndarray, highest: np.ndarray, *, sample_rate: int, bins_per_octave: int) -> float:
    """The deviation that most peaks agree on, in fractions of a step, from -0.5 to 0.49.

    Parameters
    ----------
    spectrum : (bins, frames), float32, not negative; the bins up to 4,000 Hz and one more, or all.
    highest : (frames,), float32, the maximum of each frame.
    sample_rate : in Hz.
    bins_per_octave : steps of the scale.

    Returns
    -------
    The lower edge of the fullest of 100 cells; 0 where there are no peaks.
    """
    from genreclf.features import kernels

    frequencies = np.arange(FRAME_LENGTH // 2 + 1) * (sample_rate / FRAME_LENGTH)
    audible = np.flatnonzero((frequencies >= _LOWEST) & (frequencies < min(_HIGHEST, sample_rate / 2)))
    pitch, magnitude = kernels.spectral_peaks(
        spectrum, highest, audible[0], audible[-1] + 1, np.float32(_PEAK_THRESHOLD), sample_rate / FRAME_LENGTH
    )
    if not len(pitch):
        return 0.0
    pitch = pitch[magnitude >= np.median(magnitude)]
    # Single precision throughout: a peak that falls into another cell than librosa's can move the fullest cell.
    deviation = np.mod(bins_per_octave * np.log2(pitch / np.float32(_REFERENCE)), np.float32(1))
    deviation[deviation >= 0.5] -= 1
    cells = np.linspace(-0.5, 0.5, round(1 / _RESOLUTION) + 1)
    votes, _ = np.histogram(deviation, cells)
    return float(cells[np.argmax(votes)])
