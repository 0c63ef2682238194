"""Running medians of 31 values, exact, sixteen windows at a time.

Sixteen neighbouring windows share sixteen values. Those are sorted once; then the windows are halved, and halved
again, down to one: each half adds the values that its windows share beyond that, and drops the lowest and the highest
that can no longer be the median. Sorting and merging are networks of minimum and maximum, the same for any input, so
that each step of a network is one loop over many columns without a branch: 36 operations a median.

The network is recorded once, as a list of steps on the rows of a small matrix, which a compiled loop carries out.

Sources: Batcher (1968), Sorting Networks and their Applications; the halving of the windows follows Adams (2021),
Fast Median Filters using Separable Sorting Networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import numpy as np

from genreclf.features.kernels import compiled, floats

WIDTH = 31
WINDOWS = 16
ROWS = WINDOWS + WIDTH - 1

_LANES = np.uint64(96)  # columns that are taken together

Order = Callable[[Any, Any], tuple[Any, Any]]


def medians_of_windows(values: list[Any], order: Order) -> list[Any]:
    """The medians of the sixteen windows of 31 neighbours among 46 values.

    Parameters
    ----------
    values : 46 of anything that `order` takes.
    order : gives two values back as the lower and the higher.
    """
    shared = sort(values[WINDOWS - 1 : WIDTH], order)
    return _halve(values, shared, first=0, count=WINDOWS, order=order)


def _halve(values: list[Any], candidates: list[Any], *, first: int, count: int, order: Order) -> list[Any]:
    """Medians of `count` windows from `first` on, of whose shared values the `candidates` may yet be one."""
    if count == 1:
        return candidates
    half = count // 2
    before = values[first + half - 1 : first + count - 1]
    after = values[first + WIDTH : first + WIDTH + half]
    return [
        median
        for start, added in ((first, before), (first + half, after))
        for median in _halve(
            values,
            middle_of_merged(candidates, sort(added, order), order),
            first=start,
            count=half,
            order=order,
        )
    ]


def middle_of_merged(long: list[Any], short: list[Any], order: Order) -> list[Any]:
    """The middle third, sorted, of a sorted list and another sorted one of half its length."""
    half = len(short)
    not_lowest = [order(a, b)[1] for a, b in zip(long[:half], reversed(short), strict=True)]
    rising = sort_bitonic(not_lowest, order)
    not_highest = [order(a, b)[0] for a, b in zip(rising, reversed(long[half:]), strict=True)]
    return sort_bitonic(not_highest, order)


def sort_bitonic(values: list[Any], order: Order) -> list[Any]:
    """Sort a list that rises and then falls, or is a rotation of such; its length a power of two."""
    if len(values) == 1:
        return values
    half = len(values) // 2
    pairs = [order(a, b) for a, b in zip(values[:half], values[half:], strict=True)]
    return [x for side in (0, 1) for x in sort_bitonic([pair[side] for pair in pairs], order)]


def sort(values: Iterable[Any], order: Order) -> list[Any]:
    """Sort a list whose length is a power of two by Batcher's odd-even merge."""
    values = list(values)
    if len(values) == 1:
        return values
    half = len(values) // 2
    return _merge(sort(values[:half], order), sort(values[half:], order), order)


def _merge(left: list[Any], right: list[Any], order: Order) -> list[Any]:
    if len(left) == 1:
        return list(order(left[0], right[0]))
    even = _merge(left[::2], right[::2], order)
    odd = _merge(left[1::2], right[1::2], order)
    merged = [even[0]]
    for low, high in zip(odd[:-1], even[1:], strict=True):
        merged += order(low, high)
    return [*merged, odd[-1]]


@cache
def median_steps() -> tuple[np.ndarray, np.ndarray, int]:
    """The network as steps on the rows of a work matrix, of which the first 46 hold the values.

    A row is used again once nothing needs what it holds, so that the matrix stays small enough for the nearest cache.

    Returns
    -------
    (steps, medians, n_rows) : (steps, 4), the two rows that a step compares, and the rows that take the lower and the
        higher value, -1 where it is not needed; (16,), the rows where the medians are at the end; and the size of the
        matrix.
    """
    comparisons: list[tuple[int, int, int, int]] = []

    def record(a: int, b: int) -> tuple[int, int]:
        low = ROWS + 2 * len(comparisons)
        comparisons.append((a, b, low, low + 1))
        return low, low + 1

    medians = medians_of_windows(list(range(ROWS)), record)
    last_use = dict.fromkeys(medians, len(comparisons))
    needed = []
    for i, (a, b, low, high) in reversed(list(enumerate(comparisons))):
        if low in last_use or high in last_use:
            needed.append(i)
            last_use.setdefault(a, i)
            last_use.setdefault(b, i)
    row_of = {value: value for value in range(ROWS)}
    free: list[int] = []
    n_rows = ROWS
    steps = []
    for i in reversed(needed):
        a, b, *results = comparisons[i]
        step = [row_of[a], row_of[b]]
        for value in results:
            if value in last_use:
                row_of[value] = free.pop() if free else n_rows
                n_rows = max(n_rows, row_of[value] + 1)
            step.append(row_of.get(value, -1))
        free += [row_of[value] for value in (a, b) if last_use[value] == i]
        steps.append(step)
    return np.array(steps), np.array([row_of[value] for value in medians]), n_rows


@compiled
def _carry_out(steps: np.ndarray, work: np.ndarray) -> None:
    """Carry out the steps of `medians.median_steps` on a flat work matrix with rows of `_LANES` columns.

    Written as choices, since `min` and `max` would look for values that are no numbers.
    """
    for number in range(len(steps)):
        a, b = _LANES * np.uint64(steps[number, 0]), _LANES * np.uint64(steps[number, 1])
        low, high = _LANES * np.uint64(steps[number, 2]), _LANES * np.uint64(steps[number, 3])
        if steps[number, 3] < 0:
            for i in range(_LANES):
                x, y = work[a + i], work[b + i]
                work[low + i] = x if x < y else y  # noqa: FURB136
        elif steps[number, 2] < 0:
            for i in range(_LANES):
                x, y = work[a + i], work[b + i]
                work[high + i] = y if x < y else x  # noqa: FURB136
        else:
            for i in range(_LANES):
                x, y = work[a + i], work[b + i]
                work[low + i] = x if x < y else y  # noqa: FURB136
                work[high + i] = y if x < y else x  # noqa: FURB136


@compiled
def _copy(source: np.ndarray, start: np.uint64, target: np.ndarray, place: np.uint64, count: np.uint64) -> None:
    for i in range(count):
        target[place + i] = source[start + i]


@compiled
def _medians_of_rows(x: np.ndarray, rows: np.ndarray, steps: np.ndarray, places: np.ndarray, n_work: int) -> np.ndarray:
    """Running median of 31 along the first axis of a (rows, columns >= `_LANES`) matrix; `rows` are `_reflected`."""
    n_rows, columns = x.shape
    medians = floats((len(rows) - WIDTH + 1) * columns).reshape((len(rows) - WIDTH + 1, columns))
    source, target = x.reshape(-1), medians.reshape(-1)
    work = floats(n_work * int(_LANES))
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
    return np.ascontiguousarray(_medians_of_rows(wide, _reflected(len(x)), *median_steps())[:, :columns])


def _reflected(n: int) -> np.ndarray:
    """The rows that the windows around rows 0 to n - 1 take, the matrix being mirrored at its edges."""
    rows = (np.arange(-(-n // WINDOWS) * WINDOWS + WIDTH - 1) - WIDTH // 2) % (2 * n)
    return np.minimum(rows, 2 * n - 1 - rows)
