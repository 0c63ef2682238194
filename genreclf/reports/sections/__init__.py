"""The sections of a comparison report; one whose numbers are missing is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf.reports.sections.features import ablation, importance, tuning
from genreclf.reports.sections.models import genres, learning_curve, models
from genreclf.reports.sections.published import published_results
from genreclf.reports.sections.scores import fit_time, leakage, origin, ranking, tests
from genreclf.reports.sections.tracks import misclassified, retrieval, track_atlas

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison
    from genreclf.pages.blocks import Section


def sections(comparison: Comparison) -> list[Section]:
    """Everything that a comparison has numbers for, in the order of the report."""
    scores, music = (
        (ranking, published_results, leakage, fit_time, learning_curve, genres, models),
        (track_atlas, misclassified, retrieval),
    )
    makers = (*scores, ablation, importance, *music, tests, tuning, origin)
    return [section for make in makers if (section := make(comparison)) is not None]
