"""Reports: a comparison of models, or of runs, as pages, tables and pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def write_report(comparison: Comparison, folder: Path | str) -> None:
    """Write the tables of a comparison, ``report.html``, ``report.md`` and ``pictures/*.svg`` into a folder.

    Raises
    ------
    RequestError : the folder cannot be written to, or holds files that are not ours.
    """
    from genreclf.pages.page import write_pages
    from genreclf.reports.comparison_page import comparison_page

    comparison.write(folder)
    write_pages(comparison_page(comparison), Path(folder) / "report.html")
