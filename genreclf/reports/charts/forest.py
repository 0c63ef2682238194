"""Forest plot: each model's macro-F1 with its interval; a bracket joins those not significantly worse than the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genreclf.pages.wording import model_title, points, with_interval
from genreclf.reports.charts.axes import Rows, mark, whisker
from genreclf.reports.findings import NOT_WORSE
from genreclf.reports.outcome import contenders, is_tied, rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.pages.svg import Drawing


def forest(ranking: pd.DataFrame, *, width: float) -> Drawing:
    """Draw the ranking of one protocol: a row per model that learns."""
    rows = rows_of(contenders(ranking))
    titles = [model_title(row["model"]) for row in rows]
    chart = Rows(
        "Macro-F1 of each model, with 95 % intervals",
        "; ".join(f"{title} {with_interval(*score_of(row))}" for title, row in zip(titles, rows, strict=True)),
        titles,
        [end for row in rows for end in score_of(row)],
        width=width,
        indent=22,
        head=8.0,
        strong=0,
    )
    tied = [index == 0 or is_tied(row) for index, row in enumerate(rows)]
    for index, (row, title, y) in enumerate(zip(rows, titles, chart.middles, strict=True)):
        score, low, high = score_of(row)
        state = "best" if index == 0 else "tied" if tied[index] else "worse"
        whisker(chart.drawing, chart.scale, y, low, high, class_=f"whisker {state}")
        shape = 0 if tied[index] else 1
        mark(chart.drawing, chart.scale(score), y, shape=shape, class_=f"dot {state}", tip=_tip(row, title))
        chart.score(y, (score, low, high))
    _bracket(chart, tied)
    return chart.drawing


def _bracket(chart: Rows, tied: list[bool]) -> None:
    x, places = chart.left + 8, [y for y, flag in zip(chart.middles, tied, strict=True) if flag]
    if len(places) > 1:
        ticks = "".join(f"M{x:.1f} {y:.1f}h6" for y in places)
        tip = f"These models are {NOT_WORSE}: p ≥ 0.05, corrected for the number of models"
        chart.drawing.add("path", d=f"M{x:.1f} {places[0]:.1f}V{places[-1]:.1f}{ticks}", class_="bracket", tip=tip)


def _tip(row: dict[str, Any], title: str) -> str:
    known = [(name, value_of(row, key)) for name, key in (("macro-F1", "macro_f1"), ("accuracy", "accuracy"))]
    return f"{title}: " + ", ".join(f"{name} {points(value)}" for name, value in known if math.isfinite(value))
