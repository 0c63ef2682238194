"""Reports: a comparison as pages, tables and pictures that people want to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def write_report(comparison: Comparison, folder: Path | str) -> None:
    """Write the tables of a comparison, ``report.html``, ``report.md`` and ``pictures/*.svg`` into a folder.

    Raises
    ------
    RequestError : the folder cannot be written to.
    """
    from genreclf.files import write_whole
    from genreclf.reports.comparison_page import comparison_pages

    comparison.write(folder)
    for name, content in comparison_pages(comparison).items():
        write_whole(Path(folder) / name, content)
