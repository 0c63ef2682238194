"""Numbers as a coloured picture: a small indexed PNG, for spectrograms inside a drawing.

The sequential colours are dark to bright with even steps of lightness; the diverging ones go from blue over a pale
middle to orange, and can be told apart by the colour-blind.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

PNG_BEGINS = b"\x89PNG\r\n\x1a\n"
SEQUENTIAL = ("#0b0924", "#2a1259", "#57157e", "#842681", "#b73779", "#e35b5f", "#fb8861", "#fec287", "#fcfdbf")
DIVERGING = ("#08458a", "#3f83bd", "#92bfdc", "#d9e6ee", "#f4f1ee", "#f5d7bd", "#eda26d", "#cf6321", "#8c3404")


def palette(stops: tuple[str, ...]) -> np.ndarray:
    """(256, 3) uint8, the colours between the stops."""
    import numpy as np

    known = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in stops], dtype=float)
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), known[:, channel]) for channel in range(3)]
    return np.asarray(np.round(np.stack(channels, axis=1))).astype(np.uint8)


def narrowed(values: np.ndarray, columns: int) -> np.ndarray:
    """(rows, frames) with at most about `columns` columns: the mean of the frames that fall together."""
    import numpy as np

    frames = values.shape[1]
    if frames <= columns:
        return values
    starts = np.unique((np.arange(columns) * frames) // columns)
    sizes = np.diff(np.append(starts, frames))
    return np.asarray(np.add.reduceat(values, starts, axis=1) / sizes)


def shades(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as indices of a palette, (rows, columns) uint8; outside of the bounds they are held at the ends."""
    import numpy as np

    span = high - low if high > low else 1.0
    return np.asarray(np.clip((values - low) / span, 0, 1) * 255).round().astype(np.uint8)


def png(indices: np.ndarray, stops: tuple[str, ...]) -> bytes:
    """An indexed PNG of (rows, columns) uint8, first row on top.

    Source: Portable Network Graphics Specification, third edition, W3C (2025).
    """
    height, width = indices.shape
    rows = b"".join(b"\0" + row.tobytes() for row in indices)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = (
        (b"IHDR", header),
        (b"PLTE", palette(stops).tobytes()),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return PNG_BEGINS + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def as_address(picture: bytes) -> str:
    """A PNG as an address that needs no file."""
    return "data:image/png;base64," + base64.b64encode(picture).decode()
