"""Representations side by side, as a page and a table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.evaluation.comparison import check_report_folder
from genreclf.evaluation.record import RUN
from genreclf.evaluation.representations import metric
from genreclf.files import write_whole
from genreclf.pages.blocks import Cell, Finding, Page, Section, table
from genreclf.pages.page import write_pages
from genreclf.pages.wording import count, listed, model_title, p_value, points, with_interval
from genreclf.reports.run_comparison_page import VERDICTS
from genreclf.versions import versions

if TYPE_CHECKING:
    from genreclf.evaluation.representations import RepresentationComparison
    from genreclf.evaluation.run_comparison import RunScore

TABLES = ("representations",)


def write_representations(comparison: RepresentationComparison, folder: Path | str) -> None:
    """Write the page, the same as Markdown, the scores as CSV and what was run into a folder.

    Raises
    ------
    RequestError : the folder cannot be written to, or holds files that are not ours.
    """
    folder = Path(folder)
    check_report_folder(folder, TABLES)
    told = {"versions": versions("genreclf")} | dict(comparison.run) | {"notes": list(comparison.notes)}
    write_whole(folder / RUN, json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    text, rows = io.StringIO(), comparison.rows()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(folder / f"{TABLES[0]}.csv", text.getvalue())
    write_pages(representations_page(comparison), folder / "report.html")


def representations_page(comparison: RepresentationComparison) -> Page:
    """The page of a comparison of representations."""
    facts = [count(len(comparison.representations), "representation"), count(len(comparison.scores), "label")]
    facts.append(f"{comparison.run['table']['rows']:,} tracks")
    title = f"Representations: {listed(comparison.representations, most=4)}"
    sections, findings = list(_sections(comparison)), representation_findings(comparison)
    return Page("genreclf benchmark", title, facts, sections, findings, comparison.notes, __version__)


def representation_findings(comparison: RepresentationComparison) -> list[Finding]:
    """For each label, which representations differ significantly from the first."""
    return [Finding(label, _finding(comparison, label)) for label in comparison.scores]


def _finding(comparison: RepresentationComparison, label: str) -> str:
    first, scores = comparison.representations[0], comparison.scores[label]
    significant = [score for score in scores if score.verdict in ("better", "worse")]
    best = max(scores, key=lambda score: score.score)
    text = f"{best.run} with {model_title(best.model)} has the highest {metric(label)}, {points(best.score)}."
    if not significant:
        return f"{text} No representation differs significantly from {first}."
    return f"{text} Compared with {first}, {listed(map(_change, significant), most=6)}."


def _change(score: RunScore) -> str:
    low, high = score.difference_low, score.difference_high
    low, high = (low, high) if score.difference > 0 else (-high, -low)
    size = with_interval(abs(score.difference), low, high)
    return f"{score.run} is {size} points {score.verdict} with {model_title(score.model)}"


def _sections(comparison: RepresentationComparison) -> Iterator[Section]:
    first = comparison.representations[0]
    sizes = dict(zip(comparison.representations, comparison.features, strict=True))
    for label, scores in comparison.scores.items():
        made = table(
            f"{label}: {metric(label)} in points out of 100; n.s.: difference not significant",
            scores,
            {
                "Representation": lambda s: Cell(s.run),
                "Head": lambda s: Cell(model_title(s.model)),
                "Features": lambda s: Cell(f"{sizes[s.run]:,}", sizes[s.run]),
                f"{metric(label)} (95 % interval)": lambda s: Cell(with_interval(s.score, s.low, s.high), s.score),
                f"Difference from {first}": lambda s: Cell(
                    with_interval(s.difference, s.difference_low, s.difference_high, sign=True) if s.verdict else "",
                    s.difference,
                ),
                "p, Holm": lambda s: Cell(p_value(s.p_value) if s.verdict else "", s.p_value),
                "Verdict": lambda s: Cell(VERDICTS[s.verdict], s.verdict, strong=s.verdict in ("better", "worse")),
            },
        )
        lead = f"The same tracks, folds and heads; differences are from {first}, paired over artists."
        yield Section(f"label-{label}", label.capitalize(), short=label.capitalize(), lead=lead, tables=[made])
    if command := comparison.run.get("command"):
        yield Section("origin", "How this was made", short="Origin", facts=[("command", str(command))])
