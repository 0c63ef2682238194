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
from genreclf.reports.charts.run_scores import versus_chart
from genreclf.reports.findings import Finding

if TYPE_CHECKING:
    from pathlib import Path

    from genreclf.evaluation.run_comparison import Standing, Versus

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


def write_versus(versus: Versus, page: Path) -> None:
    """Write the page, beside it the same as Markdown (``.md``), and the picture that that shows.

    Raises
    ------
    RequestError : the place cannot be written to.
    """
    from genreclf.files import write_whole

    sections, said = _sections(versus), versus_findings(versus)
    title = f"Runs side by side: {listed(versus.runs, most=4)}"
    facts = [count(len(versus.runs), "run"), count(len(versus.models), "model")]
    write_whole(
        page,
        render(
            "report.html.jinja",
            kicker="genreclf compare",
            title=title,
            facts=facts,
            findings=said,
            notes=versus.notes,
            sections=sections,
            version=__version__,
        ),
    )
    write_whole(page.with_suffix(".md"), markdown_report(title, facts, said, versus.notes, sections))
    for shown in sections[0].figures:
        write_whole(page.parent / "pictures" / f"{shown.name}.svg", shown.wide.standalone(chart_style()))


def versus_findings(versus: Versus) -> list[Finding]:
    """What changed with each run, a sentence for each, and what was different about it."""
    return [*_scores(versus), *_changed(versus)]


def _scores(versus: Versus) -> Iterator[Finding]:
    first = versus.runs[0]
    for run in versus.runs[1:]:
        tested = [s for s in versus.standings if s.run == run and s.verdict]
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


def _spoken(standing: Standing) -> str:
    ends = (standing.difference_low, standing.difference_high)
    low, high = ends if standing.difference > 0 else (-ends[1], -ends[0])
    size = with_interval(abs(standing.difference), low, high)
    return f"{model_title(standing.model)} is {size} points {standing.verdict}"


def _changed(versus: Versus) -> Iterator[Finding]:
    if not versus.changes:
        yield Finding("What changed", "Nothing that the runs wrote down of themselves is different.")
        return
    yield Finding("What changed", f"{listed((change.what for change in versus.changes), most=8).capitalize()}.")


def _sections(versus: Versus) -> list[Section]:
    protocols = listed(dict.fromkeys(protocol_title(name) for name in versus.protocols))
    scores = Section(
        "scores",
        "Scores",
        lead=f"Under {protocols}. Differences are from {versus.runs[0]}, over the tracks that both runs tested.",
        figures=(
            figure(
                "versus",
                f"Macro-F1 with 95 % intervals; at the right, the difference from {versus.runs[0]}, bold where it is"
                " more than chance explains.",
                lambda width: versus_chart(versus, width=width),
            ),
        ),
        tables=(versus_table(versus),),
    )
    parts = [scores]
    if versus.changes:
        columns = [Column("What", numeric=False), *(Column(name, numeric=False) for name in versus.runs)]
        rows = [[Cell(c.what, c.what), *(Cell(value, value) for value in c.values)] for c in versus.changes]
        parts.append(
            Section("changes", "What changed", tables=(Table("What is not the same in all runs", columns, rows),))
        )
    commands = tuple((name, text) for name, text in zip(versus.runs, versus.commands, strict=True) if text)
    if commands:
        parts.append(Section("origin", "How the runs were made", short="Origin", facts=commands))
    return parts


def versus_table(versus: Versus) -> Table:
    """A line for each model and run."""
    columns = [
        Column("Model", numeric=False),
        Column("Run", numeric=False),
        Column("Macro-F1"),
        Column("95 % interval"),
    ]
    columns += [Column("Difference"), Column("Its 95 % interval"), Column("p, Holm"), Column("Verdict", numeric=False)]
    rows = []
    for s in versus.standings:
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
