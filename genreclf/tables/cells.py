"""Texts that fit into one cell of a table, on one line, and read back as they were written."""

from __future__ import annotations

import unicodedata
from pathlib import Path


def cell(text: str) -> str:
    """A text fit for one cell of a table: one line, no control characters, valid Unicode."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    clean = "".join(c for c in line if c == " " or unicodedata.category(c) not in ("Cc", "Cf") or c in "\u200d\u200c")
    return clean.encode("utf-8", "backslashreplace").decode("utf-8")


def path_name(path: Path | str) -> str:
    """A path as a label: forward slashes, one line; line ends, blanks at the ends and bytes that are no text escaped.

    A table would change them, and two files could become one.
    """
    text = path.as_posix() if isinstance(path, Path) else path
    inside = text.strip()
    if inside == text and text.isprintable():
        return text
    before, after = text[: text.find(inside)], text[text.find(inside) + len(inside) :]
    shown = "".join(_escaped(c) if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in inside)
    return "".join([*map(_escaped, before), shown, *map(_escaped, after)])


def _escaped(character: str) -> str:
    r"""The character as Python would write it: ``\x0a``, ``\udcff``."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
