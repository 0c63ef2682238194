"""``genreclf predict``: a model and music in, genres out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, interrupted
from genreclf.cli.options import Jobs
from genreclf.errors import RequestError


def predict(
    model: Annotated[Path, typer.Argument(help="A model that genreclf train made.")],
    source: Annotated[list[str], typer.Argument(help="Files, folders, patterns or a manifest CSV.")],
    segments: Annotated[bool, typer.Option("--segments", help="Show the predictions over time.")] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write the predictions into this table.")] = None,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="With --csv: mark texts that look like formulas with an apostrophe.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per track, as they come.")] = False,
    jobs: Jobs = None,
    timeout: Annotated[float, typer.Option(help="Time limit per track, in seconds.")] = 900.0,
    write_tags: Annotated[bool, typer.Option("--write-tags", help="Write the genre into copies (--to).")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the tagged copies.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write tags into the files themselves.")] = False,
) -> None:
    """Predict the genre of tracks; a track that cannot be read is reported, and the others continue."""
    from genreclf.cli.predictions import PredictionLines
    from genreclf.datasets import open_source
    from genreclf.prediction import load
    from genreclf.prediction_table import write_predictions
    from genreclf.tagging import write_genres
    from genreclf.workers import Stop

    _check_places(csv, write_tags=write_tags, to=to, in_place=in_place)
    predictor = load(model)
    manifest = open_source(source)
    if not len(manifest):
        raise RequestError(f"{', '.join(source)}: no audio files there")
    kept = []
    with TerminalProgress() as progress, Stop() as stop:
        lines = PredictionLines(predictor.genres, json=json, segments=segments, progress=progress)
        predictions = predictor.stream(manifest.tracks, jobs=jobs, timeout=timeout, stop=stop, progress=progress)
        if write_tags:
            tagged = write_genres(predictions, [track.path for track in manifest], to=to, in_place=in_place)
        else:
            tagged = ((prediction, "") for prediction in predictions)
        for prediction, refusal in tagged:
            lines.add(prediction, refusal)
            if csv is not None:
                kept.append(prediction)
    if csv is not None:
        write_predictions(csv, kept, predictor.genres, spreadsheet=spreadsheet)
    if stop.requested:
        raise interrupted(f"{len(manifest) - lines.tracks} tracks are left")
    if lines.failed:
        raise typer.Exit(1)


def _check_places(csv: Path | None, *, write_tags: bool, to: Path | None, in_place: bool) -> None:
    """Refuse places for results before work begins."""
    from genreclf.prediction_table import check_prediction_table
    from genreclf.tagging import check_places

    if csv is not None:
        check_prediction_table(csv)
    if write_tags:
        check_places(to=to, in_place=in_place)
    elif to is not None or in_place:
        raise RequestError("--to and --in-place go with --write-tags; add it to write tags")
