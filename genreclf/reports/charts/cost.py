"""Score against fit time: what a model costs, and the models that no faster one beats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale, shorten, text_width
from genreclf.pages.wording import model_title, points, seconds
from genreclf.reports.charts.axes import ROOMY, mark, points_scale
from genreclf.reports.outcome import contenders, rows_of, score_of, value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

Box = tuple[float, float, float, float]  # left, top, right, bottom
_NEAR = 18.0  # pixels from a dot at which a name needs no line to it


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
    places = [(across(time), up(score)) for time, (score, _, _) in zip(times, scores, strict=True)]
    whiskers = []
    for (x, _), (_, low, high) in zip(places, scores, strict=True):
        if math.isfinite(low) and math.isfinite(high):
            drawing.line(x, up(low), x, up(high), class_="whisker thin")
            whiskers.append((x - 2, up(high), x + 2, up(low)))
    names = [shorten(title, width * 0.45) for title in titles]
    boxes = _placed(names, places, whiskers, (left, top - 12, right + 8, bottom))
    for (x, y), box in zip(places, boxes, strict=True):
        if box and not _touches(box, (x - 12, y - 16, x + 12, y + 16)):
            near = min(max(x, box[0] + 4), box[2] - 4)
            drawing.line(x, y, near, box[3] if box[3] < y else box[1], class_="leader")
    for index, ((x, y), box) in enumerate(zip(places, boxes, strict=True)):
        mark(drawing, x, y, class_="dot" if index else "dot best", tip=tips[index])
        if box:
            drawing.text(box[0] + 2, box[3] - 4, names[index], class_="halo plain")
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


def _placed(
    names: Sequence[str], places: Sequence[tuple[float, float]], whiskers: Sequence[Box], inside: Box
) -> list[Box | None]:
    """A box for each name, none on a dot or on another name, and on a whisker only where there is no room elsewhere.

    A name close to its dot is closer to it than to any other; one further away is joined to it by a line.
    """
    dots = [(x - 7, y - 7, x + 7, y + 7) for x, y in places]
    found: list[Box | None] = []
    for name, (x, y) in zip(names, places, strict=True):
        others = [place for place in places if place != (x, y)]
        free = (
            box
            for blocked in ([*dots, *whiskers], dots)
            for box in _candidates(x, y, text_width(name, 14))
            if box[0] >= inside[0] and box[1] >= inside[1] and box[2] <= inside[2] and box[3] <= inside[3]
            if not any(_touches(box, other) for other in [*blocked, *filter(None, found)])
            if _far(box, x, y) > _NEAR or all(_far(box, *other) > 1.5 * _far(box, x, y) + 4 for other in others)
        )
        found.append(next(free, None))
    return found


def _candidates(x: float, y: float, wide: float) -> Iterator[Box]:
    """Boxes for a name around a dot, the nearest first."""
    for base in (y + 4, *(y + side * step for step in range(12, 160, 12) for side in (-1, 1))):
        beside = (x + 10, x - 10 - wide)
        for left in beside if base == y + 4 else (*beside, x - wide / 2, x + 4, x - 4 - wide):
            yield left - 2, base - 12, left + wide + 2, base + 4


def _touches(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _far(box: Box, x: float, y: float) -> float:
    return math.hypot(max(box[0] - x, x - box[2], 0), max(box[1] - y, y - box[3], 0))
