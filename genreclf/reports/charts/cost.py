"""Score against fit time: what a model costs, and the models that no faster one beats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale, shorten, text_width
from genreclf.pages.wording import model_title, points, seconds
from genreclf.reports.charts.axes import ROOMY, mark, points_scale
from genreclf.reports.outcome import contenders, rows_of, score_of, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

Box = tuple[float, float, float, float]


def cost_chart(ranking: pd.DataFrame, *, width: float) -> Drawing:
    """Draw macro-F1 with its interval over the fit time, in powers of ten."""
    rows = [row for row in rows_of(contenders(ranking)) if value_of(row, "fit_seconds") > 0]
    times, scores = [value_of(row, "fit_seconds") for row in rows], [score_of(row) for row in rows]
    titles = [model_title(row["model"]) for row in rows]
    tips = [f"{n}: {points(s[0])} in {seconds(t)}" for n, s, t in zip(titles, scores, times, strict=True)]
    height = 360.0 if width >= ROOMY else 290.0
    left, right, top, bottom = 40.0, width - 12, 26.0, height - 46
    drawing = Drawing(width, height, "Macro-F1 against fit time", "; ".join(tips))
    first, last = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times) * 1.001))
    across = Scale(10.0**first, 10.0**last, left + 10, right - 10, logarithmic=True)
    up = points_scale([end for score in scores for end in score], bottom, top)
    for tick in up.ticks(5):
        drawing.line(left, up(tick), right, up(tick), class_="grid")
        drawing.text(left - 6, up(tick) + 4, f"{100 * tick:.0f}", class_="tick", text_anchor="end")
    for tick in across.ticks():
        drawing.line(across(tick), top, across(tick), bottom, class_="grid")
        drawing.text(across(tick), bottom + 17, _tick(tick), class_="tick", text_anchor="middle")
    drawing.text((left + right) / 2, height - 8, "total fit time over all folds", class_="axis", text_anchor="middle")
    drawing.text(0, 10, "macro-F1", class_="axis")
    _front(drawing, times, [score for score, _, _ in scores], across, up)
    taken: list[Box] = []
    for time, (score, low, high) in zip(times, scores, strict=True):
        x = across(time)
        if math.isfinite(low) and math.isfinite(high):
            drawing.line(x, up(low), x, up(high), class_="whisker thin")
            taken.append((x - 2, up(high), x + 2, up(low)))
        taken.append((x - 7, up(score) - 7, x + 7, up(score) + 7))
    for index, (title, time, (score, _, _)) in enumerate(zip(titles, times, scores, strict=True)):
        mark(drawing, across(time), up(score), class_="dot" if index else "dot best", tip=tips[index])
        _label(drawing, shorten(title, 150), across(time), up(score), sides=(left, right), taken=taken)
    return drawing


def _tick(value: float) -> str:
    return f"{1000 * value:g} ms" if value < 1 else f"{value:,.0f} s"


def _front(drawing: Drawing, times: Sequence[float], scores: Sequence[float], across: Scale, up: Scale) -> None:
    path, best = "", -math.inf
    for time, score in sorted(zip(times, scores, strict=True), key=lambda place: (place[0], -place[1])):
        if score > best:
            path += f"H{across(time):.1f}V{up(score):.1f}" if path else f"M{across(time):.1f} {up(score):.1f}"
            best = score
    if "V" in path:
        drawing.add("path", d=path, class_="front")


def _label(drawing: Drawing, title: str, x: float, y: float, *, sides: tuple[float, float], taken: list[Box]) -> None:
    wide = text_width(title, 14)
    across = (x + 10, x - 10 - wide, min(max(x - wide / 2, sides[0]), sides[1] - wide))
    places = [(across[0], y + 4), (across[1], y + 4)]
    places += [(left, y + step) for step in (-12, 20, -28, 36, -44, 52) for left in across]
    # A whisker may run behind a name, which has a halo; better not, where there is room elsewhere.
    for blocked in (taken, [box for box in taken if box[2] - box[0] > 5]):
        for left, base in places:
            box = (left - 2, base - 12, left + wide + 2, base + 4)
            inside = box[0] >= sides[0] - 2 and box[2] <= sides[1] + 8
            overlaps = (box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in blocked)
            if inside and not any(overlaps):
                drawing.text(left, base, title, class_="halo plain")
                taken.append(box)
                return
