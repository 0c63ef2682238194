"""A page as Markdown, made to be read in a pull request; names cannot change its structure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genreclf.pages.wording import clean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from genreclf.pages.blocks import Cell, Page, Section, Table

_SPECIAL = re.compile(r"[\\`*_{}\[\]#!|~<>&@$]")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: every mark that could mean something becomes a character reference."""
    # References work the same in Markdown, in its tables and in HTML blocks; a backslash does not.
    return _SPECIAL.sub(lambda match: f"&#{ord(match.group())};", clean(str(text)))


def markdown(page: Page) -> str:
    """The whole page."""
    lines = [f"# {escaped(page.title)}", "", escaped(" · ".join(page.facts)), ""]
    lines += [f"- **{escaped(finding.topic)}:** {escaped(finding.text)}" for finding in page.findings]
    if page.notes:
        lines += ["", "## Notes", ""] + [f"- {escaped(note)}" for note in page.notes]
    for section in page.sections:
        lines += ["", *section_lines(section, 2)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def section_lines(section: Section, level: int) -> Iterator[str]:
    """A section as lines of Markdown, its heading at a level."""
    if section.folded:
        yield from ("<details>", f"<summary>{escaped(section.title)}</summary>", "")
    else:
        yield from (f"{'#' * level} {escaped(section.title)}", "")
    yield from (escaped(section.lead), "")
    for figure in section.figures:
        yield f"![{escaped(figure.wide.title)}](pictures/{figure.name}.svg)"
        yield from ("", f"<sub>{escaped(figure.caption)}</sub>", "")
    for table in section.tables:
        yield from (*_table(table), "")
    for name, value in section.facts:
        shown = f"`{clean(value)}`" if name == "command" and "`" not in value else escaped(value)
        yield f"- **{escaped(name)}:** {shown}"
    yield ""
    for part in section.parts:
        yield from section_lines(part, level + 1)
    if section.folded:
        yield from ("</details>", "")


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(map(escaped, table.titles)) + " |"
    yield "|" + "|".join("---:" if numeric else "---" for numeric in table.numeric) + "|"
    for row in table.rows:
        yield "| " + " | ".join(map(_cell, row)) + " |"


def _cell(cell: Cell) -> str:
    text = f"**{escaped(cell.text)}**" if cell.strong and cell.text else escaped(cell.text)
    return f"{text}<br><sub>{escaped(cell.note)}</sub>" if cell.note else text
