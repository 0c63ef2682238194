"""How long work tells of itself: a title and a total, a step at a time, and lines the user must see.

The library never prints. It calls one of these; the command line shows it, and a caller from Python may pass
its own or none.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What a listener to long work has to offer."""

    def begin(self, title: str, total: int) -> None:
        """A stage of `total` steps starts."""

    def advance(self, detail: str = "") -> None:
        """One step is done; `detail` says what is under way."""

    def message(self, line: str) -> None:
        """Something happened that the user must see."""

    def end(self) -> None:
        """The stage is over."""


class Silent:
    """Listens and shows nothing."""

    def begin(self, title: str, total: int) -> None:
        """Show nothing."""

    def advance(self, detail: str = "") -> None:
        """Show nothing."""

    def message(self, line: str) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


SILENT = Silent()
