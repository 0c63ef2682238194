"""Confusion matrix: rows are what tracks are, columns what a model said; shares as colour and number, counts below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.pages.svg import Drawing, shorten, text_width
from genreclf.pages.wording import count
from genreclf.reports.charts.axes import label_room

if TYPE_CHECKING:
    from genreclf.reports.outcome import Confusion

_DARK_ENOUGH = 0.62


def confusion_matrix(confusion: Confusion, *, model: str, width: float) -> Drawing:
    """Draw a confusion matrix; with many genres it grows wider than asked for."""
    genres = confusion.genres
    left = label_room(genres, most=130, size=12.5)
    cell = min(max((width - left) / max(len(genres), 1), 30.0), 84.0)
    height = min(cell, 46.0)
    slanted = max((text_width(name, 12) for name in genres), default=0) > cell - 4
    top = min(label_room(genres, most=110, size=12) * 0.68 + 14, 92.0) if slanted else 26.0
    overhang = 46.0 if slanted else 0.0
    drawing = Drawing(
        left + cell * len(genres) + overhang,
        top + height * len(genres) + 4,
        f"Confusion matrix of {model}",
        "Rows are the genres that tracks have, columns the genres that the model said. "
        + "; ".join(_line(confusion, row) for row in range(len(genres))),
    )
    drawing.text(0, top - 8, "is ↓ said →", class_="note")
    for index, genre in enumerate(genres):
        x, y = left + cell * (index + 0.5), top + height * (index + 0.5)
        shown = shorten(genre, left - 10, 12.5)
        drawing.text(left - 8, y + 4.5, shown, class_="cell", text_anchor="end", tip=genre if shown != genre else "")
        if slanted:
            shown = shorten(genre, 106, 12)
            drawing.text(
                x - 2,
                top - 8,
                shown,
                class_="cell",
                transform=f"rotate(-42 {x - 2:.1f} {top - 8:.1f})",
                tip=genre if shown != genre else "",
            )
        else:
            drawing.text(x, top - 8, genre, class_="cell", text_anchor="middle")
    _cells(drawing, confusion, left=left, top=top, cell=cell, height=height)
    return drawing


def _cells(drawing: Drawing, confusion: Confusion, *, left: float, top: float, cell: float, height: float) -> None:
    genres, shares, counts = confusion.genres, confusion.shares, confusion.counts
    for i, genre in enumerate(genres):
        for j, said in enumerate(genres):
            x, y, share, number = left + cell * j, top + height * i, float(shares[i, j]), int(counts[i, j])
            kind = "right" if i == j else "wrong"
            tip = f"{number} of {count(int(counts[i].sum()), f'{genre} track')} said to be {said}" if number else ""
            drawing.add(
                "rect",
                tip=tip,
                class_=f"heat {kind}",
                x=x + 1,
                y=y + 1,
                width=cell - 2,
                height=height - 2,
                rx=3,
                fill_opacity=f"{0.05 + 0.95 * share:.2f}" if number else "0.04",
            )
            if number:
                ink = "on-dark" if share > _DARK_ENOUGH else "cell"
                roomy = height >= 34
                drawing.text(
                    x + cell / 2,
                    y + height / 2 + (0 if roomy else 4),
                    f"{100 * share:.0f}",
                    class_=f"{ink} share",
                    text_anchor="middle",
                )
                if roomy:
                    drawing.text(
                        x + cell / 2, y + height / 2 + 13, f"{number:,}", class_=f"{ink} count", text_anchor="middle"
                    )


def _line(confusion: Confusion, row: int) -> str:
    total = int(confusion.counts[row].sum())
    return f"{confusion.genres[row]}: {int(confusion.counts[row, row])} of {total} right"
