"""Fourier transforms of many short frames at once, as many side by side as a vector register holds.

Element k of all frames of a batch lies together, so that every step of the transform is one vector instruction for all
of them. Two real samples make one complex one; the transform of half the length is taken in place, four elements at a
time, and leaves its results in the order of the reversed digits.

Sources: Cooley and Tukey (1965), An Algorithm for the Machine Calculation of Complex Fourier Series; Sorensen and
others (1987), Real-valued Fast Fourier Transform Algorithms.
"""

# ruff: noqa: PLR0917 - compiled code passes arguments by position

from __future__ import annotations

from functools import lru_cache

import numpy as np

from genreclf.features.kernels import compiled, floats
from genreclf.features.vectors import FLOATS, REGISTER, Array, Index, exchanged, or_plain, step

_BLOCK = np.uint64(32)  # frames that are taken out of wide matrices together


@step
def _fold(
    signal: Array, first: Index, hop: Index, window: Array, start: Index, work: Array, place: Index, imag: Index
) -> None:
    """Window as many samples of each frame as there are lanes, and fold them into complex numbers."""
    rows = []
    for _ in range(work.lanes):
        rows.append(signal[first])
        first += hop
    for k, row in enumerate(exchanged(rows)):
        target = place + k // 2 * work.lanes
        work[target + imag if k % 2 else target] = work.as_wide(row) * window.everywhere(start + k)


@step
def _four(work: Array, place: Index, stride: Index, imag: Index, turns: Array, turn: Index) -> None:
    """Transform four elements a stride apart, and turn all results but the first."""
    places = [place, place + stride, place + stride + stride, place + stride + stride + stride]
    a, b, c, d = (work[one] for one in places)
    p, q, r, s = (work[one + imag] for one in places)
    work[place], work[place + imag] = (a + c) + (b + d), (p + r) + (q + s)
    second = ((a - c) + (q - s), (p - r) - (b - d))
    third = ((a + c) - (b + d), (p + r) - (q + s))
    fourth = ((a - c) - (q - s), (p - r) + (b - d))
    for k, (x, y) in enumerate((second, third, fourth)):
        cos, sin = turns.everywhere(turn + 2 * k), turns.everywhere(turn + (2 * k + 1))
        work[places[k + 1]] = x * cos - y * sin
        work[places[k + 1] + imag] = x * sin + y * cos


@step
def _two(work: Array, place: Index, stride: Index, imag: Index) -> None:
    """Transform two elements a stride apart."""
    for one in (place, place + imag):
        a, b = work[one], work[one + stride]
        work[one], work[one + stride] = a + b, a - b


@step
def _unfold(
    work: Array, place: Index, mirrored: Index, imag: Index, turns: Array, turn: Index, spectra: Array,
    real: Index, imaginary: Index,
) -> None:  # fmt: skip
    """Twice a bin of the real frames, from that of the folded ones and its mirror image."""
    a, b, p, q = work[place], work[mirrored], work[place + imag], work[mirrored + imag]
    cos, sin = turns.everywhere(turn), turns.everywhere(turn + 1)
    x, y = a - b, p + q
    spectra[real] = (a + b) + (x * cos - y * sin)
    spectra[imaginary] = (p - q) + (x * sin + y * cos)


@step
def _refold(
    spectra: Array, real: Index, mirrored: Index, imaginary: Index, turns: Array, turn: Index, work: Array,
    place: Index, mirrored_place: Index, imag: Index,
) -> None:  # fmt: skip
    """Twice the conjugate of a bin of the folded frames, and of its mirror image, from those of the real ones."""
    a, p, b, q = spectra[real], spectra[real + imaginary], spectra[mirrored], spectra[mirrored + imaginary]
    cos, sin = turns.everywhere(turn), turns.everywhere(turn + 1)
    x, y = a - b, p + q
    odd_real, odd_imag = x * cos + y * sin, x * sin - y * cos
    work[place], work[place + imag] = (a + b) + odd_real, odd_imag - (p - q)
    work[mirrored_place], work[mirrored_place + imag] = (a + b) - odd_real, odd_imag + (p - q)


@step
def _add(
    work: Array, a: Index, b: Index, c: Index, d: Index, imag: Index, window: Array, start: Index, signal: Array,
    first: Index, hop: Index,
) -> None:  # fmt: skip
    """Add eight samples of each of eight frames, four complex numbers, under their window to the signal."""
    places = [place for one in (a, b, c, d) for place in (one, one + imag)]
    for row in exchanged([work[place] * window.everywhere(start + k) for k, place in enumerate(places)]):
        signal[first] += row
        first += hop


