"""The two ways in which something can be wrong: with what was asked, or with one track.

Both carry a single line meant for the user: what was wrong, with the value, and what would be right.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class GenreclfError(Exception):
    """Base of every error that genreclf raises on purpose; its text is one line for the user."""


class RequestError(GenreclfError, ValueError):
    """The request makes no sense: a wrong name, table, option or bundle. The commands exit with 2."""


class TrackError(GenreclfError):
    """One track cannot be described; the others go on.

    Parameters
    ----------
    code : a short lower-case word to count and filter by, for example ``missing`` or ``too-short``.
    reason : one sentence that says what is wrong with the file.
    """

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason
        self.path = ""

    def __str__(self) -> str:
        return f"{self.path}: {self.reason} [{self.code}]" if self.path else f"{self.code}: {self.reason}"


def nearest(name: str, choices: Iterable[str]) -> str:
    """The end of a sentence that names what a mistyped `name` may have meant; empty where nothing is near."""
    from difflib import get_close_matches

    known = {choice.casefold(): choice for choice in choices}
    found = get_close_matches(name.casefold(), known, n=1)
    return f"; did you mean {known[found[0]]!r}?" if found else ""


def unknown(what: str, name: str, choices: Iterable[str]) -> RequestError:
    """The one line for a name that stands for nothing: what there is, and the nearest."""
    names = list(choices)
    return RequestError(f"unknown {what} {name!r}; choose from {', '.join(names)}{nearest(name, names)}")


@contextmanager
def with_path(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give a `TrackError` that is raised within the path of its track, so that its text tells which it is."""
    try:
        yield
    except TrackError as error:
        error.path = error.path or os.fspath(path)
        raise


def one_line(error: object, *, longest: int = 200) -> str:
    """The text of an error or a warning on one line of bounded length; the name of its type where it has none."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= longest else text[: longest - 3] + "..."
