"""Drawing in SVG: marks at places, every text escaped, colours from the style sheet of charts.

A drawing is shown in three ways: inline in a page, whose style sheet it shares; as a file of its own; and in print
(`genreclf.pages.printing`). Marks carry the colours of light mode as attributes, which every program knows; a style
sheet overrules them in dark mode. Lengths are in CSS pixels, y grows downward.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

from genreclf.pages import theme
from genreclf.pages.wording import clean

_NARROW = frozenset("iljtfrI.,:;'|!()[]{} ")
_WIDE = frozenset("mwMWQO@%&")
_HALO = ("class", "paint-order")


def text_width(text: str, size: float = 13) -> float:
    """About how many pixels a line of text takes; on the safe side, since the reader's font is not known."""
    units = 0.0
    for character in text:
        if ord(character) > 0x2E7F:
            units += 1.25
        elif character in _NARROW:
            units += 0.36
        elif character in _WIDE:
            units += 0.95
        else:
            units += 0.68 if character.isupper() else 0.6
    return units * size


def shorten(text: str, room: float, size: float = 13) -> str:
    """The text, or its beginning and an ellipsis, so that it fits into `room` pixels."""
    if text_width(text, size) <= room:
        return text
    while text and text_width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def wrapped(text: str, room: float, size: float = 13) -> list[str]:
    """The text in lines of at most `room` pixels, as far as its words allow."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer, size) > room:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def element(tag: str, *content: str, **attributes: object) -> str:
    """One element; attributes are escaped, `content` is markup already (see `words`). None leaves one out."""
    pairs = ""
    for keyword, value in attributes.items():
        if value is not None:
            written = number(value) if isinstance(value, float) else escape(clean(str(value)))
            pairs += f' {keyword.rstrip("_").replace("_", "-")}="{written}"'
    return f"<{tag}{pairs}>{''.join(content)}</{tag}>" if content else f"<{tag}{pairs}/>"


def words(text: object) -> str:
    """Text as content of an element."""
    return escape(clean(str(text)), quote=False)


def number(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0")


@dataclass(frozen=True)
class Scale:
    """Maps values onto pixels in a straight line, or along the logarithm."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """The pixel of a value; values outside are clipped."""
        low, high, at = (math.log10(v) if self.logarithmic else v for v in (self.low, self.high, value))
        share = (at - low) / (high - low) if high > low else 0.5
        return self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)

    def ticks(self, about: int = 6) -> list[float]:
        """Round values along the scale."""
        if self.logarithmic:
            first, last = math.ceil(math.log10(self.low) - 1e-9), math.floor(math.log10(self.high) + 1e-9)
            return [10.0**power for power in range(first, last + 1)]
        rough = (self.high - self.low) / max(about, 1)
        power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
        step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * (1 - 1e-9))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [index * step for index in range(first, last + 1)]


@dataclass(frozen=True)
class Mark:
    """One mark of a drawing.

    Parameters
    ----------
    tag : of SVG: rect, line, path, circle, text or image.
    attributes : with underscores for hyphens; None leaves one out.
    text : of a text.
    tip : shown when the pointer rests on it.
    """

    tag: str
    attributes: Mapping[str, object]
    text: str = ""
    tip: str = ""

    @property
    def classes(self) -> str:
        """Its style classes."""
        return str(self.attributes.get("class_") or "")

    def looks(self, style: str) -> dict[str, object]:
        """Its attributes in a theme, hyphens in their names; what the mark itself says goes first."""
        own = {name.rstrip("_").replace("_", "-"): value for name, value in self.attributes.items()}
        return {**theme.attributes(self.classes, style), **own} if self.classes else own

    def markup(self) -> str:
        """The mark as SVG, in the colours of light mode."""
        tip = element("title", words(self.tip)) if self.tip else ""
        return element(self.tag, *filter(None, (tip, words(self.text))), **self.looks("light"))

    def widely_known(self) -> str:
        """The mark for programs that paint a halo over its text: the halo first, then the text alone."""
        looks = self.looks("light")
        if "paint-order" not in looks:
            return self.markup()
        plain = {name: value for name, value in looks.items() if "stroke" not in name and name not in _HALO}
        return self.markup() + element(self.tag, words(self.text), aria_hidden="true", **plain)


@dataclass
class Drawing:
    """A picture that grows mark by mark.

    Parameters
    ----------
    width, height : pixels.
    title : what the picture is, for screen readers.
    description : what it shows, in a sentence or two.
    """

    width: float
    height: float
    title: str
    description: str = ""
    marks: list[Mark] = field(default_factory=list)

    def add(self, tag: str, *, tip: str = "", **attributes: object) -> None:
        """Add a mark; `tip` is shown when the pointer rests on it."""
        self.marks.append(Mark(tag, attributes, tip=tip))

    def text(self, x: float, y: float, text: object, *, tip: str = "", **attributes: object) -> None:
        """Add a line of text whose baseline is at `y`."""
        self.marks.append(Mark("text", {"x": float(x), "y": float(y), **attributes}, str(text), tip))

    def line(self, x1: float, y1: float, x2: float, y2: float, **attributes: object) -> None:
        """Add a straight line."""
        self.marks.append(
            Mark("line", {"x1": float(x1), "y1": float(y1), "x2": float(x2), "y2": float(y2), **attributes})
        )

    def inline(self, identity: str) -> str:
        """The picture as part of a page; `identity` is unique there."""
        return self._markup(identity, (mark.markup() for mark in self.marks))

    def standalone(self) -> str:
        """The picture as a file of its own, with a background, that turns dark where it is shown in dark mode."""
        room = 12.0
        box = {"x": -room, "y": -room, "width": self.width + 2 * room, "height": self.height + 2 * room, "rx": 8}
        ground = Mark("rect", {"class_": "ground", **box}).markup()
        marks = [element("style", theme.dark_style()), ground, *(mark.widely_known() for mark in self.marks)]
        return self._markup("picture", marks, room=room) + "\n"

    def _markup(self, identity: str, marks: Iterable[str], *, room: float = 0) -> str:
        title = element("title", words(self.title), id=f"{identity}-title")
        described = element("desc", words(self.description), id=f"{identity}-desc") if self.description else ""
        names = f"{identity}-title" + (f" {identity}-desc" if described else "")
        width, height = self.width + 2 * room, self.height + 2 * room
        return element(
            "svg",
            title,
            described,
            *marks,
            xmlns="http://www.w3.org/2000/svg",
            class_="chart",
            role="img",
            aria_labelledby=names,
            viewBox=f"{number(-room)} {number(-room)} {number(width)} {number(height)}",
            width=number(width),
            height=number(height),
            **theme.attributes(),
        )


def glyph(shape: int, x: float, y: float, size: float) -> str:
    """The path of a mark around a place: circle, square, triangle, diamond or downward triangle, by number."""
    r = size
    at = f"{number(x)} {number(y)}"
    half = f"a{number(r)} {number(r)} 0 1 0 "
    long = number(1.3 * r)
    shapes = (
        f"M{at}m{number(-r)} 0{half}{number(2 * r)} 0{half}{number(-2 * r)} 0z",
        f"M{at}m{number(-r * 0.9)} {number(-r * 0.9)}h{number(r * 1.8)}v{number(r * 1.8)}h{number(-r * 1.8)}z",
        f"M{at}m0 {number(-r * 1.2)}l{number(r * 1.15)} {number(r * 2)}h{number(-r * 2.3)}z",
        f"M{at}m0 -{long}l{long} {long}l-{long} {long}l-{long} -{long}z",
        f"M{at}m0 {number(r * 1.2)}l{number(r * 1.15)} {number(-r * 2)}h{number(-r * 2.3)}z",
    )
    return shapes[shape % len(shapes)]
