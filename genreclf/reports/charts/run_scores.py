"""Runs side by side: for each model a line a run, and how far each is from the first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, text_width
from genreclf.pages.wording import model_title, points, with_interval
from genreclf.reports.charts.axes import label_room, legend, mark, points_axis, points_scale, row_label, whisker

if TYPE_CHECKING:
    from genreclf.evaluation.run_comparison import RunComparison, RunScore

_ROW = 22.0


def run_scores_chart(comparison: RunComparison, *, width: float) -> Drawing:
    """Draw the scores of all runs with their intervals; at the right, the difference from the first run."""
    titles = [model_title(model) for model in comparison.models]
    left = label_room(titles, most=width * 0.3) + 6
    roomy = width >= 560
    right = text_width("+15.1 (+12.1 to +18.1)", 12.5) if roomy else 48.0
    top = 30.0
    block = _ROW * len(comparison.runs) + 12
    bottom = top + block * len(titles)
    said = "; ".join(
        f"{model_title(s.model)} in {s.run} {with_interval(s.score, s.low, s.high)}" for s in comparison.scores
    )
    drawing = Drawing(width, bottom + 42, "Macro-F1 of each model in each run", said)
    scale = points_scale([end for s in comparison.scores for end in (s.score, s.low, s.high)], left, width - right - 12)
    points_axis(drawing, scale, top - 6, bottom, "macro-F1, points out of 100")
    legend(drawing, [(i % 5, f"points g{i % 8}", name) for i, name in enumerate(comparison.runs)], 13)
    for place, model in enumerate(comparison.models):
        y = top + block * place
        if place:
            drawing.line(0, y - 6, width, y - 6, class_="grid")
        row_label(drawing, titles[place], y + _ROW * len(comparison.runs) / 2, left - 6)
        for score in comparison.scores:
            if score.model == model:
                run = comparison.runs.index(score.run)
                middle = y + _ROW * (run + 0.5)
                whisker(drawing, scale, middle, score.low, score.high)
                if math.isfinite(score.score):
                    tip = f"{titles[place]} in {score.run}: {points(score.score)}"
                    mark(drawing, scale(score.score), middle, shape=run % 5, class_=f"points g{run % 8}", tip=tip)
                _difference(drawing, score, middle, roomy=roomy)
    return drawing


def _difference(drawing: Drawing, score: RunScore, y: float, *, roomy: bool) -> None:
    if not math.isfinite(score.difference):
        return
    ends = (score.difference, score.difference_low, score.difference_high)
    shown = with_interval(*ends, sign=True) if roomy else points(score.difference, sign=True)
    class_ = "value" if score.verdict == "same" else "value strong"
    drawing.text(drawing.width, y + 4.5, shown, class_=class_, text_anchor="end")
