"""Export: a report for a paper, as figures, tables and a paragraph on the evaluation with its references."""

from __future__ import annotations

from genreclf.export.report import COLUMN_WIDTH, PAGE_WIDTH, export_report, parse_width

__all__ = ["COLUMN_WIDTH", "PAGE_WIDTH", "export_report", "parse_width"]
