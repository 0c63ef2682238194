"""``genreclf demo``: the whole workflow on synthetic music."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import TerminalProgress
from genreclf.cli.options import Jobs, Seed
from genreclf.cli.ranking import show_comparison


def demo(
    music: Annotated[Path, typer.Option(help="Folder for the synthetic music.")] = Path("demo-music"),
    table: Annotated[Path, typer.Option(help="The feature table.")] = Path("features/demo.csv"),
    report: Annotated[Path, typer.Option(help="Report folder.")] = Path("reports/demo"),
    seed: Seed = 42,
    jobs: Jobs = None,
) -> None:
    """Make a small synthetic music collection, extract features, compare models and write a report."""
    from genreclf.demo import demonstrate

    with TerminalProgress() as progress:
        comparison = demonstrate(music=music, table=table, report=report, seed=seed, jobs=jobs, progress=progress)
        for note in comparison.notes:
            progress.message(f"note: {note}")
    show_comparison(comparison, report)
