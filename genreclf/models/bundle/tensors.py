"""Tensors: arrays by name as bytes in the safetensors format, which holds numbers and nothing else.

A file is the length of its header, the header as JSON, and the numbers. Reading it takes a few lines, so that a model
can be read where the package safetensors is not installed. Only float32 is written and read.

Source: https://github.com/huggingface/safetensors, "Format".
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
import numpy as np

_LENGTH = 8  # bytes of the header's length, and what the header is padded to a multiple of
_Size = Annotated[int, msgspec.Meta(ge=0, lt=1 << 40)]


class _Tensor(msgspec.Struct, forbid_unknown_fields=True):
    dtype: Literal["F32"]
    shape: Annotated[list[_Size], msgspec.Meta(max_length=8)]
    data_offsets: tuple[_Size, _Size]


def dump_tensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Arrays of float32 in the safetensors format, sorted by name."""
    header, pieces, end = {}, [], 0
    for name, array in sorted(arrays.items()):
        pieces.append(np.ascontiguousarray(array, dtype="<f4").tobytes())
        header[name] = _Tensor("F32", list(array.shape), (end, end + len(pieces[-1])))
        end += len(pieces[-1])
    text = msgspec.json.encode(header)
    text += b" " * (-len(text) % _LENGTH)
    return b"".join([len(text).to_bytes(_LENGTH, "little"), text, *pieces])


def load_tensors(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of `dump_tensors`, read-only.

    Raises
    ------
    ValueError : it is anything else.
    """
    start = _LENGTH + int.from_bytes(data[:_LENGTH], "little")
    header = msgspec.json.decode(data[_LENGTH:start], type=dict[str, _Tensor])
    found, end = {}, 0
    for name, tensor in sorted(header.items(), key=lambda item: item[1].data_offsets):
        count = math.prod(tensor.shape)
        if tensor.data_offsets != (end, end + 4 * count):
            raise ValueError(f"has tensors that overlap or leave gaps, first {name[:60]!r}")
        end += 4 * count
        if start + end > len(data):
            break
        found[name] = np.frombuffer(data, "<f4", count, start + end - 4 * count).reshape(tensor.shape)
    if start + end != len(data):
        raise ValueError(f"has tensors of {end:,} bytes in {max(0, len(data) - start):,}")
    return found
