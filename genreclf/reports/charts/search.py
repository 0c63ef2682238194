"""Search curve: the lowest loss found so far over the epochs that a search has trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genreclf.pages.svg import Drawing, Scale
from genreclf.pages.wording import model_title
from genreclf.reports.charts.axes import ROOMY, mark
from genreclf.reports.outcome import rows_of, value_of

if TYPE_CHECKING:
    import pandas as pd


def search_chart(trials: pd.DataFrame, *, width: float) -> Drawing:
    """Draw a stair for each fold of one model, and a mark for each trial: full where it was trained to its end.

    Parameters
    ----------
    trials : rows of the table ``trials``, whose loss is known.
    """
    ordered = trials.sort_values("ended", kind="stable")
    folds = [rows_of(ordered[ordered["fold"] == fold]) for fold in dict.fromkeys(trials["fold"])]
    title = model_title(str(trials["model"].iloc[0]))
    described = [f"fold {rows[0]['fold']}: {min(map(_loss, rows)):.3f}" for rows in folds]
    height = 320.0 if width >= ROOMY else 280.0
    left, right, top, bottom = 40.0, width - 14, 44.0, height - 46
    drawing = Drawing(width, height, f"Search for parameters of {title}", "; ".join(described))
    across = Scale(0, 1.02 * max(_end(rows[-1]) for rows in folds), left, right)
    losses = [_loss(row) for rows in folds for row in rows]
    room = 0.05 * (max(losses) - min(losses))
    up = Scale(max(0.0, min(losses) - room), max(losses) + room, bottom, top)
    for tick in up.ticks(5):
        drawing.line(left, up(tick), right, up(tick), class_="grid")
        drawing.text(left - 6, up(tick) + 4, f"{tick:.3g}", class_="tick", text_anchor="end")
    for tick in across.ticks(6):
        drawing.text(across(tick), bottom + 17, f"{tick:,.0f}", class_="tick", text_anchor="middle")
    drawing.text((left + right) / 2, height - 8, "epochs trained in the search", class_="axis", text_anchor="middle")
    drawing.text(0, 34, "loss on held-out tracks", class_="axis")
    for place, (shape, style, name) in enumerate([(0, "dot best", "trained to its end"), (3, "dot open", "given up")]):
        mark(drawing, place * 160 + 6, 9, shape=shape, class_=style)
        drawing.text(place * 160 + 18, 13, name, class_="note")
    for rows in folds:
        drawing.add("path", d=_stair(rows, across, up), class_="stair")
        for row in rows:
            shape, style = (3, "dot open") if row["pruned"] else (0, "dot best")
            tip = f"fold {row['fold']}, trial {row['trial']}: {_loss(row):.3f} in {row['epochs']} epochs"
            mark(drawing, across(_end(row)), up(_loss(row)), shape=shape, class_=style, size=3.5, tip=tip)
    return drawing


def _loss(row: dict[str, Any]) -> float:
    return value_of(row, "loss")


def _end(row: dict[str, Any]) -> float:
    """The epochs that the search had trained when the trial ended."""
    return value_of(row, "ended")


def _stair(rows: list[dict[str, Any]], across: Scale, up: Scale) -> str:
    """The lowest loss of the trials that have ended so far."""
    best, path = _loss(rows[0]), f"M{across(_end(rows[0])):.1f} {up(_loss(rows[0])):.1f}"
    for row in rows[1:]:
        path += f"L{across(_end(row)):.1f} {up(best):.1f}"
        best = min(best, _loss(row))
        path += f"L{across(_end(row)):.1f} {up(best):.1f}"
    return path
