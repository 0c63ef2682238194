"""The compiled inner loops, where whole-array operations would walk memory many times over.

Everything compiled is here. Each loop has a plain counterpart in numpy, scipy or librosa, and a test that compares the
two. None starts a thread; all let other threads run.

Indices into flat arrays are unsigned where a loop has to become vector instructions: a signed one might count from the
end, which the compiler would have to provide for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np

from genreclf.features.kernel_cache import ensure_cache

ensure_cache()

import numba  # noqa: E402 - it reads where its cache is when it is imported

from genreclf.features.vectors import FLOATS, Array, Index, or_plain, step  # noqa: E402

Function = TypeVar("Function", bound=Callable[..., Any])

_SMALLEST = np.finfo(np.float32).tiny
_EPSILON = np.finfo(np.float64).eps

_BLOCK = np.uint64(32)
_FRAMES = np.uint64(128)


def _compiler(**options: Any) -> Callable[[Function], Function]:  # noqa: ANN401 - numba has no types
    def compile_(function: Function) -> Function:
        return cast("Function", numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function))

    return compile_


compiled = _compiler()
# Multiplications and additions are fused, which round once; the order of sums stays.
_compiled_contracted = _compiler(fastmath={"contract"})
# The order of sums is free too, and nothing is taken to be not a number, so that they can be taken in vectors.
_compiled_fast = _compiler(fastmath={"contract", "reassoc", "nsz", "nnan"})


# An allocation is compiled anew for each type of its size and of its elements, at a quarter of a second each.
@compiled
def floats(count: int) -> np.ndarray:
    """Room for so many float32 numbers."""
    return np.empty(count, dtype=np.float32)


@compiled
def _zeros(count: int) -> np.ndarray:
    return np.zeros(count)


@compiled
def transposed(x: np.ndarray) -> np.ndarray:
    """The transpose of a float32 matrix, C-contiguous; in blocks of 8 by 32."""
    n, m = x.shape
    source, target = x.reshape(-1), floats(m * n)
    stride, width = np.uint64(m), np.uint64(n)
    for first in range(0, n, 8):
        for start in range(0, m, 32):
            for k in range(np.uint64(start), np.uint64(min(m, start + 32))):
                for i in range(np.uint64(first), np.uint64(min(n, first + 8))):
                    target[k * width + i] = source[i * stride + k]
    return target.reshape((m, n))


@_compiled_fast
def mel_power(by_bin: np.ndarray, first: np.ndarray, start: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Power in each band, (frames, bands) float32, of (bins, frames) magnitudes; the bands are `spectra.mel_bands`."""
    frames = np.uint64(by_bin.shape[1])
    bins = by_bin.reshape(-1)
    totals = floats(len(first) * by_bin.shape[1])
    totals[:] = 0
    for m in range(len(first)):
        band = np.uint64(m) * frames
        for j in range(start[m], start[m + 1]):
            weight = weights[j]
            row = np.uint64(first[m] + j - start[m]) * frames
            for t in range(frames):
                totals[band + t] += bins[row + t] * bins[row + t] * weight
    return transposed(totals.reshape((len(first), by_bin.shape[1])))


