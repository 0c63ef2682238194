"""How runs side by side look on a terminal."""

from __future__ import annotations

import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from genreclf.cli.console import printable

if TYPE_CHECKING:
    from genreclf.reports.versus import Versus

_WIDTH_OF_NO_TERMINAL = 120


def show_versus(versus: Versus) -> None:
    """Print the scores and differences of the runs, what changed, and what that says."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from genreclf.reports.versus_page import VERDICTS, versus_findings
    from genreclf.reports.wording import model_title, p_value, with_interval

    console = Console(width=None if sys.stdout.isatty() else _WIDTH_OF_NO_TERMINAL, highlight=False)
    table = Table(title="macro-F1 (95 % interval), points of a hundred", title_justify="left", box=box.SIMPLE_HEAD)
    for title in ("model", "run", "macro-F1", f"less {versus.runs[0]}", "p, Holm", "verdict"):
        right = title not in ("model", "run", "verdict")
        table.add_column(Text(printable(title)), justify="right" if right else "left", no_wrap=True)
    before = None
    for s in versus.standings:
        gain = with_interval(s.difference, s.difference_low, s.difference_high, sign=True) if s.verdict else ""
        verdict = Text(VERDICTS[s.verdict], style="bold" if s.verdict in ("better", "worse") else "")
        model = "" if s.model == before else model_title(s.model)
        score = with_interval(s.score, s.low, s.high)
        table.add_row(Text(printable(model)), Text(printable(s.run)), score, gain, p_value(s.p_value), verdict)
        before = s.model
    console.print(table)
    for finding in versus_findings(versus):
        line = f"{finding.topic}: {finding.text}"
        console.print(printable(line), markup=False, soft_wrap=True)
    for change in versus.changes:
        console.print(printable(f"  {change.what}: {' | '.join(change.values)}"), markup=False, soft_wrap=True)
    for note in versus.notes:
        console.print(printable(f"note: {note}"), markup=False, soft_wrap=True)


def versus_as_json(versus: Versus) -> dict[str, Any]:
    """What a program would read of runs side by side; what has no value is null."""
    told = asdict(versus)
    told["models"] = list(versus.models)
    for row, standing in zip(told["standings"], versus.standings, strict=True):
        numbers = {name: None for name, value in row.items() if isinstance(value, float) and not math.isfinite(value)}
        row.update(numbers, verdict=standing.verdict)
    return told
