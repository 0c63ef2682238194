"""Reliability diagram: share of right answers over confidence; on the diagonal a model means what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale
from genreclf.pages.wording import count, points
from genreclf.reports.charts.axes import mark

if TYPE_CHECKING:
    from genreclf.evaluation.probability_scores import Reliability

_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


def reliability_diagram(reliability: Reliability, *, model: str, width: float = 340) -> Drawing:
    """Draw the bins with their intervals, and below them how many tracks each holds."""
    left, right, top, bottom = 40.0, width - 14, 26.0, width - 62
    drawing = Drawing(
        width,
        width + 12,
        f"Reliability of {model}",
        "; ".join(f"says {points(b.confidence)}, is right {points(b.right)}" for b in reliability.bins),
    )
    across, up = Scale(0, 1, left, right), Scale(0, 1, bottom, top)
    for tick in _TICKS:
        drawing.line(left, up(tick), right, up(tick), class_="grid")
        drawing.text(left - 6, up(tick) + 4, f"{100 * tick:.0f}", class_="tick", text_anchor="end")
        drawing.text(across(tick), width - 10, f"{100 * tick:.0f}", class_="tick", text_anchor="middle")
    drawing.text(0, 10, "right, %", class_="axis")
    drawing.text((left + right) / 2, width + 8, "confidence, %", class_="axis", text_anchor="middle")
    drawing.line(across(0), up(0), across(1), up(1), class_="diagonal")
    most = max(part.tracks for part in reliability.bins)
    path = "".join(
        f"{'L' if index else 'M'}{across(part.confidence):.1f} {up(part.right):.1f}"
        for index, part in enumerate(reliability.bins)
    )
    drawing.add("path", d=path, class_="stair thin")
    base, room = width - 24, 30.0
    for part in reliability.bins:
        x = across(part.confidence)
        drawing.line(x, up(part.low), x, up(part.high), class_="whisker best thin")
        tip = (
            f"{count(part.tracks, 'track')}: says {points(part.confidence)} %, is right {points(part.right)} %"
            f" ({points(part.low)} to {points(part.high)})"
        )
        mark(drawing, x, up(part.right), class_="dot best", size=4.5, tip=tip)
        tall = max(room * part.tracks / most, 1.0)
        drawing.add("rect", x=x - 9, y=base - tall, width=18.0, height=tall, class_="bar", tip=tip)
    return drawing
