"""One track as the features see it: its series on one time axis, and the percentiles of its numbers."""

from __future__ import annotations

from genreclf.inspection.heatmap import PNG_BEGINS
from genreclf.inspection.inspection import Inspection, inspect_track
from genreclf.inspection.page import write_page
from genreclf.inspection.picture import write_picture
from genreclf.pages.page import PAGE_BEGINS

__all__ = ["PAGE_BEGINS", "PNG_BEGINS", "Inspection", "inspect_track", "write_page", "write_picture"]
