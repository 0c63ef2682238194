"""The compiled inner loops, where array operations would walk memory many times over."""

from __future__ import annotations

import numba
import numpy as np

_compiled = numba.njit(cache=True, nogil=True, error_model="numpy")


@_compiled
def moments(rows):
    """Mean, standard deviation, skew, kurtosis, (place of the median), minimum and maximum: (7, rows)."""
    n_rows, n = rows.shape
    values = np.zeros((7, n_rows))
    for i in range(n_rows):
        row = rows[i]
        mean = row.sum() / n
        m2 = m3 = m4 = 0.0
        lowest = highest = row[0]
        for x in row:
            d = x - mean
            m2 += d * d
            m3 += d * d * d
            m4 += d * d * d * d
            lowest = min(lowest, x)
            highest = max(highest, x)
        m2 /= n
        values[0, i] = mean
        values[5, i] = lowest
        values[6, i] = highest
        if m2 > (2.220446049250313e-16 * mean) ** 2:
            values[1, i] = np.sqrt(m2)
            values[2, i] = m3 / n / m2**1.5
            values[3, i] = m4 / n / m2**2 - 3.0
    return values


@_compiled
def mel_power(magnitude, first, start, weights):
    frames = len(magnitude)
    n_bands = len(first)
    power = np.empty((frames, n_bands), dtype=np.float32)
    for t in range(frames):
        row = magnitude[t] * magnitude[t]
        for m in range(n_bands):
            total = 0.0
            base = first[m] - start[m]
            for k in range(start[m], start[m + 1]):
                total += row[base + k] * weights[k]
            power[t, m] = total
    return power


@_compiled
def project(rows, matrix):
    n = len(rows)
    inner, outer = matrix.shape
    out = np.zeros((n, outer), dtype=np.float32)
    for t in range(n):
        for m in range(inner):
            x = rows[t, m]
            for k in range(outer):
                out[t, k] += x * matrix[m, k]
    return out


def running_median(x):
    from scipy.ndimage import median_filter

    return median_filter(x, size=(31, 1), mode="reflect")


@_compiled
def soft_mask(kept, other):
    mask = np.empty_like(kept)
    for t in range(len(kept)):
        for k in range(kept.shape[1]):
            larger = max(kept[t, k], other[t, k])
            if larger < np.float32(1.1754943508222875e-38):
                mask[t, k] = 0.5
            else:
                a = (kept[t, k] / larger) ** 2
                b = (other[t, k] / larger) ** 2
                mask[t, k] = a / (a + b)
    return mask


@_compiled
def spectral_peaks(spectrum, first, last, threshold, bin_width):
    frames, bins = spectrum.shape
    pitch = np.empty(frames * (last - first), dtype=np.float32)
    height = np.empty(frames * (last - first), dtype=np.float32)
    n = 0
    for t in range(frames):
        row = spectrum[t]
        floor = threshold * row.max()
        for k in range(first, last):
            x = row[k]
            left = row[k - 1] if row[k - 1] > floor else np.float32(0)
            if not (x > floor and x > left):
                continue
            if k + 1 < bins:
                right = row[k + 1] if row[k + 1] > floor else np.float32(0)
                if x < right:
                    continue
                slope = (row[k + 1] - row[k - 1]) / 2
                bend = np.float64(row[k + 1] + row[k - 1]) - 2.0 * x
                shift = np.float32(0) if abs(slope) >= abs(bend) else np.float32(-slope / bend)
                rise = np.float32(0.5) * np.float32(slope) * shift
            else:
                shift = np.float32(0)
                rise = np.float32(0)
            pitch[n] = (k + shift) * bin_width
            height[n] = x + rise
            n += 1
    return pitch[:n], height[:n]
