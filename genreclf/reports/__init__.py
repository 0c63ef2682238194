"""Reports: a comparison as pages, tables and pictures that people want to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def write_report(comparison: Comparison, folder: Path) -> None:
    """Write ``report.md``, ``report.html`` and the pictures of a comparison into a folder."""
