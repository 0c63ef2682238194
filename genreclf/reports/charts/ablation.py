"""Ablation: the score as a staircase, one feature family after the other, and each family alone beside it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from genreclf.reports.charts.axes import ROW, label_room, legend, mark, points_axis, points_scale, row_label, whisker
from genreclf.reports.outcome import rows_of, score_of, value_of
from genreclf.reports.svg import Drawing, text_width
from genreclf.reports.wording import count, family_title, points, with_interval

if TYPE_CHECKING:
    import pandas as pd


def families_in(text: str) -> list[str]:
    """The families that a step names: ``mfcc+tonnetz`` or ``mfcc, tonnetz``."""
    return [part for part in re.split(r"[+,;\s]+", text) if part]


def ablation_chart(steps: pd.DataFrame, *, model: str, width: float) -> Drawing:
    """Draw the steps of one model: the added ones as stairs, each family alone as a diamond in its row."""
    added = rows_of(steps[steps["step"] == "added"])
    alone = {tuple(families_in(str(row["families"]))): row for row in rows_of(steps[steps["step"] == "alone"])}
    labels, news = _labels(added)
    left = label_room(labels, most=width * 0.36) + 6
    roomy = width >= 560
    right = text_width("67.1 (60.2 to 73.0)  +15.1", 12.5) if roomy else 84.0
    top, tall = 28.0, ROW + 4
    bottom = top + tall * len(added)
    said = "; ".join(f"{label} {with_interval(*score_of(row))}" for label, row in zip(labels, added, strict=True))
    drawing = Drawing(width, bottom + 42, f"Feature families added one by one: {model}", said)
    ends = [end for row in [*added, *alone.values()] for end in (*score_of(row),)]
    scale = points_scale(ends, left, width - right - 12)
    points_axis(drawing, scale, top - 4, bottom, "macro-F1, points out of 100")
    entries = [(0, "dot best", "added to those above")] + ([(3, "dot open", "alone")] if alone else [])
    legend(drawing, entries, 13)
    path, before = "", math.nan
    for index, row in enumerate(added):
        y = top + tall * (index + 0.5)
        x = scale(value_of(row, "macro_f1"))
        path += f"V{y:.1f}H{x:.1f}" if path else f"M{x:.1f} {y:.1f}"
        before = value_of(row, "macro_f1")
    drawing.add("path", d=path, class_="stair")
    before = math.nan
    for index, (row, label, new) in enumerate(zip(added, labels, news, strict=True)):
        y = top + tall * (index + 0.5)
        row_label(drawing, label, y, left - 6)
        other = alone.get(new)
        if other is not None and index:
            whisker(drawing, scale, y + 8, *score_of(other)[1:], class_="whisker second thin")
            tip = f"{label.removeprefix('+ ')} alone: {with_interval(*score_of(other))}"
            mark(drawing, scale(value_of(other, "macro_f1")), y + 8, shape=3, class_="dot open", size=4.5, tip=tip)
        _step(drawing, row, scale(value_of(row, "macro_f1")), y)
        whisker(drawing, scale, y, *score_of(row)[1:], class_="whisker best")
        value = value_of(row, "macro_f1")
        gain = points(value - before, sign=True) if math.isfinite(before) else ""
        shown = with_interval(*score_of(row)) if roomy else points(value)
        drawing.text(width - 46, y + 4.5, shown, class_="value", text_anchor="end")
        drawing.text(width, y + 4.5, gain, class_="value strong", text_anchor="end")
        before = value
    return drawing


def _labels(added: list[dict[str, Any]]) -> tuple[list[str], list[tuple[str, ...]]]:
    labels, news = [], []
    before: list[str] = []
    for row in added:
        now = families_in(str(row["families"]))
        new = [family for family in now if family not in before]
        labels.append(("+ " if before else "") + family_title("+".join(new)))
        news.append(tuple(new))
        before = now
    return labels, news


def _step(drawing: Drawing, row: dict[str, Any], x: float, y: float) -> None:
    features = value_of(row, "features")
    many = f", {count(int(features), 'feature')}" if math.isfinite(features) else ""
    names = family_title("+".join(families_in(str(row["families"]))))
    mark(drawing, x, y, class_="dot best", tip=f"{names}{many}: {with_interval(*score_of(row))}")
