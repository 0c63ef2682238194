"""TensorFlow checkpoints, read without TensorFlow.

Both versions keep their variables in LevelDB's table format, uncompressed. Version 2 has two files: an index of
`BundleEntryProto` messages, and the bytes of the variables. Version 1 has one file of `SavedTensorSlices` messages.

Sources: tensorflow/core/protobuf/tensor_bundle.proto and tensorflow/core/util/saved_tensor_slice.proto; the LevelDB
table format, https://github.com/google/leveldb/blob/main/doc/table_format.md.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

_FLOAT = 1  # DT_FLOAT
_FOOTER = 48
_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_Fields = dict[int, list[int | memoryview]]  # views, as variables may be hundreds of megabytes


def read_version_2(index: bytes, data: bytes) -> dict[str, np.ndarray]:
    """The float32 variables of a checkpoint of version 2, by name.

    Raises
    ------
    ValueError : it is not such a checkpoint, or damaged.
    """
    found = {}
    for key, value in _entries(index):
        entry = _fields(value)
        if not key or _number(entry, 1) != _FLOAT:
            continue
        start, size = _number(entry, 4), _number(entry, 5)
        found[key.decode()] = _shaped(data[start : start + size], _shape(entry, 2))
    return found


def read_version_1(data: bytes) -> dict[str, np.ndarray]:
    """The float32 variables of a checkpoint of version 1, by name; each must be stored in one slice.

    Raises
    ------
    ValueError : it is not such a checkpoint, or damaged.
    """
    shapes: dict[str, list[int]] = {}
    found = {}
    for _, value in _entries(data):
        message = _fields(value)
        for meta in message.get(1, []):
            for tensor in map(_fields, _fields(meta).get(1, [])):
                shapes[_text(tensor, 1)] = _shape(tensor, 2)
        for slice_ in map(_fields, message.get(2, [])):
            tensor = _fields(slice_[3][0])
            # Packed, that is all numbers in a row, in one piece or several.
            parts = [part for part in tensor.get(5, tensor.get(4, [])) if isinstance(part, memoryview)]
            packed = parts[0] if len(parts) == 1 else memoryview(b"".join(parts))
            if len(packed):
                found[_text(slice_, 1)] = _shaped(packed, shapes[_text(slice_, 1)])
    return found


def _entries(table: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The keys and values of a table, in order."""
    if len(table) < _FOOTER or table[-8:] != _MAGIC:
        raise ValueError("not a checkpoint: its last bytes are not those of a table")
    footer = table[-_FOOTER:]
    _, position = _varint(footer, 0)
    _, position = _varint(footer, position)
    view = memoryview(table)
    for _, handle in _block(view, *_handle(footer, position)):
        yield from _block(view, *_handle(handle, 0))


def _handle(data: bytes | memoryview, position: int) -> tuple[int, int]:
    offset, position = _varint(data, position)
    size, _ = _varint(data, position)
    return offset, size


def _block(table: memoryview, offset: int, size: int) -> Iterator[tuple[bytes, memoryview]]:
    if size < 4 or offset + size + 5 > len(table) or table[offset + size]:
        raise ValueError("a block lies outside the file or is compressed")
    block = table[offset : offset + size]
    end = size - 4 - 4 * struct.unpack("<I", block[-4:])[0]
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + bytes(block[position : position + rest])
        position += rest
        yield key, block[position : position + length]
        position += length


def _varint(data: bytes | memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise ValueError("a number ends too early")
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def _fields(message: int | memoryview) -> _Fields:
    """The fields of a protobuf message, by number."""
    if isinstance(message, int):
        raise ValueError("a number where a message should be")
    found: _Fields = {}
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        wire = key & 7
        if wire == 0:
            value: int | memoryview
            value, position = _varint(message, position)
        else:
            size = {1: 8, 5: 4}.get(wire, 0)
            if wire == 2:
                size, position = _varint(message, position)
            if not size and wire != 2:
                raise ValueError(f"a field of kind {wire}, which no checkpoint has")
            value = message[position : position + size]
            position += size
        found.setdefault(key >> 3, []).append(value)
    return found


def _number(fields: _Fields, number: int) -> int:
    value = fields.get(number, [0])[0]
    return value if isinstance(value, int) else 0


def _text(fields: _Fields, number: int) -> str:
    value = fields.get(number, [0])[0]
    return "" if isinstance(value, int) else bytes(value).decode()


def _shape(fields: _Fields, number: int) -> list[int]:
    shape = fields.get(number)
    return [_number(_fields(size), 1) for size in _fields(shape[0]).get(2, [])] if shape else []


def _shaped(data: bytes | memoryview, shape: list[int]) -> np.ndarray:
    if len(data) != 4 * int(np.prod(shape, dtype=np.int64)):
        raise ValueError(f"a variable of shape {tuple(shape)} with {len(data):,} bytes")
    return np.frombuffer(data, dtype="<f4").reshape(shape)
