"""An inspection as drawings: panels on one time axis, the two parts, the circle of fifths, and the numbers."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from genreclf.inspection.heatmap import narrowed, png, shades
from genreclf.inspection.panels import NOTES, Panel
from genreclf.pages.svg import Drawing, Scale, glyph, shorten, text_width, wrapped

if TYPE_CHECKING:
    from genreclf.inspection.timeline import Timeline

_GAP, _LINE = 18.0, 15.0
_ROOMY = 560.0
_CELL = 62.0  # the least width of a number in a grid
_CRISP_ROWS = 64


def time_aligned(panels: Sequence[Panel], *, start: float, seconds: float, width: float, heading: str = "") -> Drawing:
    """Draw panels below each other on one time axis, below a heading where there is one."""
    left = _tick_room(panels)
    heads = [_head(panel, width) for panel in panels]
    above = 36.0 if heading else 0.0
    height = above + sum(head + panel.height + _GAP for head, panel in zip(heads, panels, strict=True)) + 26
    shown = ", ".join(panel.title.lower() for panel in panels)
    drawing = Drawing(width, height, "The track over time", f"{shown}, on one time axis")
    across = Scale(start, start + seconds, left, width - 2)
    if heading:
        drawing.text(0, 20, shorten(heading, width, 20), class_="heading")
    top, spans = above, []
    for head, panel in zip(heads, panels, strict=True):
        _titled(drawing, panel, 0.0, top, width)
        top += head
        spans.append((top, top + panel.height))
        _panel(drawing, panel, left, top, across.end - left)
        top += panel.height + _GAP
    _time_axis(drawing, across, top - _GAP + 14, spans, about=max(3, int(width / 90)))
    return drawing


def side_by_side(panels: Sequence[Panel], *, start: float, seconds: float, width: float) -> Drawing:
    """Draw two panels beside each other, each with its own time axis; below each other where that is narrow."""
    if width < _ROOMY:
        return time_aligned(panels, start=start, seconds=seconds, width=width)
    left, gap = _tick_room(panels[:1]), 22.0
    room = (width - left - gap) / 2
    head, height = max(_head(panel, room) for panel in panels), panels[0].height
    title = " and ".join(panel.title.lower() for panel in panels)
    described = "; ".join(f"{p.title}: {p.note}" for p in panels)
    drawing = Drawing(width, head + height + 30, title.capitalize(), described)
    for index, panel in enumerate(panels):
        x = left + index * (room + gap)
        _titled(drawing, panel, x, 0.0, room)
        _panel(drawing, panel, x, head, room, labels=index == 0)
        across = Scale(start, start + seconds, x, x + room)
        _time_axis(drawing, across, head + height + 15, [], about=5)
    return drawing


def _tick_room(panels: Sequence[Panel]) -> float:
    return max((text_width(name, 11) for panel in panels for _, name in panel.ticks), default=24.0) + 8


def _note_beside(panel: Panel, room: float) -> bool:
    return text_width(panel.title, 16.5) + 10 + text_width(panel.note, 12) <= room


def _head(panel: Panel, room: float) -> float:
    """The height of a panel's title, with its note beside it or below."""
    return 22.0 + (0.0 if _note_beside(panel, room) else _LINE * len(wrapped(panel.note, room, 12)))


def _titled(drawing: Drawing, panel: Panel, x: float, top: float, room: float) -> None:
    drawing.text(x, top + 15, panel.title, class_="strong")
    if _note_beside(panel, room):
        drawing.text(x + text_width(panel.title, 16.5) + 10, top + 15, panel.note, class_="note")
        return
    for number, line in enumerate(wrapped(panel.note, room, 12), start=1):
        drawing.text(x, top + 15 + _LINE * number, line, class_="note")


def _time_axis(
    drawing: Drawing, across: Scale, base: float, lines: Sequence[tuple[float, float]], *, about: int = 10
) -> None:
    for tick in across.ticks(about):
        x = across(tick)
        for top, bottom in lines:
            drawing.line(x, top, x, bottom, class_="hair")
        anchor = "start" if x - across.start < 16 else "end" if across.end - x < 16 else "middle"
        drawing.text(x, base + 2, f"{tick:g} s", class_="tick", text_anchor=anchor)


