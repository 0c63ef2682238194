"""``genreclf explore``: a page on this machine to listen to the tracks of a table and to mend their labels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, complain
from genreclf.cli.options import ArtistColumn, GuessedArtists, Label, Subset, Table, TrackId


def explore(
    table: Table,
    music: Annotated[
        Path | None, typer.Option(help="Folder from which the paths of the table start; by default that of the table.")
    ] = None,
    edits: Annotated[
        Path | None, typer.Option(help="The file that edits go to; TABLE.edits.csv beside the table by default.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="A benchmark's report to take predictions from, instead of fitting a model.")
    ] = None,
    model: Annotated[str, typer.Option(help="The model to fit: {models}.")] = "svc",
    subset: Subset = None,
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    group: ArtistColumn = None,
    artists: GuessedArtists = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 8001,
) -> None:
    """Listen to tracks, see which labels are most likely wrong, and mend them, on a page of this machine."""
    from genreclf.datasets import open_table
    from genreclf.exploration.exploration import edits_beside, open_exploration
    from genreclf.exploration.service import HOST, build_app
    from genreclf.serving import serve

    read = open_table(table, subset=subset, label=label, id=id, group=group, artists=artists)
    place = edits or edits_beside(table, read.name)
    with TerminalProgress() as progress:
        exploration = open_exploration(
            read, edits=place, music=music or Path(table).parent, report=report, model=model, progress=progress
        )
        app = build_app(exploration, place)
    complain(f"open http://{HOST}:{port} in a browser; edits go to {place}; Ctrl-C ends it")
    serve(app, host=HOST, port=port)
