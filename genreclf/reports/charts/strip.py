"""Strip: one row per genre or family, the best model's score with its interval, the other models as small dots."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING

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
    model, others = model_title(models[0]), models[1:]
    best = scores[scores["model"] == models[0]].sort_values(value, ascending=False, kind="stable")
    rows = {str(row[by]): score_of(row, value) for row in rows_of(best)}
    dots: dict[str, list[tuple[str, float]]] = {name: [] for name in rows}
    for row in rows_of(scores[scores["model"].isin(others)]):
        dots.setdefault(str(row[by]), []).append((model_title(str(row["model"])), value_of(row, value)))
    names = [family_title(name) if by == "family" else name for name in rows]
    caption = f"{model} with 95 % intervals" + (", the other models as small dots." if others else ".")

    def draw(width: float) -> Drawing:
        chart = Rows(
            title,
            "; ".join(f"{name} {with_interval(*score)}" for name, score in zip(names, rows.values(), strict=True)),
            names,
            [0.0, *chain.from_iterable(rows.values()), *(place for placed in dots.values() for _, place in placed)],
            width=width,
            axis=axis,
            legend=[(0, "dot best", f"{model}, 95 %"), (0, "dot other", "other models")][: 2 if others else 1],
            whole=not from_zero,
        )
        drawing, scale = chart.drawing, chart.scale
        if from_zero:
            drawing.line(scale(0), chart.top - 4, scale(0), chart.bottom, class_="zero")
        for (key, (score, low, high)), name, y in zip(rows.items(), names, chart.middles, strict=True):
            for other, place in dots[key]:
                mark(drawing, scale(place), y, class_="dot other", size=3.5, tip=f"{other}, {name}: {points(place)}")
            if from_zero and math.isfinite(score):
                start, end = sorted((scale(0), scale(score)))
                drawing.add("rect", x=start, y=y - 7, width=end - start, height=14.0, class_="bar")
            whisker(drawing, scale, y, low, high, class_="whisker best")
            mark(drawing, scale(score), y, class_="dot best", tip=f"{model}, {name}: {with_interval(score, low, high)}")
            chart.score(y, (score, low, high))
        return drawing

    return caption, draw
