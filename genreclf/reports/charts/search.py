"""Search curve: the best macro-F1 found so far over the epochs that a search has trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from genreclf.pages.svg import Drawing, Scale
from genreclf.pages.wording import model_title
from genreclf.reports.charts.axes import ROOMY, mark, points_scale
from genreclf.reports.outcome import rows_of, value_of

if TYPE_CHECKING:
    import pandas as pd


def search_chart(trials: pd.DataFrame, *, width: float) -> Drawing:
    """Draw a stair for each fold of one model, and a mark for each trial: full where it was trained to its end.

    Parameters
    ----------
    trials : rows of the table ``trials``, whose macro-F1 is known.
    """
    folds = [rows_of(trials[trials["fold"] == fold]) for fold in dict.fromkeys(trials["fold"])]
    title = model_title(str(trials["model"].iloc[0]))
    ends = [_ends(rows) for rows in folds]
    described = [f"fold {rows[0]['fold']}: {100 * max(_score(row) for row in rows):.1f}" for rows in folds]
    height = 320.0 if width >= ROOMY else 280.0
    left, right, top, bottom = 40.0, width - 14, 44.0, height - 46
    drawing = Drawing(width, height, f"Search for parameters of {title}", "; ".join(described))
    across = Scale(0, 1.02 * max(epochs[-1] for epochs in ends), left, right)
    up = points_scale([_score(row) for rows in folds for row in rows], bottom, top)
    for tick in up.ticks(5):
        drawing.line(left, up(tick), right, up(tick), class_="grid")
        drawing.text(left - 6, up(tick) + 4, f"{100 * tick:.0f}", class_="tick", text_anchor="end")
    for tick in across.ticks(6):
        drawing.text(across(tick), bottom + 17, f"{tick:,.0f}", class_="tick", text_anchor="middle")
    drawing.text((left + right) / 2, height - 8, "epochs trained in the search", class_="axis", text_anchor="middle")
    drawing.text(0, 34, "macro-F1", class_="axis")
    for place, (shape, style, name) in enumerate([(0, "dot best", "trained to its end"), (3, "dot open", "given up")]):
        mark(drawing, place * 160 + 6, 9, shape=shape, class_=style)
        drawing.text(place * 160 + 18, 13, name, class_="note")
    for rows, epochs in zip(folds, ends, strict=True):
        drawing.add("path", d=_stair(rows, epochs, across, up), class_="stair")
        for row, end in zip(rows, epochs, strict=True):
            shape, style = (3, "dot open") if row["pruned"] else (0, "dot best")
            tip = f"fold {row['fold']}, trial {row['trial']}: {100 * _score(row):.1f} in {row['epochs']} epochs"
            mark(drawing, across(end), up(_score(row)), shape=shape, class_=style, size=3.5, tip=tip)
    return drawing


def _score(row: dict[str, Any]) -> float:
    return value_of(row, "macro_f1")


def _ends(rows: list[dict[str, Any]]) -> list[float]:
    """The epochs trained when each trial ends."""
    total, found = 0.0, []
    for row in rows:
        total += value_of(row, "epochs")
        found.append(total)
    return found


def _stair(rows: list[dict[str, Any]], epochs: list[float], across: Scale, up: Scale) -> str:
    """The best of the trials that were trained to their end; of all before there is one."""
    best, path = 0.0, ""
    for row, end in zip(rows, epochs, strict=True):
        if _score(row) > best and not row["pruned"]:
            path += f"L{across(end):.1f} {up(best):.1f}" if path else ""
            best = _score(row)
            path += f"{'L' if path else 'M'}{across(end):.1f} {up(best):.1f}"
    return path + f"L{across(epochs[-1]):.1f} {up(best):.1f}" if path else f"M{across(0):.1f} {up(0):.1f}"
