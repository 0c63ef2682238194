"""Confusion matrix: rows are true genres, columns predicted ones; shares as colour and number, counts below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, shorten, text_width
from genreclf.pages.wording import count
from genreclf.reports.charts.axes import label_room

if TYPE_CHECKING:
    from genreclf.reports.outcome import Confusion

_DARK_ENOUGH = 0.62
_SLANTED = 106.0  # the longest slanted name, in pixels


def confusion_matrix(confusion: Confusion, *, model: str, width: float) -> Drawing:
    """Draw a confusion matrix; with many genres it grows wider than `width`."""
    genres, counts = confusion.genres, confusion.counts
    left = label_room(genres, most=130, size=12.5)
    widest, number = max((text_width(name, 12) for name in genres), default=0), max(len(genres), 1)
    slanted = widest > (width - left) / number - 4
    overhang = max(0.75 * min(widest, _SLANTED) - 8, 0.0) if slanted else 0.0
    cell = min(max((width - left - overhang) / number, 30.0), 84.0)
    height = min(cell, 46.0)
    top = min(label_room(genres, most=110, size=12) * 0.68 + 14, 92.0) if slanted else 42.0
    correct = (f"{genre}: {counts[i, i]} of {counts[i].sum()} correct" for i, genre in enumerate(genres))
    drawing = Drawing(
        left + cell * len(genres) + overhang,
        top + height * len(genres) + 4,
        f"Confusion matrix of {model}",
        f"Rows are true genres, columns predicted genres. {'; '.join(correct)}",
    )
    drawing.text(0, 11, "true ↓ predicted →", class_="note")
    for index, genre in enumerate(genres):
        x, y = left + cell * (index + 0.5), top + height * (index + 0.5)
        _name(drawing, left - 8, y + 4.5, genre, size=12.5, room=left - 10, text_anchor="end")
        if slanted:
            turn = f"rotate(-42 {x - 2:.1f} {top - 8:.1f})"
            _name(drawing, x - 2, top - 8, genre, size=12, room=_SLANTED, transform=turn)
        else:
            _name(drawing, x, top - 8, genre, size=12, room=cell, text_anchor="middle")
        for j in range(len(genres)):
            _cell(drawing, confusion, index, j, (left + cell * j, top + height * index, cell, height))
    return drawing


def _name(drawing: Drawing, x: float, y: float, name: str, *, size: float, room: float, **attributes: object) -> None:
    shown = shorten(name, room, size)
    drawing.text(x, y, shown, class_="cell", tip=name if shown != name else "", **attributes)


def _cell(drawing: Drawing, confusion: Confusion, i: int, j: int, box: tuple[float, float, float, float]) -> None:
    x, y, wide, tall = box
    genres, share, number = confusion.genres, float(confusion.shares[i, j]), int(confusion.counts[i, j])
    total = count(int(confusion.counts[i].sum()), f"{genres[i]} track")
    drawing.add(
        "rect",
        tip=f"{number} of {total} classified as {genres[j]}" if number else "",
        class_="heat right" if i == j else "heat wrong",
        x=x + 1,
        y=y + 1,
        width=wide - 2,
        height=tall - 2,
        rx=3,
        fill_opacity=f"{0.05 + 0.95 * share:.2f}" if number else "0.04",
    )
    if number:
        ink = "on-dark" if share > _DARK_ENOUGH else "cell"
        middle, roomy = x + wide / 2, tall >= 34
        base = y + tall / 2 + (0 if roomy else 4)
        drawing.text(middle, base, f"{100 * share:.0f}", class_=f"{ink} share", text_anchor="middle")
        if roomy:
            drawing.text(middle, y + tall / 2 + 13, f"{number:,}", class_=f"{ink} count", text_anchor="middle")
