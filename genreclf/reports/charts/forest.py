"""Forest plot: each model's macro-F1 with its interval, those joined that can't be told apart from the best."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from genreclf.pages.svg import Drawing, Scale, text_width
from genreclf.pages.wording import model_title, points, with_interval
from genreclf.reports.charts.axes import ROW, label_room, mark, points_axis, points_scale, row_label, whisker
from genreclf.reports.outcome import baselines, contenders, is_tied, rows_of, score_of

if TYPE_CHECKING:
    import pandas as pd


def forest(ranking: pd.DataFrame, *, width: float) -> Drawing:
    """Draw the ranking of one protocol: a row a model, baselines as dashed lines."""
    rows, floors = contenders(ranking), baselines(ranking)
    titles = [model_title(name) for name in rows["model"]]
    roomy = width >= 560
    left = label_room(titles, most=width * 0.34) + 22
    right = text_width("67.1 (60.2 to 73.0)", 12.5) if roomy else 40
    ends = [*rows["macro_f1"], *_column(rows, "macro_f1_low"), *_column(rows, "macro_f1_high")]
    scale = points_scale(_with_near(ends, floors), left, width - right - 12)
    floors = floors[floors["macro_f1"].between(scale.low, scale.high)]
    top = 8.0 + 16.0 * len(floors)
    bottom = top + ROW * len(rows)
    drawing = Drawing(width, bottom + 42, "Macro-F1 of each model, with 95 % intervals", _description(rows))
    points_axis(drawing, scale, top - 4, bottom, "macro-F1, points out of 100")
    _floors(drawing, scale, floors, top, bottom)
    tied = [index == 0 or is_tied(row) for index, row in enumerate(rows_of(rows))]
    for index, row in enumerate(rows_of(rows)):
        y = top + ROW * (index + 0.5)
        score = score_of(row)
        state = "best" if index == 0 else "tied" if tied[index] else "worse"
        row_label(drawing, titles[index], y, left - 22, strong=index == 0)
        whisker(drawing, scale, y, score[1], score[2], class_=f"whisker {state}")
        mark(
            drawing,
            scale(score[0]),
            y,
            shape=0 if tied[index] else 1,
            class_=f"dot {state}",
            tip=_tip(row, titles[index]),
        )
        shown = with_interval(*score) if roomy else points(score[0])
        drawing.text(width, y + 4.5, shown, class_="value", text_anchor="end")
    _bracket(drawing, tied, left - 14, top)
    return drawing


def _column(rows: pd.DataFrame, name: str) -> list[float]:
    return [float(value) for value in rows[name]] if name in rows else []


def _with_near(ends: list[float], floors: pd.DataFrame) -> list[float]:
    # A baseline far below would squeeze the models into a corner; the text beside the picture gives it anyway.
    known = [value for value in ends if math.isfinite(value)]
    if not known:
        return ends
    span = max(max(known) - min(known), 0.1)
    return known + [float(v) for v in floors["macro_f1"] if float(v) >= min(known) - span]


def _floors(drawing: Drawing, scale: Scale, floors: pd.DataFrame, top: float, bottom: float) -> None:
    height = top - 10
    for row in sorted(rows_of(floors), key=lambda row: float(row["macro_f1"])):
        value = float(row["macro_f1"])
        x, name = scale(value), f"{model_title(str(row['model']))} {points(value)}"
        drawing.line(x, height + 2, x, bottom, class_="floor")
        fits = x + text_width(name, 12) < drawing.width
        drawing.text(x + (4 if fits else -4), height, name, class_="note", text_anchor="start" if fits else "end")
        height -= 16


def _bracket(drawing: Drawing, tied: list[bool], x: float, top: float) -> None:
    last = max(index for index, flag in enumerate(tied) if flag) if any(tied) else 0
    if last == 0:
        return
    tip = "These models can't be told apart from the best: p ≥ 0.05, Holm-corrected"
    places = [top + ROW * (index + 0.5) for index, flag in enumerate(tied) if flag]
    ticks = "".join(f"M{x:.1f} {y:.1f}h6" for y in places)
    drawing.add("path", d=f"M{x:.1f} {places[0]:.1f}V{places[-1]:.1f}{ticks}", class_="bracket", tip=tip)


def _tip(row: dict[str, Any], title: str) -> str:
    parts = [f"{title}: macro-F1 {points(row['macro_f1'])}"]
    if "accuracy" in row:
        parts.append(f"accuracy {points(row['accuracy'])}")
    return ", ".join(parts)


def _description(rows: pd.DataFrame) -> str:
    return "; ".join(f"{model_title(row['model'])} " + with_interval(*score_of(row)) for row in rows_of(rows))
