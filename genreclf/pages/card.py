"""A page as a card for notebooks: a fragment of HTML that needs no script, follows light and dark, and stays small."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from genreclf.pages.blocks import Cell, Page, Section, Table
from genreclf.pages.page import environment, resource

LARGEST = 200_000  # bytes of a card
_ROWS, _LINES = 30, 12  # of a table; of notes
_SYSTEM_DARK = "@media screen and (prefers-color-scheme: dark)"
# How notebooks and documentation sites say which theme they are in: JupyterLab, VS Code, Furo and pydata, Colab.
_THEMES = {
    "light": ('[data-jp-theme-light="true"]', "body.vscode-light", '[data-theme="light"]', 'html[theme="light"]'),
    "dark": ('[data-jp-theme-light="false"]', "body.vscode-dark", '[data-theme="dark"]', 'html[theme="dark"]'),
}


def card(page: Page) -> str:
    """The page as HTML for a notebook's cell, at most `LARGEST` bytes; what is left out says so."""
    from markupsafe import Markup

    shown = replace(
        page, notes=_first(page.notes, "note"), sections=tuple(_short(section) for section in page.sections)
    )
    template = environment().get_template("card.jinja")
    for kept in range(len(shown.sections), -1, -1):
        part = replace(shown, sections=shown.sections[:kept])
        identity = hashlib.sha256(repr(part).encode("utf-8", "replace")).hexdigest()[:8]
        html = template.render(page=part, identity=identity, style=Markup(_style())).strip()  # noqa: S704 - our own
        if len(html.encode()) <= LARGEST:
            break
    return html


def _short(section: Section) -> Section:
    tables, parts = map(_cut, section.tables), map(_short, section.parts)
    return replace(section, facts=section.facts[:_ROWS], tables=tuple(tables), parts=tuple(parts))


def _cut(table: Table) -> Table:
    """The first rows; the last one then says how many more there are."""
    rows = [[_brief(cell) for cell in row] for row in table.rows[:_ROWS]]
    if len(table.rows) > _ROWS:
        more = Cell(f"\u2026 {len(table.rows) - _ROWS:,} more", table.rows[0][0].sort_key)
        rows.append([more, *(Cell("", cell.sort_key) for cell in table.rows[0][1:])])
    return replace(table, rows=rows)


def _brief(cell: Cell, *, most: int = 200) -> Cell:
    return cell if len(cell.text) <= most else replace(cell, text=cell.text[:most] + "\u2026", key=cell.sort_key)


def _first(lines: Sequence[str], noun: str) -> tuple[str, ...]:
    cut = tuple(line if len(line) <= 400 else line[:400] + "\u2026" for line in lines[:_LINES])
    more = len(lines) - _LINES
    return (*cut, f"\u2026 {more:,} more {noun}s") if more > 0 else cut


@cache
def _style() -> str:
    """The style sheet of charts and cards, which touches nothing outside cards."""
    chart = resource("chart.css")
    light = re.search(r":root \{(.*?)\}", chart, re.DOTALL)
    dark = re.search(re.escape(_SYSTEM_DARK) + r" \{\s*:root \{(.*?)\}\s*\}", chart, re.DOTALL)
    if light is None or dark is None:
        raise ValueError("chart.css has no colours for light or for dark")
    marks = chart.replace(dark[0], "").replace(light[0], "")
    return "".join(_scoped(light[1].replace("light dark", "light"), dark[1])) + marks + resource("card.css")


def _scoped(light: str, dark: str) -> Iterator[str]:
    """The colours of cards: those of the notebook's theme, else those of the system."""
    box = ".genreclf-card"
    dark = "color-scheme: dark;" + dark
    yield f"{box} {{{light}}}\n{_SYSTEM_DARK} {{ {box} {{{dark}}} }}\n"
    for colours, places in ((light, _THEMES["light"]), (dark, _THEMES["dark"])):
        yield f"@media screen {{ {', '.join(f'{place} {box}' for place in places)} {{{colours}}} }}\n"
