"""The terminal: results on standard output, progress and warnings on standard error."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import typer
from typer.core import TyperCommand

from genreclf.cli.options import as_options

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from rich.console import Console
    from rich.table import Table

_WIDTH_OF_NO_TERMINAL = 120
_ROOM_BESIDE_BAR = 70  # columns, for title, counts, rate and times
_ROOM_FOR_DETAIL = 140  # columns, for the current item beside bar, rate and times
_JOINERS = "\u200c\u200d"  # within words of some scripts, and within emoji
_PLAIN = str.maketrans({"\u2013": "-", "\u2212": "-", "\u2264": "<=", "\u2265": ">=", "\u2588": "#"})
_Row = TypeVar("_Row")


class Command(TyperCommand):
    """A command that refuses URLs in the place of files; its help names the choices of registries for ``{models}``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - Typer has its own copy of Click
        """Parse, and refuse a URL where a path is wanted: as a path it would lose a slash."""
        left: list[str] = super().parse_args(ctx, args)
        for value in ctx.params.values():
            for path in value if isinstance(value, list | tuple) else [value]:
                if isinstance(path, Path) and ":" in path.as_posix():
                    from genreclf.remote import check_local

                    check_local(path)
        return left

    def format_help(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401 - Typer has its own copy of Click
        """Fill in the choices, then write the help."""
        for parameter in self.params:
            text = getattr(parameter, "help", None)
            if text and "{" in text:
                parameter.help = text.format(**_choices())  # type: ignore[attr-defined]
        super().format_help(ctx, formatter)


def _choices() -> dict[str, str]:
    from genreclf.datasets import DATASETS
    from genreclf.evaluation.protocols import choices
    from genreclf.features import DEFAULT_SET, FEATURE_SETS, SERIES
    from genreclf.models import MODELS
    from genreclf.networks import CORPORA

    subsets = (f"for {d.name}:DIR {', '.join(d.subsets)}" for d in DATASETS.values() if d.subsets)
    return {
        "models": ", ".join(name for name, model in MODELS.items() if not model.baseline),
        "baselines": ", ".join(name for name, model in MODELS.items() if model.baseline),
        "protocols": ", ".join(choices()),
        "feature_sets": ", ".join(f"{name} ({len(found.columns)})" for name, found in FEATURE_SETS.items()),
        "corpora": ", ".join(CORPORA),
        "default_set": DEFAULT_SET,
        "series": ", ".join(SERIES),
        "datasets": " or ".join(f"{name}:DIR" for name in DATASETS),
        "published": " or ".join(f"{d.name}:DIR" for d in DATASETS.values() if d.features),
        "subsets": "; ".join(subsets),
    }


def printable(text: str) -> str:
    """The text in one line that any stream can show: control and unpaired characters are escaped."""
    line = "".join(c if c.isprintable() or c in _JOINERS else c.encode("unicode_escape").decode("ascii") for c in text)
    for stream in (sys.stdout, sys.stderr):
        encoding = stream.encoding or "utf-8"
        if not encoding.lower().startswith("utf"):
            line = line.translate(_PLAIN)
        line = line.encode(encoding, "backslashreplace").decode(encoding)
    return line


def padded(text: str, width: int) -> str:
    """The text as it is shown, with blanks up to a width in columns of the terminal; wide characters take two."""
    from rich.cells import cell_len

    text = printable(text)
    return text + " " * (width - cell_len(text))


def complain(line: str) -> None:
    """Show one line of error on standard error."""
    print(f"genreclf: {printable(line)}", file=sys.stderr)


def show(text: str) -> None:
    """Write a result on standard output, line by line; whatever it contains, the terminal only shows it."""
    print("\n".join(map(printable, text.split("\n"))))


def interrupted(line: str) -> typer.Exit:
    """Say how to continue after Ctrl-C; the exit code is that of an interrupted program."""
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


def text_table(
    title: str,
    rows: Iterable[_Row],
    columns: Mapping[str, Callable[[_Row], str]],
    *,
    left: Collection[str],
    strong: Callable[[_Row], bool] = lambda _: False,
) -> Table:
    """A table for the terminal: for each column its title and what gives the text of a row; `left` are not numbers."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(printable(title)), title_justify="left", box=box.SIMPLE_HEAD)
    for name in columns:
        table.add_column(Text(printable(name)), justify="left" if name in left else "right", no_wrap=True)
    for row in rows:
        cells = (Text(printable(cell(row))) for cell in columns.values())
        table.add_row(*cells, style="bold" if strong(row) else None)
    return table


def print_widest(tables: Iterable[Table]) -> None:
    """Print the first of the tables that fits; the last in its full width, so that no number is cut."""
    from rich.measure import Measurement

    console, width = _result_console(), 0
    for table in tables:
        width = Measurement.get(console, console.options.update(max_width=10_000), table).maximum
        if width <= console.width:
            break
    console.width = max(console.width, width)
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as captured:
        console.print(table)
    sys.stdout.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def _result_console() -> Console:
    from rich.console import Console

    # Without a terminal rich takes 80 columns, which would break the lines of a table in a log.
    return Console(width=None if sys.stdout.isatty() else _WIDTH_OF_NO_TERMINAL, highlight=False)


class TerminalProgress:
    """Shows long work as a bar with rate and time left; where there is no terminal, only messages."""

    def __init__(self) -> None:
        from rich.console import Console

        self.console = Console(stderr=True, highlight=False)
        self._bar: Any = None
        self._task: Any = None
        self._title = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def begin(self, title: str, total: int | None) -> None:
        """Start a bar of `total` steps, or of an unknown number."""
        self.end()
        if not self.console.is_terminal:
            return
        from rich import progress

        roomy = self.console.width >= _ROOM_FOR_DETAIL
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=max(8, min(28, self.console.width - _ROOM_BESIDE_BAR))),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            *([progress.TextColumn("[dim]{task.fields[detail]}")] if roomy else []),
            console=self.console,
            transient=True,
        )
        self._title = title
        self._task = self._bar.add_task(f"{title}: starting", total=total, rate="", detail="")
        self._bar.start()

    def advance(self, detail: str = "") -> None:
        """Move the bar by one step."""
        if self._bar is None:
            return
        task = self._bar.tasks[self._task]
        rate = f"{task.speed:.1f}/s" if task.speed else ""
        self._bar.update(self._task, description=self._title, advance=1, rate=rate, detail=printable(detail)[-40:])

    def message(self, line: str) -> None:
        """Show a line above the bar."""
        self.console.print(printable(as_options(line)), markup=False, soft_wrap=True)

    def end(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
