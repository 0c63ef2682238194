"""``genreclf compare``: several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.seeds import MAX_SEED


def compare(
    reports: Annotated[list[Path], typer.Argument(help="Report folders; the others are compared with the first.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write a page, and the same as .md.")
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws of the bootstrap.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of the bootstrap.")] = 42,
    json: Annotated[bool, typer.Option("--json", help="Print the differences as JSON.")] = False,
) -> None:
    """Lay runs side by side: what changed, and whether the difference is real."""
    from genreclf.cli.console import emit_json
    from genreclf.cli.run_comparison import run_comparison_as_json, show_run_comparison
    from genreclf.evaluation.run_comparison import compare_runs, read_runs
    from genreclf.reports.run_comparison_page import check_page, write_run_comparison

    if output:
        check_page(output)
    comparison = compare_runs(read_runs(reports), draws=draws, seed=seed)
    if output:
        write_run_comparison(comparison, output)
    if json:
        emit_json(run_comparison_as_json(comparison))
        return
    show_run_comparison(comparison)
    if output:
        typer.echo(f"page: {output}")
