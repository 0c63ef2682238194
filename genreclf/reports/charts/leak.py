"""Artist-disjoint folds compared with random ones: what each model seems to gain when artists are shared."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.wording import model_title, points
from genreclf.reports.charts.axes import DIFFERENCE, Rows, mark
from genreclf.reports.outcome import rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.pages.svg import Drawing


def leak_chart(leak: pd.DataFrame, *, width: float) -> Drawing:
    """Draw a row per model: both scores, and at the right the difference with its interval."""
    titles = [model_title(name) for name in leak["model"]]
    pairs = [(value_of(row, "macro_f1_safe"), value_of(row, "macro_f1_random")) for row in rows_of(leak)]
    chart = Rows(
        "Macro-F1 with artist-disjoint folds and with random folds",
        "; ".join(f"{title} {points(a)} and {points(b)}" for title, (a, b) in zip(titles, pairs, strict=True)),
        titles,
        [end for pair in pairs for end in pair],
        width=width,
        right=DIFFERENCE,
        legend=[(0, "dot best", "artist-disjoint folds"), (3, "dot open", "random folds")],
    )
    for row, title, (safe, random), y in zip(rows_of(leak), titles, pairs, chart.middles, strict=True):
        if math.isfinite(safe) and math.isfinite(random):
            ends = chart.scale(safe), chart.scale(random)
            chart.drawing.line(ends[0], y, ends[1], y, class_="link")
            mark(chart.drawing, ends[0], y, class_="dot best", tip=f"{title}, artist-disjoint folds: {points(safe)}")
            tip = f"{title}, random folds: {points(random)}"
            mark(chart.drawing, ends[1], y, shape=3, class_="dot open", tip=tip)
        chart.score(y, score_of(row, "leak"), sign=True)
    return chart.drawing
