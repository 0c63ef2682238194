"""``genreclf extract``: music in, a feature table out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, interrupted, show
from genreclf.datasets import DATASETS

if TYPE_CHECKING:
    from genreclf.extraction import Extraction

_SOURCES = ", ".join(f"{name}:DIR" for name in DATASETS)
_SUBSETS = "; ".join(f"{name}: {', '.join(dataset.subsets)}" for name, dataset in DATASETS.items() if dataset.subsets)


def extract(
    source: Annotated[
        list[str],
        typer.Argument(help=f"A folder with a sub-folder a genre, a manifest CSV, files, or a data set: {_SOURCES}."),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The table to make or complete.")] = Path(
        "features/tracks.csv"
    ),
    feature_set: Annotated[str, typer.Option(help="Which features: study (185) or fma (518).")] = "study",
    offset: Annotated[
        float | None, typer.Option(help="Start at this second; by default the middle of a long track.")
    ] = None,
    duration: Annotated[float, typer.Option(help="Seconds of each track to describe.")] = 30.0,
    subset: Annotated[str | None, typer.Option(help=f"A part of a data set: {_SUBSETS}.")] = None,
    artists: Annotated[Path | None, typer.Option(help="A list of who plays in each file, such as GTZAN's.")] = None,
    split: Annotated[Path | None, typer.Option(help="The folder or file of a published split.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes; one for each core by default.")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds that one track may take.")] = 120.0,
    verify: Annotated[int, typer.Option(help="Compute so many tracks again by plain librosa and compare.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Describe tracks and keep the features in a table; what is there already is not computed again."""
    from genreclf.extraction import extract as run

    with TerminalProgress() as progress:
        try:
            done = run(
                source,
                output,
                feature_set=feature_set,
                offset=offset,
                duration=duration,
                subset=subset,
                artists=artists,
                split=split,
                jobs=jobs,
                timeout=timeout,
                verify=verify,
                progress=progress,
            )
        except KeyboardInterrupt:
            raise interrupted("what was under way is given up; the same command goes on from here") from None
        for failure in done.failed[:10]:
            progress.message(f"failed: {failure.path}: {failure.reason} [{failure.code}]")
        if len(done.failed) > 10:
            progress.message(f"failed: {len(done.failed) - 10} more, listed in {done.path.with_suffix('.failed.csv')}")
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
    tracks = "1 track" if done.tracks == 1 else f"{done.tracks} tracks"
    line = (
        f"{done.path}: {tracks}, {done.features} features each; {done.computed} computed, "
        f"{done.reused} already there, {len(done.failed)} failed; {done.seconds:.1f} s{rate}"
    )
    if done.failed:
        line += f"\nfailed tracks with reasons: {done.path.with_suffix('.failed.csv')}"
    if done.others:
        line += f"\n{done.others} rows of other tracks stay in the table"
    return line
