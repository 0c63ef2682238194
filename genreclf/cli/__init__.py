"""The command line: each command parses, calls one library function and shows what came back.

Results go to standard output, progress and warnings to standard error. Exit codes: 0 done; 1 done, but some
tracks failed; 2 the request makes no sense; 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import typer

from genreclf.cli import benchmark, compare, datasets, demo, extract, index, inspect, predict, similar, train
from genreclf.cli.console import complain
from genreclf.errors import GenreclfError

app = typer.Typer(
    name="genreclf",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

COMMANDS = (
    demo.demo,
    extract.extract,
    benchmark.benchmark,
    compare.compare,
    train.train,
    predict.predict,
    index.index,
    similar.similar,
    inspect.inspect,
)
for command in COMMANDS:
    app.command()(command)
app.add_typer(datasets.app, name="datasets")


@app.callback()
def genreclf() -> None:
    """Tells music genres apart with classical machine learning, on a CPU, with numbers that hold up."""


def main() -> None:
    """Run the command line; an expected error is one line on standard error and exit code 2."""
    if sys.stderr is None:
        # Whoever started the program has closed it; no file that is opened later, nor a worker's, shall take its place.
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open for as long as the program runs
        os.set_inheritable(sys.stderr.fileno(), True)
    try:
        app()
    except GenreclfError as error:
        complain(str(error))
        sys.exit(2)
    except KeyboardInterrupt:
        complain("stopped")
        sys.exit(130)