def _panel(drawing: Drawing, panel: Panel, x: float, top: float, room: float, *, labels: bool = True) -> None:
    if not panel.colours:
        _curve(drawing, panel, x, top, room)
        return
    image = png(shades(narrowed(panel.values, min(900, int(2 * room)))[::-1], panel.low, panel.high), panel.colours)
    drawing.add(
        "image",
        href="data:image/png;base64," + b64encode(image).decode(),
        x=x,
        y=top,
        width=room,
        height=panel.height,
        preserveAspectRatio="none",
        class_="crisp" if len(panel.values) < _CRISP_ROWS else None,
    )
    for share, name in panel.ticks if labels else ():
        drawing.text(x - 6, top + (1 - share) * panel.height + 4, name, class_="tick small", text_anchor="end")
    if panel.line:
        y = top + (1 - panel.line[0]) * panel.height
        drawing.line(x, y, x + room, y, class_="pointer")
        drawing.text(x + room - 6, y - 5, panel.line[1], class_="halo on-image", text_anchor="end")


def _curve(drawing: Drawing, panel: Panel, x: float, top: float, room: float) -> None:
    up = Scale(panel.low, panel.high, top + panel.height, top)
    rows = panel.values if len(panel.values) == 2 else narrowed(panel.values, min(900, int(2 * room)))
    count = rows.shape[1]
    across = [x + room * (i + 0.5) / count for i in range(count)]
    drawing.add("rect", x=x, y=top, width=room, height=panel.height, class_="sea")
    paths = [[f"{a:.1f} {up(float(v)):.1f}" for a, v in zip(across, row, strict=True)] for row in rows]
    if len(rows) == 2:
        drawing.add("path", d=f"M{'L'.join([*paths[1], *reversed(paths[0])])}z", class_="wave")
        for value in (-1, 0, 1):
            base = up(value) + (8 if value > 0 else -1 if value < 0 else 4)
            drawing.text(x - 6, base, str(value).replace("-", "\u2212"), class_="tick small", text_anchor="end")
    else:
        drawing.add("path", d=f"M{'L'.join(paths[0])}", class_="curve")
        drawing.text(x - 6, up(panel.high) + 8, f"{panel.high:.1f}", class_="tick small", text_anchor="end")
        drawing.text(x - 6, up(panel.low), "0", class_="tick small", text_anchor="end")


