"""Runs side by side as a page, as Markdown and in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.errors import RequestError
from genreclf.pages.blocks import Cell, Column, Section, Table, figure
from genreclf.pages.markdown import markdown_report
from genreclf.pages.page import PAGE_BEGINS, chart_style, render
from genreclf.pages.wording import (
    count,
    interval,
    listed,
    model_title,
    p_value,
    points,
    protocol_title,
    with_interval,
)
from genreclf.reports.charts.run_scores import run_scores_chart
from genreclf.reports.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from genreclf.evaluation.run_comparison import RunComparison, RunScore

VERDICTS = {"better": "better", "worse": "worse", "same": "not told apart", "": ""}


def check_page(page: Path) -> None:
    """Refuse a place for the page before work begins.

    Raises
    ------
    RequestError : it is a folder, a file of another kind, or the place of the page's own Markdown.
    """
    from genreclf.files import check_file

    if page.suffix == ".md":
        raise RequestError(f"{page}: the same is written as Markdown there; name the page, {page.with_suffix('.html')}")
    check_file(page, begins=PAGE_BEGINS, what="a page of genreclf")


def write_run_comparison(comparison: RunComparison, page: Path) -> None:
    """Write the page, beside it the same as Markdown (``.md``), and the picture that that shows.

    Raises
    ------
    RequestError : the place cannot be written to.
    """
    from genreclf.files import write_whole

    sections, said = _sections(comparison), run_findings(comparison)
    title = f"Runs side by side: {listed(comparison.runs, most=4)}"
    facts = [count(len(comparison.runs), "run"), count(len(comparison.models), "model")]
    write_whole(
        page,
        render(
            "report.html.jinja",
            kicker="genreclf compare",
            title=title,
            facts=facts,
            findings=said,
            notes=comparison.notes,
            sections=sections,
            version=__version__,
        ),
    )
    write_whole(page.with_suffix(".md"), markdown_report(title, facts, said, comparison.notes, sections))
    for shown in sections[0].figures:
        write_whole(page.parent / "pictures" / f"{shown.name}.svg", shown.wide.standalone(chart_style()))


def run_findings(comparison: RunComparison) -> list[Finding]:
    """What changed with each run, a sentence for each, and what was different about it."""
    return [*_scores(comparison), *_changed(comparison)]


def _scores(comparison: RunComparison) -> Iterator[Finding]:
    first = comparison.runs[0]
    for run in comparison.runs[1:]:
        tested = [s for s in comparison.scores if s.run == run and s.verdict]
        real = [s for s in tested if s.verdict != "same"]
        if not tested:
            text = f"{run} and {first} cannot be compared track by track; only their intervals can."
        elif not real:
            text = f"No model's difference between {first} and {run} is more than chance explains."
        else:
            text = f"Against {first}, in {run} " + listed(map(_spoken, real), most=4) + "."
            if len(real) < len(tested):
                text += " The other differences are no more than chance explains."
        yield Finding(run, text)


def _spoken(score: RunScore) -> str:
    ends = (score.difference_low, score.difference_high)
    low, high = ends if score.difference > 0 else (-ends[1], -ends[0])
    size = with_interval(abs(score.difference), low, high)
    return f"{model_title(score.model)} is {size} points {score.verdict}"


def _changed(comparison: RunComparison) -> Iterator[Finding]:
    if not comparison.changes:
        yield Finding("What changed", "Nothing that the runs wrote down of themselves is different.")
        return
    yield Finding("What changed", f"{listed((change.what for change in comparison.changes), most=8).capitalize()}.")


def _sections(comparison: RunComparison) -> list[Section]:
    protocols = listed(dict.fromkeys(protocol_title(name) for name in comparison.protocols))
    scores = Section(
        "scores",
        "Scores",
        lead=f"Under {protocols}. Differences are from {comparison.runs[0]}, over the tracks that both runs tested.",
        figures=(
            figure(
                "versus",
                f"Macro-F1 with 95 % intervals; at the right, the difference from {comparison.runs[0]}, bold where it"
                " is more than chance explains.",
                lambda width: run_scores_chart(comparison, width=width),
            ),
        ),
        tables=(run_table(comparison),),
    )
    parts = [scores]
    if comparison.changes:
        columns = [Column("What", numeric=False), *(Column(name, numeric=False) for name in comparison.runs)]
        rows = [[Cell(c.what, c.what), *(Cell(value, value) for value in c.values)] for c in comparison.changes]
        parts.append(
            Section("changes", "What changed", tables=(Table("What is not the same in all runs", columns, rows),))
        )
    commands = tuple((name, text) for name, text in zip(comparison.runs, comparison.commands, strict=True) if text)
    if commands:
        parts.append(Section("origin", "How the runs were made", short="Origin", facts=commands))
    return parts


def run_table(comparison: RunComparison) -> Table:
    """A line for each model and run."""
    columns = [
        Column("Model", numeric=False),
        Column("Run", numeric=False),
        Column("Macro-F1"),
        Column("95 % interval"),
    ]
    columns += [Column("Difference"), Column("Its 95 % interval"), Column("p, Holm"), Column("Verdict", numeric=False)]
    rows = []
    for s in comparison.scores:
        ends = interval(s.difference_low, s.difference_high, sign=True)
        rows.append(
            [
                Cell(model_title(s.model), model_title(s.model)),
                Cell(s.run, s.run),
                Cell(points(s.score), s.score),
                Cell(interval(s.low, s.high), s.low),
                Cell(points(s.difference, sign=True) if s.verdict else "", s.difference),
                Cell(ends, s.difference_low),
                Cell(p_value(s.p_value), s.p_value),
                Cell(VERDICTS[s.verdict].replace(" ", "\u00a0"), s.verdict, strong=s.verdict in ("better", "worse")),
            ]
        )
    return Table("Each model in each run, points out of 100", columns, rows)
