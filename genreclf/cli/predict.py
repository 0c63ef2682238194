"""``genreclf predict``: a model and music in, genres out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, complain, interrupted
from genreclf.cli.options import Jobs
from genreclf.errors import RequestError


def predict(
    model: Annotated[
        Path, typer.Argument(help="A model that genreclf train made, or a network that knows tags: musicnn:msd.")
    ],
    source: Annotated[
        list[str],
        typer.Argument(
            help="Files, folders, patterns, playlists (m3u, m3u8, pls, xspf), manifests, or - for a list of paths on "
            "standard input."
        ),
    ],
    null: Annotated[bool, typer.Option("-0", "--null", help="Paths on standard input end with a zero byte.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            "--csv",
            help="Write a table (.csv, .jsonl, .parquet), or complete it.",
        ),
    ] = None,
    spreadsheet: Annotated[
        bool, typer.Option("--spreadsheet", help="In a CSV: mark texts that look like formulas with an apostrophe.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object per track, as they come.")] = False,
    json_array: Annotated[bool, typer.Option("--json-array", help="Print one JSON array of all tracks.")] = False,
    min_confidence: Annotated[
        float | None, typer.Option("--min-confidence", help="Below this probability the genre is unknown.")
    ] = None,
    coverage: Annotated[
        float | None, typer.Option("--coverage", help="Share of tracks that shall get a genre; the others are unknown.")
    ] = None,
    set_coverage: Annotated[
        float | None, typer.Option("--set", help="Also give the set of genres that holds the true one so often.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--map", help="Map a network's tags to genres of your own: a CSV of tag,name.")
    ] = None,
    segments: Annotated[bool, typer.Option("--segments", help="Show the predictions over time.")] = False,
    write_tags: Annotated[bool, typer.Option("--write-tags", help="Write the genre into copies (--to).")] = False,
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the tagged copies; keeps the tree.")] = None,
    in_place: Annotated[bool, typer.Option("--in-place", help="Write tags into the files themselves.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which tags would be written.")] = False,
    only_empty: Annotated[bool, typer.Option("--only-empty", help="Leave files that have a genre alone.")] = False,
    playlists: Annotated[Path | None, typer.Option("--playlists", help="Folder for a playlist a genre.")] = None,
    jobs: Jobs = None,
    timeout: Annotated[float, typer.Option(help="Time limit per track, in seconds.")] = 900.0,
) -> None:
    """Predict the genre of tracks; a track that cannot be read is reported, and the others continue."""
    from genreclf.batch import Batch
    from genreclf.cli.predictions import PredictionLines, TagLines
    from genreclf.loading import load
    from genreclf.prediction_table import check_prediction_table
    from genreclf.tagging import Tagger
    from genreclf.workers import Stop

    if not write_tags and (to is not None or in_place or dry_run or only_empty):
        raise RequestError("--to, --in-place, --dry-run and --only-empty go with --write-tags; add it to write tags")
    if output is not None:
        check_prediction_table(output)
    tagger = Tagger(to=to, in_place=in_place, dry_run=dry_run, only_empty=only_empty) if write_tags else None
    with TerminalProgress() as progress, Stop() as stop:
        predictor = load(
            model,
            min_confidence=min_confidence,
            coverage=coverage,
            set_coverage=set_coverage,
            mapping=mapping,
        )
        batch = Batch(
            predictor,
            source,
            output=output,
            spreadsheet=spreadsheet,
            tagger=tagger,
            playlists=playlists,
            stdin=sys.stdin.buffer if sys.stdin else None,
            null=null,
            jobs=jobs,
            timeout=timeout,
            stop=stop,
            progress=progress,
        )
        how = "array" if json_array else "lines" if json else ""
        kind = PredictionLines if predictor.manifest.task == "single-label" else TagLines
        with kind(predictor.genres, json=how, segments=segments, progress=progress) as lines:
            for prediction, tagged in batch:
                lines.add(prediction, tagged)
    if output is not None:
        there = f"{batch.done} of them there already, " if batch.done else ""
        complain(f"{output}: {batch.done + lines.tracks} tracks, {there}{batch.failed} failed")
    if stop.requested:
        left = "" if batch.total is None else f"{batch.total - batch.done - lines.tracks} tracks are left"
        again = "" if output is None else "the same command goes on from here"
        raise interrupted("; ".join(filter(None, (left, again))))
    if batch.failed or batch.refused:
        raise typer.Exit(1)
