"""How long work reports its progress: a title and a total, one step at a time, and messages for the user.

The library never prints. It calls one of these; the command line and notebooks show it, and a caller from Python may
pass its own, or `SILENT`.
"""

from __future__ import annotations

import sys
import time
from html import escape
from typing import Any, Protocol

_REFRESH = 0.2  # seconds between two pictures of a bar


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


class NotebookProgress:
    """Shows long work below a notebook's cell, as a bar with rate and time left that goes away at the end."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._title, self._total, self._done = "", 0, 0
        self._begun = self._shown = 0.0

    def begin(self, title: str, total: int | None) -> None:
        """Show a bar of `total` steps, or of an unknown number."""
        from IPython.display import display

        self.end()
        self._title, self._total, self._done = title, total or 0, 0
        self._begun = self._shown = time.monotonic()
        self._handle = display(self._bar(), raw=True, display_id=True)  # type: ignore[no-untyped-call]

    def advance(self, detail: str = "") -> None:  # noqa: ARG002 - a cell has no room for it
        """Move the bar by one step."""
        self._done += 1
        now = time.monotonic()
        if self._handle is not None and now - self._shown > _REFRESH:
            self._shown = now
            self._handle.update(self._bar(), raw=True)

    def message(self, line: str) -> None:
        """Show a line below the cell."""
        from IPython.display import display

        display({"text/plain": line}, raw=True)  # type: ignore[no-untyped-call]

    def end(self) -> None:
        """Remove the bar."""
        if self._handle is not None:
            self._handle.update({"text/plain": "", "text/html": ""}, raw=True)
            self._handle = None

    def _bar(self) -> dict[str, str]:
        seconds = time.monotonic() - self._begun
        parts = [self._title, f"{self._done:,}/{self._total:,}" if self._total else f"{self._done:,}"]
        if self._done and seconds > 0:
            rate = self._done / seconds
            parts.append(f"{rate:.1f}/s")
            parts += [f"{(self._total - self._done) / rate:.0f} s left"] if self._total > self._done else []
        text = " \u00b7 ".join(parts)
        filled = f' max="{self._total}" value="{self._done}"' if self._total else ""
        return {"text/plain": text, "text/html": f"<progress{filled}></progress> {escape(text)}"}


class Automatic:
    """Shows progress in a notebook, and nothing elsewhere."""

    def __init__(self) -> None:
        self._stage: Progress = SILENT

    def begin(self, title: str, total: int | None) -> None:
        """Choose where to show the stage, and begin it there."""
        self._stage = NotebookProgress() if _in_notebook() else SILENT
        self._stage.begin(title, total)

    def advance(self, detail: str = "") -> None:
        """Pass it on."""
        self._stage.advance(detail)

    def message(self, line: str) -> None:
        """Show a line in a notebook."""
        (NotebookProgress() if _in_notebook() else SILENT).message(line)

    def end(self) -> None:
        """Pass it on."""
        self._stage.end()


def _in_notebook() -> bool:
    """Whether this process is a notebook's kernel."""
    shell = sys.modules["IPython"].get_ipython() if "ipykernel" in sys.modules and "IPython" in sys.modules else None
    return hasattr(shell, "kernel")


AUTOMATIC = Automatic()
