"""``genreclf index``: a feature table in, an index of similar tracks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from genreclf.cli.console import show
from genreclf.cli.options import Label, Seed, Subset, TrackId
from genreclf.errors import RequestError

_DEFAULTS: dict[str, Any] = {
    "metric": "euclidean",
    "by": "genre",
    "distance": None,
    "hubness": "none",
    "approximate": None,
}


def index(
    table: Annotated[
        str,
        typer.Argument(help="A feature table, any CSV file, or {published}; or an index, to export its vectors."),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The index to write, or NAME.parquet for its vectors alone.")
    ],
    subset: Subset = None,
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
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    seed: Seed = 42,
) -> None:
    """Make an index that finds similar tracks."""
    from genreclf.datasets import open_table
    from genreclf.similarity.index import build_index, check_place, is_index, open_index
    from genreclf.similarity.vectors import check_parquet, export_vectors

    to_parquet, from_index = output.suffix.lower() == ".parquet", is_index(Path(table))
    how: dict[str, Any] = {
        "metric": metric,
        "by": by,
        "distance": distance,
        "hubness": hubness,
        "approximate": approximate,
    }
    if (append and to_parquet) or ((append or from_index) and how != _DEFAULTS):
        raise RequestError("an index that is there keeps how it was made; give the source and -o, and no other option")
    if from_index and not to_parquet:
        raise RequestError(f"{table}: an index; to export its vectors, choose -o NAME.parquet")
    (check_parquet if to_parquet else check_place)(output)
    if from_index:
        made = open_index(table)
    else:
        read = open_table(table, subset=subset, label=label, id=id)
        if append:
            made = open_index(output)
            before, made = len(made), made.extend(read)
        else:
            made = build_index(read, **how, seed=seed)
    if to_parquet:
        show(f"{output}: {export_vectors(made, output)} vectors of {made.dimensions} dimensions")
        return
    made.save(output)
    if append:
        show(f"{output}: {len(made) - before} tracks added, {len(made)} in all")
        return
    show(
        f"{output}: {len(made)} tracks, metric {made.metric}, hubness {made.hubness}; "
        f"skewness of the 10-occurrence {made.skew:.2f} (0: no hubs; above 1: some tracks are close to everything)"
    )
