"""How long work reports its progress: a title and a total, one step at a time, and messages for the user.

The library never prints. It calls one of these; the command line shows it, and a caller from Python may pass
its own or none.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """What receives the progress of long work."""

    def begin(self, title: str, total: int | None) -> None:
        """A stage of `total` steps starts; None where their number is not known."""

    def advance(self, detail: str = "") -> None:
        """One step is done; `detail` names the current item."""

    def message(self, line: str) -> None:
        """Something that the user must see."""

    def end(self) -> None:
        """The stage is over."""


class Silent:
    """Receives progress and shows nothing."""

    def begin(self, title: str, total: int | None) -> None:
        """Show nothing."""

    def advance(self, detail: str = "") -> None:
        """Show nothing."""

    def message(self, line: str) -> None:
        """Show nothing."""

    def end(self) -> None:
        """Show nothing."""


SILENT = Silent()
