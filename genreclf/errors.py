"""The two ways in which something can be wrong: with what was asked, or with one track.

Both carry a single line meant for the user: what was wrong, with the value, and what would be right.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
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


@contextmanager
def naming(path: str | os.PathLike[str]) -> Iterator[None]:
    """Give a `TrackError` that is raised within the path of its track, so that its text tells which it is."""
    try:
        yield
    except TrackError as error:
        error.path = error.path or os.fspath(path)
        raise
