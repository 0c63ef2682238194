"""How runs side by side look on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.cli.console import print_widest, show, text_table

if TYPE_CHECKING:
    from rich.table import Table

    from genreclf.evaluation.run_comparison import RunComparison, RunScore


def show_run_comparison(comparison: RunComparison) -> None:
    """Print the scores and differences of the runs, what they show, and what changed."""
    from genreclf.reports.run_comparison_page import run_findings

    print_widest(_scores(comparison, shorter) for shorter in range(4))
    for finding in run_findings(comparison):
        show(f"{finding.topic}: {finding.text}")
    for change in comparison.changes:
        show(f"  {change.what}: {' | '.join(change.values)}")
    for note in comparison.notes:
        show(f"note: {note}")


def _scores(comparison: RunComparison, shorter: int) -> Table:
    """A row for each model and run; for narrow terminals without p, then without the intervals."""
    from genreclf.pages.wording import model_title, p_value, points, with_interval
    from genreclf.reports.run_comparison_page import VERDICTS

    firsts = {score.model: score for score in reversed(comparison.scores)}

    def difference(s: RunScore) -> str:
        if not s.verdict:
            return ""
        ends = (s.difference_low, s.difference_high)
        return points(s.difference, sign=True) if shorter == 3 else with_interval(s.difference, *ends, sign=True)

    columns = {
        "model": lambda s: model_title(s.model) if firsts[s.model] is s else "",
        "run": lambda s: s.run,
        "macro-F1": lambda s: points(s.score) if shorter > 1 else with_interval(s.score, s.low, s.high),
        f"vs {comparison.runs[0]}": difference,
        "p, Holm": lambda s: p_value(s.p_value),
        "verdict": lambda s: VERDICTS[s.verdict],
    }
    if shorter:
        del columns["p, Holm"]
    interval = "" if shorter == 3 else " (95 % interval)"
    return text_table(
        f"macro-F1{interval}, points out of 100; n.s.: not significant",
        comparison.scores,
        columns,
        left=("model", "run", "verdict"),
        strong=lambda s: s.verdict in ("better", "worse"),
    )
