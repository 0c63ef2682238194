"""Forest plot: each model's macro-F1 with its interval; a bracket joins those not significantly worse than the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genreclf.pages.svg import Drawing, text_width
from genreclf.pages.wording import model_title, points, with_interval
from genreclf.reports.charts.axes import ROOMY, Rows, mark, points_scale, whisker
from genreclf.reports.findings import NOT_WORSE
from genreclf.reports.outcome import baselines, contenders, is_tied, rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd


def forest(ranking: pd.DataFrame, *, width: float) -> Drawing:
    """Draw the ranking of one protocol: a row per model, baselines as dashed lines."""
    rows, floors = rows_of(contenders(ranking)), rows_of(baselines(ranking))
    titles = [model_title(row["model"]) for row in rows]
    values = _with_near([end for row in rows for end in score_of(row)], floors)
    reach = points_scale(values, 0, 1)
    floors = [row for row in floors if reach.low <= row["macro_f1"] <= reach.high]
    chart = Rows(
        "Macro-F1 of each model, with 95 % intervals",
        "; ".join(f"{title} {with_interval(*score_of(row))}" for title, row in zip(titles, rows, strict=True)),
        titles,
        values,
        width=width,
        right="67.1 (60.2 to 73.0)" if width >= ROOMY else 40,
        indent=22,
        head=8.0 + 16.0 * len(floors),
        strong=0,
    )
    _floors(chart, floors)
    tied = [index == 0 or is_tied(row) for index, row in enumerate(rows)]
    for index, (row, title, y) in enumerate(zip(rows, titles, chart.middles, strict=True)):
        score, low, high = score_of(row)
        state = "best" if index == 0 else "tied" if tied[index] else "worse"
        whisker(chart.drawing, chart.scale, y, low, high, class_=f"whisker {state}")
        shape = 0 if tied[index] else 1
        mark(chart.drawing, chart.scale(score), y, shape=shape, class_=f"dot {state}", tip=_tip(row, title))
        chart.value(y, with_interval(score, low, high) if width >= ROOMY else points(score))
    _bracket(chart, tied)
    return chart.drawing


def _with_near(ends: list[float], floors: list[dict[str, Any]]) -> list[float]:
    # A baseline far below would squeeze the models into a corner; the text beside the picture gives it anyway.
    known = [value for value in ends if math.isfinite(value)]
    if not known:
        return ends
    span = max(max(known) - min(known), 0.1)
    return known + [row["macro_f1"] for row in floors if row["macro_f1"] >= min(known) - span]


def _floors(chart: Rows, floors: list[dict[str, Any]]) -> None:
    height = chart.top - 10
    for row in sorted(floors, key=lambda row: float(row["macro_f1"])):
        x, name = chart.scale(row["macro_f1"]), f"{model_title(str(row['model']))} {points(row['macro_f1'])}"
        chart.drawing.line(x, height + 2, x, chart.bottom, class_="floor")
        move, anchor = (4, "start") if x + text_width(name, 12) < chart.drawing.width else (-4, "end")
        chart.drawing.text(x + move, height, name, class_="note", text_anchor=anchor)
        height -= 16


def _bracket(chart: Rows, tied: list[bool]) -> None:
    x, places = chart.left + 8, [y for y, flag in zip(chart.middles, tied, strict=True) if flag]
    if len(places) > 1:
        ticks = "".join(f"M{x:.1f} {y:.1f}h6" for y in places)
        tip = f"These models are {NOT_WORSE}: p ≥ 0.05, corrected for the number of models"
        chart.drawing.add("path", d=f"M{x:.1f} {places[0]:.1f}V{places[-1]:.1f}{ticks}", class_="bracket", tip=tip)


def _tip(row: dict[str, Any], title: str) -> str:
    known = [(name, value_of(row, key)) for name, key in (("macro-F1", "macro_f1"), ("accuracy", "accuracy"))]
    return f"{title}: " + ", ".join(f"{name} {points(value)}" for name, value in known if math.isfinite(value))
