"""The report of a comparison: the same sections as a page, as Markdown and as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.pages.markdown import markdown_report
from genreclf.pages.page import chart_style, render
from genreclf.pages.wording import count
from genreclf.reports.findings import findings
from genreclf.reports.outcome import contenders, genres_of, ranked_predictions
from genreclf.reports.sections import sections

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def comparison_pages(comparison: Comparison) -> dict[str, str]:
    """The files of a report: path in the folder -> content."""
    parts = sections(comparison)
    said, title, known = findings(comparison), title_of(comparison), facts(comparison)
    version = str(_versions(comparison).get("genreclf", __version__))
    pages = {
        "report.html": render(
            "report.html.jinja",
            kicker="genreclf report",
            title=title,
            facts=known,
            findings=said,
            notes=comparison.notes,
            sections=parts,
            version=version,
        ),
        "report.md": markdown_report(title, known, said, comparison.notes, parts),
    }
    for part in parts:
        for figure in part.all_figures():
            pages[f"pictures/{figure.name}.svg"] = (figure.alone or figure.wide).standalone(chart_style())
    return pages


def _versions(comparison: Comparison) -> dict[str, object]:
    versions = comparison.run.get("versions", {})
    return dict(versions) if isinstance(versions, dict) else {}


def title_of(comparison: Comparison) -> str:
    """The heading: the name of the table, where known."""
    table = comparison.run.get("table")
    name = table.get("name") if isinstance(table, dict) else table
    return f"Genre models compared on {name}" if name else "Genre models compared"


def facts(comparison: Comparison) -> list[str]:
    """What was compared, in a few short items."""
    tracks = len(set(ranked_predictions(comparison)["track_id"]))
    table = comparison.run.get("table")
    rows = table.get("rows") if isinstance(table, dict) else None
    tested = f", {tracks:,} of them tested" if isinstance(rows, int) and rows > tracks else ""
    items = [count(max(rows or 0, tracks), "track") + tested, count(len(genres_of(comparison)), "genre")]
    if "artist" in comparison.tracks:
        artists = {str(artist) for artist in comparison.tracks["artist"].dropna()} - {""}
        items += [count(len(artists), "artist")] if artists else []
    return [*items, count(len(contenders(comparison.ranking)), "model")]
