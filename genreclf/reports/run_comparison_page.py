"""Runs side by side, as a page and in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.evaluation.protocols import title as protocol_title
from genreclf.pages.blocks import Cell, Figure, Finding, Page, Section, Table, table
from genreclf.pages.page import check_pages, write_pages
from genreclf.pages.wording import count, interval, listed, model_title, p_value, points, with_interval
from genreclf.reports.charts.run_scores import run_chart

if TYPE_CHECKING:
    from pathlib import Path

    from genreclf.evaluation.run_comparison import RunComparison, RunScore

VERDICTS = {"better": "better", "worse": "worse", "same": "n.s.", "": ""}


def write_run_comparison(comparison: RunComparison, page: Path) -> None:
    """Write the page, the same as Markdown beside it (``.md``), and its picture.

    Raises
    ------
    RequestError : the files cannot be written, or are not ours; see `genreclf.pages.page.check_pages`.
    """
    check_pages(page)
    write_pages(run_comparison_page(comparison), page)


def run_comparison_page(comparison: RunComparison) -> Page:
    """The page of a comparison of runs."""
    facts = [count(len(comparison.runs), "run"), count(len(comparison.models), "model")]
    title = f"Runs side by side: {listed(comparison.runs, most=4)}"
    sections, findings = list(_sections(comparison)), run_findings(comparison)
    return Page("genreclf compare", title, facts, sections, findings, comparison.notes, __version__)


def run_findings(comparison: RunComparison) -> list[Finding]:
    """Whether the scores of each run differ from the first run's, a sentence for each, and what changed."""
    scores = [_difference(comparison, run) for run in comparison.runs[1:]]
    changes = listed((change.what for change in comparison.changes), most=8).capitalize()
    return [
        *scores,
        Finding("What changed", f"{changes}." if changes else "The runs record no difference in settings."),
    ]


def _difference(comparison: RunComparison, run: str) -> Finding:
    first = comparison.runs[0]
    tested = [s for s in comparison.scores if s.run == run and s.verdict]
    significant = [s for s in tested if s.verdict != "same"]
    if not tested:
        text = f"{run} and {first} cannot be compared track by track, only by their intervals."
    elif not significant:
        text = f"No model differs significantly between {first} and {run}."
    else:
        text = f"Compared with {first}, in {run} {listed(map(_change, significant), most=4)}."
        if len(significant) < len(tested):
            text += " The other differences are not significant."
    return Finding(run, text)


def _change(score: RunScore) -> str:
    ends = (score.difference_low, score.difference_high)
    low, high = ends if score.difference > 0 else (-ends[1], -ends[0])
    return f"{model_title(score.model)} is {with_interval(abs(score.difference), low, high)} points {score.verdict}"


def _sections(comparison: RunComparison) -> Iterator[Section]:
    first = comparison.runs[0]
    protocols = listed(dict.fromkeys(protocol_title(name) for name in comparison.protocols))
    caption = (
        f"Macro-F1 with 95 % intervals; at the right, the difference from {first}, in bold where it is significant."
    )
    yield Section(
        "scores",
        "Scores",
        lead=f"Under {protocols}. Differences are from {first}, over the tracks that both runs tested.",
        figures=[Figure("versus", caption, lambda width: run_chart(comparison, width=width))],
        tables=[
            table(
                "Each model in each run, in points out of 100; n.s.: difference not significant",
                comparison.scores,
                {
                    "Model": lambda s: Cell(model_title(s.model)),
                    "Run": lambda s: Cell(s.run),
                    "Macro-F1": lambda s: Cell(points(s.score), s.score),
                    "95 % interval": lambda s: Cell(interval(s.low, s.high), s.low),
                    "Difference": lambda s: Cell(points(s.difference, sign=True) if s.verdict else "", s.difference),
                    "Its 95 % interval": lambda s: Cell(
                        interval(s.difference_low, s.difference_high, sign=True), s.difference_low
                    ),
                    "p, Holm": lambda s: Cell(p_value(s.p_value), s.p_value),
                    "Verdict": lambda s: Cell(VERDICTS[s.verdict], s.verdict, strong=s.verdict in ("better", "worse")),
                },
            )
        ],
    )
    if comparison.changes:
        changed = [[Cell(change.what), *map(Cell, change.values)] for change in comparison.changes]
        titles = ["Setting", *comparison.runs]
        yield Section("changes", "What changed", tables=[Table("What differs between the runs", titles, changed)])
    commands = [(name, text) for name, text in zip(comparison.runs, comparison.commands, strict=True) if text]
    if commands:
        yield Section("origin", "How the runs were made", short="Origin", facts=commands)
