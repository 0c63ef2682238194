"""Strip: a row a thing, one model's score with its interval, the other models as small dots beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from genreclf.pages.svg import Drawing
from genreclf.pages.wording import points, with_interval
from genreclf.reports.charts.axes import ROW, label_room, legend, mark, points_axis, points_scale, row_label, whisker


@dataclass(frozen=True)
class StripRow:
    """A row: what it is, the score with its interval, and the others' names and scores."""

    name: str
    score: tuple[float, float, float]
    others: Sequence[tuple[str, float]] = ()


def strip(
    rows: Sequence[StripRow],
    *,
    title: str,
    axis: str,
    model: str,
    width: float,
    from_zero: bool = False,
) -> Drawing:
    """Draw the rows from 0 to 100, or, with `from_zero`, as far as they go on both sides of a line at zero."""
    left = label_room([row.name for row in rows], most=width * 0.34) + 6
    top = 28.0
    bottom = top + ROW * len(rows)
    said = "; ".join(f"{row.name} {with_interval(*row.score)}" for row in rows)
    drawing = Drawing(width, bottom + 42, title, said)
    ends = [value for row in rows for value in (*row.score, *(value for _, value in row.others))]
    scale = points_scale([*ends, 0.0], left, width - 52, whole=not from_zero)
    points_axis(drawing, scale, top - 4, bottom, axis)
    if from_zero:
        drawing.line(scale(0), top - 4, scale(0), bottom, class_="zero")
    entries = [(0, "dot best", f"{model}, 95 %")]
    if any(row.others for row in rows):
        entries.append((0, "dot other", "other models"))
    legend(drawing, entries, 13)
    for index, row in enumerate(rows):
        y = top + ROW * (index + 0.5)
        row_label(drawing, row.name, y, left - 6)
        for name, value in row.others:
            if math.isfinite(value):
                tip = f"{name}, {row.name}: {points(value)}"
                mark(drawing, scale(value), y, class_="dot other", size=3.5, tip=tip)
        value, low, high = row.score
        if from_zero and math.isfinite(value):
            start, end = sorted((scale(0), scale(value)))
            drawing.add("rect", x=start, y=y - 7, width=end - start, height=14.0, class_="bar")
        whisker(drawing, scale, y, low, high, class_="whisker best")
        if math.isfinite(value):
            tip = f"{model}, {row.name}: {with_interval(value, low, high)}"
            mark(drawing, scale(value), y, class_="dot best", tip=tip)
        drawing.text(width, y + 4.5, points(value), class_="value", text_anchor="end")
    return drawing
