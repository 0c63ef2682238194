"""Fourier transforms of many short frames at once, as many side by side as a vector register holds.

Element k of all frames of a batch lies together, so that every step of the transform is one vector instruction for all
of them. Two real samples make one complex one, real part before imaginary part; the transform of half the length is
taken in place, four elements at a time, and leaves its results in the order of the reversed digits.

Sources: Cooley and Tukey (1965), An Algorithm for the Machine Calculation of Complex Fourier Series; Sorensen and
others (1987), Real-valued Fast Fourier Transform Algorithms.
"""

# ruff: noqa: PLR0917 - compiled code passes arguments by position

from __future__ import annotations

from functools import lru_cache

import numpy as np

from genreclf.features.kernels import compiled, floats
from genreclf.features.vectors import FLOATS, REGISTER, Array, Index, exchanged, or_plain, step

BLOCK = 32


@step
def _fold(signal: Array, first: Index, hop: Index, window: Array, start: Index, work: Array, place: Index) -> None:
    """Window as many samples of each frame as there are lanes; every other one is an imaginary part."""
    rows = []
    for _ in range(work.lanes):
        rows.append(signal[first])
        first += hop
    for k, row in enumerate(exchanged(rows)):
        work[place + k * work.lanes] = work.as_wide(row) * window.everywhere(start + k)


@step
def _four(work: Array, place: Index, stride: Index, turns: Array, turn: Index) -> None:
    """Transform four elements a stride apart, and turn all results but the first."""
    places = [place, place + stride, place + stride + stride, place + stride + stride + stride]
    a, b, c, d = (work[one] for one in places)
    p, q, r, s = (work[one + work.lanes] for one in places)
    work[place], work[place + work.lanes] = (a + c) + (b + d), (p + r) + (q + s)
    second = ((a - c) + (q - s), (p - r) - (b - d))
    third = ((a + c) - (b + d), (p + r) - (q + s))
    fourth = ((a - c) - (q - s), (p - r) + (b - d))
    for k, (x, y) in enumerate((second, third, fourth)):
        cos, sin = turns.everywhere(turn + 2 * k), turns.everywhere(turn + (2 * k + 1))
        work[places[k + 1]] = x * cos - y * sin
        work[places[k + 1] + work.lanes] = x * sin + y * cos


@step
def _two(work: Array, place: Index, stride: Index) -> None:
    """Transform two elements a stride apart."""
    for one in (place, place + work.lanes):
        a, b = work[one], work[one + stride]
        work[one], work[one + stride] = a + b, a - b


@step
def _unfold(
    work: Array, place: Index, mirrored: Index, turns: Array, turn: Index, spectra: Array, real: Index,
    imaginary: Index,
) -> None:  # fmt: skip
    """Twice a bin of the real frames, from that of the folded ones and its mirror image."""
    a, b, p, q = work[place], work[mirrored], work[place + work.lanes], work[mirrored + work.lanes]
    cos, sin = turns.everywhere(turn), turns.everywhere(turn + 1)
    x, y = a - b, p + q
    spectra[real] = (a + b) + (x * cos - y * sin)
    spectra[imaginary] = (p - q) + (x * sin + y * cos)


@step
def _refold(
    spectra: Array, real: Index, mirrored: Index, imaginary: Index, turns: Array, turn: Index, work: Array,
    place: Index, mirrored_place: Index,
) -> None:  # fmt: skip
    """Twice the conjugate of a bin of the folded frames, and of its mirror image, from those of the real ones."""
    a, p, b, q = spectra[real], spectra[real + imaginary], spectra[mirrored], spectra[mirrored + imaginary]
    cos, sin = turns.everywhere(turn), turns.everywhere(turn + 1)
    x, y = a - b, p + q
    odd_real, odd_imag = x * cos + y * sin, x * sin - y * cos
    work[place], work[place + work.lanes] = (a + b) + odd_real, odd_imag - (p - q)
    work[mirrored_place], work[mirrored_place + work.lanes] = (a + b) - odd_real, odd_imag + (p - q)


