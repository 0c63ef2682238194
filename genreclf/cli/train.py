"""``genreclf train``: a feature table in, a model on disk out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, show
from genreclf.models import MODELS
from genreclf.seeds import MAX_SEED


def train(
    table: Annotated[str, typer.Argument(help="A feature table, any CSV with a label column, or fma:DIR.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model to write.")],
    model: Annotated[str, typer.Option(help=f"{', '.join(MODELS)}, or best: the winner of the benchmark.")] = "svc",
    subset: Annotated[str | None, typer.Option(help="For fma:DIR: small, medium, large or full.")] = None,
    tune: Annotated[bool, typer.Option("--tune", help="Search the model's parameters.")] = False,
    calibrate: Annotated[bool, typer.Option("--calibrate", help="Calibrate probabilities that are there.")] = False,
    features: Annotated[str | None, typer.Option(help="Comma-separated feature families; all by default.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of the labels, where it is not 'genre'.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Column of the track ids.")] = None,  # noqa: A002
    group: Annotated[str | None, typer.Option("--group", help="Column of the artists.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of the model and of folds.")] = 42,
    licence: Annotated[str, typer.Option(help="Kept in the model: under what it may be used.")] = "",
    notes: Annotated[str, typer.Option(help="Kept in the model: what others should know.")] = "",
    jobs: Annotated[int | None, typer.Option(help="Worker processes of the benchmark behind best.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the model's manifest as JSON.")] = False,
) -> None:
    """Train a model on all tracks of a table and keep it in one file."""
    import msgspec

    from genreclf.datasets import open_table
    from genreclf.files import check_file
    from genreclf.training import train as run

    check_file(output, begins=b"PK", what="a genreclf model")
    families = None if features is None else [part.strip() for part in features.split(",") if part.strip()]
    with TerminalProgress() as progress:
        bundle = run(
            open_table(table, subset=subset, label=label, id=id, group=group),
            model=model,
            seed=seed,
            tune=tune,
            calibrate=calibrate,
            features=families,
            licence=licence,
            notes=notes,
            jobs=jobs,
            progress=progress,
        )
        bundle.save(output)
    if json:
        emit_json(msgspec.to_builtins(bundle.manifest))
        return
    manifest = bundle.manifest
    score = manifest.scores.get("macro_f1")
    judged = f"; macro-F1 {100 * float(score):.1f} ({manifest.scores['protocol']})" if score is not None else ""
    show(
        f"{output}: {manifest.model} for {', '.join(manifest.genres)}; {manifest.table['rows']} tracks, "
        f"{len(manifest.features)} features{judged}; {output.stat().st_size / 1024:,.0f} KiB"
    )
