"""Themes: the style sheet of charts resolved into literal colours, for programs that know no CSS variables.

``chart.css`` is the one place where the looks of a mark stand. A page uses it as it is; a file of its own, and print,
need what it says for a mark's classes as attributes. Its rules are of one kind: ``.chart .a.b { property: value; }``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_DARK = re.compile(r"@media[^{]*dark\)\s*\{\s*(:root\s*\{[^}]*\})\s*\}")
_VARIABLE = re.compile(r"var\((--[\w-]+)\)")
_PICTURED = re.compile(
    r"fill|fill-opacity|stroke|stroke-.+|paint-order|font-size|font-weight|font-family|image-rendering"
)
_LENGTH = re.compile(r"([\d.]+)px")

# For paper: dark on white, and apart in lightness where colours are lost; marks differ in shape as well.
_PRINT = {
    "--ground": "#ffffff", "--panel": "#f4f4f4", "--ink": "#000000", "--soft": "#404040", "--line": "#d6d6d6",
    "--edge": "#8c8c8c", "--accent": "#08519c", "--second": "#e08214", "--good": "#08519c", "--bad": "#e08214",
    "--floor": "#737373", "--c0": "#08519c", "--c1": "#e08214", "--c2": "#1b9e77", "--c3": "#7a0177", "--c4": "#b8a000",
    "--c5": "#74a9cf", "--c6": "#543005", "--c7": "#969696", "--c8": "#e78ac3", "--c9": "#111111",
}  # fmt: skip


class _Rule(NamedTuple):
    classes: frozenset[str]
    declarations: Mapping[str, str]


def style_sheet() -> str:
    """The style sheet of charts, for pages."""
    return (files("genreclf.pages") / "templates" / "chart.css").read_text(encoding="utf-8")


@cache
def colours(theme: str = "light") -> Mapping[str, str]:
    """The values of the style sheet's variables.

    Parameters
    ----------
    theme : ``light``, ``dark`` or ``print``.
    """
    sheet = style_sheet()
    light = _declarations(_RULE.findall(_DARK.sub("", sheet))[0][1])
    if theme == "light":
        return light
    found = _DARK.search(sheet)
    return {**light, **(_PRINT if theme == "print" or found is None else _declarations(found[1].split("{")[1]))}


@cache
def attributes(classes: str = "", theme: str = "light") -> Mapping[str, str]:
    """What the style sheet says for a mark of some classes, as SVG attributes; none for the drawing as a whole."""
    names, known = frozenset(classes.split()), colours(theme)
    fitting = [rule for rule in _rules() if (rule.classes <= names if rule.classes else not names)]
    ordered = sorted(fitting, key=lambda rule: len(rule.classes))
    return {name: _literal(value, known) for rule in ordered for name, value in rule.declarations.items()}


def dark_style() -> str:
    """The rules that turn a drawing of literal colours dark, where it is shown in dark mode."""
    lines = []
    for rule in _rules():
        changed = {name: value for name, value in rule.declarations.items() if "var(" in value}
        if changed:
            selector = ".chart" + "".join(f" .{'.'.join(sorted(rule.classes))}" if rule.classes else "")
            body = ";".join(f"{name}:{_literal(value, colours('dark'))}" for name, value in changed.items())
            lines.append(f"{selector}{{{body}}}")
    return f"@media screen and (prefers-color-scheme:dark){{{''.join(lines)}}}"


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(_read(_DARK.sub("", style_sheet())))


def _read(sheet: str) -> Iterator[_Rule]:
    for selectors, body in _RULE.findall(sheet):
        declared = {name: value for name, value in _declarations(body).items() if _PICTURED.fullmatch(name)}
        for selector in selectors.split(","):
            first, *below = selector.split()
            if first == ".chart" and len(below) < 2:
                yield _Rule(frozenset("".join(below).split(".")) - {""}, declared)


def _declarations(body: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in body.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs if value}


def _literal(value: str, known: Mapping[str, str]) -> str:
    return _LENGTH.sub(r"\1", _VARIABLE.sub(lambda found: known[found[1]], value))
