"""Vector instructions for compiled loops, where the compiler does not find them by itself.

It would have to know that no two places in an array are the same. `step` makes an instruction of a Python function that
loads and stores vectors, as many numbers as a register holds. It does so through `llvmlite.ir`, whose interface may
change: `or_plain` has a plain function take the place of one whose steps cannot be written.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from genreclf.errors import one_line
from genreclf.features.kernel_cache import ensure_cache

ensure_cache()

from llvmlite import ir  # noqa: E402
from numba import types  # noqa: E402 - it reads where its cache is when it is imported
from numba.extending import intrinsic  # noqa: E402

REGISTER = 32  # bytes; what a processor lacks of that, the compiler makes of several registers
FLOATS = REGISTER // 4

_INDEX = ir.IntType(64)

Function = TypeVar("Function", bound=Callable[..., Any])

without_steps: set[str] = set()
"""Functions whose steps could not be written, and whose plain ones have taken their place in this process."""


class Vector:
    """A vector of floating-point numbers, or an index, in code that is being written."""

    def __init__(self, builder: Any, value: Any) -> None:  # noqa: ANN401 - llvmlite has no types
        self.builder, self.value = builder, value

    def __add__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fadd(self.value, other.value, flags=("contract",)))

    def __sub__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fsub(self.value, other.value, flags=("contract",)))

    def __mul__(self, other: Vector) -> Vector:
        return Vector(self.builder, self.builder.fmul(self.value, other.value, flags=("contract",)))


class Index(Vector):
    """An index in code that is being written."""

    def __add__(self, other: Vector | int) -> Index:
        value = _INDEX(other) if isinstance(other, int) else other.value
        return Index(self.builder, self.builder.add(self.value, value))


class Array:
    """A flat array of floating-point numbers in code that is being written, from which vectors are loaded."""

    def __init__(self, builder: Any, data: Any, lanes: int) -> None:  # noqa: ANN401
        self.builder, self.data, self.lanes = builder, data, lanes
        self.kind = ir.VectorType(data.type.pointee, lanes)
        self.alignment = 8 if data.type.pointee == ir.DoubleType() else 4

    def _pointer(self, index: Index) -> Any:  # noqa: ANN401
        return self.builder.bitcast(self.builder.gep(self.data, [index.value]), self.kind.as_pointer())

    def __getitem__(self, index: Index) -> Vector:
        return Vector(self.builder, self.builder.load(self._pointer(index), align=self.alignment))

    def __setitem__(self, index: Index, vector: Vector) -> None:
        value = vector.value
        if value.type != self.kind:
            value = self.builder.fptrunc(value, self.kind)
        self.builder.store(value, self._pointer(index), align=self.alignment)

    def everywhere(self, index: Index) -> Vector:
        """The number there, in all lanes."""
        number = self.builder.load(self.builder.gep(self.data, [index.value]))
        nothing = ir.Constant(self.kind, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), None)
        return Vector(self.builder, self.builder.shuffle_vector(first, nothing, zeros))

    def as_wide(self, vector: Vector) -> Vector:
        """The vector in this array's precision, if that is the higher one."""
        if vector.value.type == self.kind:
            return vector
        return Vector(self.builder, self.builder.fpext(vector.value, self.kind))


def step(write: Callable[..., None]) -> Any:  # noqa: ANN401 - numba has no types
    """A step for compiled code, from a function that writes it for `Array` and `Index` arguments.

    There are as many lanes as a register holds of the highest precision among the arrays.
    """

    def typed(_: Any, *given: Any) -> Any:  # noqa: ANN401
        arrays = [isinstance(kind, types.Array) for kind in given]
        widest = max(kind.dtype.bitwidth // 8 for kind, array in zip(given, arrays, strict=True) if array)

        def write_step(context: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ANN401
            write(
                *(
                    Array(builder, context.make_array(kind)(context, builder, value).data, REGISTER // widest)
                    if array
                    else Index(builder, value)
                    for kind, value, array in zip(signature.args, values, arrays, strict=True)
                )
            )
            return context.get_dummy_value()

        kinds = (kind if array else types.uint64 for kind, array in zip(given, arrays, strict=True))
        return types.void(*kinds), write_step

    own = inspect.signature(write).parameters.values()
    context = inspect.Parameter("typing_context", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    typed.__signature__ = inspect.Signature([context, *own])  # type: ignore[attr-defined]
    typed.__name__ = write.__name__
    return intrinsic(typed)


def or_plain(plain: Callable[..., Any]) -> Callable[[Function], Function]:
    """Have a plain function, of the same arguments and results, take a compiled one's place where that cannot be."""

    def decorate(compiled: Function) -> Function:
        @wraps(compiled)
        def call(*given: Any) -> Any:  # noqa: ANN401
            if compiled.__name__ not in without_steps:
                try:
                    return compiled(*given)
                # Compiled loops raise nothing themselves: this was the compiler, and nothing has been written yet.
                except Exception as error:  # noqa: BLE001 - whatever numba or llvmlite raise
                    without_steps.add(compiled.__name__)
                    warnings.warn(
                        f"{compiled.__name__} cannot be compiled here, and features take longer: {one_line(error)}",
                        RuntimeWarning,
                        stacklevel=2,
                    )
            return plain(*given)

        return call  # type: ignore[return-value]

    return decorate


def exchanged(rows: list[Vector]) -> list[Vector]:
    """Rows for columns of a square matrix."""
    builder, n = rows[0].builder, len(rows)
    order = ir.VectorType(ir.IntType(32), n)
    low, high = (ir.Constant(order, [(side + k) // 2 + k % 2 * n for k in range(n)]) for side in (0, n))
    for _ in range(n.bit_length() - 1):
        pairs = zip(rows[: n // 2], rows[n // 2 :], strict=True)
        shuffled = [builder.shuffle_vector(a.value, b.value, half) for a, b in pairs for half in (low, high)]
        rows = [Vector(builder, value) for value in shuffled]
    return rows
