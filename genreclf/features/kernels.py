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

from genreclf.features.medians import ROWS, WIDTH, WINDOWS, median_steps  # noqa: E402

Function = TypeVar("Function", bound=Callable[..., Any])

_SMALLEST = np.finfo(np.float32).tiny
_EPSILON = np.finfo(np.float64).eps

_LANES = np.uint64(96)
_FRAMES = np.uint64(128)


def _compiler(**options: Any) -> Callable[[Function], Function]:  # noqa: ANN401 - numba has no types
    def compiled(function: Function) -> Function:
        return cast("Function", numba.njit(cache=True, nogil=True, error_model="numpy", **options)(function))

    return compiled


_compiled = _compiler()
# Multiplications and additions are fused, which round once; the order of sums stays.
_compiled_contracted = _compiler(fastmath={"contract"})
# The order of sums is free too, and nothing is taken to be not a number, so that they can be taken in vectors.
_compiled_fast = _compiler(fastmath={"contract", "reassoc", "nsz", "nnan"})


@_compiled
def transposed(x: np.ndarray) -> np.ndarray:
    """The transpose of a float32 matrix, C-contiguous; in blocks of 8 by 32."""
    n, m = x.shape
    turned = np.empty((m, n), dtype=np.float32)
    source, target = x.reshape(-1), turned.reshape(-1)
    stride, width = np.uint64(m), np.uint64(turned.shape[1])
    for first in range(0, n, 8):
        for start in range(0, m, 32):
            for k in range(np.uint64(start), np.uint64(min(m, start + 32))):
                for i in range(np.uint64(first), np.uint64(min(n, first + 8))):
                    target[k * width + i] = source[i * stride + k]
    return turned


