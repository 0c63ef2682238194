"""ONNX: a network as the bytes that onnxruntime reads.

A model is a protobuf message. The few kinds of messages that a graph of standard operators needs are encoded here, so
that predicting takes onnxruntime alone, and so that a graph is always made by genreclf, from checked weights, and never
read from a file.

Source: onnx.proto of the ONNX project, IR version 8; operator set 17.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Attribute = int | float | str | tuple[int, ...]

_IR_VERSION, _OPERATOR_SET = 8, 17
_ELEMENT = {"float32": 1, "int64": 7}
_FLOAT, _INT, _STRING, _INTS = 1, 2, 3, 7  # AttributeProto.AttributeType


class Graph:
    """A graph that grows node by node.

    Parameters
    ----------
    dimensions : of the one input, ``x``; a text names one that is free.
    """

    def __init__(self, dimensions: Sequence[int | str]) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._input = _message(11, _value("x", dimensions))
        self._named = 0

    def constant(self, array: np.ndarray) -> str:
        """Add an array, float32 or int64, and return its name."""
        name = self._name()
        kind = _ELEMENT[array.dtype.name]
        dims = b"".join(_number(1, length) for length in array.shape)
        little = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
        content = dims + _number(2, kind) + _text(8, name) + _message(9, little.tobytes())
        self._constants.append(_message(5, content))
        return name

    def node(self, operator: str, *inputs: str, **attributes: Attribute) -> str:
        """Add an operator that takes these outputs or constants, and return the name of its output."""
        return self.nodes(operator, *inputs, outputs=1, **attributes)[0]

    def nodes(self, operator: str, *inputs: str, outputs: int, **attributes: Attribute) -> list[str]:
        """The same for an operator of several outputs."""
        names = [self._name() for _ in range(outputs)]
        parts = [_text(1, name) for name in inputs] + [_text(2, name) for name in names]
        parts += [_text(4, operator), *(_message(5, _attribute(*item)) for item in sorted(attributes.items()))]
        self._nodes.append(_message(1, b"".join(parts)))
        return names

    def model(self, result: str, dimensions: Sequence[int | str]) -> bytes:
        """The model whose one output is `result`."""
        content = b"".join(self._nodes) + _text(2, "network") + b"".join(self._constants)
        graph = content + self._input + _message(12, _value(result, dimensions))
        operators = _message(8, _text(1, "") + _number(2, _OPERATOR_SET))
        return _number(1, _IR_VERSION) + _text(2, "genreclf") + _message(7, graph) + operators

    def _name(self) -> str:
        self._named += 1
        return f"v{self._named}"


def session(model: bytes) -> Any:  # noqa: ANN401 - onnxruntime has no types
    """An onnxruntime session of one thread.

    Raises
    ------
    ImportError : onnxruntime is not installed; the text names the line that installs it.
    """
    try:
        import onnxruntime
    except ImportError:
        raise ImportError("predicting with a neural model needs onnxruntime: pip install onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _varint(value: int) -> bytes:
    found = bytearray()
    value &= (1 << 64) - 1  # negative numbers are in two's complement
    while value > 127:
        found.append(value & 127 | 128)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        kind, content = _INT, _number(3, value)
    elif isinstance(value, float):
        kind, content = _FLOAT, _varint(2 << 3 | 5) + np.array(value, dtype="<f4").tobytes()
    elif isinstance(value, str):
        kind, content = _STRING, _text(4, value)
    else:
        kind, content = _INTS, b"".join(_number(8, item) for item in value)
    return _text(1, name) + content + _number(20, kind)


def _value(name: str, dimensions: Sequence[int | str]) -> bytes:
    """A named tensor of float32."""
    sizes = [_text(2, size) if isinstance(size, str) else _number(1, size) for size in dimensions]
    shape = b"".join(_message(1, size) for size in sizes)
    return _text(1, name) + _message(2, _message(1, _number(1, 1) + _message(2, shape)))
