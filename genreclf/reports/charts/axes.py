"""What charts share: rows of names on an axis of points, whiskers, and marks that differ in shape and colour."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale, glyph, shorten, text_width
from genreclf.pages.wording import interval, points, with_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from genreclf.reports.outcome import Score

ROW = 30.0
_SMALL = 11.0
ROOMY = 560.0  # from this width on, values are shown with their intervals
COLOURS, SHAPES = 10, 10  # of marks; the style sheet has a class for each colour
SCORE, DIFFERENCE = "67.1 (60.2 to 100.0)", "+15.1 (+12.1 to +18.1)"  # the widest
MACRO_F1 = "macro-F1, points out of 100"


class Rows:
    """A chart with a name at the left of each row, an axis of points below, and a value at the right.

    Parameters
    ----------
    title, description : of the drawing.
    names : of the rows, from top to bottom.
    values : what the axis must hold, as shares.
    right : the widest value at the right, with its interval in brackets.
    beside : what else needs room there, in pixels.
    indent : room between names and axis.
    head : room above the rows; by default, for the legend.
    legend : shape, style class and text of each mark.
    whole : whether the axis goes from 0 to 100.
    strong : the row whose name stands out.
    """

    def __init__(
        self,
        title: str,
        description: str,
        names: Sequence[str],
        values: Sequence[float],
        *,
        width: float,
        right: str = SCORE,
        beside: float = 0.0,
        axis: str = MACRO_F1,
        row: float = ROW,
        indent: float = 6.0,
        head: float = 28.0,
        legend: Sequence[tuple[int, str, str]] = (),
        whole: bool = False,
        strong: int = -1,
    ) -> None:
        left = label_room(names, most=width * 0.34, size=13.5) + indent
        self._roomy, self._beside = width >= ROOMY, beside
        value, _, ends = right.partition(" (")
        below = max(text_width(value, 12.5), text_width(ends.rstrip(")"), _SMALL))
        room = beside + (text_width(right, 12.5) if self._roomy else below)
        self.top, self.bottom = head, head + row * len(names)
        self.left = left - indent
        self.middles = [head + row * (index + 0.5) for index in range(len(names))]
        self.drawing = Drawing(width, self.bottom + 42, title, description)
        self.scale = points_scale(values, left, width - room - 14, whole=whole)
        self._axis(axis)
        self._legend(legend)
        for index, (name, y) in enumerate(zip(names, self.middles, strict=True)):
            self._label(name, y, strong=index == strong)

    def score(self, y: float, score: Score, *, strong: bool = False, sign: bool = False) -> None:
        """A score at the right of a row, with its interval, below it where the chart is narrow."""
        style, right = "value strong" if strong else "value", self.drawing.width - self._beside
        ends = interval(*score[1:], sign=sign)
        if self._roomy or not ends:
            self.drawing.text(right, y + 4.5, with_interval(*score, sign=sign), class_=style, text_anchor="end")
            return
        self.drawing.text(right, y - 1.5, points(score[0], sign=sign), class_=style, text_anchor="end")
        self.drawing.text(right, y + 11.5, ends, class_="note small", text_anchor="end")

    def last(self, y: float, text: str) -> None:
        """What stands out at the right edge of a row, beside its score."""
        self.drawing.text(self.drawing.width, y + 4.5, text, class_="value strong", text_anchor="end")

    def _axis(self, title: str) -> None:
        scale, drawing, bottom = self.scale, self.drawing, self.bottom
        for tick in scale.ticks(max(4, min(7, int((scale.end - scale.start) / 40)))):
            x = scale(tick)
            drawing.line(x, self.top - 4, x, bottom, class_="grid")
            shown = f"{100 * tick:.0f}".replace("-", "\u2212")
            drawing.text(x, bottom + 16, shown, class_="tick", text_anchor="middle")
        middle = (scale.start + scale.end) / 2
        drawing.text(middle, bottom + 34, shorten(title, scale.end, 12), class_="axis", text_anchor="middle")

    def _legend(self, entries: Sequence[tuple[int, str, str]]) -> None:
        drawing, x = self.drawing, 0.0
        room = drawing.width / max(len(entries), 1) - 31
        for shape, class_, full in entries:
            name = shorten(full, room if len(entries) > 1 else drawing.width - 20, 12)
            mark(drawing, x + 6, 9, shape=shape, class_=class_)
            drawing.text(x + 18, 13, name, class_="note")
            x += 18 + text_width(name, 12) + 15

    def _label(self, name: str, y: float, *, strong: bool) -> None:
        """The name of a row; a long one takes two lines, or is cut, with the whole as a tip."""
        size, style, room = (13.5, "strong", self.left - 8) if strong else (13, "label", self.left - 8)
        first, _, second = name.partition(" ")
        if text_width(name, size) > room and second and max(text_width(w, size) for w in (first, second)) <= room:
            for line, place in ((first, y - 2.5), (second, y + 11.5)):
                self.drawing.text(0, place, line, class_=style)
            return
        shown = shorten(name, room, size)
        self.drawing.text(0, y + 4.5, shown, class_=style, tip=name if shown != name else "")


def label_room(names: Iterable[str], *, most: float, size: float = 13) -> float:
    """The width of a column of names, `most` at the widest."""
    return min(max((text_width(name, size) for name in names), default=0) + 10, most)


def points_scale(values: Iterable[float], start: float, end: float, *, whole: bool = False) -> Scale:
    """A scale of shares that holds the values with a little room, in steps of five points; `whole` is 0 to 100."""
    known = [value for value in values if math.isfinite(value)]
    if whole or not known:
        return Scale(0.0, 1.0, start, end)
    low, high = math.floor(min(known) * 20 - 0.2) / 20, math.ceil(max(known) * 20 + 0.2) / 20
    return Scale(low, high, start, end)


def whisker(drawing: Drawing, scale: Scale, y: float, low: float, high: float, *, class_: str = "whisker") -> None:
    """An interval along a row; nothing where there is none."""
    if math.isfinite(low) and math.isfinite(high):
        drawing.line(scale(low), y, scale(high), y, class_=class_)


def mark(
    drawing: Drawing, x: float, y: float, *, shape: int = 0, class_: str = "dot", tip: str = "", size: float = 5.5
) -> None:
    """A mark at a place; nothing where there is none."""
    if math.isfinite(x) and math.isfinite(y):
        drawing.add("path", d=glyph(shape, x, y, size), class_=class_, tip=tip)