@compiled
def _transform(work: np.ndarray, size: np.uint64, lanes: np.uint64, imag: np.uint64, turns: np.ndarray) -> None:
    """Transform a batch of `size` complex elements in place; `_plan` has the places of the results."""
    one, two, six = np.uint64(1), np.uint64(2), np.uint64(6)
    turn, block = np.uint64(0), size
    while block > two:
        quarter = block // np.uint64(4)
        for base in range(np.uint64(0), size, block):
            for j in range(quarter):
                _four(work, (base + j) * lanes, quarter * lanes, imag, turns, turn + six * j)
        turn += six * quarter
        block = quarter
    if block > one:
        for base in range(np.uint64(0), size, two):
            _two(work, base * lanes, lanes, imag)


def _plain_spectra(
    signal: np.ndarray,
    window: np.ndarray,
    hop: int,
    start: int,
    plan: tuple[np.ndarray, np.ndarray, np.ndarray],  # noqa: ARG001
    first_bin: int,
    spectra: np.ndarray,
    work: np.ndarray,  # noqa: ARG001
) -> None:
    from scipy.fft import rfft

    bins, frames = len(spectra) // 2, spectra.shape[1]
    cut = np.lib.stride_tricks.sliding_window_view(signal, len(window))[start * hop :: hop][:frames]
    found = rfft(cut * (2 * window), axis=1)[:, first_bin : first_bin + bins].T
    spectra[:bins], spectra[bins:] = found.real, found.imag


