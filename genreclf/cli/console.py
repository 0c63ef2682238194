"""The terminal: results on standard output, progress and warnings on standard error."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console
    from rich.table import Table

_WIDTH_OF_NO_TERMINAL = 120
_ROOM_FOR_DETAIL = 110  # columns, for what is under way beside bar, rate and times


def printable(text: str) -> str:
    """The text in one line that any stream can show: control and unpaired characters are escaped."""
    line = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
    for stream in (sys.stdout, sys.stderr):
        encoding = stream.encoding or "utf-8"
        line = line.encode(encoding, "backslashreplace").decode(encoding)
    return line


def complain(line: str) -> None:
    """Show one line of error on standard error."""
    print(f"genreclf: {printable(line)}", file=sys.stderr)


def show(text: str) -> None:
    """Write a result on standard output, line by line; whatever stands in it, the terminal only shows it."""
    print("\n".join(map(printable, text.split("\n"))))


def interrupted(line: str) -> typer.Exit:
    """Say how to go on after Ctrl-C; the exit code is that of an interrupted program."""
    complain(f"stopped; {line}")
    return typer.Exit(130)


def emit_json(value: object) -> None:
    """Write one JSON document on one line of standard output, for programs; what is not printable is escaped."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    if not text.isprintable() or printable(text) != text:
        text = json.dumps(value, allow_nan=False)
    # DEL is ASCII, and the one control character that JSON leaves as it is.
    sys.stdout.write(text.replace("\x7f", "\\u007f") + "\n")
    sys.stdout.flush()


def result_console() -> Console:
    """A console on standard output; without a terminal it is as wide as a log's reader would like it."""
    from rich.console import Console

    # Without a terminal rich takes 80 columns, which would break the lines of a table in a log.
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_NO_TERMINAL, highlight=False)


def print_widest(console: Console, tables: Iterable[Table]) -> None:
    """Print the first of the tables that fits; the last as wide as it is, for no number may be cut."""
    from rich.measure import Measurement

    width = 0
    for table in tables:
        width = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
        if width <= console.width:
            break
    usual, console.width = console.width, max(console.width, width)
    console.print(table)
    console.width = usual


class TerminalProgress:
    """Shows long work as a bar with rate and time left; where there is no terminal, only what must be said."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, title: str, total: int) -> None:
        """Start a bar of `total` steps."""
        self.end()
        if not self.console.is_terminal:
            return
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        roomy = self.console.width >= _ROOM_FOR_DETAIL
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=28 if roomy else 8),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            *([TextColumn("[dim]{task.fields[detail]}")] if roomy else []),
            console=self.console,
            transient=True,
        )
        self._task = self._bar.add_task(title, total=total, rate="", detail="")
        self._bar.start()

    def advance(self, detail: str = "") -> None:
        """Move the bar by one step."""
        if self._bar is None:
            return
        task = self._bar.tasks[self._task]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._bar.update(self._task, advance=1, rate=rate, detail=printable(detail)[-40:])

    def message(self, line: str) -> None:
        """Show a line above the bar."""
        self.console.print(printable(line), markup=False, soft_wrap=True)

    def end(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
