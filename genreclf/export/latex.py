"""LaTeX: text and tables of a report for an article, with booktabs and siunitx.

A column of numbers becomes an ``S`` column, its intervals a column of their own. What stands out on the page is bold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.pages.blocks import Cell, Table

PACKAGES = r"\usepackage[T1]{fontenc}" + "\n" + r"\usepackage{booktabs,siunitx}"
_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": "$<$", ">": "$>$", "|": r"\textbar{}",
    "\u2212": "$-$", "\u2265": r"$\geq$", "\u2264": r"$\leq$", "\u00b1": r"$\pm$", "\u00d7": r"$\times$",
    "\u2192": r"$\rightarrow$", "\u00b7": r"$\cdot$",
}  # fmt: skip
_NUMBER = re.compile(r"(<\s*)?[+\u2212-]?\d[\d,]*(\.\d+)?")
_DIGITS = re.compile(r"(\d+)(?:\.(\d+))?")


def escaped(text: str) -> str:
    """Text that LaTeX sets as it is."""
    return "".join(_SPECIAL.get(character, character) for character in text).replace(r" \%", r"\,\%")


def tabular(table: Table) -> str:
    """A table as a ``tabular``, with its caption and the packages that it needs as a comment."""
    columns = [_column(table, index) for index in range(len(table.titles))]
    formats = [shape for column in columns for shape in column.formats]
    heads = [f"{{{escaped(title)}}}" for column in columns for title in column.titles]
    lines = [f"% {line}" for line in [*PACKAGES.splitlines(), *table.caption.splitlines()]]
    lines += [r"\begingroup", r"\sisetup{detect-weight=true,mode=text}"]
    lines += [rf"\begin{{tabular}}{{{' '.join(formats)}}}", r"\toprule", " & ".join(heads) + r" \\", r"\midrule"]
    for row in table.rows:
        cells = [part for cell, column in zip(row, columns, strict=True) for part in column.cells(cell)]
        lines.append(" & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", r"\endgroup"]) + "\n"


class _Text:
    """A column of words, or of numbers with units."""

    def __init__(self, title: str, shape: str) -> None:
        self.titles, self.formats = [title], [shape]

    def cells(self, cell: Cell) -> list[str]:
        shown = escaped(cell.text)
        return [rf"\textbf{{{shown}}}" if cell.strong and shown else shown]


class _Numbers:
    """A column of numbers, and one for their intervals where they have some."""

    def __init__(self, title: str, cells: Sequence[Cell]) -> None:
        numbers = [cell.text for cell in cells if _NUMBER.fullmatch(cell.text)]
        parts = [found for text in numbers if (found := _DIGITS.search(text.replace(",", "")))]
        whole, decimals = max(len(part[1]) for part in parts), max(len(part[2] or "") for part in parts)
        mark = "<" if any("<" in text for text in numbers) else ""
        sign = "+" if any(text[0] in "+-\u2212" for text in numbers) else ""
        self._noted = any(cell.note for cell in cells)
        self.titles = [title, "95 % interval"] if self._noted else [title]
        self.formats = [f"S[table-format={mark}{sign}{whole}.{decimals}]", *(["c"] if self._noted else [])]

    def cells(self, cell: Cell) -> list[str]:
        shown = f"{{{escaped(cell.text)}}}" if cell.text else ""
        if _NUMBER.fullmatch(cell.text):
            shown = cell.text.replace(",", "").replace("\u2212", "-")
        interval = escaped(cell.note.replace(" to ", "\u2013"))
        return [rf"\bfseries {shown}" if cell.strong and shown else shown, *([interval] if self._noted else [])]


def _column(table: Table, index: int) -> _Text | _Numbers:
    title, cells = table.titles[index], [row[index] for row in table.rows]
    if table.numeric[index] and any(_NUMBER.fullmatch(cell.text) for cell in cells):
        return _Numbers(title, cells)
    return _Text(title, "r" if table.numeric[index] else "l")
