"""F1 of each genre: the best model with its interval, the other models as small marks beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.reports.charts.axes import (
    ROW,
    label_room,
    legend,
    mark,
    points_axis,
    points_scale,
    row_label,
    whisker,
)
from genreclf.reports.outcome import rows_of, score_of
from genreclf.reports.svg import Drawing
from genreclf.reports.wording import model_title, points, with_interval

if TYPE_CHECKING:
    import pandas as pd


def genre_scores(scores: pd.DataFrame, models: list[str], *, width: float) -> Drawing:
    """Draw a row a genre, easiest first, from ``genre_scores`` of one protocol; `models` has the best first."""
    best, others = models[0], models[1:]
    mine = scores[scores["model"] == best].sort_values("f1", ascending=False, kind="stable")
    genres = [str(genre) for genre in mine["genre"]]
    left = label_room(genres, most=width * 0.34) + 6
    top = 26.0
    bottom = top + ROW * len(genres)
    title = f"F1 of each genre: {model_title(best)}" + (" and the other models" if others else "")
    said = "; ".join(f"{g} {points(float(f))}" for g, f in zip(genres, mine["f1"], strict=True))
    drawing = Drawing(width, bottom + 42, title, said)
    scale = points_scale([], left, width - 44, whole=True)
    points_axis(drawing, scale, top - 4, bottom, "F1, points out of 100")
    entries = [(0, "dot best", f"{model_title(best)}, 95 %")] + ([(0, "dot other", "others")] if others else [])
    legend(drawing, entries, left, 12)
    for index, row in enumerate(rows_of(mine)):
        y = top + ROW * (index + 0.5)
        row_label(drawing, str(row["genre"]), y, left - 6)
        rest = scores[(scores["genre"] == row["genre"]) & scores["model"].isin(others)]
        for other in rows_of(rest):
            f1 = float(other["f1"])
            tip = f"{model_title(str(other['model']))}, {other['genre']}: F1 {points(f1)}"
            mark(drawing, scale(f1), y, class_="dot other", size=3.5, tip=tip)
        f1, low, high = score_of(row, "f1")
        whisker(drawing, scale, y, low, high, class_="whisker best")
        tip = f"{model_title(best)}, {row['genre']}: F1 {with_interval(f1, low, high)}"
        mark(drawing, scale(f1), y, class_="dot best", tip=tip)
        drawing.text(width, y + 4.5, points(f1), class_="value", text_anchor="end")
    return drawing
