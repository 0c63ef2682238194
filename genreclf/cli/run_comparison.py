"""How runs side by side look on a terminal."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genreclf.cli.console import print_widest, printable, result_console

if TYPE_CHECKING:
    from rich.table import Table

    from genreclf.evaluation.run_comparison import RunComparison


def show_run_comparison(comparison: RunComparison) -> None:
    """Print the scores and differences of the runs, what changed, and what that says."""
    from genreclf.reports.run_comparison_page import run_findings

    console = result_console()
    print_widest(console, (_scores(comparison, shorter) for shorter in range(4)))
    for finding in run_findings(comparison):
        line = f"{finding.topic}: {finding.text}"
        console.print(_shown(line), markup=False, soft_wrap=True)
    for change in comparison.changes:
        console.print(_shown(f"  {change.what}: {' | '.join(change.values)}"), markup=False, soft_wrap=True)
    for note in comparison.notes:
        console.print(_shown(f"note: {note}"), markup=False, soft_wrap=True)


def _scores(comparison: RunComparison, shorter: int) -> Table:
    """A row for each model and run; for narrow terminals without p, then without the intervals."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from genreclf.pages.wording import model_title, p_value, points, with_interval
    from genreclf.reports.run_comparison_page import VERDICTS

    title = "macro-F1, points of a hundred" if shorter == 3 else "macro-F1 (95 % interval), points of a hundred"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    tested = () if shorter else ("p, Holm",)
    for title in ("model", "run", "macro-F1", f"less {comparison.runs[0]}", *tested, "verdict"):
        right = title not in ("model", "run", "verdict")
        table.add_column(Text(_shown(title)), justify="right" if right else "left", no_wrap=True)
    before = None
    for s in comparison.scores:
        ends = (s.difference, s.difference_low, s.difference_high)
        gain = points(s.difference, sign=True) if shorter == 3 else with_interval(*ends, sign=True)
        verdict = Text(VERDICTS[s.verdict], style="bold" if s.verdict in ("better", "worse") else "")
        model = "" if s.model == before else model_title(s.model)
        score = points(s.score) if shorter > 1 else with_interval(s.score, s.low, s.high)
        p = () if shorter else (p_value(s.p_value),)
        cells = (model, s.run, score, gain if s.verdict else "", *p)
        table.add_row(*(Text(_shown(cell)) for cell in cells), verdict)
        before = s.model
    return table


def _shown(text: str) -> str:
    """Text in one line; a minus that a stream cannot show becomes a hyphen."""
    utf = (sys.stdout.encoding or "").lower().startswith("utf")
    return printable(text if utf else text.replace("\u2212", "-").replace("\u2265", ">="))


def run_comparison_as_json(comparison: RunComparison) -> dict[str, Any]:
    """What a program would read of runs side by side; what has no value is null."""
    document = asdict(comparison)
    document["standings"] = document.pop("scores")
    document["models"] = list(comparison.models)
    for row, score in zip(document["standings"], comparison.scores, strict=True):
        numbers = {name: None for name, value in row.items() if isinstance(value, float) and not math.isfinite(value)}
        row.update(numbers, verdict=score.verdict)
    return document