@step
def _add(
    work: Array, a: Index, b: Index, c: Index, d: Index, window: Array, start: Index, signal: Array, first: Index,
    hop: Index,
) -> None:  # fmt: skip
    """Add eight samples of each of eight frames, four complex numbers, under their window to the signal."""
    places = [place for one in (a, b, c, d) for place in (one, one + work.lanes)]
    for row in exchanged([work[place] * window.everywhere(start + k) for k, place in enumerate(places)]):
        signal[first] += row
        first += hop


@compiled
def _transform(work: np.ndarray, size: np.uint64, row: np.uint64, turns: np.ndarray) -> None:
    """Transform a batch of complex elements, a multiple of 4, in place; `_plan` has the places of the results."""
    quarter = size // np.uint64(4)
    for j in range(quarter):
        _four(work, j * row, quarter * row, turns, np.uint64(6) * j)
    # Quarter by quarter, each of which stays in the nearest cache.
    for first in range(np.uint64(0), size, quarter):
        _transform_quarter(work, np.uint64(first), quarter, row, turns)


@compiled
def _transform_quarter(work: np.ndarray, first: np.uint64, size: np.uint64, row: np.uint64, turns: np.ndarray) -> None:
    one, two, six = np.uint64(1), np.uint64(2), np.uint64(6)
    turn, block = six * size, size
    while block > two:
        quarter = block // np.uint64(4)
        for base in range(first, first + size, block):
            for j in range(quarter):
                _four(work, (base + j) * row, quarter * row, turns, turn + six * j)
        turn += six * quarter
        block = quarter
    if block > one:
        for base in range(first, first + size, two):
            _two(work, base * row, row)


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

    blocks, rows, width = spectra.shape
    frames = np.lib.stride_tricks.sliding_window_view(signal, len(window))[start * hop :: hop]
    for number in range(blocks):
        cut = frames[number * width : (number + 1) * width] * (2 * window)
        found = rfft(cut, axis=1)[:, first_bin : first_bin + rows // 2].T
        spectra[number, : rows // 2], spectra[number, rows // 2 :] = found.real, found.imag


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
    blocks, rows, width = spectra.shape
    half, imaginary = np.uint64(len(places) - 1), np.uint64(rows // 2 * width)
    flat = spectra.reshape(-1)
    for block in range(blocks):
        for column in range(0, width, lanes):
            first = np.uint64((start + block * width + column) * hop)
            for i in range(np.uint64(0), two * half, lanes):
                _fold(signal, first + i, hop, window, i, work, i * lanes)
            _transform(work, half, two * lanes, turns)
            for k in range(rows // 2):
                bin_, target = np.uint64(first_bin + k), np.uint64((block * rows + k) * width + column)
                place, mirrored = places[bin_] * two * lanes, places[half - bin_] * two * lanes
                _unfold(work, place, mirrored, unfolding, two * bin_, flat, target, target + imaginary)


def _plain_overlap_add(
    spectra: np.ndarray,
    gains: np.ndarray,
    window: np.ndarray,
    hop: int,
    plan: tuple[np.ndarray, np.ndarray, np.ndarray],  # noqa: ARG001
    signal: np.ndarray,
) -> None:
    from scipy.fft import irfft

    rows = np.hstack(list(spectra))
    frames = irfft(((rows[: len(gains)] + 1j * rows[len(gains) :]) * gains).T, axis=1)
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
    half, row, width = np.uint64(len(places) - 1), two * lanes, np.uint64(BLOCK)
    imaginary = (half + one) * width
    work, scaled = floats(int((half + one) * row)), floats(int(two * imaginary))
    source, factors, frames = spectra.reshape(-1), gains.reshape(-1), np.uint64(gains.shape[1])
    for block in range(np.uint64(len(spectra))):
        for k in range(half + one):
            gain, real, target = k * frames + block * width, (two * block * (half + one) + k) * width, k * width
            for t in range(width):
                scaled[target + t] = source[real + t] * factors[gain + t]
                scaled[target + imaginary + t] = source[real + imaginary + t] * factors[gain + t]
        for column in range(np.uint64(0), width, lanes):
            for k in range(half // two + one):
                real, mirrored = k * width + column, (half - k) * width + column
                _refold(scaled, real, mirrored, imaginary, unfolding, two * k, work, k * row, (half - k) * row)
            _transform(work, half, row, turns)
            first = (block * width + column) * np.uint64(hop)
            for j in range(np.uint64(0), half, four):
                a, b, c, d = (
                    places[j] * row,
                    places[j + one] * row,
                    places[j + two] * row,
                    places[j + np.uint64(3)] * row,
                )
                _add(work, a, b, c, d, window, two * j, signal, first + two * j, hop)


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


def centred_spectra(
    signal: np.ndarray,
    window: np.ndarray,
    *,
    hop: int,
    frames: int,
    bins: tuple[int, int] | None = None,
    width: int = BLOCK,
) -> np.ndarray:
    """Fourier transforms of windowed frames that are centred on each hop, zeros lying around the signal.

    Parameters
    ----------
    signal, window, hop : as for `write_spectra`.
    bins : the bins wanted, the last one excluded; None takes all.
    width : how many frames a block has; raised to a multiple of 8.

    Returns
    -------
    (blocks, 2 * bins, width) float32, as `write_spectra` writes them, of `frames` frames and those that fill the last
    block.
    """
    first, last = (0, len(window) // 2 + 1) if bins is None else bins
    width = -(-width // FLOATS) * FLOATS
    spectra = np.empty((-(-frames // width), 2 * (last - first), width), dtype=np.float32)
    padded = centred(signal, len(window), hop=hop, frames=len(spectra) * width)
    write_spectra(padded, window, spectra, hop=hop, first_bin=first)
    return spectra


def centred(signal: np.ndarray, length: int, *, hop: int, frames: int) -> np.ndarray:
    """The signal with half a frame of zeros before it, and as many after it as `frames` frames need."""
    after = (frames - 1) * hop + length - length // 2 - len(signal)
    return np.pad(signal, (length // 2, max(0, after)))


def write_spectra(
    signal: np.ndarray, window: np.ndarray, spectra: np.ndarray, *, hop: int, start: int = 0, first_bin: int = 0
) -> None:
    """Fourier transforms of windowed frames, a frame to a column.

    They lie in blocks of frames, which stay in a cache while they are written.

    Parameters
    ----------
    signal : (n,) float32; frame t begins at t * hop, and the last one ends within it.
    window : (length,), a power of two from 16 on; its precision is that of the transform.
    spectra : (blocks, 2 * bins, width) float32, is written to: real parts, then imaginary parts, of bins `first_bin`
        and on, of the frames from `start` on; the width of a block is a multiple of 8.
    """
    blocks, _, width = spectra.shape
    length = len(window)
    if width % FLOATS or (start + blocks * width - 1) * hop + length > len(signal):
        raise ValueError(
            f"{blocks} blocks of {width} frames of {length} from {start} on, each {hop} samples, "
            f"in a signal of {len(signal)}"
        )
    # Unfolding adds two bins.
    work = np.empty((length + 2) * (REGISTER // window.itemsize), dtype=window.dtype)
    _write_spectra(signal, window / 2, hop, start, _plan(length, window.dtype.name), first_bin, spectra, work)


def overlapped(spectra: np.ndarray, gains: np.ndarray, window: np.ndarray, *, hop: int) -> np.ndarray:
    """Inverse transforms of frames, windowed and added where they overlap.

    Parameters
    ----------
    spectra : (blocks, 2 * bins, 32) float32, all bins, as `write_spectra` writes them.
    gains : (bins, 32 * blocks) float32, by which they are multiplied.
    window : (length,) float32.

    Returns
    -------
    (length + (frames - 1) * hop,) float32, the first frame at its beginning.
    """
    length = len(window)
    signal = np.zeros(length + (gains.shape[1] - 1) * hop, dtype=np.float32)
    # Conjugates are transformed and give the inverse's conjugates, whose imaginary parts are the odd samples.
    signed = window / np.float32(length)
    signed[1::2] *= -1
    _overlap_add(spectra, gains, signed, hop, _plan(length, "float32"), signal)
    return signal
