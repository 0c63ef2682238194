"""``genreclf index``: a feature table in, an index of similar tracks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import show
from genreclf.cli.options import ComparedSeries, Label, Seed, Subset, TrackId


def index(
    table: Annotated[
        str,
        typer.Argument(help="A feature table, any CSV file, or {published}; or an index, to export its vectors."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The index to write, or NAME.parquet for its vectors alone.")
    ],
    subset: Subset = None,
    series: ComparedSeries = None,
    append: Annotated[bool, typer.Option("--append", help="Add the tracks that the index does not have yet.")] = False,
    metric: Annotated[
        str, typer.Option(help="euclidean; learned: lda, nca, triplet, siamese; or tags, learned from the tags.")
    ] = "euclidean",
    by: Annotated[
        str, typer.Option(help="What a metric is learned from: genre, artist or, by a network, tags.")
    ] = "genre",
    distance: Annotated[
        str | None, typer.Option(help="euclidean or cosine; by default cosine for triplet and siamese.")
    ] = None,
    hubness: Annotated[str, typer.Option(help="Reduction of hubness: none or mutual-proximity.")] = "none",
    approximate: Annotated[
        bool | None,
        typer.Option("--approximate/--exact", help="Search inverted lists; by default above 100,000 tracks."),
    ] = None,
    bits: Annotated[
        int | None,
        typer.Option(help="Bits a coordinate in inverted lists: 32, or 16; by default 16 above 1,000,000 tracks."),
    ] = None,
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    seed: Seed = 42,
) -> None:
    """Make an index that finds similar tracks."""
    from genreclf.similarity.indexing import make_index

    made = make_index(
        table,
        output,
        append=append,
        subset=subset,
        label=label,
        id=id,
        seed=seed,
        series=series,
        metric=metric,
        by=by,
        distance=distance,
        hubness=hubness,
        approximate=approximate,
        bits=bits,
    )
    show(str(made))
