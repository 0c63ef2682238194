"""``genreclf index``: a feature table in, an index of similar tracks out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import show
from genreclf.seeds import MAX_SEED


def index(
    table: Annotated[str, typer.Argument(help="A feature table, any CSV with a label column, or fma:DIR.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The index to write.")],
    subset: Annotated[str | None, typer.Option(help="For fma:DIR: small, medium, large or full.")] = None,
    metric: Annotated[str, typer.Option(help="euclidean, or learned from the genres: lda or nca.")] = "euclidean",
    hubness: Annotated[str, typer.Option(help="Reduction of hubness: none or mutual-proximity.")] = "none",
    approximate: Annotated[bool, typer.Option("--approximate", help="Search approximately, with usearch.")] = False,
    label: Annotated[str | None, typer.Option(help="Column of the labels, where it is not 'genre'.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Column of the track ids.")] = None,  # noqa: A002
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of samples, and of NCA.")] = 42,
) -> None:
    """Make an index that finds similar tracks."""
    from genreclf.datasets import open_table
    from genreclf.files import check_file
    from genreclf.similarity.index import build_index

    check_file(output, begins=b"PK", what="a genreclf index")
    read = open_table(table, subset=subset, label=label, id=id)
    made = build_index(read, metric=metric, hubness=hubness, approximate=approximate, seed=seed)
    made.save(output)
    show(
        f"{output}: {len(made)} tracks, metric {made.metric}, hubness {made.hubness}; "
        f"skewness of the 10-occurrence {made.skew:.2f} (0: no hubs; above 1: some tracks are close to everything)"
    )
