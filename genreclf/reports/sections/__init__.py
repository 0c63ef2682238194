"""The sections of a comparison report; one whose numbers are not there is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.reports.sections.features import ablation, importance, tuning
from genreclf.reports.sections.models import genres, models
from genreclf.reports.sections.origin import origin
from genreclf.reports.sections.scores import cost, leak, ranking, tests
from genreclf.reports.sections.tracks import hardest, retrieval, track_atlas

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison
    from genreclf.pages.blocks import Section


def sections(comparison: Comparison) -> list[Section]:
    """Everything that a comparison has numbers for, in the order of the report."""
    scores, music = (ranking, leak, cost, genres, models), (track_atlas, hardest, retrieval)
    makers = (*scores, ablation, importance, *music, tests, tuning, origin)
    return [section for make in makers if (section := make(comparison)) is not None]
