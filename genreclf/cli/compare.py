"""``genreclf compare``: several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.options import Json


def compare(
    reports: Annotated[list[Path], typer.Argument(help="Report folders; each is compared with the first.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write a page, and the same as Markdown.")
    ] = None,
    json: Json = False,
) -> None:
    """Compare runs side by side: what changed, and whether the scores differ significantly."""
    from genreclf.cli.console import emit_json, show
    from genreclf.cli.run_comparison import show_run_comparison
    from genreclf.evaluation.run_comparison import compare_runs, read_runs
    from genreclf.pages.page import check_pages
    from genreclf.reports.run_comparison_page import write_run_comparison

    if output:
        check_pages(output)
    comparison = compare_runs(read_runs(reports))
    if output:
        write_run_comparison(comparison, output)
    if json:
        emit_json(comparison.as_json())
        return
    show_run_comparison(comparison)
    if output:
        show(f"page: {output}")
