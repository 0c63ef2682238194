"""What the sections share: cells for scores, intervals and durations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from genreclf.pages.blocks import Cell
from genreclf.pages.wording import interval, points, seconds
from genreclf.reports.outcome import value_of

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.evaluation.comparison import Comparison


def score_cell(row: Mapping[str, Any], name: str) -> Cell:
    """A score in points."""
    value = value_of(row, name)
    return Cell(points(value), value)


def interval_cell(row: Mapping[str, Any], name: str) -> Cell:
    """The interval of a score."""
    return Cell(interval(value_of(row, f"{name}_low"), value_of(row, f"{name}_high")), value_of(row, f"{name}_low"))


def time_cell(row: Mapping[str, Any], name: str) -> Cell:
    """A duration."""
    value = value_of(row, name)
    return Cell(seconds(value), value)


def text_cell(text: object, *, strong: bool = False) -> Cell:
    """A name or a word."""
    return Cell(str(text), str(text), strong=strong)


def under_first(comparison: Comparison, frame: pd.DataFrame) -> pd.DataFrame | None:
    """The rows of the protocol that the ranking goes by; None where there are none."""
    if frame.empty:
        return None
    chosen = frame[frame["protocol"] == comparison.protocol] if "protocol" in frame else frame
    return None if chosen.empty else chosen.reset_index(drop=True)
