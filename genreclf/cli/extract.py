"""``genreclf extract``: music in, a feature table out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, interrupted, show
from genreclf.cli.options import Cluster, Edits, Jobs, Json, Subset, names_in

if TYPE_CHECKING:
    from genreclf.extraction import Extraction


def extract(
    source: Annotated[
        list[str],
        typer.Argument(
            help="A folder with one sub-folder per genre, a manifest CSV file or audio files, which may be URLs; or a "
            "data set: {datasets}."
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The table to create or complete: .csv, or .parquet for many tracks.")
    ] = Path("features/tracks.csv"),
    feature_set: Annotated[
        str | None,
        typer.Option(
            help="Feature sets and families, joined by +: {feature_sets}, musicnn, vggish; by default those of the "
            "table, {default_set} for a new one."
        ),
    ] = None,
    series: Annotated[
        str | None, typer.Option(help="Comma-separated kinds of series to keep beside the table: {series}.")
    ] = None,
    onnx: Annotated[
        Path | None, typer.Option(help="A network of your own, with its card beside it; joined to the feature set.")
    ] = None,
    offset: Annotated[
        float | None, typer.Option(help="Start, in seconds; by default the middle of the track is used.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds of each track to use.")] = 30.0,
    float32: Annotated[bool, typer.Option("--float32", help="Single precision, which halves a Parquet table.")] = False,
    subset: Subset = None,
    artists: Annotated[
        str | None,
        typer.Option(help="Guess unknown artists from folders, names or tags; or a list of them, as GTZAN's index."),
    ] = None,
    split: Annotated[Path | None, typer.Option(help="A published split: a folder of lists, or one file.")] = None,
    edits: Edits = None,
    jobs: Jobs = None,
    cluster: Cluster = None,
    timeout: Annotated[float, typer.Option(help="Time limit per track, in seconds.")] = 120.0,
    verify: Annotated[int, typer.Option(help="Number of tracks to compare with plain librosa.")] = 0,
    json: Json = False,
) -> None:
    """Extract features from tracks into a table; rows that exist are not computed again."""
    from genreclf.extraction import extract as run

    with TerminalProgress() as progress:
        try:
            done = run(
                source,
                output,
                feature_set=feature_set,
                series=names_in(series) or (),
                onnx=onnx,
                offset=offset,
                duration=duration,
                float32=float32,
                subset=subset,
                artists=artists,
                split=split,
                edits=edits,
                jobs=jobs,
                client=cluster,
                timeout=timeout,
                verify=verify,
                progress=progress,
            )
        except KeyboardInterrupt:
            raise interrupted("what was under way is given up; the same command goes on from here") from None
        failures = [failure for failure in done.failed if failure.code != "needs-extra"]  # which the notes report
        for failure in failures[:10]:
            progress.message(f"failed: {failure.path}: {failure.reason} [{failure.code}]")
        if len(failures) > 10:
            progress.message(f"failed: {len(failures) - 10} more, listed in {done.failures}")
    if json:
        emit_json(done.summary())
    else:
        show("\n".join(map(str, filter(None, (summary(done), done.verified)))))
    if done.interrupted:
        raise interrupted(f"{done.missing} tracks are left; the same command goes on from here")
    if done.failed:
        raise typer.Exit(1)


def summary(done: Extraction) -> str:
    """What an extraction did, in a line or two."""
    rate = f" at {done.computed / done.seconds:.1f} tracks/s" if done.computed else ""
    rows = done.computed + done.reused
    tracks = "1 track" if done.tracks == 1 else f"{done.tracks} tracks"
    if rows < done.tracks:
        tracks = f"{rows} of {tracks}"
    kinds = f" and {', '.join(done.series)} series" if done.series else ""
    line = (
        f"{done.path}: {tracks}, {done.features} features{kinds} each; {done.computed} computed, "
        f"{done.reused} already there, {len(done.failed)} failed; {done.seconds:.1f} s{rate}"
    )
    if done.failed:
        line += f"\nfailed tracks with reasons: {done.failures}"
    if done.others:
        line += f"\n{done.others} rows of other tracks stay in the table"
    return line
