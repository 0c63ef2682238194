"""Reliability diagram: accuracy against confidence; a perfectly calibrated model lies on the diagonal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, Scale
from genreclf.pages.wording import count, points
from genreclf.reports.charts.axes import mark

if TYPE_CHECKING:
    from genreclf.evaluation.probability_scores import Reliability


def reliability_diagram(reliability: Reliability, *, model: str, width: float = 340) -> Drawing:
    """Draw the bins with their intervals, and below them the number of tracks in each."""
    bins = reliability.bins
    left, right, top, bottom = 40.0, width - 14, 26.0, width - 62
    described = "; ".join(f"confidence {points(b.confidence)}, accuracy {points(b.right)}" for b in bins)
    drawing = Drawing(width, width + 12, f"Reliability of {model}", described)
    across, up = Scale(0, 1, left, right), Scale(0, 1, bottom, top)
    for percent in range(0, 101, 20):
        x, y = across(percent / 100), up(percent / 100)
        drawing.line(left, y, right, y, class_="grid")
        drawing.text(left - 6, y + 4, percent, class_="tick", text_anchor="end")
        drawing.text(x, width - 10, percent, class_="tick", text_anchor="middle")
    drawing.text(0, 10, "accuracy, %", class_="axis")
    drawing.text((left + right) / 2, width + 8, "confidence, %", class_="axis", text_anchor="middle")
    drawing.line(across(0), up(0), across(1), up(1), class_="diagonal")
    path = "L".join(f"{across(b.confidence):.1f} {up(b.right):.1f}" for b in bins)
    drawing.add("path", d=f"M{path}", class_="stair thin")
    base, most = width - 24, max(b.tracks for b in bins)
    for b in bins:
        x = across(b.confidence)
        drawing.line(x, up(b.low), x, up(b.high), class_="whisker best thin")
        tip = (
            f"{count(b.tracks, 'track')}: confidence {points(b.confidence)} %, accuracy {points(b.right)} %"
            f" ({points(b.low)} to {points(b.high)})"
        )
        mark(drawing, x, up(b.right), class_="dot best", size=4.5, tip=tip)
        tall = max(30.0 * b.tracks / most, 1.0)
        drawing.add("rect", x=x - 9, y=base - tall, width=18.0, height=tall, class_="bar", tip=tip)
    return drawing
