"""``genreclf predict``: a model and music in, genres out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, interrupted
from genreclf.errors import RequestError


def predict(
    model: Annotated[Path, typer.Argument(help="A model that genreclf train made.")],
    source: Annotated[list[str], typer.Argument(help="Files, folders, patterns or a manifest CSV.")],
    segments: Annotated[bool, typer.Option("--segments", help="Show the genre over time.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the predictions into this table.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a track, as they come.")] = False,
    jobs: Annotated[int | None, typer.Option(help="Worker processes; one for each core by default.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that one track may take.")] = 900.0,
    write_tags: Annotated[bool, typer.Option("--write-tags", help="Write the genre into copies (--to).")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the tagged copies.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write tags into the files themselves.")] = False,
) -> None:
    """Say what genre tracks are; a track that cannot be read is reported and the others go on."""
    from genreclf.cli.predictions import Predictions
    from genreclf.datasets import open_source
    from genreclf.files import check_file
    from genreclf.prediction import load, shown
    from genreclf.tagging import Tagger
    from genreclf.workers import Stop

    if csv is not None:
        check_file(csv, begins=b"path,genre,p_", what="a table of predictions")
    tagger = Tagger.of(write_tags=write_tags, to=to, in_place=in_place)
    predictor = load(model)
    manifest = open_source(source)
    if not len(manifest):
        raise RequestError(f"{', '.join(source)}: no audio files there")
    table = Predictions(predictor.genres, csv=csv, json=json, segments=segments)
    with TerminalProgress() as progress, Stop() as stop:
        places = {shown(track.path): track.path for track in manifest}
        for prediction in predictor.stream(manifest.tracks, jobs=jobs, timeout=timeout, stop=stop, progress=progress):
            refused = None if tagger is None else tagger.write(places[prediction.path], prediction)
            table.add(prediction, refused, progress=progress)
    table.finish()
    if stop.requested:
        raise interrupted(f"{len(manifest) - table.tracks} tracks are left")
    if table.failed:
        raise typer.Exit(1)
