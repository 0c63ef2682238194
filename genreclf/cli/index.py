"""``genreclf index``: a feature table in, an index of similar tracks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import show
from genreclf.cli.options import Label, Seed, Subset, Table, TrackId


def index(
    table: Table,
    output: Annotated[Path, typer.Option("--output", "-o", help="The index to write.")],
    subset: Subset = None,
    metric: Annotated[
        str, typer.Option(help="euclidean, learned from the genres (lda, nca), or from the tags (tags).")
    ] = "euclidean",
    hubness: Annotated[str, typer.Option(help="Reduction of hubness: none or mutual-proximity.")] = "none",
    approximate: Annotated[bool, typer.Option("--approximate", help="Search approximately, with usearch.")] = False,
    label: Label = None,
    id: TrackId = None,  # noqa: A002
    seed: Seed = 42,
) -> None:
    """Make an index that finds similar tracks."""
    from genreclf.datasets import open_table
    from genreclf.similarity.index import KIND, build_index

    KIND.check_place(output)
    read = open_table(table, subset=subset, label=label, id=id)
    made = build_index(read, metric=metric, hubness=hubness, approximate=approximate, seed=seed)
    made.save(output)
    show(
        f"{output}: {len(made)} tracks, metric {made.metric}, hubness {made.hubness}; "
        f"skewness of the 10-occurrence {made.skew:.2f} (0: no hubs; above 1: some tracks are close to everything)"
    )
