"""The command line: each command parses, calls one library function and shows what came back.

Results go to standard output, progress and warnings to standard error. Exit codes: 0 done; 1 done, but some
tracks failed; 2 invalid request; 129, 130 and 143 stopped by SIGHUP, Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import atexit
import gc
import io
import signal
import sys
from inspect import signature
from types import FrameType
from typing import Annotated, Any

import typer

from genreclf.cli import (
    benchmark,
    compare,
    datasets,
    demo,
    explore,
    export,
    extract,
    index,
    info,
    inspect,
    predict,
    retrieval,
    serve,
    similar,
    table,
    train,
    weights,
)
from genreclf.cli.console import Command, complain, show
from genreclf.cli.options import as_options
from genreclf.errors import GenreclfError
from genreclf.streams import open_closed_streams, silence_decoders

app = typer.Typer(
    name="genreclf",
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

COMMANDS = (
    demo.demo,
    extract.extract,
    benchmark.benchmark,
    explore.explore,
    compare.compare,
    export.export,
    train.train,
    predict.predict,
    serve.serve,
    index.index,
    similar.similar,
    retrieval.retrieval,
    inspect.inspect,
    info.info,
)
for command in COMMANDS:
    app.command(cls=Command)(command)
app.add_typer(datasets.app, name="datasets")
app.add_typer(table.app, name="table")
app.add_typer(weights.app, name="weights")


def _version(requested: bool) -> None:
    if requested:
        from genreclf import __version__

        show(f"genreclf {__version__}")
        raise typer.Exit


@app.callback()
def genreclf(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - its callback acts
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Music genre classification with classical machine learning, on a CPU, with sound statistics."""
    if context.invoked_subcommand is None:
        context.get_help()  # which rich prints


def main() -> None:
    """Run the command line; an expected error is one line on standard error and exit code 2."""
    open_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a terminal of another encoding cannot show must not end the work.
            stream.reconfigure(errors="backslashreplace")
    _end_in_order()
    # What libraries make as they are imported stays; looking through it again and again takes a sixth of a short run.
    gc.set_threshold(100_000, 20, 20)
    atexit.register(gc.freeze)  # nor need it be looked through as the program ends
    with silence_decoders():
        sys.exit(_exit_code())


def _exit_code() -> int | None:
    try:
        code: int | None = app(standalone_mode=False, prog_name="genreclf")
        sys.stdout.flush()
    except GenreclfError as error:
        names = {name for command in COMMANDS for name in signature(command).parameters}
        complain(as_options(str(error), names))
        return 2
    except KeyboardInterrupt:
        complain("stopped")
        return 130
    except OSError as error:
        complain(f"{error.filename or 'the system'}: {error.strerror or error}")
        return 2
    except Exception as error:
        if _lacks_memory(error):
            complain("there is not enough memory for this; allow more (ulimit -v), or free some")
        elif hasattr(error, "format_message"):
            _misused(error)
        else:
            raise
        return 2
    return code


def _lacks_memory(error: Exception) -> bool:
    """Whether memory ran out, be it while a library was loaded."""
    unloaded = isinstance(error, ImportError) and "failed to map segment" in str(error)
    return unloaded or isinstance(error, MemoryError)


def _end_in_order() -> None:
    """Let SIGTERM and SIGHUP end the program by way of its clean-up; what is ignored, as by nohup, stays so."""
    endings = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]

    def end(number: int, _: FrameType | None) -> None:
        for ending in endings:
            signal.signal(ending, signal.SIG_IGN)
        sys.exit(128 + number)

    for ending in endings:
        if signal.getsignal(ending) is signal.SIG_DFL:
            signal.signal(ending, end)


def _misused(error: Any) -> None:  # noqa: ANN401 - Typer has its own copy of Click's errors since 0.20
    """Show a usage error of Typer's in one line; where it has no message, the help has been shown instead."""
    message = " ".join(error.format_message().split())
    if message:
        path = error.ctx.command_path if getattr(error, "ctx", None) else "genreclf"
        complain(f"{message[0].lower()}{message[1:].removesuffix('.')} (see {path} --help)")
