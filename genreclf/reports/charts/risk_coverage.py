"""Risk-coverage curve: the error rate of a model that answers only for the tracks that it is surest of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genreclf.pages.svg import Drawing, Scale
from genreclf.pages.wording import points
from genreclf.reports.charts.axes import mark

_MARKED = (0.2, 0.4, 0.6, 0.8, 1.0)
_MOST_POINTS = 400


def risk_coverage_chart(risks: Sequence[float], *, model: str, width: float = 340) -> Drawing:
    """Draw the risks of the 1, 2, ... most confident tracks."""
    tracks = len(risks)
    left, right, top, bottom = 40.0, width - 14, 26.0, width - 62
    at = {coverage: risks[max(0, round(coverage * tracks) - 1)] for coverage in _MARKED}
    described = "; ".join(f"{points(coverage)} % answered, {points(risk)} % wrong" for coverage, risk in at.items())
    drawing = Drawing(width, width - 12, f"Risk and coverage of {model}", described)
    most = min(1.0, float(np.ceil(max(*risks, 0.1) * 5) / 5))
    across, up = Scale(0, 1, left, right), Scale(0, most, bottom, top)
    for percent in range(0, 101, 20):
        drawing.text(across(percent / 100), bottom + 18, percent, class_="tick", text_anchor="middle")
        if percent <= 100 * most + 0.1:
            y = up(percent / 100)
            drawing.line(left, y, right, y, class_="grid")
            drawing.text(left - 6, y + 4, percent, class_="tick", text_anchor="end")
    drawing.text(0, 10, "wrong, %", class_="axis")
    drawing.text(
        (left + right) / 2, bottom + 38, "tracks answered, most confident first, %", class_="axis", text_anchor="middle"
    )
    drawn = np.unique(np.linspace(0, tracks - 1, min(tracks, _MOST_POINTS)).round().astype(int))
    path = "L".join(f"{across((k + 1) / tracks):.1f} {up(risks[k]):.1f}" for k in drawn.tolist())
    drawing.add("path", d=f"M{path}", class_="stair thin")
    for coverage, risk in at.items():
        tip = f"{points(coverage)} % of the tracks answered, {points(risk)} % of them wrong"
        mark(drawing, across(coverage), up(risk), class_="dot best", size=4.5, tip=tip)
    return drawing
