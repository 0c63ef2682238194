"""Products of overlapping frames with a few vectors, kept in registers.

Four frames are multiplied with twenty-four columns at a time: twelve vectors of sums, which fill the registers of a
common processor. Written as vector instructions for the compiler, since a loop over small arrays would go through
memory, and a matrix library would need the overlapping frames copied out and would start threads of its own.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FRAMES = 4
COLUMNS = 24
LANES = 8

_WORD = ir.IntType(64)
_VECTOR = ir.VectorType(ir.FloatType(), LANES)


def _spread(builder: Any, value: Any) -> Any:  # noqa: ANN401 - LLVM's builder has no types
    """The vector that has `value` in every lane."""
    nothing = ir.Constant(_VECTOR, ir.Undefined)
    single = builder.insert_element(nothing, value, ir.Constant(ir.IntType(32), 0))
    everywhere = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(single, nothing, everywhere)


def _generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
    """Emit the instructions of `write_products`."""
    signal, panels, products = (
        context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 3, 5)
    )
    begin, hop, panel = arguments[1], arguments[2], arguments[4]
    length = builder.extract_value(panels.shape, 1)
    width = builder.extract_value(products.shape, 1)
    lanes = range(0, COLUMNS, LANES)

    def times(value: Any, factor: int) -> Any:  # noqa: ANN401
        return builder.mul(value, ir.Constant(_WORD, factor))

    def vector_at(pointer: Any, index: Any, lane: int) -> Any:  # noqa: ANN401
        index = builder.add(index, ir.Constant(_WORD, lane))
        return builder.bitcast(builder.gep(pointer, [index]), _VECTOR.as_pointer())

    zero = ir.Constant(_VECTOR, [0.0] * LANES)
    totals = [[cgutils.alloca_once(builder, _VECTOR) for _ in lanes] for _ in range(FRAMES)]  # type: ignore[no-untyped-call]
    for total in (total for frame in totals for total in frame):
        builder.store(zero, total)
    starts = [builder.add(begin, times(hop, frame)) for frame in range(FRAMES)]
    first = builder.mul(panel, times(length, COLUMNS))
    with cgutils.for_range(builder, length) as loop:
        row = builder.add(first, times(loop.index, COLUMNS))
        columns = [builder.load(vector_at(panels.data, row, lane), align=4) for lane in lanes]
        for start, frame in zip(starts, totals, strict=True):
            place = builder.gep(signal.data, [builder.add(start, loop.index)])
            sample = _spread(builder, builder.load(place))
            for column, total in zip(columns, frame, strict=True):
                product = builder.fmul(column, sample, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
    for i, frame in enumerate(totals):
        row = builder.add(times(width, i), times(panel, COLUMNS))
        for lane, total in zip(lanes, frame, strict=True):
            builder.store(builder.load(total), vector_at(products.data, row, lane), align=4)
    return context.get_dummy_value()


def _write_products(typing_context, signal, begin, hop, panels, panel, products):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202, ARG001, PLR0917
    """Multiply four frames with a panel of 24 columns.

    Called from compiled code as ``write_products(signal, begin, hop, panels, panel, products)``: the frames begin at
    `begin`, `begin` + `hop`, ... of `signal`; `panels` is (panels, length, 24); the products go to
    ``products[:4, 24 * panel :]``. All are C-contiguous float32. Nothing checks the bounds.
    """
    return types.void(signal, begin, hop, panels, panel, products), _generate


write_products: Any = intrinsic(_write_products)
