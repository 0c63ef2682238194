"""A listener to long work that keeps what it is told."""

from __future__ import annotations

from genreclf.progress import Silent


class Listener(Silent):
    """Keeps the messages, in a list of the caller's where one is given."""

    def __init__(self, lines: list[str] | None = None) -> None:
        self.lines = [] if lines is None else lines

    def message(self, line: str) -> None:
        self.lines.append(line)
