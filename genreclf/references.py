"""References: the literature behind data sets, features, models and statistics, as BibTeX.

``references.bib`` is the one place where they stand. A fact that rests on one names it by its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

from genreclf.errors import unknown

_ENTRY = re.compile(r"^@\w+\{([^,]+),\n.*?^\}$", re.DOTALL | re.MULTILINE)
_ACCENT = re.compile(r"\{\\(['\"])(\w)\}")
_COMBINING = {"'": "\u0301", '"': "\u0308"}


def bibtex(keys: Iterable[str]) -> str:
    """The BibTeX entries of some keys, each once, in the order given.

    Raises
    ------
    RequestError : there is no such reference.
    """
    return "\n\n".join(_entry(key) for key in dict.fromkeys(keys)) + "\n"


def cited(key: str) -> str:
    """A reference as prose names it: ``Hansen, Lunde and Nason (2011)``; of more than four authors, the first.

    Raises
    ------
    RequestError : there is no such reference.
    """
    entry = _entry(key)
    found = re.search(r"author = \{(.*?)\},\n.*year = \{(\d+)\}", entry, re.DOTALL)
    if found is None:
        raise ValueError(f"the reference {key} has no author or no year")
    names, year = [_plain(name).split(",")[0] for name in found[1].split(" and ")], found[2]
    if len(names) > 4:
        return f"{names[0]} and others ({year})"
    return f"{' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))} ({year})"


@cache
def references() -> dict[str, str]:
    """Every BibTeX entry by its key."""
    text = (files("genreclf") / "references.bib").read_text(encoding="utf-8")
    return {found[1]: found[0] for found in _ENTRY.finditer(text)}


def _entry(key: str) -> str:
    known = references()
    if key not in known:
        raise unknown("reference", key, known)
    return known[key]


def _plain(text: str) -> str:
    """A name without the marks of BibTeX."""
    from unicodedata import normalize

    accented = _ACCENT.sub(lambda found: found[2] + _COMBINING[found[1]], text)
    return normalize("NFC", re.sub(r"[{}]", "", accented)).strip()