@_compiled_contracted
def write_magnitudes(spectra: np.ndarray, magnitudes: np.ndarray, begin: int) -> None:
    """Write the magnitudes of blocks of spectra to (bins, frames) float32, from frame `begin` on.

    The spectra are those of `fourier.write_spectra`. In single precision as numpy takes them, so that a flat spectrum
    has the same peaks.
    """
    blocks, rows, width = spectra.shape
    source, target = spectra.reshape(-1), magnitudes.reshape(-1)
    for block in range(blocks):
        first = begin + block * width
        count = np.uint64(max(0, min(width, magnitudes.shape[1] - first)))
        for k in range(rows // 2):
            real, imag = np.uint64((block * rows + k) * width), np.uint64((block * rows + rows // 2 + k) * width)
            row = np.uint64(k * magnitudes.shape[1] + first)
            for t in range(count):
                a, b = abs(source[real + t]), abs(source[imag + t])
                larger = a if a > b else b  # noqa: FURB136 - `max` would look for values that are no numbers
                scale = larger if larger > 0 else np.float32(1)
                a, b = a / scale, b / scale
                target[row + t] = np.sqrt(b * b + a * a) * scale


@_compiled_fast
def write_band_amplitudes(  # noqa: PLR0917 - called with the bands of `spectra.mel_bands`
    spectra: np.ndarray,
    first: np.ndarray,
    start: np.ndarray,
    weights: np.ndarray,
    amplitudes: np.ndarray,
    begin: int,
) -> None:
    """Write the root of each band's power to (bands, frames), from frame `begin` on.

    The spectra are those of `fourier.write_spectra`, (2 * bins, frames) float32.
    """
    bins, width = len(spectra) // 2, spectra.shape[1]
    frames, half = np.uint64(min(width, amplitudes.shape[1] - begin)), np.uint64(bins * width)
    values = spectra.reshape(-1)
    power = floats(bins * width)
    for i in range(half):
        power[i] = values[i] * values[i] + values[half + i] * values[half + i]
    totals = floats(width)
    for m in range(len(first)):
        totals[:] = 0
        for j in range(start[m], start[m + 1]):
            weight = weights[j]
            row = np.uint64((first[m] + j - start[m]) * width)
            for t in range(frames):
                totals[t] += weight * power[row + t]
        for t in range(frames):
            amplitudes[m, begin + t] = np.sqrt(totals[t])


@_compiled_fast
def interpolated_envelopes(series: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Mean magnitude of complex series at places that are interpolated.

    Parameters
    ----------
    series : (bands, 2 * (points + taps - 1)) float32, real and imaginary parts by turns.
    weights : (places, taps) float32, taps an even number: for each place, those of `taps` neighbouring points.

    Returns
    -------
    (bands,) float32.
    """
    bands, width = series.shape
    places, taps = weights.shape
    size = np.uint64(width - 2 * (taps - 1))
    flat, made, means = series.reshape(-1), floats(width - 2 * (taps - 1)), floats(bands)
    for band in range(bands):
        total = np.float32(0)
        for place in range(places):
            made[:] = 0
            for tap in range(0, taps, 2):
                weight, other = weights[place, tap], weights[place, tap + 1]
                first = np.uint64(band * width + 2 * tap)
                for i in range(size):
                    made[i] += weight * flat[first + i] + other * flat[first + np.uint64(2) + i]
            for i in range(size // np.uint64(2)):
                real, imag = made[np.uint64(2) * i], made[np.uint64(2) * i + np.uint64(1)]
                total += np.sqrt(real * real + imag * imag)
        means[band] = total / np.float32(places * (len(made) // 2))
    return means


@_compiled_fast
def project(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product of (n, inner) and (inner, outer) float32 matrices, C-contiguous, `outer` small.

    Four rows of the matrix at a time, so that the sums are loaded and stored a quarter as often.
    """
    n, inner = rows.shape
    outer = np.uint64(matrix.shape[1])
    whole = inner // 4 * 4
    flat = matrix.reshape(-1)
    product = floats(n * matrix.shape[1]).reshape((n, matrix.shape[1]))
    sums = floats(matrix.shape[1])
    for t in range(n):
        sums[:] = 0
        for m in range(0, whole, 4):
            w, x, y, z = rows[t, m], rows[t, m + 1], rows[t, m + 2], rows[t, m + 3]
            a = np.uint64(m) * outer
            b, c, d = a + outer, a + outer + outer, a + outer + outer + outer
            for k in range(outer):
                sums[k] += w * flat[a + k] + x * flat[b + k] + y * flat[c + k] + z * flat[d + k]
        for m in range(whole, inner):
            x = rows[t, m]
            for k in range(outer):
                sums[k] += x * matrix[m, k]
        for k in range(outer):
            product[t, k] = sums[k]
    return product


@step
def _add_products(  # noqa: PLR0917 - compiled code passes arguments by position
    sums: Array, target: Index, weights: Array, first: Index, second: Index, rows: Array, row: Index
) -> None:
    """Add eight rows of `_BLOCK` numbers, times weights from `first` and from `second` on, to two rows of sums."""
    lanes = range(0, int(_BLOCK), FLOATS)
    totals = [[sums[target + (k * int(_BLOCK) + lane)] for lane in lanes] for k in range(2)]
    for i in range(8):
        values = [rows[row + (i * int(_BLOCK) + lane)] for lane in lanes]
        for k, start in enumerate((first, second)):
            weight = weights.everywhere(start + i)
            totals[k] = [total + value * weight for total, value in zip(totals[k], values, strict=True)]
    for k in range(2):
        for lane, total in zip(lanes, totals[k], strict=True):
            sums[target + (k * int(_BLOCK) + lane)] = total


def _plain_product_with_squares(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    return np.asarray(np.einsum("oi,in->on", weights[:, : len(columns)], columns**2))  # without BLAS


@or_plain(_plain_product_with_squares)
@compiled
def product_with_squares(weights: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The product of (outer, inner) weights and the squares of (inner or less, n) columns, all float32.

    `outer` is even, `inner` a multiple of 8. BLAS would give other last bits with another number of threads.
    """
    outer, inner, n = np.uint64(len(weights)), np.uint64(weights.shape[1]), np.uint64(columns.shape[1])
    eight = np.uint64(8)
    flat, source, product = weights.reshape(-1), columns.reshape(-1), floats(len(weights) * columns.shape[1])
    squares, sums = floats(8 * int(_BLOCK)), floats(len(weights) * int(_BLOCK))
    for start in range(np.uint64(0), n, _BLOCK):
        count = min(_BLOCK, n - start)
        sums[:] = 0
        for first in range(np.uint64(0), inner, eight):
            squares[:] = 0
            for i in range(first, min(first + eight, np.uint64(len(columns)))):
                for t in range(count):
                    squares[(i - first) * _BLOCK + t] = source[i * n + start + t] * source[i * n + start + t]
            for k in range(np.uint64(0), outer, np.uint64(2)):
                place = k * inner + first
                _add_products(sums, k * _BLOCK, flat, place, place + inner, squares, np.uint64(0))
        for k in range(outer):
            for t in range(count):
                product[k * n + start + t] = sums[k * _BLOCK + t]
    return product.reshape((len(weights), columns.shape[1]))


@compiled
def moments(rows: np.ndarray) -> np.ndarray:
    """Mean, standard deviation, skew, kurtosis, (place of the median), minimum, maximum of each row: (7, rows)."""
    n_rows, n = rows.shape
    values = _zeros(7 * n_rows).reshape((7, n_rows))
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


@compiled
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
    turn_real = _zeros(bins)
    turn_imag = _zeros(bins)
    for k in range(bins):
        turn_real[k] = np.cos(np.pi * k / width)
        turn_imag[k] = np.sin(np.pi * k / width)
    # Two bins more at either end, for the terms of the window that reach beyond: the spectrum is mirrored there.
    real = _zeros(bins + 4)
    imag = _zeros(bins + 4)
    power = _zeros(bins)
    mean = _zeros(bins)
    sounding = 0
    for t in range(-width, n):
        leaves = samples[t - 1] if t >= 1 else 0.0
        enters = samples[t + width - 1] if t + width >= 1 else 0.0
        first = samples[t] if t >= 0 else 0.0
        sounding += (enters != 0) - (first != 0)
        for k in range(bins):
            x = real[k + 2] - leaves + (enters if k % 2 == 0 else -enters)
            y = imag[k + 2]
            real[k + 2] = x * turn_real[k] - y * turn_imag[k]
            imag[k + 2] = x * turn_imag[k] + y * turn_real[k]
        if sounding == 0:
            # All is silent but the first sample, which the window takes to zero: forget what rounding has left.
            for k in range(bins):
                real[k + 2] = first
                imag[k + 2] = 0.0
        if t < 0 or sounding == 0:
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


@compiled
def soft_mask(kept: np.ndarray, other: np.ndarray, columns: int) -> np.ndarray:
    """kept^2 / (kept^2 + other^2) of two float32 matrices, a half where both are zero; zeros fill up to `columns`."""
    rows, width = kept.shape
    half, one = np.float32(0.5), np.float32(1)
    source, rest, target = kept.reshape(-1), other.reshape(-1), floats(rows * columns)
    target[:] = 0
    for k in range(rows):
        row, place = np.uint64(k * width), np.uint64(k * columns)
        for t in range(np.uint64(width)):
            a, b = source[row + t], rest[row + t]
            larger = a if a > b else b  # noqa: FURB136 - `max` would look for values that are no numbers
            scale = one / (larger if larger >= _SMALLEST else one)
            a, b = a * scale, b * scale
            a, b = a * a, b * b
            target[place + t] = a / (a + b) if larger >= _SMALLEST else half
    return target.reshape((rows, columns))


@_compiled_fast
def mean_squares(samples: np.ndarray, overlapped: np.ndarray, weight: np.ndarray, begin: int) -> tuple[float, float]:
    """Mean square of a part of the samples and of the rest.

    The part is ``overlapped / weight`` from `begin` on, all float32.
    """
    n = len(samples)
    part_total = 0.0
    rest_total = 0.0
    first = np.uint64(begin)
    for i in range(np.uint64(n)):
        part = np.float64(overlapped[first + i] / weight[first + i])
        rest = np.float64(samples[i]) - part
        part_total += part * part
        rest_total += rest * rest
    return part_total / n, rest_total / n


@compiled
def spectral_peaks(  # noqa: PLR0917 - called from `tuning` alone
    spectrum: np.ndarray, highest: np.ndarray, first: int, last: int, threshold: np.float32, bin_width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and height of the peaks of (bins, frames) in bins `first` to `last` - 1, placed by a parabola.

    A peak is above `threshold` times its frame's maximum, `highest`. In single precision where librosa's are, so that
    peaks fall into the same cells of a histogram.
    """
    bins, frames = spectrum.shape
    pitch, height = floats(frames * (last - first)), floats(frames * (last - first))
    floor = threshold * highest
    # Found without a branch, so that only peaks cost time.
    values, is_peak, width = spectrum.reshape(-1), floats(frames), np.uint64(frames)
    n = 0
    for k in range(first, min(last, bins - 1)):
        row = np.uint64(k) * width
        for t in range(width):
            x = values[row + t]
            is_peak[t] = np.float32((x > floor[t]) & (x > values[row - width + t]) & (x >= values[row + width + t]))
        for t in range(width):
            if not is_peak[t]:
                continue
            x, left, right = values[row + t], values[row - width + t], values[row + width + t]
            slope = (right - left) / 2
            bend = np.float64(right + left) - 2.0 * x
            shift = np.float32(0) if abs(slope) >= abs(bend) else np.float32(-slope / bend)
            pitch[n] = (k + shift) * bin_width
            height[n] = x + np.float32(0.5) * np.float32(slope) * shift
            n += 1
    return pitch[:n], height[:n]


@_compiled_contracted
def combined_magnitudes(spectra: np.ndarray, start: np.ndarray, bins: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Magnitudes of sparse complex sums over the bins of spectra.

    Parameters
    ----------
    spectra : (2 * bins, frames) float32, real parts, then imaginary parts.
    start, bins, weights : filter m has the complex64 weights ``weights[start[m]:start[m + 1]]`` at ``bins[...]``.

    Returns
    -------
    (frames, filters) float32.
    """
    n_bins, frames = len(spectra) // 2, spectra.shape[1]
    flat = spectra.reshape(-1)
    magnitudes = floats(frames * (len(start) - 1)).reshape((frames, len(start) - 1))
    real, imag = floats(frames), floats(frames)
    for m in range(len(start) - 1):
        real[:] = 0
        imag[:] = 0
        for j in range(start[m], start[m + 1]):
            x, y = weights[j].real, weights[j].imag
            a, b = np.uint64(bins[j] * frames), np.uint64((n_bins + bins[j]) * frames)
            for t in range(np.uint64(frames)):
                real[t] += x * flat[a + t] - y * flat[b + t]
                imag[t] += x * flat[b + t] + y * flat[a + t]
        for t in range(frames):
            # In double precision: the squares of what a decimator leaves in silence would underflow.
            magnitudes[t, m] = np.sqrt(np.float64(real[t]) ** 2 + np.float64(imag[t]) ** 2)
    return magnitudes


# Four bins are taken at a time after the first, so that the sums are loaded and stored a quarter as often. Magnitudes
# are summed up in single precision too, in order, as librosa does: which bin reaches the roll-off depends on it.
@_compiled_contracted
def _spectral_sums(by_bin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Sums over the bins: of magnitudes, of magnitudes times the bin, of squares; of magnitudes in single precision."""
    frames = by_bin.shape[1]
    total, moment, power, running = _zeros(frames), _zeros(frames), _zeros(frames), floats(frames)
    values, width = by_bin.reshape(-1), np.uint64(frames)
    for t in range(width):
        running[t] = values[t]
        total[t], power[t] = values[t], np.float64(values[t]) ** 2
    for k in range(1, len(by_bin), 4):
        a = np.uint64(k) * width
        b, c, d = a + width, a + width + width, a + width + width + width
        for t in range(width):
            w, x = np.float64(values[a + t]), np.float64(values[b + t])
            y, z = np.float64(values[c + t]), np.float64(values[d + t])
            total[t] += (w + x) + (y + z)
            moment[t] += (w * k + x * (k + 1)) + (y * (k + 2) + z * (k + 3))
            power[t] += (w * w + x * x) + (y * y + z * z)
        for t in range(width):
            running[t] = (((running[t] + values[a + t]) + values[b + t]) + values[c + t]) + values[d + t]
    return total, moment, power, running


@_compiled_contracted
def _spread_and_rolloff(by_bin: np.ndarray, centre: np.ndarray, threshold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of magnitudes times their squared distance from the centre, and bins that sum to less than the threshold."""
    frames = by_bin.shape[1]
    spread, running, below = _zeros(frames), floats(frames), floats(frames)
    values, width = by_bin.reshape(-1), np.uint64(frames)
    for t in range(width):
        spread[t] = values[t] * (centre[t] * centre[t])
        running[t], below[t] = values[t], np.float32(values[t] < threshold[t])
    for k in range(1, len(by_bin), 4):
        a = np.uint64(k) * width
        b, c, d = a + width, a + width + width, a + width + width + width
        for t in range(width):
            near = k - centre[t]
            w, x = values[a + t] * (near * near), values[b + t] * ((near + 1) * (near + 1))
            y, z = values[c + t] * ((near + 2) * (near + 2)), values[d + t] * ((near + 3) * (near + 3))
            spread[t] += (w + x) + (y + z)
        for t in range(width):
            limit, one = threshold[t], running[t] + values[a + t]
            two = one + values[b + t]
            three = two + values[c + t]
            four = three + values[d + t]
            running[t] = four
            below[t] += np.float32(one < limit) + np.float32(two < limit)
            below[t] += np.float32(three < limit) + np.float32(four < limit)
    return spread, below


@_compiled_contracted
def spectral_shape(by_bin: np.ndarray, bin_width: float, rolloff: np.float32) -> np.ndarray:
    """Level, centroid, bandwidth and roll-off of each frame, (4, frames), of (bins, frames) magnitudes.

    The bins are one more than a multiple of four.
    """
    bins, frames = by_bin.shape
    total, centre, power, threshold = _spectral_sums(by_bin)
    for t in range(frames):
        centre[t] = centre[t] / total[t] if total[t] >= _SMALLEST else 0.0
        threshold[t] *= rolloff
    spread, below = _spread_and_rolloff(by_bin, centre, threshold)
    shape = _zeros(4 * frames).reshape((4, frames))
    for t in range(frames):
        ends = np.float64(by_bin[0, t]) ** 2 + np.float64(by_bin[bins - 1, t]) ** 2
        shape[0, t] = np.sqrt(2 * (power[t] - ends / 2)) / (2 * (bins - 1))
        if total[t] >= _SMALLEST:
            shape[1, t] = centre[t] * bin_width
            shape[2, t] = np.sqrt(spread[t] / total[t]) * bin_width
            shape[3, t] = below[t] * bin_width
    return shape


@compiled
def _keep_highest(work: np.ndarray, new: np.uint64, held: np.uint64, kept: np.uint64, count: int) -> None:
    """Insert a row of values into `count` rows of the highest so far.

    Rows of `_FRAMES` lie in `work` at these places: the new ones, with another row after them, those held, and those to
    keep. Each result goes to another place: what may stay as it is would be stored under a mask, which is slow.
    """
    carried, dropped = new, new + _FRAMES
    for i in range(np.uint64(count)):
        a, b = held + i * _FRAMES, kept + i * _FRAMES
        for t in range(_FRAMES):
            x, y = work[carried + t], work[a + t]
            work[b + t] = x if x > y else y  # noqa: FURB136
            work[dropped + t] = y if x > y else x  # noqa: FURB136
        carried, dropped = dropped, carried


@compiled
def _mean_of_highest(by_bin: np.ndarray, sign: np.float32, bins: tuple[int, int], count: int, start: int) -> np.ndarray:
    """Mean of the `count` highest of some bins, times a sign, in each of `_FRAMES` frames: float64."""
    frames = by_bin.shape[1]
    values = by_bin.reshape(-1)
    width = np.uint64(min(int(_FRAMES), frames - start))
    size = np.uint64(count) * _FRAMES
    work = floats(2 * int(_FRAMES) * (count + 1))
    work[:] = -np.inf
    new, held, kept = np.uint64(0), np.uint64(2) * _FRAMES, np.uint64(2) * _FRAMES + size
    # Spectra fall with frequency: from the end where the highest are likely, most of what follows is none of them.
    first, last, direction = (bins[0], bins[1], 1) if sign > 0 else (bins[1] - 1, bins[0] - 1, -1)
    for k in range(first, last, direction):
        row = np.uint64(k * frames + start)
        above = False
        lowest = held + size - _FRAMES
        for t in range(width):
            x = sign * values[row + t]
            work[t] = x
            above |= x > work[lowest + t]
        if above:
            _keep_highest(work, new, held, kept, count)
            held, kept = kept, held
    total = _zeros(int(_FRAMES))
    for i in range(np.uint64(count)):
        for t in range(_FRAMES):
            total[t] += work[held + i * _FRAMES + t]
    return sign * total / count


@compiled
def extremes(
    by_bin: np.ndarray, first: np.ndarray, last: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the `counts` highest and of the lowest bins of each band in each frame: two (frames, bands).

    The magnitudes are (bins, frames) float32.
    """
    frames, bands = by_bin.shape[1], len(first)
    peaks, valleys = _zeros(frames * bands).reshape((frames, bands)), _zeros(frames * bands).reshape((frames, bands))
    for start in range(0, frames, int(_FRAMES)):
        for b in range(bands):
            for sign, means in ((np.float32(1), peaks), (np.float32(-1), valleys)):
                found = _mean_of_highest(by_bin, sign, (first[b], last[b]), counts[b], start)
                for t in range(min(int(_FRAMES), frames - start)):
                    means[start + t, b] = found[t]
    return peaks, valleys
