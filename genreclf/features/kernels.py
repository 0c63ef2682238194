"""The compiled inner loops, where whole-array operations would walk memory many times over.

Everything compiled is here, or is put together here from `medians` and `products`. Each loop has a plain counterpart in
numpy, scipy or librosa, and a test that compares the two. None starts a thread; all let other threads run.

Numba looks at this file alone to tell whether what it kept on disk is out of date: whoever changes `medians` or
`products` has to touch this one too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from genreclf.features.compilation import ensure_cache

ensure_cache()

import numba  # noqa: E402 - it reads where its cache is when it is imported

from genreclf.features.medians import LANES, WIDTH, WINDOWS, write_medians  # noqa: E402
from genreclf.features.products import COLUMNS, FRAMES, write_products  # noqa: E402

Function = TypeVar("Function", bound=Callable[..., Any])

_SMALLEST = np.finfo(np.float32).tiny
_EPSILON = np.finfo(np.float64).eps


def _compiled(function: Function) -> Function:
    compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast("Function", compiled)


@_compiled
def mel_power(magnitude: np.ndarray, first: np.ndarray, start: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Power in each band: (frames, bands) float32. The bands are those of `spectra.mel_bands`."""
    n_bands = len(first)
    power = np.empty((len(magnitude), n_bands), dtype=np.float32)
    squares = np.empty(magnitude.shape[1], dtype=np.float32)
    for t in range(len(magnitude)):
        for k in range(len(squares)):
            squares[k] = magnitude[t, k] * magnitude[t, k]
        for m in range(n_bands):
            total = np.float32(0)
            shift = first[m] - start[m]
            for k in range(start[m], start[m + 1]):
                total += squares[shift + k] * weights[k]
            power[t, m] = total
    return power


