"""Ablation: the score as a staircase, one feature family after the other, and each family alone beside it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale, text_width
from genreclf.pages.wording import count, family_title, points, with_interval
from genreclf.reports.charts.axes import ROW, label_room, legend, mark, points_axis, points_scale, row_label, whisker
from genreclf.reports.outcome import rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd


Score = tuple[float, float, float]


def families_in(text: str) -> list[str]:
    """The families that a step names: ``mfcc+tonnetz`` or ``mfcc, tonnetz``."""
    return [part for part in re.split(r"[+,;\s]+", text) if part]


@dataclass(frozen=True)
class _Step:
    """A row of the staircase: what it adds, the scores with it and of it alone, and what it gained."""

    label: str
    names: str
    features: float
    score: Score
    alone: Score | None
    gain: float


def ablation_chart(steps: pd.DataFrame, *, model: str, width: float) -> Drawing:
    """Draw the steps of one model: the added ones as stairs, each family alone as a diamond in its row."""
    rows = _steps(steps)
    roomy = width >= 560
    left = label_room([row.label for row in rows], most=width * 0.36) + 6
    right = text_width("67.1 (60.2 to 73.0)  +15.1", 12.5) if roomy else 84.0
    top, tall = 28.0, ROW + 4
    bottom = top + tall * len(rows)
    said = "; ".join(f"{row.label} {with_interval(*row.score)}" for row in rows)
    drawing = Drawing(width, bottom + 42, f"Feature families added one by one: {model}", said)
    ends = [end for row in rows for end in (*row.score, *(row.alone or ()))]
    scale = points_scale(ends, left, width - right - 12)
    points_axis(drawing, scale, top - 4, bottom, "macro-F1, points out of 100")
    alone = any(row.alone for row in rows)
    legend(drawing, [(0, "dot best", "added to those above")] + ([(3, "dot open", "alone")] if alone else []), 13)
    places = [(scale(row.score[0]), top + tall * (index + 0.5)) for index, row in enumerate(rows)]
    stairs = "".join(f"V{y:.1f}H{x:.1f}" for x, y in places[1:])
    drawing.add("path", d=f"M{places[0][0]:.1f} {places[0][1]:.1f}{stairs}", class_="stair")
    for row, (_, y) in zip(rows, places, strict=True):
        row_label(drawing, row.label, y, left - 6)
        _draw(drawing, row, scale, y)
        shown = with_interval(*row.score) if roomy else points(row.score[0])
        drawing.text(width - 46, y + 4.5, shown, class_="value", text_anchor="end")
        gain = points(row.gain, sign=True) if math.isfinite(row.gain) else ""
        drawing.text(width, y + 4.5, gain, class_="value strong", text_anchor="end")
    return drawing


def _steps(steps: pd.DataFrame) -> list[_Step]:
    alone = {
        tuple(families_in(str(row["families"]))): score_of(row) for row in rows_of(steps[steps["step"] == "alone"])
    }
    rows: list[_Step] = []
    before: list[str] = []
    for row in rows_of(steps[steps["step"] == "added"]):
        now = families_in(str(row["families"]))
        new = [family for family in now if family not in before]
        rows.append(
            _Step(
                label=("+ " if rows else "") + family_title("+".join(new)),
                names=family_title("+".join(now)),
                features=value_of(row, "features"),
                score=score_of(row),
                alone=alone.get(tuple(new)) if rows else None,
                gain=score_of(row)[0] - rows[-1].score[0] if rows else math.nan,
            )
        )
        before = now
    return rows


def _draw(drawing: Drawing, row: _Step, scale: Scale, y: float) -> None:
    if row.alone:
        whisker(drawing, scale, y + 8, *row.alone[1:], class_="whisker second thin")
        tip = f"{row.label.removeprefix('+ ')} alone: {with_interval(*row.alone)}"
        mark(drawing, scale(row.alone[0]), y + 8, shape=3, class_="dot open", size=4.5, tip=tip)
    whisker(drawing, scale, y, *row.score[1:], class_="whisker best")
    many = f", {count(int(row.features), 'feature')}" if math.isfinite(row.features) else ""
    mark(drawing, scale(row.score[0]), y, class_="dot best", tip=f"{row.names}{many}: {with_interval(*row.score)}")
