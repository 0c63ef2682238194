"""``genreclf benchmark``: a feature table in, a comparison of models out."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress, emit_json, interrupted
from genreclf.models import MODELS
from genreclf.seeds import MAX_SEED


def benchmark(
    table: Annotated[str, typer.Argument(help="A feature table, any CSV with a label column, or fma:DIR.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder of the report; reports/NAME by default.")
    ] = None,
    subset: Annotated[str | None, typer.Option(help="For fma:DIR: small, medium, large or full.")] = None,
    models: Annotated[
        str | None,
        typer.Option(help=f"Comma-separated, of {', '.join(MODELS)}; all by default."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="study, holdout, cv (the default), cv-artist, cv-random, split or cross.")
    ] = None,
    folds: Annotated[int, typer.Option(help="Folds of a cross-validation.")] = 5,
    test_size: Annotated[float, typer.Option(help="Share that holdout tests on.")] = 0.25,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of splits, models and bootstrap.")] = 42,
    features: Annotated[str | None, typer.Option(help="Comma-separated feature families; all by default.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Worker processes; one for each core by default.")] = None,
    group: Annotated[
        bool, typer.Option("--group-artists/--no-group", help="Keep artists on one side where they are known.")
    ] = True,
    label: Annotated[str | None, typer.Option(help="Column of the labels, where it is not 'genre'.")] = None,
    id: Annotated[str | None, typer.Option("--id", help="Column of the track ids.")] = None,  # noqa: A002
    group_column: Annotated[str | None, typer.Option("--group", help="Column of the artists.")] = None,
    probabilities: Annotated[bool, typer.Option("--probabilities", help="Calibrate models without any.")] = False,
    tune: Annotated[bool, typer.Option("--tune", help="Search parameters inside the training part.")] = False,
    ablate: Annotated[bool, typer.Option("--ablate", help="Score feature families alone and added.")] = False,
    test_table: Annotated[Path | None, typer.Option(help="Another table to test on (protocol cross).")] = None,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 1000,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare models on a feature table and write a report."""
    from genreclf.cli.ranking import comparison_as_json, show_comparison
    from genreclf.datasets import open_table
    from genreclf.evaluation.benchmark import benchmark as run
    from genreclf.files import check_folder
    from genreclf.reports import write_report

    columns = {"label": label, "id": id, "group": group_column}
    families = _listed(features)
    tested = None if test_table is None else open_table(test_table, **columns)
    read = open_table(table, subset=subset, families=families, **columns)
    folder = output or Path("reports") / read.name
    check_folder(folder)
    with TerminalProgress() as progress:
        try:
            comparison = run(
                read,
                models=_listed(models),
                protocol=protocol,
                folds=folds,
                test_size=test_size,
                seed=seed,
                group=group,
                features=families,
                probabilities=probabilities,
                tune=tune,
                ablate=ablate,
                test_table=tested,
                jobs=jobs,
                draws=draws,
                progress=progress,
                command=" ".join(["genreclf", *sys.argv[1:]]),
            )
        except KeyboardInterrupt:
            raise interrupted("no report was written") from None
        for note in comparison.notes:
            progress.message(f"note: {note}")
        write_report(comparison, folder)
    if json:
        emit_json(comparison_as_json(comparison, folder))
    else:
        show_comparison(comparison, folder)


def _listed(text: str | None) -> list[str] | None:
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
