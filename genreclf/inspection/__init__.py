"""One track as the features see it: its series on one time axis, and where its numbers stand among other tracks."""

from __future__ import annotations

from genreclf.inspection.inspection import Inspection, inspect_track

__all__ = ["Inspection", "inspect_track"]
