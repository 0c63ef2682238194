"""Running medians of 31 values, exact, sixteen windows and eight lanes at a time.

Sixteen neighbouring windows share sixteen values. Those are sorted once; then the windows are halved, and halved
again, down to one: each half adds the values that its windows share beyond that, and drops the lowest and the highest
that can no longer be the median. Sorting and merging are networks of minimum and maximum, the same for any input, so
they run on vectors of eight neighbouring columns without a branch: 36 operations a median.

The network is written out here as a graph and handed to the compiler as vector instructions, since it does not find
them by itself in loops over such small arrays.

Sources: Batcher (1968), Sorting Networks and their Applications; the halving of the windows follows Adams (2021),
Fast Median Filters using Separable Sorting Networks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

WIDTH = 31
WINDOWS = 16
LANES = 8
ROWS = WINDOWS + WIDTH - 1

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


def _generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Emit the instructions of `write_medians`."""
    word = ir.IntType(64)
    vector = ir.VectorType(ir.FloatType(), LANES)
    source, rows, target = (context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 1, 4))
    first_row, column = arguments[2], arguments[3]

    def place(array: Any, row: Any) -> Any:  # noqa: ANN401 - LLVM's builder has no types
        width = builder.extract_value(array.shape, 1)
        index = builder.add(builder.mul(row, width), column)
        return builder.bitcast(builder.gep(array.data, [index]), vector.as_pointer())

    def order(a: Any, b: Any) -> tuple[Any, Any]:  # noqa: ANN401
        less = builder.fcmp_ordered("<", a, b)
        return builder.select(less, a, b), builder.select(less, b, a)

    values = []
    for i in range(ROWS):
        index = builder.add(first_row, ir.Constant(word, i))
        row = builder.load(builder.gep(rows.data, [index]))
        values.append(builder.load(place(source, row), align=4))
    for i, median in enumerate(medians_of_windows(values, order)):
        row = builder.add(first_row, ir.Constant(word, i))
        builder.store(median, place(target, row), align=4)
    return context.get_dummy_value()


def _write_medians(typing_context, source, rows, first_row, column, target):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG001, PLR0917
    """Write the medians of sixteen windows in eight columns.

    Called from compiled code as ``write_medians(source, rows, first_row, column, target)``: `source` and `target` are
    C-contiguous float32 matrices; the windows' 46 rows are ``source[rows[first_row + i]]``; the medians go to the rows
    from `first_row` on of `target`, columns `column` to `column` + 7. Nothing checks the bounds.
    """
    return types.void(source, rows, first_row, column, target), _generate


write_medians: Any = intrinsic(_write_medians)
