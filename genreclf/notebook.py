"""Results in notebooks: what a person wants to know at a glance, as a card of HTML.

`FeatureTable`, `Extraction`, `Comparison`, `Bundle`, `Predictor`, `Index` and `Inspection` show themselves so, see
`genreclf.display`. The facts are those of `genreclf.information`, the charts and tables those of the pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.evaluation.comparison import Comparison
from genreclf.extraction import Extraction
from genreclf.information import Information, information
from genreclf.inspection import Inspection
from genreclf.inspection.page import facts_of, glance
from genreclf.pages.blocks import Cell, Page, Section, table
from genreclf.pages.card import card
from genreclf.pages.wording import count, with_interval
from genreclf.prediction import TrackPredictor
from genreclf.reports.comparison_page import headline
from genreclf.reports.sections.scores import ranking

if TYPE_CHECKING:
    from genreclf.tables.store import Failure

_FINDINGS = 2
# What is shown at once, as sections and tables in them; the sections are folded below.
_AT_ONCE = {
    "model": (("training", "genres"), ("calibration", "tracks answered")),
    "index": (("tracks", "genres"),),
    "table": (("tracks", "genres"),),
}
_OPTIONS = ("min_confidence", "coverage", "set_coverage")


def html(shown: object) -> str:
    """A result as HTML for a notebook's cell, within `genreclf.pages.card.LARGEST` bytes.

    Raises
    ------
    RequestError : it is nothing that genreclf shows.
    """
    match shown:
        case Comparison():
            return card(_comparison(shown))
        case Extraction():
            return card(_extraction(shown))
        case Inspection():
            return card(_inspection(shown))
        case TrackPredictor():
            return card(_predictor(shown))
    return card(_known(information(shown)))


def _comparison(comparison: Comparison) -> Page:
    page, ranked = headline(comparison), replace(ranking(comparison), title="", lead="", parts=())
    return replace(page, kicker="genreclf comparison", findings=page.findings[:_FINDINGS], sections=[ranked])


def _extraction(done: Extraction) -> Page:
    facts = [count(done.tracks, "track"), f"{done.features:,} features each", f"{done.computed:,} computed"]
    facts += [f"{done.reused:,} already there", f"{len(done.failed):,} failed", f"{done.seconds:.1f} s"]
    facts += [f"stopped, {done.missing:,} missing: the same call goes on"] if done.interrupted else []
    notes = [*done.notes, *([str(done.verified)] if done.verified else [])]
    return Page("genreclf extraction", str(done.path), facts, list(_failures(done.failed)), (), notes, __version__)


def _failures(failed: tuple[Failure, ...]) -> Iterator[Section]:
    if failed:
        shown = table(
            "",
            failed,
            {
                "Track": lambda failure: Cell(failure.path),
                "Code": lambda failure: Cell(failure.code),
                "Reason": lambda failure: Cell(failure.reason),
            },
        )
        yield Section("failed", f"{count(len(failed), 'track')} failed", tables=[shown])


def _inspection(inspection: Inspection) -> Page:
    return Page(
        "genreclf inspection", inspection.path.name, facts_of(inspection), glance(inspection), version=__version__
    )


def _predictor(predictor: TrackPredictor) -> Page:
    page = _known(information(predictor))
    options = [f"{name} {getattr(predictor, name):g}" for name in _OPTIONS if getattr(predictor, name) is not None]
    return replace(page, facts=[*page.facts, *options])


def _known(found: Information) -> Page:
    """A model, an index or a table by what is known of it."""
    sections = {section.identity: section for section in found.as_sections()}
    at_once = [
        table
        for name, title in _AT_ONCE[found.kind]
        for table in sections[name].tables
        if table.titles[0] == title and table.rows
    ]
    folded = [replace(section, folded=True) for section in sections.values() if section.facts or section.tables]
    title = f"Index of {count(found.sections['index']['tracks'], 'track')}" if found.kind == "index" else found.title
    shown = [Section("glance", "", tables=at_once), *folded]
    return Page(f"genreclf {found.kind}", title, _facts(found), shown, version=__version__)


def _facts(found: Information) -> list[str]:
    """What a model, an index or a table is, in a few short items."""
    parts = found.sections
    genres = parts["training" if found.kind == "model" else "tracks"]["genres"]
    tracks = {"model": parts.get("training", {}).get("rows")}.get(found.kind, parts[found.kind].get("tracks"))
    features = parts["features"]
    facts = [count(tracks, "track")] if isinstance(tracks, int) else []
    facts.append(count(len(genres), "genre"))
    artists = parts["tracks"].get("artists") if found.kind == "table" else None
    facts += [count(artists, "artist")] if artists else []
    facts.append(f"{features['features']:,} features ({features['feature set']})")
    if found.kind == "model" and "macro f1" in parts["evaluation"]:
        score = parts["evaluation"]["macro f1"]
        facts.append(f"held-out macro-F1 {with_interval(score['value'], *score['95 % interval'])}")
    if found.kind == "index":
        facts.append(f"metric {parts['search']['metric']}")
    return facts
