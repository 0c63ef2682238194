"""What a page is made of, before it becomes HTML or Markdown: sections with figures and tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from genreclf.pages.svg import Drawing

WIDE, NARROW = 936.0, 340.0
Row = TypeVar("Row")


class Finding(NamedTuple):
    """One thing that the numbers say: two or three words that name it, and the sentence."""

    topic: str
    text: str


@dataclass(frozen=True)
class Figure:
    """A picture.

    Parameters
    ----------
    name : file name without its ending, and the identity on the page.
    caption : how to read it, in a sentence or two.
    draw : draws it at a width in pixels; it may come out narrower.
    hover : for the map of tracks, what to show for each point.
    alone : draws it for a file of its own, where that is not what `draw` does.
    legend : for the map, each genre with a picture of its mark.
    """

    name: str
    caption: str
    draw: Callable[[float], Drawing]
    hover: dict[str, object] = field(default_factory=dict)
    alone: Callable[[float], Drawing] | None = None
    legend: Sequence[tuple[str, str]] = ()

    @cached_property
    def wide(self) -> Drawing:
        """The drawing for a desktop."""
        return self.draw(WIDE)

    @cached_property
    def narrow(self) -> Drawing | None:
        """The drawing for a phone; None where the one for a desktop fits there."""
        return None if self.wide.width <= NARROW else self.draw(NARROW)

    def draw_alone(self, width: float = WIDE) -> Drawing:
        """The drawing for a file of its own."""
        return (self.alone or self.draw)(width)


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Parameters
    ----------
    text : what it shows.
    key : what it is sorted by; the text where None.
    strong : whether it stands out.
    note : a small line below.
    """

    text: str
    key: float | str | None = None
    strong: bool = False
    note: str = ""

    @property
    def sort_key(self) -> float | str:
        """The key, or the text."""
        return self.text if self.key is None else self.key


@dataclass(frozen=True)
class Table:
    """A table that can be sorted by each of its columns; columns of numbers are aligned to the right."""

    caption: str
    titles: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def numeric(self) -> list[bool]:
        """For each column, whether it holds numbers."""
        return [not any(isinstance(row[i].sort_key, str) for row in self.rows) for i in range(len(self.titles))]


def table(caption: str, rows: Iterable[Row], columns: Mapping[str, Callable[[Row], Cell]]) -> Table:
    """A table from rows and, for each column, its title and what makes the cell of a row."""
    return Table(caption, list(columns), [[cell(row) for cell in columns.values()] for row in rows])


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Parameters
    ----------
    identity : its anchor on the page.
    title, lead : heading, and what to know before looking.
    short : its name in the page's navigation; by default, the title.
    figures, tables, parts : what it holds; `parts` are sections below it.
    facts : names and values, one per line.
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

    def pictures(self) -> Iterator[tuple[str, Drawing]]:
        """The file name and the drawing of each figure of the section and of its parts, for Markdown."""
        yield from ((f"{figure.name}.svg", figure.draw_alone()) for figure in self.figures)
        for part in self.parts:
            yield from part.pictures()


@dataclass(frozen=True)
class Page:
    """A page before it is HTML or Markdown: heading, a line of facts, findings, notes and sections."""

    kicker: str
    title: str
    facts: Sequence[str]
    sections: Sequence[Section]
    findings: Sequence[Finding] = ()
    notes: Sequence[str] = ()
    version: str = ""
