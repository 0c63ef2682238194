"""The two ways in which something can be wrong: with what was asked, or with one track.

Both carry a single line meant for the user: what was wrong, with the value, and what would be right.
"""

from __future__ import annotations


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

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"
