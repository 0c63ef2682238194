"""What a report is made of, before it becomes HTML or Markdown: sections with figures and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from genreclf.pages.svg import Drawing

WIDE, NARROW = 936.0, 340.0


@dataclass(frozen=True)
class Figure:
    """A picture.

    Parameters
    ----------
    name : file name without its ending, and the identity on the page.
    caption : how to read it, in a sentence or two.
    wide, narrow : the drawing for a desk and for a telephone; without `narrow`, one for both.
    hover : for the map of tracks, what to say of each point.
    alone : the drawing for the picture file, where it is not `wide`.
    legend : for the map, each genre with a picture of its mark.
    """

    name: str
    caption: str
    wide: Drawing
    narrow: Drawing | None = None
    hover: dict[str, object] = field(default_factory=dict)
    alone: Drawing | None = None
    legend: Sequence[tuple[str, str]] = ()


def figure(name: str, caption: str, draw: Callable[[float], Drawing], *, narrow: bool = True) -> Figure:
    """A figure from a function that draws at a given width."""
    return Figure(name=name, caption=caption, wide=draw(WIDE), narrow=draw(NARROW) if narrow else None)


@dataclass(frozen=True)
class Cell:
    """One cell of a table: what it shows, what it is sorted by, whether it stands out, and a small line below."""

    text: str
    key: float | str = ""
    strong: bool = False
    note: str = ""


@dataclass(frozen=True)
class Column:
    """One column of a table; numbers stand at the right."""

    title: str
    numeric: bool = True


@dataclass(frozen=True)
class Table:
    """A table that can be sorted by each of its columns."""

    caption: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Parameters
    ----------
    identity : its anchor on the page.
    title, lead : heading, and what to know before looking.
    short : what the page's list of sections calls it; by default, the title.
    figures, tables, parts : what it holds; `parts` are sections below it.
    facts : names and values, a line each.
    folded : shown closed, to be opened.
    beside : figures may stand side by side.
    """

    identity: str
    title: str
    lead: str = ""
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    parts: Sequence[Section] = ()
    facts: Sequence[tuple[str, str]] = ()
    short: str = ""
    folded: bool = False
    beside: bool = False

    def all_figures(self) -> Iterator[Figure]:
        """The figures of the section and of its parts."""
        yield from self.figures
        for part in self.parts:
            yield from part.all_figures()
