"""Products of overlapping frames with a few vectors, kept in registers.

Four frames are multiplied with twenty-four columns at a time: twelve vectors of sums, which fill the registers of a common
processor. Written as vector instructions for the compiler, since a loop over small arrays would go through memory, and a matrix
library would need the overlapping frames copied out and would start threads of its own.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FRAMES = 4
COLUMNS = 24
_LANES = 8


@intrinsic  # type: ignore[untyped-decorator]
def add_products(typing_context, signal, begin, hop, panels, panel, sums):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN201, ARG001
    """Multiply four frames with a panel of 24 columns.

    Called from compiled code as ``add_products(signal, begin, hop, panels, panel, sums)``: the frames begin at `begin`, `begin` +
    `hop`, ... of `signal`; `panels` is (panels, length, 24); the products go to ``sums[:4, 24 * panel :]``. All are
    C-contiguous float32. Nothing checks the bounds.
    """
    signature = types.void(signal, begin, hop, panels, panel, sums)

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
        word = ir.IntType(64)
        vector = ir.VectorType(ir.FloatType(), _LANES)
        signal, panels, sums = (
            context.make_array(signature.args[i])(context, builder, arguments[i]) for i in (0, 3, 5)
        )
        begin, hop, panel = arguments[1], arguments[2], arguments[4]
        length = builder.extract_value(panels.shape, 1)

        def vector_at(pointer, index, lane):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            index = builder.add(index, ir.Constant(word, lane))
            return builder.bitcast(builder.gep(pointer, [index]), vector.as_pointer())

        def spread(value):  # type: ignore[no-untyped-def] # noqa: ANN001, ANN202
            single = builder.insert_element(
                ir.Constant(vector, ir.Undefined), value, ir.Constant(ir.IntType(32), 0)
            )
            everywhere = ir.Constant(ir.VectorType(ir.IntType(32), _LANES), [0] * _LANES)
            return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), everywhere)

        lanes = range(0, COLUMNS, _LANES)
        zero = ir.Constant(vector, [0.0] * _LANES)
        totals = [[cgutils.alloca_once_value(builder, zero) for _ in lanes] for _ in range(FRAMES)]
        starts = [
            builder.add(begin, builder.mul(hop, ir.Constant(word, frame))) for frame in range(FRAMES)
        ]
        first = builder.mul(panel, builder.mul(length, ir.Constant(word, COLUMNS)))
        with cgutils.for_range(builder, length) as loop:
            row = builder.add(first, builder.mul(loop.index, ir.Constant(word, COLUMNS)))
            columns = [builder.load(vector_at(panels.data, row, lane), align=4) for lane in lanes]
            for start, frame_totals in zip(starts, totals, strict=True):
                sample = builder.load(builder.gep(signal.data, [builder.add(start, loop.index)]))
                sample = spread(sample)
                for column, total in zip(columns, frame_totals, strict=True):
                    product = builder.fmul(column, sample, flags=("contract",))
                    builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
        width = builder.extract_value(sums.shape, 1)
        for frame, frame_totals in enumerate(totals):
            place = builder.add(
                builder.mul(width, ir.Constant(word, frame)), builder.mul(panel, ir.Constant(word, COLUMNS))
            )
            for lane, total in zip(lanes, frame_totals, strict=True):
                builder.store(builder.load(total), vector_at(sums.data, place, lane), align=4)
        return context.get_dummy_value()

    return signature, generate
