"""Strip: one row per genre or family, the best model's score with its interval, the other models as small dots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from genreclf.pages.wording import family_title, model_title, points, with_interval
from genreclf.reports.charts.axes import Rows, mark, whisker
from genreclf.reports.outcome import rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.pages.svg import Drawing


def best_and_others(
    scores: pd.DataFrame,
    models: Sequence[str],
    *,
    by: str,
    value: str,
    title: str,
    axis: str,
    from_zero: bool = False,
) -> tuple[str, Callable[[float], Drawing]]:
    """The caption of a strip chart, and what draws it at a width.

    Parameters
    ----------
    scores : a row for each model and each value of the column `by`, with the score `value` and its ``_low`` and
        ``_high``.
    models : best first.
    from_zero : draw as far as the scores go on both sides of a line at zero, instead of from 0 to 100.
    """
    best, others = model_title(models[0]), models[1:]
    rows = rows_of(scores[scores["model"] == models[0]].sort_values(value, ascending=False, kind="stable"))
    rest: dict[str, list[tuple[str, float]]] = {}
    for row in rows_of(scores[scores["model"].isin(others)]):
        rest.setdefault(str(row[by]), []).append((model_title(str(row["model"])), value_of(row, value)))
    caption = f"{best} with 95 % intervals" + (", the other models as small dots." if others else ".")

    def draw(width: float) -> Drawing:
        return _strip(rows, rest, by, value, title=title, axis=axis, model=best, width=width, from_zero=from_zero)

    return caption, draw


def _strip(
    rows: Sequence[dict[str, Any]],
    others: dict[str, list[tuple[str, float]]],
    by: str,
    value: str,
    *,
    title: str,
    axis: str,
    model: str,
    width: float,
    from_zero: bool,
) -> Drawing:
    names = [family_title(str(row[by])) if by == "family" else str(row[by]) for row in rows]
    ends = [end for row in rows for end in (*score_of(row, value), *(v for _, v in others.get(str(row[by]), ())))]
    legend = [(0, "dot best", f"{model}, 95 %"), *([(0, "dot other", "other models")] if others else [])]
    said = "; ".join(f"{name} {with_interval(*score_of(row, value))}" for name, row in zip(names, rows, strict=True))
    chart = Rows(title, said, names, [*ends, 0.0], width=width, right=40, axis=axis, legend=legend, whole=not from_zero)
    drawing, scale = chart.drawing, chart.scale
    if from_zero:
        drawing.line(scale(0), chart.top - 4, scale(0), chart.bottom, class_="zero")
    for row, name, y in zip(rows, names, chart.middles, strict=True):
        for other, place in others.get(str(row[by]), ()):
            tip = f"{other}, {name}: {points(place)}"
            mark(drawing, scale(place), y, class_="dot other", size=3.5, tip=tip)
        best, low, high = score_of(row, value)
        if from_zero and math.isfinite(best):
            start, end = sorted((scale(0), scale(best)))
            drawing.add("rect", x=start, y=y - 7, width=end - start, height=14.0, class_="bar")
        whisker(drawing, scale, y, low, high, class_="whisker best")
        mark(drawing, scale(best), y, class_="dot best", tip=f"{model}, {name}: {with_interval(best, low, high)}")
        chart.value(y, points(best))
    return drawing
