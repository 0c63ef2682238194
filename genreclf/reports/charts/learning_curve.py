"""Learning curve: macro-F1 over the artists trained on, and the score that twice as many would bring."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from genreclf.pages.svg import Drawing, Scale, shorten
from genreclf.pages.wording import model_title, with_interval
from genreclf.reports.charts.axes import ROOMY, mark, points_scale
from genreclf.reports.outcome import rows_of, score_of, value_of

if TYPE_CHECKING:
    import pandas as pd


def learning_curve_chart(curves: pd.DataFrame, *, unit: str, width: float) -> Drawing:
    """Draw the best model with intervals, extrapolated by a dashed line, and the others as small dots.

    Parameters
    ----------
    curves : rows of the table ``learning_curve``, the best model first.
    unit : what the sizes count, for example ``artists``.
    """
    models = list(dict.fromkeys(curves["model"]))
    rows = {model: rows_of(curves[curves["model"] == model]) for model in models}
    best, title = rows[models[0]], model_title(models[0])
    described = [f"{value_of(row, 'artists'):,.0f} {unit}: {with_interval(*score_of(row))}" for row in best]
    height = 340.0 if width >= ROOMY else 300.0
    left, right, top, bottom = 40.0, width - 14, 44.0, height - 46
    drawing = Drawing(width, height, f"Learning curve of {title}", "; ".join(described))
    scores = [*chain.from_iterable(score_of(row) for row in best), *(value_of(row, "macro_f1") for row in _flat(rows))]
    across = Scale(0, 1.04 * max(value_of(row, "artists") for row in _flat(rows)), left, right)
    up = points_scale(scores, bottom, top)
    for tick in up.ticks(5):
        drawing.line(left, up(tick), right, up(tick), class_="grid")
        drawing.text(left - 6, up(tick) + 4, f"{100 * tick:.0f}", class_="tick", text_anchor="end")
    for tick in across.ticks(6):
        drawing.text(across(tick), bottom + 17, f"{tick:,.0f}", class_="tick", text_anchor="middle")
    drawing.text((left + right) / 2, height - 8, f"{unit} trained on", class_="axis", text_anchor="middle")
    drawing.text(0, 34, "macro-F1", class_="axis")
    _legend(drawing, title, others=len(models) > 1)
    for model in models[1:]:
        drawing.add("path", d=_path(rows[model], across, up), class_="ring-line")
        for row in rows[model]:
            tip = f"{model_title(model)}, {_tip(row, unit)}"
            mark(drawing, across(value_of(row, "artists")), up(score_of(row)[0]), class_="dot other", size=3.5, tip=tip)
    measured = [row for row in best if not _extrapolated(row)]
    drawing.add("path", d=_path(best[len(measured) - 1 :], across, up), class_="front")
    drawing.add("path", d=_path(measured, across, up), class_="stair")
    for row in best:
        (score, low, high), x = score_of(row), across(value_of(row, "artists"))
        ahead = _extrapolated(row)
        drawing.line(x, up(low), x, up(high), class_="whisker second" if ahead else "whisker best thin")
        shape, style = (3, "dot open") if ahead else (0, "dot best")
        mark(drawing, x, up(score), shape=shape, class_=style, tip=f"{title}, {_tip(row, unit)}")
    return drawing


def _flat(rows: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return list(chain.from_iterable(rows.values()))


def _extrapolated(row: dict[str, Any]) -> bool:
    return str(row["extrapolated"]) in ("True", "1", "1.0")


def _path(rows: list[dict[str, Any]], across: Scale, up: Scale) -> str:
    return "M" + "L".join(f"{across(value_of(row, 'artists')):.1f} {up(score_of(row)[0]):.1f}" for row in rows)


def _tip(row: dict[str, Any], unit: str) -> str:
    how = " (extrapolated)" if _extrapolated(row) else ""
    return f"{value_of(row, 'artists'):,.0f} {unit}{how}: {with_interval(*score_of(row))}"


def _legend(drawing: Drawing, title: str, *, others: bool) -> None:
    entries = [(0, "dot best", f"{title}, 95 %"), (3, "dot open", "extrapolated"), (0, "dot other", "other models")]
    room = drawing.width / 3
    for place, (shape, style, name) in enumerate(entries[: 3 if others else 2]):
        mark(drawing, place * room + 6, 9, shape=shape, class_=style)
        drawing.text(place * room + 18, 13, shorten(name, room - 22, 12), class_="note")