@or_plain(_plain_spectra)
@compiled
def _write_spectra(
    signal: np.ndarray,
    window: np.ndarray,
    hop: int,
    start: int,
    plan: tuple[np.ndarray, np.ndarray, np.ndarray],
    first_bin: int,
    spectra: np.ndarray,
    work: np.ndarray,
) -> None:
    turns, places, unfolding = plan
    lanes, two = np.uint64(REGISTER // window.itemsize), np.uint64(2)
    bins, frames, half = len(spectra) // 2, spectra.shape[1], np.uint64(len(places) - 1)
    # One row of elements apart, lest real and imaginary parts fall into the same lines of the cache.
    imag = (half + np.uint64(1)) * lanes
    flat = spectra.reshape(-1)
    for column in range(0, frames, lanes):
        first = np.uint64((start + column) * hop)
        for i in range(np.uint64(0), two * half, lanes):
            _fold(signal, first + i, hop, window, i, work, i // two * lanes, imag)
        _transform(work, half, lanes, imag, turns)
        for k in range(bins):
            bin_ = np.uint64(first_bin + k)
            real, imaginary = k * frames + column, (bins + k) * frames + column
            place, mirrored = places[bin_] * lanes, places[half - bin_] * lanes
            _unfold(work, place, mirrored, imag, unfolding, two * bin_, flat, real, imaginary)


def _plain_overlap_add(
    spectra: np.ndarray,
    gains: np.ndarray,
    window: np.ndarray,
    hop: int,
    plan: tuple[np.ndarray, np.ndarray, np.ndarray],  # noqa: ARG001
    signal: np.ndarray,
) -> None:
    from scipy.fft import irfft

    bins = len(gains)
    frames = irfft(((spectra[:bins] + 1j * spectra[bins:]) * gains).T, axis=1)
    frames *= np.where(np.arange(len(window)) % 2, -window, window) * len(window)
    for place, frame in enumerate(frames):
        signal[place * hop : place * hop + len(frame)] += frame


@or_plain(_plain_overlap_add)
@compiled
def _overlap_add(
    spectra: np.ndarray,
    gains: np.ndarray,
    window: np.ndarray,
    hop: int,
    plan: tuple[np.ndarray, np.ndarray, np.ndarray],
    signal: np.ndarray,
) -> None:
    turns, places, unfolding = plan
    lanes, one, two, four = np.uint64(FLOATS), np.uint64(1), np.uint64(2), np.uint64(4)
    frames, half = spectra.shape[1], np.uint64(len(places) - 1)
    imag, imaginary = (half + one) * lanes, (half + one) * _BLOCK
    work = floats(int(two * imag))
    # Some frames after the last stay zero.
    flat = floats(int(two * imaginary))
    flat[:] = 0
    source, factors, width = spectra.reshape(-1), gains.reshape(-1), np.uint64(frames)
    for start in range(np.uint64(0), width, _BLOCK):
        count = min(_BLOCK, width - start)
        for k in range(half + one):
            real, gain, target = k * width + start, k * width + start, k * _BLOCK
            for t in range(count):
                flat[target + t] = source[real + t] * factors[gain + t]
            real, target = real + (half + one) * width, target + imaginary
            for t in range(count):
                flat[target + t] = source[real + t] * factors[gain + t]
        for column in range(np.uint64(0), count, lanes):
            for k in range(half // two + one):
                real, mirrored = k * _BLOCK + column, (half - k) * _BLOCK + column
                _refold(flat, real, mirrored, imaginary, unfolding, two * k, work, k * lanes, (half - k) * lanes, imag)
            _transform(work, half, lanes, imag, turns)
            first = (start + column) * np.uint64(hop)
            for j in range(np.uint64(0), half, four):
                a, b, c, d = (
                    places[j] * lanes,
                    places[j + one] * lanes,
                    places[j + two] * lanes,
                    places[j + np.uint64(3)] * lanes,
                )
                _add(work, a, b, c, d, imag, window, two * j, signal, first + two * j, hop)


@lru_cache(maxsize=16)
def _plan(length: int, precision: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Turns of the steps, places of the results, and turns to unfold them, of frames of that length."""
    half = block = length // 2
    turns, places, rest = [np.zeros(0)], np.zeros(half, dtype=np.uint64), np.arange(half)
    while block > 1:
        radix = 4 if block > 2 else 2
        places += (rest % radix * (block // radix)).astype(np.uint64)
        rest //= radix
        if radix == 4:
            angles = -2 * np.pi / block * np.outer(np.arange(block // 4), np.arange(1, 4))
            turns.append(np.stack([np.cos(angles), np.sin(angles)], axis=2).ravel())
        block //= radix
    angles = np.pi / half * np.arange(half + 1)
    unfolding = np.stack([-np.sin(angles), -np.cos(angles)], axis=1).ravel()
    unfolding[-2] = 0  # the last bin is real
    return np.concatenate(turns).astype(precision), np.append(places, places[0]), unfolding.astype(precision)


def whole_batches(frames: int) -> int:
    """The next number of frames that can be transformed together."""
    return -(-frames // FLOATS) * FLOATS


def write_spectra(
    signal: np.ndarray, window: np.ndarray, spectra: np.ndarray, *, hop: int, start: int = 0, first_bin: int = 0
) -> None:
    """Fourier transforms of windowed frames, a frame to a column.

    Parameters
    ----------
    signal : (n,) float32; frame t begins at t * hop, and the last one ends within it.
    window : (length,), a power of two from 16 on; its precision is that of the transform.
    spectra : (2 * bins, frames) float32, is written to: real parts, then imaginary parts, of bins `first_bin` and on of
        the frames from `start` on; their number is one of `whole_batches`.
    """
    frames, length = spectra.shape[1], len(window)
    if frames % FLOATS or (start + frames - 1) * hop + length > len(signal):
        raise ValueError(
            f"{frames} frames of {length} from {start} on, each {hop} samples, in a signal of {len(signal)}"
        )
    # Unfolding adds two bins.
    work = np.empty((length + 2) * (REGISTER // window.itemsize), dtype=window.dtype)
    _write_spectra(signal, window / 2, hop, start, _plan(length, window.dtype.name), first_bin, spectra, work)


def overlapped(spectra: np.ndarray, gains: np.ndarray, window: np.ndarray, *, hop: int) -> np.ndarray:
    """Inverse transforms of frames, windowed and added where they overlap.

    Parameters
    ----------
    spectra : (2 * bins, frames) float32, all bins, as `write_spectra` writes them.
    gains : (bins, frames) float32, by which they are multiplied.
    window : (length,) float32.

    Returns
    -------
    (length + (frames - 1) * hop,) float32, the first frame at its beginning.
    """
    length = len(window)
    signal = np.zeros(length + (spectra.shape[1] - 1) * hop, dtype=np.float32)
    # Conjugates are transformed and give the inverse's conjugates, whose imaginary parts are the odd samples.
    signed = window / np.float32(length)
    signed[1::2] *= -1
    _overlap_add(spectra, gains, signed, hop, _plan(length, "float32"), signal)
    return signal