def circle_of_fifths(tonnetz: np.ndarray, *, width: float = 360) -> Drawing:
    """Draw where the harmony goes on the circle of fifths: the mean of each half second, light to dark in time."""
    middle, radius = width / 2, width / 2 - 34
    drawing = Drawing(
        width, width, "Path on the circle of fifths", "The first two Tonnetz axes, half second by half second"
    )
    for share in (0.25, 0.5, 1.0):
        drawing.add("circle", cx=middle, cy=middle, r=radius * share, class_="ring-line")
    for pitch, note in enumerate(NOTES):
        turn = np.pi * 7 / 6 * pitch
        x, y = middle + (radius + 17) * np.sin(turn), middle - (radius + 17) * np.cos(turn)
        drawing.text(float(x), float(y) + 4.5, note, class_="strong", text_anchor="middle")
    # The axes are means over all pitch classes, so the path keeps to the middle: it is drawn twice as large.
    steps = narrowed(tonnetz[:2], max(2, tonnetz.shape[1] // 22))
    scale = 2 * radius if float(np.hypot(*steps).max(initial=0)) <= 0.5 else radius
    places = [(middle + scale * float(x), middle - scale * float(y)) for x, y in steps.T]
    for index, ((x1, y1), (x2, y2)) in enumerate(pairwise(places)):
        age = 0.2 + 0.8 * (index + 1) / len(places)
        drawing.line(x1, y1, x2, y2, class_="path", stroke_opacity=f"{age:.2f}")
    for (x, y), class_, name in ((places[0], "dot open", "start"), (places[-1], "dot best", "end")):
        drawing.add("path", d=glyph(0, x, y, 5), class_=class_, tip=name)
    drawing.text(width, width - 4, f"outer ring: {radius / scale:g}", class_="note", text_anchor="end")
    return drawing


def number_grid(
    numbers: Mapping[str, float],
    percentiles: Mapping[str, float],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    title: str,
    width: float,
) -> Drawing:
    """Draw numbers, each over a strip that shows its percentile where that is known.

    Parameters
    ----------
    numbers : column by column.
    rows, columns : their names; columns that do not fit stand below the others.
    """
    left = max(text_width(row, 13.5) for row in rows) + 10 if len(rows) > 1 else 0.0
    head, tall = (24.0 if len(columns) > 1 else 4.0), 31.0
    side = min(len(columns), max(1, int((width - left) // _CELL)))
    cell, band = (width - left) / side, head + tall * len(rows) + 10
    drawing = Drawing(width, band * -(-len(columns) // side) - 8, title, f"{len(numbers)} numbers")
    for index, (name, value) in enumerate(numbers.items()):
        c, r = divmod(index, len(rows))
        top, x = band * (c // side), left + cell * (c % side) + 6
        y = top + head + tall * r
        if r == 0 and len(columns) > 1:
            drawing.text(x, top + 14, columns[c], class_="tick")
        if c % side == 0 and len(rows) > 1:
            drawing.text(0, y + 15, rows[r], class_="strong")
        share = percentiles.get(name)
        tip = f"{name} = {value:.6g}" + ("" if share is None else f"; percentile {100 * share:.0f}")
        drawing.text(x, y + 14, f"{value:.4g}".replace("-", "\u2212"), class_="value", tip=tip)
        if share is not None:
            drawing.add("rect", x=x, y=y + 20, width=cell - 18, height=4.0, rx=2, class_="track", tip=tip)
            style, at = "place" if 0.05 <= share <= 0.95 else "place far", x + (cell - 18) * share
            drawing.add("rect", x=at - 2.5, y=y + 17, width=5.0, height=10.0, rx=1.5, class_=style, tip=tip)
    return drawing


def probabilities_over_time(timeline: Timeline, *, width: float) -> Drawing:
    """Draw the probability of each genre, window by window, as rows of bars on one time axis."""
    genres = timeline.genres
    tall, top = 34.0, 6.0
    bottom = top + tall * len(genres)
    described = "; ".join(f"{g} {share:.2f}" for g, share in zip(genres, timeline.mean, strict=True))
    drawing = Drawing(width, bottom + 26, "Genre probabilities over time", described)
    left = min(max(text_width(genre, 13.5) for genre in genres) + 10, width * 0.4)
    across = Scale(timeline.starts[0], timeline.ends[-1], left, width - 50)
    for row, genre in enumerate(genres):
        base = top + tall * (row + 1) - 4
        shown = shorten(genre, left - 6, 13.5)
        drawing.text(0, base - 8, shown, class_="strong" if row == 0 else "label", tip=genre if shown != genre else "")
        drawing.line(left, base, width - 50, base, class_="grid")
        for window, begin in enumerate(timeline.starts):
            end = timeline.ends[window]
            share = float(timeline.probabilities[window, row])
            x, high = across(begin), (tall - 8) * share
            wide = max(across(end) - x - 1.5, 1.0)
            best = " first" if int(timeline.probabilities[window].argmax()) == row else ""
            tip = f"{begin:.0f} to {end:.0f} s: {genre} {100 * share:.0f} %"
            drawing.add("rect", x=x, y=base - high, width=wide, height=high, class_=f"chance{best}", tip=tip)
        drawing.text(width, base - 8, f"{100 * float(timeline.mean[row]):.0f} %", class_="value", text_anchor="end")
    _time_axis(drawing, across, bottom + 14, [], about=max(3, int(width / 90)))
    return drawing
