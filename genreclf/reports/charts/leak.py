"""Artist-safe beside random: what each model seems to gain when an artist's tracks stand on both sides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, text_width
from genreclf.pages.wording import interval, model_title, points, with_interval
from genreclf.reports.charts.axes import ROW, label_room, legend, mark, points_axis, points_scale, row_label
from genreclf.reports.outcome import rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd


def leak_chart(leak: pd.DataFrame, *, width: float) -> Drawing:
    """Draw a row a model: the honest score, the leaking one, and the difference with its interval."""
    rows = rows_of(leak)
    titles = [model_title(row["model"]) for row in rows]
    roomy = width >= 560
    left = label_room(titles, most=width * 0.34) + 6
    right = text_width("+15.1 (+12.1 to +18.1)", 12.5) if roomy else 48
    top = 28.0
    bottom = top + ROW * len(rows)
    said = "; ".join(
        f"{title} {points(value_of(row, 'macro_f1_safe'))} and {points(value_of(row, 'macro_f1_random'))}"
        for title, row in zip(titles, rows, strict=True)
    )
    drawing = Drawing(width, bottom + 42, "Macro-F1 with artists kept apart, and with tracks dealt at random", said)
    ends = [value_of(row, f"macro_f1_{side}") for row in rows for side in ("safe", "random")]
    scale = points_scale(ends, left, width - right - 14)
    points_axis(drawing, scale, top - 4, bottom, "macro-F1, points out of 100")
    legend(drawing, [(0, "dot best", "artists apart"), (3, "dot open", "at random")], 13)
    for index, (title, row) in enumerate(zip(titles, rows, strict=True)):
        y = top + ROW * (index + 0.5)
        row_label(drawing, title, y, left - 6)
        safe, random = value_of(row, "macro_f1_safe"), value_of(row, "macro_f1_random")
        if math.isfinite(safe) and math.isfinite(random):
            drawing.line(scale(safe), y, scale(random), y, class_="link")
            mark(drawing, scale(safe), y, class_="dot best", tip=f"{title}, artists kept apart: {points(safe)}")
            mark(drawing, scale(random), y, shape=3, class_="dot open", tip=f"{title}, at random: {points(random)}")
        gain, low, high = score_of(row, "leak")
        shown = with_interval(gain, low, high, sign=True) if roomy else points(gain, sign=True)
        tip = "" if roomy else f"95 % interval {interval(low, high, sign=True)}"
        drawing.text(width, y + 4.5, shown, class_="value", text_anchor="end", tip=tip)
    return drawing
