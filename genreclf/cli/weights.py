"""``genreclf weights``: which networks there are, and how their weights come onto this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, show
from genreclf.cli.options import Json

app = typer.Typer(invoke_without_command=True)

_Name = Annotated[str, typer.Argument(help="The network, for example musicnn:msd.")]


@app.callback()
def weights(context: typer.Context) -> None:
    """List, fetch, convert, add and remove the weights of networks whose embeddings are features."""
    if context.invoked_subcommand is None:
        context.get_help()  # which rich prints


@app.command("list")
def list_weights(json: Json = False) -> None:
    """List the networks: what each was trained on, under which licence, and whether it is on this machine."""
    from genreclf.weights import list_networks

    found = list_networks()
    if json:
        emit_json([one.as_json() for one in found])
        return
    for one in found:
        state = f"installed, {one.bytes / 1e6:.1f} MB" if one.bytes else "not installed"
        show(f"{one.card.name}: {one.card.title} ({state})")
        show(f"    trained on {one.card.training}; licence {one.card.licence}; {one.card.source}")


@app.command()
def fetch(name: _Name) -> None:
    """Download, check and convert weights; what is there already is not fetched again."""
    from genreclf.weights import fetch as run

    with TerminalProgress() as progress:
        show(str(run(name, progress=progress)))


@app.command()
def convert(
    name: _Name,
    files: Annotated[list[Path], typer.Argument(help="The published files, downloaded by other means.")],
) -> None:
    """Convert weights that were downloaded by other means."""
    from genreclf.weights import convert as run

    show(str(run(name, files)))


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="An ONNX file.")],
    card: Annotated[Path | None, typer.Option(help="Its card; by default FILE.toml or FILE.json beside it.")] = None,
) -> None:
    """Add a network of your own, an ONNX file with a card that says what it takes and what it was trained on."""
    from genreclf.weights import add as run

    made = run(file, card)
    show(f"{made.name}: --feature-set {made.prefix}")


@app.command()
def remove(name: _Name) -> None:
    """Remove weights from this machine."""
    from genreclf.weights import remove as run

    show("\n".join(map(str, run(name))) or f"{name}: not installed")
