"""``genreclf benchmark --representations``: several sets of features with the same heads, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.cli.console import TerminalProgress, emit_json, interrupted, print_widest, show, text_table
from genreclf.errors import RequestError

if TYPE_CHECKING:
    from rich.table import Table

    from genreclf.evaluation.representations import RepresentationComparison

_OWN_COLUMNS = ("genre", "tags")


def benchmark_representations(
    source: str,
    representations: Sequence[str],
    labels: Sequence[str],
    *,
    output: Path | None,
    columns: Mapping[str, Any],
    options: Mapping[str, Any],
    json: bool,
) -> None:
    """Compare representations of a table, write the report and show it.

    Parameters
    ----------
    labels : ``genre``, ``tags`` and other columns of labels.
    columns : options of `genreclf.datasets.open_table`.
    options : of the benchmark; None for those that were not given.
    """
    from genreclf.datasets import open_table
    from genreclf.evaluation.comparison import check_report_folder
    from genreclf.evaluation.representations import compare_representations
    from genreclf.reports.representations_page import TABLES, write_representations

    known = signature(compare_representations).parameters
    given = {name: value for name, value in options.items() if value is not None}
    if odd := next((name for name in given if name not in known), None):
        raise RequestError(f"`{odd}={given[odd]}` does not go with `representations`; leave one of them out")
    tables = {
        label: open_table(source, **dict(columns) | ({} if label in _OWN_COLUMNS else {"label": label}))
        for label in labels
    }
    folder = output or Path("reports") / f"{next(iter(tables.values())).name}-representations"
    check_report_folder(folder, TABLES)
    with TerminalProgress() as progress:
        try:
            comparison = compare_representations(tables, representations, **given, progress=progress)
        except KeyboardInterrupt:
            raise interrupted("no report was written") from None
        for note in comparison.notes:
            progress.message(f"note: {note}")
        write_representations(comparison, folder)
    if json:
        emit_json({"report": str(folder)} | comparison.as_json())
        return
    show_representations(comparison)
    show(f"report: {folder / 'report.html'}")


def show_representations(comparison: RepresentationComparison) -> None:
    """Print the scores of each label, and what they show."""
    from genreclf.reports.representations_page import representation_findings

    for label in comparison.scores:
        print_widest(_scores(comparison, label, shorter) for shorter in range(4))
    for finding in representation_findings(comparison):
        show(f"{finding.topic}: {finding.text}")


def _scores(comparison: RepresentationComparison, label: str, shorter: int) -> Table:
    """A row for each head and representation; for narrow terminals without p, then without the intervals."""
    from genreclf.evaluation.representations import metric
    from genreclf.pages.wording import model_title, p_value, points, with_interval
    from genreclf.reports.run_comparison_page import VERDICTS

    sizes = dict(zip(comparison.representations, comparison.features, strict=True))
    first = comparison.representations[0]

    def difference(s: Any) -> str:  # noqa: ANN401
        if not s.verdict:
            return ""
        ends = (s.difference_low, s.difference_high)
        return points(s.difference, sign=True) if shorter == 3 else with_interval(s.difference, *ends, sign=True)

    columns: dict[str, Any] = {
        "head": lambda s: model_title(s.model),
        "representation": lambda s: s.run,
        "features": lambda s: f"{sizes[s.run]:,}",
        metric(label): lambda s: points(s.score) if shorter > 1 else with_interval(s.score, s.low, s.high),
        f"vs {first}": difference,
        "p, Holm": lambda s: p_value(s.p_value),
        "verdict": lambda s: VERDICTS[s.verdict],
    }
    if shorter:
        del columns["p, Holm"]
    return text_table(
        f"{label}: {metric(label)}, points out of 100; n.s.: not significant",
        comparison.scores[label],
        columns,
        left=("head", "representation", "verdict"),
        strong=lambda s: s.verdict in ("better", "worse"),
    )
