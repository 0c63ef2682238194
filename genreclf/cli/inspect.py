"""``genreclf inspect``: one track as the features see it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import emit_json, show
from genreclf.cli.options import Json


def inspect(
    track: Annotated[Path, typer.Argument(help="An audio file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The page; by default TRACK.html in the current folder.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Also write the panels as a PNG picture.")] = None,
    table: Annotated[Path | None, typer.Option(help="A feature table, for the percentile of each number.")] = None,
    model: Annotated[Path | None, typer.Option(help="A trained model, for genre probabilities over time.")] = None,
    offset: Annotated[
        float | None, typer.Option(help="Start, in seconds; by default the middle of the track is shown.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Duration, in seconds.")] = 30.0,
    json: Json = False,
) -> None:
    """Show one track as the features see it, as a page."""
    from genreclf.errors import RequestError
    from genreclf.inspection import check_page, check_picture, inspect_track, write_page, write_picture

    page = output or Path(f"{track.stem}.html")
    check_page(page)
    if png is not None:
        if png.resolve() == page.resolve():
            raise RequestError(f"{png}: the page goes there; choose another name for the picture")
        check_picture(png)
    inspection = inspect_track(track, table=table, model=model, offset=offset, duration=duration)
    write_page(inspection, page)
    if png is not None:
        write_picture(inspection, png)
    if json:
        emit_json(inspection.as_json() | {"page": str(page), "png": None if png is None else str(png)})
        return
    show("\n".join(str(path) for path in (page, png) if path is not None))
