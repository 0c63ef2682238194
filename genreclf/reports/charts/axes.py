"""What charts share: rows of names, an axis of points, whiskers, and marks that differ in shape and colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale, glyph, shorten, text_width

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROW = 30.0
COLOURS = 8


def label_room(names: Iterable[str], *, most: float, size: float = 13) -> float:
    """The width of a column of names, `most` at the widest."""
    return min(max((text_width(name, size) for name in names), default=0) + 10, most)


def row_label(drawing: Drawing, name: str, y: float, room: float, *, strong: bool = False) -> None:
    """The name of a row, at its left; a long one stands in two lines, or is cut, with the whole as a hint."""
    size = 13.5 if strong else 13
    first, _, second = name.partition(" ")
    if text_width(name, size) > room - 8 and second and max(text_width(w, size) for w in (first, second)) <= room - 8:
        for line, place in ((first, y - 2.5), (second, y + 11.5)):
            drawing.text(0, place, line, class_="strong" if strong else "label")
        return
    shown = shorten(name, room - 8, size)
    drawing.text(0, y + 4.5, shown, class_="strong" if strong else "label", tip=name if shown != name else "")


def points_scale(values: Sequence[float], start: float, end: float, *, whole: bool = False) -> Scale:
    """A scale of shares that holds the values with a little room, in steps of five points; `whole` is 0 to 100."""
    known = [value for value in values if math.isfinite(value)]
    if whole or not known:
        return Scale(0.0, 1.0, start, end)
    low, high = math.floor(min(known) * 20 - 0.2) / 20, math.ceil(max(known) * 20 + 0.2) / 20
    return Scale(low, high, start, end)


def points_axis(drawing: Drawing, scale: Scale, top: float, bottom: float, title: str) -> None:
    """Vertical grid lines with points out of 100 below them, and what they are."""
    about = max(3, min(7, int((scale.end - scale.start) / 56)))
    for tick in scale.ticks(about):
        x = scale(tick)
        drawing.line(x, top, x, bottom, class_="grid")
        drawing.text(x, bottom + 16, f"{100 * tick:.0f}".replace("-", "\u2212"), class_="tick", text_anchor="middle")
    room = scale.end
    drawing.text(
        (scale.start + scale.end) / 2, bottom + 34, shorten(title, room, 12), class_="axis", text_anchor="middle"
    )


def whisker(drawing: Drawing, scale: Scale, y: float, low: float, high: float, *, class_: str = "whisker") -> None:
    """An interval along a row; nothing where there is none."""
    if math.isfinite(low) and math.isfinite(high):
        drawing.line(scale(low), y, scale(high), y, class_=class_)


def mark(
    drawing: Drawing, x: float, y: float, *, shape: int = 0, class_: str = "dot", tip: str = "", size: float = 5.5
) -> None:
    """A mark at a place."""
    drawing.add("path", d=glyph(shape, x, y, size), class_=class_, tip=tip)


def legend(drawing: Drawing, entries: Sequence[tuple[int, str, str]], y: float) -> None:
    """Marks (shape, class) and what they stand for, in a line as wide as the drawing."""
    x, room = 0.0, drawing.width / max(len(entries), 1) - 31
    for shape, class_, full in entries:
        name = shorten(full, room if len(entries) > 1 else drawing.width - 20, 12)
        mark(drawing, x + 6, y - 4, shape=shape, class_=class_)
        drawing.text(x + 18, y, name, class_="note")
        x += 18 + text_width(name, 12) + 15
