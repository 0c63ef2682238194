"""``genreclf export``: a report for a paper."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import emit_json, show
from genreclf.cli.options import Json


def export(
    report: Annotated[Path, typer.Argument(help="The report folder of a benchmark.")],
    to: Annotated[Path, typer.Option("--to", help="Folder for the files; it is made.")],
    width: Annotated[
        str | None, typer.Option(help="Width of figures, such as 3.3in or 84mm; by default a column's and a page's.")
    ] = None,
    json: Json = False,
) -> None:
    """Export a report for a paper: figures, tables, and how it was evaluated with its references."""
    from genreclf.export import export_report, parse_width

    files = export_report(report, to, width=None if width is None else parse_width(width))
    if json:
        emit_json({"files": [str(path) for path in files]})
        return
    charts, tables = (
        len({path.stem.removesuffix("-page") for path in files if path.parent.name == part})
        for part in ("figures", "tables")
    )
    show(f"{to / 'figures'}: {charts} charts as PDF, SVG and PNG")
    show(f"{to / 'tables'}: {tables} tables as LaTeX, Markdown and CSV")
    show(f"{to / 'evaluation.tex'}: how it was evaluated, also as Markdown; {to / 'references.bib'}")
    show(f"{to / 'article.tex'}: an article with the ranking and the evaluation")
