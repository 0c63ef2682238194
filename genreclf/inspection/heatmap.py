"""Numbers as a coloured picture: a small indexed PNG, for spectrograms inside a drawing.

The sequential colours go from dark to bright in even steps of lightness; the diverging ones from blue over a pale
middle to orange, which colour-blind readers can distinguish.
"""

from __future__ import annotations

import io

import numpy as np

SEQUENTIAL = ("#0b0924", "#2a1259", "#57157e", "#842681", "#b73779", "#e35b5f", "#fb8861", "#fec287", "#fcfdbf")
DIVERGING = ("#08458a", "#3f83bd", "#92bfdc", "#d9e6ee", "#f4f1ee", "#f5d7bd", "#eda26d", "#cf6321", "#8c3404")


def palette(stops: tuple[str, ...]) -> np.ndarray:
    """(256, 3) uint8, the colours between the stops."""
    known = np.array([list(bytes.fromhex(stop[1:])) for stop in stops])
    at = np.linspace(0, len(stops) - 1, 256)
    channels = [np.interp(at, np.arange(len(stops)), channel) for channel in known.T]
    return np.stack(channels, axis=1).round().astype(np.uint8)


def narrowed(values: np.ndarray, columns: int) -> np.ndarray:
    """(rows, frames) with at most about `columns` columns: the mean of the frames that fall together."""
    frames = values.shape[1]
    if frames <= columns:
        return values
    starts = np.unique((np.arange(columns) * frames) // columns)
    return np.asarray(np.add.reduceat(values, starts, axis=1) / np.diff(starts, append=frames))


def shades(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Values as indices of a palette, (rows, columns) uint8, clipped at the bounds."""
    span = high - low if high > low else 1.0
    return np.asarray(np.clip((values - low) / span, 0, 1) * 255).round().astype(np.uint8)


def png(indices: np.ndarray, stops: tuple[str, ...]) -> bytes:
    """An indexed PNG of (rows, columns) uint8, first row on top."""
    from PIL import Image

    image = Image.fromarray(indices)
    image.putpalette(palette(stops).tobytes())
    stream = io.BytesIO()
    image.save(stream, format="PNG", optimize=True)
    return stream.getvalue()
