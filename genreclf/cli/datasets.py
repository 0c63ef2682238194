"""``genreclf datasets``: which data sets are known, what is known of them, and how they are fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, show
from genreclf.cli.options import Json

app = typer.Typer(invoke_without_command=True)


@app.callback()
def datasets(context: typer.Context) -> None:
    """List, describe and fetch data sets."""
    if context.invoked_subcommand is None:
        context.get_help()  # which rich prints


@app.command("list")
def list_datasets(json: Json = False) -> None:
    """List the data sets that are known by name."""
    from genreclf.datasets import DATASETS

    if json:
        emit_json([dataset.describe() for dataset in DATASETS.values()])
        return
    for dataset in DATASETS.values():
        show(f"{dataset.name:15}{dataset.title} (subsets {', '.join(dataset.subsets)})")


@app.command()
def info(
    name: Annotated[str, typer.Argument(help="The data set, for example fma.")],
    json: Json = False,
) -> None:
    """Tell what is known of a data set: home, licence, archives, errata, published scores."""
    from genreclf.datasets import find_dataset

    dataset = find_dataset(name)
    if json:
        emit_json(dataset.describe())
    else:
        show(dataset.text())


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="The data set, for example fma.")],
    to: Annotated[Path, typer.Option("--to", help="Folder to fetch into; it is made.")],
    subset: Annotated[str | None, typer.Option(help="Which portion; see 'genreclf datasets info NAME'.")] = None,
) -> None:
    """Download, check and unpack a data set; what is there already is not fetched again."""
    from genreclf.datasets import find_dataset
    from genreclf.datasets.fetch import fetch as run

    dataset = find_dataset(name)
    with TerminalProgress() as progress:
        places = run(dataset, to, subset=subset, progress=progress)
    show("\n".join(str(place) for place in places))
    for hint in dataset.by_hand:
        show(f"not fetched: {hint}")
