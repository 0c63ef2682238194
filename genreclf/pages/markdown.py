"""The report as Markdown, made to be read in a pull request; names cannot change the page."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from genreclf.pages.wording import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from genreclf.pages.blocks import Cell, Figure, Section, Table
    from genreclf.reports.findings import Finding

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~<>&@:$-])")


def escaped(text: str) -> str:
    """Text that Markdown shows as it is: every mark that could mean something is written as a character number."""
    return _SPECIAL.sub(_number_of, clean(str(text)))


def _number_of(match: re.Match[str]) -> str:
    # Numbers work the same in Markdown, in its tables and in HTML blocks; a backslash does not.
    return f"&#{ord(match.group())};" if match.group() not in "-():+" else match.group()


def markdown_report(
    title: str, facts: Sequence[str], findings: Sequence[Finding], notes: Sequence[str], sections: Sequence[Section]
) -> str:
    """The whole report."""
    lines = [f"# {escaped(title)}", "", escaped(" · ".join(facts)), ""]
    lines += [f"- **{escaped(finding.topic)}:** {escaped(finding.text)}" for finding in findings]
    if notes:
        lines += ["", "## What you should know", ""] + [f"- {escaped(note)}" for note in notes]
    for section in sections:
        lines += ["", *_section(section, 2)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _section(section: Section, level: int) -> Iterator[str]:
    if section.folded:
        yield from ("<details>", f"<summary>{escaped(section.title)}</summary>", "")
    else:
        yield from (f"{'#' * level} {escaped(section.title)}", "")
    if section.lead:
        yield from (escaped(section.lead), "")
    for figure in section.figures:
        yield from (*_figure(figure), "")
    for table in section.tables:
        yield from (*_table(table), "")
    for name, value in section.facts:
        shown = f"`{clean(value)}`" if name == "command" and "`" not in value else escaped(value)
        yield f"- **{escaped(name)}:** {shown}"
    if section.facts:
        yield ""
    for part in section.parts:
        yield from _section(part, level + 1)
    if section.folded:
        yield from ("</details>", "")


def _figure(figure: Figure) -> Iterator[str]:
    yield f"![{escaped(figure.wide.title)}](pictures/{figure.name}.svg)"
    yield ""
    yield f"<sub>{escaped(figure.caption)}</sub>"


def _table(table: Table) -> Iterator[str]:
    yield "| " + " | ".join(escaped(column.title) for column in table.columns) + " |"
    yield "|" + "|".join("---:" if column.numeric else "---" for column in table.columns) + "|"
    for row in table.rows:
        yield "| " + " | ".join(_cell(cell) for cell in row) + " |"


def _cell(cell: Cell) -> str:
    text = f"**{escaped(cell.text)}**" if cell.strong and cell.text else escaped(cell.text)
    return f"{text}<br><sub>{escaped(cell.note)}</sub>" if cell.note else text
