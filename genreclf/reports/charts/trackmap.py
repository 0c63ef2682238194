"""Map of the tracks: similar tracks lie close to each other, each genre has a colour and a shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from genreclf.pages.svg import Drawing, element, glyph, shorten, text_width
from genreclf.pages.wording import count
from genreclf.reports.charts.axes import COLOURS, SHAPES

_CROWDED = 1500
_MOST_NAMES = 12
_AROUND = np.arange(-150.0, 151.0, 10.0)
_BOLD = 15.0  # bold letters of 13 pixels are as wide as plain ones of 15


def track_map(clouds: Mapping[str, np.ndarray], *, width: float, names: bool = False) -> Drawing:
    """Draw the tracks of each genre.

    Parameters
    ----------
    clouds : by genre, the largest first: (tracks, 2), each coordinate in [0, 1], the second upward.
    names : whether to add a legend, for the picture file.
    """
    total = sum(map(len, clouds.values()))
    height = round(width * 0.62)
    legend_rows = _legend_rows(clouds, width) if names else []
    drawing = Drawing(
        width,
        height + 24.0 * len(legend_rows),
        "Map of the tracks",
        f"{count(total, 'track')} in {count(len(clouds), 'genre')}: " + ", ".join(clouds),
    )
    size = 4.2 if total <= 600 else 3.2 if total <= 2500 else 2.4
    size *= 1.0 if width > 500 else 0.8
    drawing.add("rect", x=0.5, y=0.5, width=width - 1, height=height - 1, rx=8, class_="sea")
    crowded = " crowded" if total > _CROWDED else ""
    marks = {}
    for index, (genre, cloud) in enumerate(clouds.items()):
        places = [(8 + x * (width - 16), height - 8 - y * (height - 16)) for x, y in cloud]
        marks[genre] = np.array(places)
        path = "".join(glyph(shape_of(index), x, y, size) for x, y in places)
        drawing.add("path", d=path, class_=f"points {colour_of(index)}{crowded}", data_genre=index)
    _names_in_place(drawing, marks, height)
    for row, entries in enumerate(legend_rows):
        y = height + 18 + 24 * row
        for x, index, genre in entries:
            drawing.add("path", d=glyph(shape_of(index), x + 6, y - 4, 5), class_=f"points {colour_of(index)}")
            drawing.text(x + 17, y, genre, class_="cell")
    return drawing


def framed(places: np.ndarray) -> tuple[np.ndarray, int]:
    """Places between 0 and 1, outliers clipped so that they do not squeeze the rest; and how many there are."""
    inner = np.quantile(places, [0.01, 0.99], axis=0)
    room = 0.3 * (inner[1] - inner[0])
    low, high = np.maximum(places.min(axis=0), inner[0] - room), np.minimum(places.max(axis=0), inner[1] + room)
    outside = int(((places < low) | (places > high)).any(axis=1).sum())
    return (np.clip(places, low, high) - low) / np.where(high > low, high - low, 1.0), outside


def colour_of(index: int) -> str:
    """The style class of the n-th genre's colour."""
    return f"g{index % COLOURS}"


def shape_of(index: int) -> int:
    """The shape of the n-th genre; among the first hundred, no two share both colour and shape."""
    return (index + index // COLOURS) % SHAPES


def swatch(index: int) -> str:
    """A small picture of a genre's mark, for the legend of a page."""
    mark = element("path", d=glyph(shape_of(index), 8, 8, 5), class_=f"points {colour_of(index)}")
    return element("svg", mark, class_="chart swatch", width=16, height=16, viewBox="0 0 16 16", aria_hidden="true")


def _legend_rows(genres: Iterable[str], width: float) -> list[list[tuple[float, int, str]]]:
    rows: list[list[tuple[float, int, str]]] = [[]]
    x = 0.0
    for index, genre in enumerate(genres):
        wide = 17 + text_width(genre, 12) + 16
        if x + wide > width and rows[-1]:
            rows.append([])
            x = 0.0
        rows[-1].append((x, index, genre))
        x += wide
    return rows


def _names_in_place(drawing: Drawing, marks: Mapping[str, np.ndarray], height: float) -> None:
    """Write each genre beside its marks, with its mark before it, where it covers the fewest marks of any genre."""
    if len(marks) > _MOST_NAMES:
        return
    width, everything = drawing.width, np.vstack(list(marks.values()))
    crowded = len(everything) > _CROWDED
    taken: list[tuple[float, float, float, float]] = []
    for index, (genre, places) in enumerate(marks.items()):
        name = shorten(genre, 130, _BOLD)
        wide = text_width(name, _BOLD) + 22
        size, middle = np.array([wide, 20.0]), np.median(places, axis=0)
        # The places of a name are a grid, so a mark is covered where both its column and its row are.
        x_of, y_of = (np.clip(middle - size / 2 + _AROUND[:, None], 4, np.array([width, height]) - size - 4)).T
        columns = (everything[:, 0] > x_of[:, None] - 5) & (everything[:, 0] < x_of[:, None] + wide + 5)
        rows = (everything[:, 1] > y_of[:, None] - 5) & (everything[:, 1] < y_of[:, None] + 20 + 5)
        covered = np.rint(columns.astype(np.float32) @ rows.T.astype(np.float32)).ravel()
        corners = np.stack(np.meshgrid(x_of, y_of, indexing="ij"), axis=-1).reshape(-1, 2)
        far = np.hypot(*(corners + size / 2 - middle).T)
        cost = far + covered * (0.3 if crowded else 1e6)
        for place in np.argsort(cost, kind="stable"):
            x, y = corners[place]
            if all(x > b[2] or x + wide < b[0] or y > b[3] or y + 20 < b[1] for b in taken):
                break
        else:
            continue
        if covered[place] and not crowded:
            continue  # the legend names it
        taken.append((x, y, x + wide, y + 20))
        drawing.add("path", d=glyph(shape_of(index), x + 8, y + 10, 5), class_=f"points {colour_of(index)}")
        drawing.text(float(x) + 18, float(y) + 15, name, class_="halo")
