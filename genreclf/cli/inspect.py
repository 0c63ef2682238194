"""``genreclf inspect``: one track as the features see it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def inspect(
    track: Annotated[Path, typer.Argument(help="A sound file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page; TRACK's name with .html here by default.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Also write the panels as a picture.")] = None,
    table: Annotated[
        Path | None, typer.Option(help="A feature table among whose tracks each number is placed.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A trained model, for genre probabilities over time.")] = None,
    offset: Annotated[float | None, typer.Option(help="Where to begin, in seconds; the middle by default.")] = None,
    duration: Annotated[float, typer.Option(help="How much to show, in seconds.")] = 30.0,
) -> None:
    """Show one track as the features see it, as a page."""
    from genreclf.inspection import inspect_track

    inspection = inspect_track(track, table=table, model=model, offset=offset, duration=duration)
    page = output or Path(f"{track.stem}.html")
    inspection.write_html(page)
    typer.echo(str(page))
    if png:
        inspection.write_png(png)
        typer.echo(str(png))
