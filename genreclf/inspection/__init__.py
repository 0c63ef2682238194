"""One track as the features see it: its series on one time axis, and the percentiles of its numbers."""

from __future__ import annotations

from genreclf.inspection.inspection import Inspection, inspect_track
from genreclf.inspection.page import write_page
from genreclf.inspection.picture import check_picture, write_picture
from genreclf.pages.page import check_page

__all__ = ["Inspection", "check_page", "check_picture", "inspect_track", "write_page", "write_picture"]
