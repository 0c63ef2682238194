"""Runs side by side: for each model a line per run, and the difference of each run from the first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.wording import model_title, points, with_interval
from genreclf.reports.charts.axes import COLOURS, DIFFERENCE, SHAPES, Rows, mark, whisker

if TYPE_CHECKING:
    from genreclf.evaluation.run_comparison import RunComparison
    from genreclf.pages.svg import Drawing

_LINE = 28.0


def run_chart(comparison: RunComparison, *, width: float) -> Drawing:
    """Draw the scores of all runs with their intervals; at the right, the difference from the first run."""
    block = _LINE * len(comparison.runs) + 12
    styles = [(index % SHAPES, f"points g{index % COLOURS}", name) for index, name in enumerate(comparison.runs)]
    described = (
        f"{model_title(s.model)} in {s.run} {with_interval(s.score, s.low, s.high)}" for s in comparison.scores
    )
    chart = Rows(
        "Macro-F1 of each model in each run",
        "; ".join(described),
        [model_title(model) for model in comparison.models],
        [end for s in comparison.scores for end in (s.score, s.low, s.high)],
        width=width,
        right=DIFFERENCE,
        row=block,
        legend=styles,
    )
    for middle in chart.middles[1:]:
        chart.drawing.line(0, middle - block / 2, width, middle - block / 2, class_="grid")
    for s in comparison.scores:
        run = comparison.runs.index(s.run)
        y = chart.middles[comparison.models.index(s.model)] + _LINE * (run + 0.5 - len(comparison.runs) / 2)
        whisker(chart.drawing, chart.scale, y, s.low, s.high)
        shape, style, name = styles[run]
        tip = f"{model_title(s.model)} in {name}: {points(s.score)}"
        mark(chart.drawing, chart.scale(s.score), y, shape=shape, class_=style, tip=tip)
        if math.isfinite(s.difference):
            difference = s.difference, s.difference_low, s.difference_high
            chart.score(y, difference, strong=s.verdict != "same", sign=True)
    return chart.drawing
