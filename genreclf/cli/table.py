"""``genreclf table``: what is done with feature tables themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, show

app = typer.Typer(invoke_without_command=True)


@app.callback()
def table(context: typer.Context) -> None:
    """Convert feature tables between CSV and Parquet."""
    if context.invoked_subcommand is None:
        context.get_help()  # which rich prints


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A feature table, CSV or Parquet.")],
    output: Annotated[Path, typer.Argument(help="The table to write: a name in .csv or .parquet.")],
    float32: Annotated[bool, typer.Option("--float32", help="Round features to single precision, in Parquet.")] = False,
) -> None:
    """Write a table as CSV or Parquet; rows, values, metadata and failures stay the same."""
    from genreclf.tables.conversion import convert as run

    with TerminalProgress() as progress:
        written = run(source, output, float32=float32)
        for note in written.notes:
            progress.message(f"note: {note}")
    show(f"{output}: {len(written):,} tracks, {len(written.features)} features, {written.dtype}")
