"""The report of a comparison of models."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.pages.blocks import Page
from genreclf.pages.wording import count
from genreclf.reports.findings import findings
from genreclf.reports.outcome import contenders, ranked_predictions
from genreclf.reports.sections import sections

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def comparison_page(comparison: Comparison) -> Page:
    """The report as a page."""
    return replace(headline(comparison), sections=sections(comparison))


def headline(comparison: Comparison) -> Page:
    """The top of the report: what was compared, and what was found."""
    name = _table(comparison).get("name")
    versions = comparison.run.get("versions")
    return Page(
        kicker="genreclf report",
        title=f"Genre models compared on {name}" if name else "Genre models compared",
        facts=_facts(comparison),
        sections=(),
        findings=findings(comparison),
        notes=comparison.notes,
        version=str(versions.get("genreclf", __version__) if isinstance(versions, dict) else __version__),
    )


def _table(comparison: Comparison) -> dict[str, object]:
    table = comparison.run.get("table")
    return table if isinstance(table, dict) else {"name": table}


def _facts(comparison: Comparison) -> list[str]:
    """What was compared, in a few short items."""
    predictions, rows = ranked_predictions(comparison), _table(comparison).get("rows")
    tested = predictions["track_id"].nunique()
    tracks = max(rows, tested) if isinstance(rows, int) else tested
    facts = [count(tracks, "track") + (f" ({tested:,} tested)" if tracks > tested else "")]
    facts.append(count(predictions["genre"].nunique(), "genre"))
    if "artist" in comparison.tracks:
        artists = set(comparison.tracks["artist"].dropna().astype(str)) - {""}
        facts += [count(len(artists), "artist")] if artists else []
    return [*facts, count(len(contenders(comparison.ranking)), "model")]
