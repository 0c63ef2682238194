"""Texts that fit into one cell of a table, on one line, and read back as they were written."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

_ESCAPED = re.compile(r"\\x([0-9a-f]{2})|\\u([0-9a-f]{4})")
_LIKE_AN_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2}|u[0-9a-f]{4})")


def cell(text: str) -> str:
    """A text fit for one cell of a table: one line, no control characters, valid Unicode."""
    line = " ".join(text.split())
    if line.isprintable():
        return line
    clean = "".join(c for c in line if c == " " or unicodedata.category(c) not in ("Cc", "Cf") or c in "\u200d\u200c")
    return clean.encode("utf-8", "backslashreplace").decode("utf-8")


def escape(text: str) -> str:
    r"""A text on one line, where no two become one: ``\x0a`` for a line end, ``\udcff`` for a byte that is no text.

    Control characters, blanks at the ends and a backslash that begins what looks like such an escape are escaped.
    """
    inside = text.strip()
    if inside == text and text.isprintable() and "\\" not in text:
        return text
    text = _LIKE_AN_ESCAPE.sub(r"\\x5c", text)
    inside = text.strip()
    before, after = text[: text.find(inside)], text[text.find(inside) + len(inside) :]
    shown = "".join(_escaped(c) if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in inside)
    return "".join([*map(_escaped, before), shown, *map(_escaped, after)])


def unescape(text: str) -> str:
    """The text that `escape` made this of."""
    return _ESCAPED.sub(lambda found: chr(int(found[1] or found[2], 16)), text)


def path_name(path: Path) -> str:
    """A path as a label: forward slashes, on one line; two paths have two names."""
    return escape(path.as_posix())


def for_spreadsheet(text: str) -> str:
    """The text with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _escaped(character: str) -> str:
    r"""The character as Python would write it: ``\x0a``, ``\udcff``."""
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