@_compiled_fast
def mel_power(by_bin: np.ndarray, first: np.ndarray, start: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Power in each band, (frames, bands) float32, of (bins, frames) magnitudes; the bands are `spectra.mel_bands`."""
    frames = np.uint64(by_bin.shape[1])
    bins = by_bin.reshape(-1)
    bands = np.zeros((len(first), by_bin.shape[1]), dtype=np.float32)
    totals = bands.reshape(-1)
    for m in range(len(first)):
        band = np.uint64(m) * frames
        for j in range(start[m], start[m + 1]):
            weight = weights[j]
            row = np.uint64(first[m] + j - start[m]) * frames
            for t in range(frames):
                totals[band + t] += bins[row + t] * bins[row + t] * weight
    return transposed(bands)


@_compiled
def write_windowed(signal: np.ndarray, window: np.ndarray, hop: int, start: int, frames: np.ndarray) -> None:
    """Write windowed frames of a float32 signal to the rows of (count, length) float64, from frame `start` on."""
    target = frames.reshape(-1)
    length = np.uint64(len(window))
    for t in range(len(frames)):
        first, row = np.uint64((start + t) * hop), np.uint64(t) * length
        for k in range(length):
            target[row + k] = signal[first + k] * window[k]


@_compiled
def write_columns(rows: np.ndarray, columns: np.ndarray, start: int) -> None:
    """Write (count, bins) float32 rows to columns `start` and on of (bins, frames)."""
    count, bins = rows.shape
    source, target = rows.reshape(-1), columns.reshape(-1)
    stride, width, first = np.uint64(bins), np.uint64(columns.shape[1]), np.uint64(start)
    for k in range(stride):
        for t in range(np.uint64(count)):
            target[k * width + first + t] = source[t * stride + k]


@_compiled_fast
def windowed(phases: np.ndarray, window: np.ndarray, start: int, frames: np.ndarray) -> None:
    """Write windowed frames, one to the column of (length, count), from frame `start` on.

    `phases` is (hop, hops): what lies a hop apart stands side by side, as neighbouring frames do.
    """
    hop, n_hops = phases.shape
    length, count = frames.shape
    source, target = phases.reshape(-1), frames.reshape(-1)
    for i in range(length):
        place = np.uint64(i % hop * n_hops + i // hop + start)
        row = np.uint64(i * count)
        gain = window[i]
        for t in range(np.uint64(count)):
            target[row + t] = gain * source[place + t]


@_compiled_fast
def write_band_amplitudes(  # noqa: PLR0917 - called with the bands of `spectra.mel_bands`
    transform: np.ndarray,
    first: np.ndarray,
    start: np.ndarray,
    weights: np.ndarray,
    amplitudes: np.ndarray,
    begin: int,
) -> None:
    """Write the root of each band's power to (bands, frames), from frame `begin` on.

    The transform is (bins, frames) complex64.
    """
    bins, width = transform.shape
    frames = np.uint64(min(width, amplitudes.shape[1] - begin))
    values = transform.reshape(-1)
    power = np.empty(bins * width, dtype=np.float32)
    for i in range(np.uint64(bins * width)):
        x = values[i]
        power[i] = x.real * x.real + x.imag * x.imag
    totals = np.empty(width, dtype=np.float32)
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
def project(rows: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The product of (n, inner) and (inner, outer) float32 matrices, C-contiguous, `outer` small.

    Four rows of the matrix at a time, so that the sums are loaded and stored a quarter as often.
    """
    n, inner = rows.shape
    outer = np.uint64(matrix.shape[1])
    whole = inner // 4 * 4
    flat = matrix.reshape(-1)
    product = np.empty((n, matrix.shape[1]), dtype=np.float32)
    sums = np.empty(matrix.shape[1], dtype=np.float32)
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
def _copy(source: np.ndarray, start: np.uint64, target: np.ndarray, place: np.uint64, count: np.uint64) -> None:
    for i in range(count):
        target[place + i] = source[start + i]


@_compiled
def _carry_out(steps: np.ndarray, work: np.ndarray) -> None:
    """Carry out the steps of `medians.median_steps` on a flat work matrix with rows of `_LANES` columns.

    Written as choices, since `min` and `max` would look for values that are no numbers.
    """
    for step in range(len(steps)):
        a, b = _LANES * np.uint64(steps[step, 0]), _LANES * np.uint64(steps[step, 1])
        low, high = _LANES * np.uint64(steps[step, 2]), _LANES * np.uint64(steps[step, 3])
        if steps[step, 3] < 0:
            for i in range(_LANES):
                x, y = work[a + i], work[b + i]
                work[low + i] = x if x < y else y  # noqa: FURB136
        elif steps[step, 2] < 0:
            for i in range(_LANES):
                x, y = work[a + i], work[b + i]
                work[high + i] = y if x < y else x  # noqa: FURB136
        else:
            for i in range(_LANES):
                x, y = work[a + i], work[b + i]
                work[low + i] = x if x < y else y  # noqa: FURB136
                work[high + i] = y if x < y else x  # noqa: FURB136


@_compiled
def _medians_of_rows(x: np.ndarray, steps: np.ndarray, places: np.ndarray, n_work: int) -> np.ndarray:
    """Running median of 31 along the first axis of a (rows, columns >= `_LANES`) matrix, mirrored at its edges."""
    n_rows, columns = x.shape
    rows = _reflected(n_rows)
    medians = np.empty((len(rows) - WIDTH + 1, columns), dtype=np.float32)
    source, target = x.reshape(-1), medians.reshape(-1)
    work = np.empty(n_work * _LANES, dtype=np.float32)
    for first in range(0, len(medians), WINDOWS):
        for start in range(0, columns, _LANES):
            # The last columns reach back over some that are done already, rather than beyond the end.
            k = min(start, columns - _LANES)
            for i in range(ROWS):
                _copy(source, np.uint64(rows[first + i] * columns + k), work, np.uint64(i) * _LANES, _LANES)
            _carry_out(steps, work)
            for i in range(WINDOWS):
                _copy(work, np.uint64(places[i]) * _LANES, target, np.uint64((first + i) * columns + k), _LANES)
    return medians[:n_rows]


def median_of_frames(x: np.ndarray) -> np.ndarray:
    """Running median of 31 along the first axis of a float32 matrix, mirrored at its edges."""
    columns = x.shape[1]
    wide = x if columns >= _LANES else np.pad(x, ((0, 0), (0, int(_LANES) - columns)))
    return np.ascontiguousarray(_medians_of_rows(wide, *median_steps())[:, :columns])


def median_of_bins(by_bin: np.ndarray) -> np.ndarray:
    """Running median of 31 along the first axis of a (bins, frames) float32 matrix, as (frames, bins)."""
    return transposed(median_of_frames(by_bin))


@_compiled
def masked(transform: np.ndarray, kept: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Scale a complex64 matrix by kept^2 / (kept^2 + other^2), and by a half where both are zero."""
    result = np.empty_like(transform)
    bins = transform.shape[1]
    mask = np.empty(bins, dtype=np.float32)
    half, one = np.float32(0.5), np.float32(1)
    for t in range(transform.shape[0]):
        for k in range(bins):
            a, b = kept[t, k], other[t, k]
            larger = a if a > b else b  # noqa: FURB136 - `max` would look for values that are no numbers
            scale = one / (larger if larger >= _SMALLEST else one)
            a, b = a * scale, b * scale
            a, b = a * a, b * b
            mask[k] = a / (a + b) if larger >= _SMALLEST else half
        for k in range(bins):
            result[t, k] = transform[t, k] * mask[k]
    return result


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


@_compiled
def overlap_add(signal: np.ndarray, frames: np.ndarray, window: np.ndarray, hop: int) -> None:
    """Add windowed frames to `signal`, the first at its beginning, each further one `hop` samples on."""
    for t in range(len(frames)):
        for k in range(len(window)):
            signal[t * hop + k] += frames[t, k] * window[k]


@_compiled
def spectral_peaks(  # noqa: PLR0917 - called from `tuning` alone
    spectrum: np.ndarray, highest: np.ndarray, first: int, last: int, threshold: np.float32, bin_width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frequency and height of each frame's peaks in bins `first` to `last` - 1, placed by a parabola.

    A peak is above `threshold` times its frame's maximum, `highest`. In single precision where librosa's are, so that
    peaks fall into the same cells of a histogram.
    """
    frames, bins = spectrum.shape
    pitch = np.empty(frames * (last - first), dtype=np.float32)
    height = np.empty(frames * (last - first), dtype=np.float32)
    n = 0
    for t in range(frames):
        floor = threshold * highest[t]
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
def polyphase(signal: np.ndarray, hop: int, spare: int) -> np.ndarray:
    """(n,) float32 samples as (hop, hops), samples a hop apart side by side, then at least `spare` zeros."""
    n_hops = len(signal) // hop + 1
    columns = np.uint64(n_hops + spare)
    phases = np.zeros((hop, n_hops + spare), dtype=np.float32)
    target = phases.reshape(-1)
    for start in range(0, n_hops, 8):
        for i in range(np.uint64(hop)):
            last = min(start + 8, (len(signal) - int(i) + hop - 1) // hop)
            for t in range(np.uint64(start), np.uint64(last)):
                target[i * columns + t] = signal[t * np.uint64(hop) + i]
    return phases


@_compiled_contracted
def _add_products(
    samples: np.ndarray, basis: np.ndarray, width: np.uint64, first: np.uint64, totals: np.ndarray
) -> None:
    """Add to the totals of `_FRAMES` frames the products with eight rows of the basis, from row `first` on.

    Eight at a time, and for two columns, so that most of the work is done in registers. All arrays are flat: samples
    (8, `_FRAMES`), basis (length, width), totals (width, `_FRAMES`).
    """
    two, three, four = np.uint64(2), np.uint64(3), np.uint64(4)
    five, six, seven = np.uint64(5), np.uint64(6), np.uint64(7)
    for column in range(np.uint64(0), width, two):
        p = first * width + column
        a0, a1, a2, a3 = basis[p], basis[p + width], basis[p + two * width], basis[p + three * width]
        p += four * width
        a4, a5, a6, a7 = basis[p], basis[p + width], basis[p + two * width], basis[p + three * width]
        p = first * width + column + np.uint64(1)
        b0, b1, b2, b3 = basis[p], basis[p + width], basis[p + two * width], basis[p + three * width]
        p += four * width
        b4, b5, b6, b7 = basis[p], basis[p + width], basis[p + two * width], basis[p + three * width]
        a, b = column * _FRAMES, (column + np.uint64(1)) * _FRAMES
        for t in range(_FRAMES):
            x = samples[t]
            s, r = totals[a + t] + a0 * x, totals[b + t] + b0 * x
            x = samples[_FRAMES + t]
            s, r = s + a1 * x, r + b1 * x
            x = samples[two * _FRAMES + t]
            s, r = s + a2 * x, r + b2 * x
            x = samples[three * _FRAMES + t]
            s, r = s + a3 * x, r + b3 * x
            x = samples[four * _FRAMES + t]
            s, r = s + a4 * x, r + b4 * x
            x = samples[five * _FRAMES + t]
            s, r = s + a5 * x, r + b5 * x
            x = samples[six * _FRAMES + t]
            s, r = s + a6 * x, r + b6 * x
            x = samples[seven * _FRAMES + t]
            s, r = s + a7 * x, r + b7 * x
            totals[a + t] = s
            totals[b + t] = r


@_compiled
def products(signal: np.ndarray, basis: np.ndarray, hop: int, frames: int) -> np.ndarray:
    """Products of successive frames with a few vectors.

    Parameters
    ----------
    signal : (n,) float32; frame t begins at t * hop. It is taken to go on with zeros.
    basis : (length, width) float32, C-contiguous; length a multiple of 8, width even.

    Returns
    -------
    (width, frames) float32.
    """
    length, width = basis.shape
    flat_basis = basis.reshape(-1)
    phases = polyphase(signal, hop, length // hop + int(_FRAMES))
    n_hops = phases.shape[1]
    flat_phases = phases.reshape(-1)
    samples = np.empty(8 * _FRAMES, dtype=np.float32)
    totals = np.empty(width * _FRAMES, dtype=np.float32)
    found = np.empty((width, frames), dtype=np.float32)
    flat_found = found.reshape(-1)
    for start in range(0, frames, int(_FRAMES)):
        totals[:] = 0
        for first in range(0, length, 8):
            for i in range(8):
                sample = first + i
                place = np.uint64(sample % hop * n_hops + sample // hop + start)
                _copy(flat_phases, place, samples, np.uint64(i) * _FRAMES, _FRAMES)
            _add_products(samples, flat_basis, np.uint64(width), np.uint64(first), totals)
        count = np.uint64(min(int(_FRAMES), frames - start))
        for k in range(width):
            _copy(totals, np.uint64(k) * _FRAMES, flat_found, np.uint64(k * frames + start), count)
    return found


@_compiled_contracted
def joined_blocks(blocks: np.ndarray, first_bin: int, n_blocks: int) -> np.ndarray:
    """Spectra of frames from the spectra of the blocks that they are made of.

    Two halves of a frame are joined by turning the later one by its delay; neighbouring frames share the halves.

    Parameters
    ----------
    blocks : (2 * bins, n) float32, real parts, then imaginary parts, of bins `first_bin` and on of each block, zeros
        after it.
    n_blocks : blocks to a frame, a power of two.

    Returns
    -------
    (2 * bins, n - n_blocks + 1) float32.
    """
    width, n = blocks.shape
    bins = width // 2
    frames = n - n_blocks + 1
    joined = np.empty((width, frames), dtype=np.float32)
    source, target = blocks.reshape(-1), joined.reshape(-1)
    real, imag = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float32)
    next_real, next_imag = np.empty(n, dtype=np.float32), np.empty(n, dtype=np.float32)
    for k in range(bins):
        _copy(source, np.uint64(k * n), real, np.uint64(0), np.uint64(n))
        _copy(source, np.uint64((bins + k) * n), imag, np.uint64(0), np.uint64(n))
        delay = 1
        while delay < n_blocks:
            angle = -2 * np.pi * ((first_bin + k) * delay % n_blocks) / n_blocks
            x, y = np.float32(np.cos(angle)), np.float32(np.sin(angle))
            later = np.uint64(delay)
            for t in range(np.uint64(n - 2 * delay + 1)):
                a, b = real[t + later], imag[t + later]
                next_real[t] = real[t] + (x * a - y * b)
                next_imag[t] = imag[t] + (x * b + y * a)
            real, next_real = next_real, real
            imag, next_imag = next_imag, imag
            delay *= 2
        _copy(real, np.uint64(0), target, np.uint64(k * frames), np.uint64(frames))
        _copy(imag, np.uint64(0), target, np.uint64((bins + k) * frames), np.uint64(frames))
    return joined


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
    magnitudes = np.empty((frames, len(start) - 1), dtype=np.float32)
    real, imag = np.empty(frames, dtype=np.float32), np.empty(frames, dtype=np.float32)
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


@_compiled_contracted
def spectral_shape(by_bin: np.ndarray, bin_width: float, rolloff: np.float32) -> np.ndarray:
    """Level, centroid, bandwidth and roll-off of each frame, (4, frames), of (bins, frames) magnitudes."""
    bins, frames = by_bin.shape
    shape = np.zeros((4, frames))
    total, moment, power, spread = np.zeros(frames), np.zeros(frames), np.zeros(frames), np.zeros(frames)
    centre = np.zeros(frames)
    # Summed up in single precision, in order, as librosa does: which bin crosses the threshold depends on it.
    running, threshold = np.zeros(frames, dtype=np.float32), np.empty(frames, dtype=np.float32)
    below = np.zeros(frames, dtype=np.int32)
    values, width = by_bin.reshape(-1), np.uint64(frames)
    for k in range(bins):
        row = np.uint64(k) * width
        for t in range(width):
            x = np.float64(values[row + t])
            total[t] += x
            moment[t] += x * k
            power[t] += x * x
        for t in range(width):
            running[t] += values[row + t]
    for t in range(frames):
        centre[t] = moment[t] / total[t] if total[t] >= _SMALLEST else 0.0
        threshold[t] = rolloff * running[t]
        running[t] = 0
    for k in range(bins):
        row = np.uint64(k) * width
        for t in range(width):
            distance = k - centre[t]
            spread[t] += values[row + t] * (distance * distance)
        for t in range(width):
            running[t] += values[row + t]
            below[t] += np.int32(running[t] < threshold[t])
    for t in range(frames):
        ends = np.float64(by_bin[0, t]) ** 2 + np.float64(by_bin[bins - 1, t]) ** 2
        shape[0, t] = np.sqrt(2 * (power[t] - ends / 2)) / (2 * (bins - 1))
        if total[t] >= _SMALLEST:
            shape[1, t] = centre[t] * bin_width
            shape[2, t] = np.sqrt(spread[t] / total[t]) * bin_width
            shape[3, t] = below[t] * bin_width
    return shape


@_compiled
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


@_compiled
def _mean_of_highest(by_bin: np.ndarray, sign: np.float32, bins: tuple[int, int], count: int, start: int) -> np.ndarray:
    """Mean of the `count` highest of some bins, times a sign, in each of `_FRAMES` frames: float64."""
    frames = by_bin.shape[1]
    values = by_bin.reshape(-1)
    width = np.uint64(min(int(_FRAMES), frames - start))
    size = np.uint64(count) * _FRAMES
    work = np.full(2 * int(_FRAMES) * (count + 1), -np.inf, dtype=np.float32)
    new, held, kept = np.uint64(0), np.uint64(2) * _FRAMES, np.uint64(2) * _FRAMES + size
    for k in range(bins[0], bins[1]):
        row = np.uint64(k * frames + start)
        for t in range(width):
            work[t] = sign * values[row + t]
        _keep_highest(work, new, held, kept, count)
        held, kept = kept, held
    total = np.zeros(int(_FRAMES))
    for i in range(np.uint64(count)):
        for t in range(_FRAMES):
            total[t] += work[held + i * _FRAMES + t]
    return sign * total / count


@_compiled
def extremes(
    by_bin: np.ndarray, first: np.ndarray, last: np.ndarray, counts: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean of the `counts` highest and of the lowest bins of each band in each frame: two (frames, bands).

    The magnitudes are (bins, frames) float32.
    """
    frames, bands = by_bin.shape[1], len(first)
    peaks, valleys = np.empty((frames, bands)), np.empty((frames, bands))
    for start in range(0, frames, int(_FRAMES)):
        for b in range(bands):
            for sign, means in ((np.float32(1), peaks), (np.float32(-1), valleys)):
                found = _mean_of_highest(by_bin, sign, (first[b], last[b]), counts[b], start)
                for t in range(min(int(_FRAMES), frames - start)):
                    means[start + t, b] = found[t]
    return peaks, valleys
