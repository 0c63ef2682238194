"""Ablation: the score as a staircase, one feature family after the other, and each family alone beside it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.pages.wording import count, family_title, points, with_interval
from genreclf.reports.charts.axes import ROW, Rows, mark, whisker
from genreclf.reports.outcome import Score, rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.pages.svg import Drawing, Scale


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
    alone = [(3, "dot open", "alone")] if any(row.alone for row in rows) else []
    chart = Rows(
        f"Feature families added one by one: {model}",
        "; ".join(f"{row.label} {with_interval(*row.score)}" for row in rows),
        [row.label for row in rows],
        [end for row in rows for end in (*row.score, *(row.alone or ()))],
        width=width,
        beside=46,
        row=ROW + 4,
        legend=[(0, "dot best", "added to those above"), *alone],
    )
    places = [(chart.scale(row.score[0]), y) for row, y in zip(rows, chart.middles, strict=True)]
    stairs = "".join(f"V{y:.1f}H{x:.1f}" for x, y in places[1:])
    chart.drawing.add("path", d=f"M{places[0][0]:.1f} {places[0][1]:.1f}{stairs}", class_="stair")
    for row, y in zip(rows, chart.middles, strict=True):
        _draw(chart.drawing, row, chart.scale, y)
        chart.score(y, row.score)
        if math.isfinite(row.gain):
            chart.last(y, points(row.gain, sign=True))
    return chart.drawing


def _steps(steps: pd.DataFrame) -> list[_Step]:
    alone = {_families(row): score_of(row) for row in rows_of(steps[steps["step"] == "alone"])}
    rows: list[_Step] = []
    before: tuple[str, ...] = ()
    for row in rows_of(steps[steps["step"] == "added"]):
        now = _families(row)
        new = tuple(family for family in now if family not in before)
        rows.append(
            _Step(
                label=("+ " if rows else "") + family_title("+".join(new)),
                names=family_title("+".join(now)),
                features=value_of(row, "features"),
                score=score_of(row),
                alone=alone.get(new) if rows else None,
                gain=score_of(row)[0] - rows[-1].score[0] if rows else math.nan,
            )
        )
        before = now
    return rows


def _families(row: dict[str, object]) -> tuple[str, ...]:
    """The families that a step names: ``mfcc+tonnetz`` or ``mfcc, tonnetz``."""
    return tuple(part for part in re.split(r"[+,;\s]+", str(row["families"])) if part)


def _draw(drawing: Drawing, row: _Step, scale: Scale, y: float) -> None:
    if row.alone:
        whisker(drawing, scale, y + 8, *row.alone[1:], class_="whisker second thin")
        tip = f"{row.label.removeprefix('+ ')} alone: {with_interval(*row.alone)}"
        mark(drawing, scale(row.alone[0]), y + 8, shape=3, class_="dot open", size=4.5, tip=tip)
    whisker(drawing, scale, y, *row.score[1:], class_="whisker best")
    many = f", {count(int(row.features), 'feature')}" if math.isfinite(row.features) else ""
    mark(drawing, scale(row.score[0]), y, class_="dot best", tip=f"{row.names}{many}: {with_interval(*row.score)}")