@_compiled
def project(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product of (n, inner) and (inner, outer) float32 matrices, `outer` small."""
    n, inner = rows.shape
    outer = matrix.shape[1]
    product = np.zeros((n, outer), dtype=np.float32)
    for t in range(n):
        for m in range(inner):
            x = rows[t, m]
            for k in range(outer):
                product[t, k] += x * matrix[m, k]
    return product


@_compiled
def moments(rows: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, skew, kurtosis, (place of the median), minimum, maximum of each row: (7, rows)."""
    n_rows, n = rows.shape
    values = np.zeros((7, n_rows))
    for i in range(n_rows):
        total = 0.0
        lowest = rows[i, 0]
        highest = rows[i, 0]
        for t in range(n):
            x = rows[i, t]
            total += x
            lowest = min(lowest, x)
            highest = max(highest, x)
        mean = total / n
        m2 = 0.0
        m3 = 0.0
        m4 = 0.0
        for t in range(n):
            d = rows[i, t] - mean
            m2 += d * d
            m3 += d * d * d
            m4 += d * d * d * d
        values[0, i] = mean
        values[5, i] = lowest
        values[6, i] = highest
        m2 /= n
        # Less spread than rounding leaves is none: the ratios below would be noise.
        if highest > lowest and m2 > (_EPSILON * mean) ** 2:
            values[1, i] = np.sqrt(m2)
            values[2, i] = m3 / n / (m2 * np.sqrt(m2))
            values[3, i] = m4 / n / (m2 * m2) - 3.0
    return values


@_compiled
def mean_spectrum_of_windows(samples: np.ndarray, width: int) -> np.ndarray:
    """Power spectrum of each Hann window of `width` samples, scaled to a mean of 1, averaged over all windows.

    The transform, padded to twice the width, slides along by one sample: what leaves is taken off, what enters is
    added, and all is turned on. The Hann window is three neighbouring terms of it.

    Parameters
    ----------
    samples : (n,) float64, n >= width.

    Returns
    -------
    (width + 1,) float64; windows that hold only zeros count as zero.
    """
    n = len(samples) - width + 1
    bins = width + 1
    turn_real = np.empty(bins)
    turn_imag = np.empty(bins)
    for k in range(bins):
        turn_real[k] = np.cos(np.pi * k / width)
        turn_imag[k] = np.sin(np.pi * k / width)
    # Two bins more at either end, for the terms of the window that reach beyond: the spectrum is mirrored there.
    real = np.zeros(bins + 4)
    imag = np.zeros(bins + 4)
    power = np.empty(bins)
    mean = np.zeros(bins)
    heard = 0
    for t in range(-width, n):
        leaves = samples[t - 1] if t >= 1 else 0.0
        enters = samples[t + width - 1] if t + width >= 1 else 0.0
        first = samples[t] if t >= 0 else 0.0
        heard += (enters != 0) - (first != 0)
        for k in range(bins):
            x = real[k + 2] - leaves + (enters if k % 2 == 0 else -enters)
            y = imag[k + 2]
            real[k + 2] = x * turn_real[k] - y * turn_imag[k]
            imag[k + 2] = x * turn_imag[k] + y * turn_real[k]
        if heard == 0:
            # All is silent but the first sample, which the window takes to zero: forget what rounding has left.
            for k in range(bins):
                real[k + 2] = first
                imag[k + 2] = 0.0
        if t < 0 or heard == 0:
            continue
        for k in range(1, 3):
            real[2 - k], imag[2 - k] = real[2 + k], -imag[2 + k]
            real[bins + 1 + k], imag[bins + 1 + k] = real[bins + 1 - k], -imag[bins + 1 - k]
        total = 0.0
        for k in range(bins):
            x = 0.5 * real[k + 2] - 0.25 * (real[k] + real[k + 4])
            y = 0.5 * imag[k + 2] - 0.25 * (imag[k] + imag[k + 4])
            power[k] = x * x + y * y
            total += power[k]
        scale = width / (total - (power[0] + power[width]) / 2)
        for k in range(bins):
            mean[k] += power[k] * scale / n
    return mean


@_compiled
def _reflected(n: int) -> np.ndarray:
    """The rows that the windows around rows 0 to n - 1 take, the matrix being mirrored at its edges."""
    padded = -(-n // WINDOWS) * WINDOWS
    rows = np.empty(padded + WIDTH - 1, dtype=np.int64)
    for i in range(len(rows)):
        row = (i - WIDTH // 2) % (2 * n)
        rows[i] = row if row < n else 2 * n - 1 - row
    return rows


@_compiled
def median_of_frames(x: np.ndarray) -> np.ndarray:
    """Running median of 31 along the first axis of a (frames, bins >= 8) float32 matrix, mirrored at its edges."""
    frames, bins = x.shape
    rows = _reflected(frames)
    medians = np.empty((len(rows) - WIDTH + 1, bins), dtype=np.float32)
    for t in range(0, len(medians), WINDOWS):
        for k in range(0, bins - LANES, LANES):
            write_medians(x, rows, t, k, medians)
        write_medians(x, rows, t, bins - LANES, medians)
    return medians[:frames]


@_compiled
def median_of_bins(x: np.ndarray) -> np.ndarray:
    """Running median of 31 along the second axis of a (frames, bins) float32 matrix, mirrored at its edges."""
    frames, bins = x.shape
    rows = _reflected(bins)
    medians = np.empty_like(x)
    turned = np.zeros((bins, LANES), dtype=np.float32)
    found = np.empty((len(rows) - WIDTH + 1, LANES), dtype=np.float32)
    for t in range(0, frames, LANES):
        lanes = min(LANES, frames - t)
        for i in range(lanes):
            for k in range(bins):
                turned[k, i] = x[t + i, k]
        for k in range(0, len(found), WINDOWS):
            write_medians(turned, rows, k, 0, found)
        for i in range(lanes):
            for k in range(bins):
                medians[t + i, k] = found[k, i]
    return medians


@_compiled
def masked(transform: np.ndarray, kept: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Scale a complex64 matrix by kept^2 / (kept^2 + other^2), and by a half where both are zero."""
    result = np.empty_like(transform)
    for t in range(transform.shape[0]):
        for k in range(transform.shape[1]):
            a = kept[t, k]
            b = other[t, k]
            larger = max(b, a)
            silent = larger < _SMALLEST
            scale = np.float32(1) / (np.float32(1) if silent else larger)
            a = a * scale
            b = b * scale
            a = a * a
            b = b * b
            mask = np.float32(0.5) if silent else a / (a + b)
            result[t, k] = transform[t, k] * mask
    return result


@_compiled
def overlap_add(signal: np.ndarray, frames: np.ndarray, window: np.ndarray, hop: int) -> None:
    """Add windowed frames to `signal`, the first at its beginning, each further one `hop` samples on."""
    for t in range(len(frames)):
        for k in range(len(window)):
            signal[t * hop + k] += frames[t, k] * window[k]


@_compiled
def spectral_peaks(
    spectrum: np.ndarray, first: int, last: int, threshold: np.float32, bin_width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and height of each frame's peaks in bins `first` to `last` - 1, placed by a parabola.

    A peak is above `threshold` times its frame's maximum. In single precision where librosa's are, so that peaks fall
    into the same cells of a histogram.
    """
    frames, bins = spectrum.shape
    pitch = np.empty(frames * (last - first), dtype=np.float32)
    height = np.empty(frames * (last - first), dtype=np.float32)
    n = 0
    for t in range(frames):
        highest = np.float32(0)
        for k in range(bins):
            highest = max(highest, spectrum[t, k])
        floor = threshold * highest
        for k in range(first, min(last, bins - 1)):
            left = spectrum[t, k - 1]
            x = spectrum[t, k]
            right = spectrum[t, k + 1]
            if not x > floor or not x > left or x < right:
                continue
            slope = (right - left) / 2
            bend = np.float64(right + left) - 2.0 * x
            shift = np.float32(0) if abs(slope) >= abs(bend) else np.float32(-slope / bend)
            pitch[n] = (k + shift) * bin_width
            height[n] = x + np.float32(0.5) * np.float32(slope) * shift
            n += 1
    return pitch[:n], height[:n]


@_compiled
def filter_magnitudes(signal: np.ndarray, basis: np.ndarray, hop: int, frames: int) -> np.ndarray:
    """Magnitudes of the products of successive frames with complex vectors.

    Parameters
    ----------
    signal : (n,) float32; frame t begins at t * hop. It has to hold `frames` frames, and at least four.
    basis : (length, 2 * filters) float32, real parts first, then imaginary parts; 2 * filters a multiple of 24.

    Returns
    -------
    (frames, filters) float32.
    """
    length, width = basis.shape
    panels = np.empty((width // COLUMNS, length, COLUMNS), dtype=np.float32)
    for p in range(len(panels)):
        for i in range(length):
            for k in range(COLUMNS):
                panels[p, i, k] = basis[i, p * COLUMNS + k]
    parts = np.empty((FRAMES, width), dtype=np.float32)
    magnitude = np.empty((max(frames, FRAMES), width // 2), dtype=np.float32)
    for start in range(0, frames, FRAMES):
        # The last four frames reach back over some that are done already, rather than beyond the end.
        t = max(0, min(start, frames - FRAMES))
        for p in range(len(panels)):
            write_products(signal, t * hop, hop, panels, p, parts)
        for i in range(FRAMES):
            for k in range(width // 2):
                # In double precision: the squares of what a decimator leaves in silence would underflow.
                x = np.float64(parts[i, k])
                y = np.float64(parts[i, width // 2 + k])
                magnitude[t + i, k] = np.sqrt(x * x + y * y)
    return magnitude[:frames]


@_compiled
def spectral_shape(magnitude: np.ndarray, bin_width: float, rolloff: np.float32) -> np.ndarray:
    """Level, centroid, bandwidth and roll-off of each frame: (4, frames)."""
    frames, bins = magnitude.shape
    values = np.zeros((4, frames))
    for t in range(frames):
        total = 0.0
        moment = 0.0
        power = 0.0
        running = np.float32(0)
        for k in range(bins):
            x = np.float64(magnitude[t, k])
            total += x
            moment += x * k
            power += x * x
            running += magnitude[t, k]
        edges = np.float64(magnitude[t, 0]) ** 2 + np.float64(magnitude[t, bins - 1]) ** 2
        values[0, t] = np.sqrt(2 * (power - edges / 2)) / (2 * (bins - 1))
        if total < _SMALLEST:
            continue
        centre = moment / total
        spread = 0.0
        for k in range(bins):
            spread += magnitude[t, k] * (k - centre) ** 2
        values[1, t] = centre * bin_width
        values[2, t] = np.sqrt(spread / total) * bin_width
        # Summed up in single precision, in order, as librosa does: which bin crosses the threshold depends on it.
        threshold = rolloff * running
        running = np.float32(0)
        for k in range(bins):
            running += magnitude[t, k]
            if running >= threshold:
                values[3, t] = k * bin_width
                break
    return values


@_compiled
def extremes(
    magnitude: np.ndarray, first: np.ndarray, last: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the `counts` highest and of the lowest bins of each band in each frame: two (frames, bands)."""
    frames = len(magnitude)
    bands = len(first)
    peaks = np.empty((frames, bands))
    valleys = np.empty((frames, bands))
    highest = np.empty(magnitude.shape[1], dtype=np.float32)
    lowest = np.empty(magnitude.shape[1], dtype=np.float32)
    for t in range(frames):
        for b in range(bands):
            n = counts[b]
            for i in range(n):
                highest[i] = -np.inf
                lowest[i] = np.inf
            for k in range(first[b], last[b]):
                x = magnitude[t, k]
                i = n
                if x > highest[n - 1]:
                    i = n - 1
                    while i > 0 and x > highest[i - 1]:
                        highest[i] = highest[i - 1]
                        i -= 1
                    highest[i] = x
                if x < lowest[n - 1]:
                    i = n - 1
                    while i > 0 and x < lowest[i - 1]:
                        lowest[i] = lowest[i - 1]
                        i -= 1
                    lowest[i] = x
            high = 0.0
            low = 0.0
            for i in range(n):
                high += highest[i]
                low += lowest[i]
            peaks[t, b] = high / n
            valleys[t, b] = low / n
    return peaks, valleys
