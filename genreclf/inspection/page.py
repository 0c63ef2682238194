"""The page of an inspection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genreclf import __version__
from genreclf.features.statistics import STATISTICS
from genreclf.inspection.drawings import (
    circle_of_fifths,
    number_grid,
    probabilities_over_time,
    side_by_side,
    time_aligned,
)
from genreclf.inspection.panels import panels_of, parts_of
from genreclf.pages.blocks import Cell, Column, Figure, Section, Table
from genreclf.pages.page import render

if TYPE_CHECKING:
    from genreclf.inspection.inspection import Inspection
    from genreclf.inspection.percentiles import Standing

WIDTH = 936.0


def inspection_page(inspection: Inspection) -> str:
    """The HTML of an inspection."""
    return render(
        "report.html.jinja",
        kicker="genreclf inspect",
        title=inspection.path.name,
        facts=_facts(inspection),
        findings=(),
        notes=(),
        sections=[section for section in _sections(inspection) if section is not None],
        version=__version__,
    )


def _facts(inspection: Inspection) -> list[str]:
    series = inspection.series
    start = inspection.start or 0.0
    where = f"from {start:g} s" if inspection.start is not None else "the stretch that features describe"
    facts = [f"{series.seconds:.1f} s, {where}", f"{series.sample_rate:,} Hz mono"]
    facts.append(f"{inspection.features['tempo']:.1f} beats a minute")
    if inspection.timeline:
        timeline = inspection.timeline
        share = float(timeline.shares.mean(axis=0)[timeline.genres.index(timeline.said)])
        facts.append(f"{inspection.model_name} says {timeline.said} ({100 * share:.0f} %)")
    return facts


def _sections(inspection: Inspection) -> list[Section | None]:
    series, features = inspection.series, dict(inspection.features)
    start, seconds = inspection.start or 0.0, series.seconds
    over_time = time_aligned(panels_of(series, features), start=start, seconds=seconds, width=WIDTH)
    parts = side_by_side(parts_of(series, features), start=start, seconds=seconds, width=WIDTH)
    return [
        _genres(inspection),
        Section(
            "series",
            "Over time",
            lead="What the features are computed from: each of them is a statistic of one of these rows.",
            figures=(Figure("series", "All panels share the axis of time below them.", over_time),),
        ),
        Section(
            "parts",
            "What rings and what is struck",
            short="Parts",
            lead="The track split into its harmonic and its percussive part, coloured as the mel spectrogram above.",
            figures=(
                Figure(
                    "parts",
                    "128 mel bands of each part; the powers, mean squares of full scale, are two of the features.",
                    parts,
                ),
            ),
        ),
        Section(
            "fifths",
            "Circle of fifths",
            short="Fifths",
            lead="The first two Tonnetz axes: keys a fifth apart are neighbours. A path that stays put stays in a key.",
            figures=(
                Figure(
                    "fifths",
                    "The mean of every half second, from pale to strong in time; the ring marks the start, the dot the"
                    " end.",
                    circle_of_fifths(series.tonnetz),
                ),
            ),
        ),
        _numbers(inspection),
    ]


def _genres(inspection: Inspection) -> Section | None:
    if inspection.timeline is None:
        return None
    windows = len(inspection.timeline.starts)
    heard = "the track" if windows == 1 else f"each of {windows} windows of the track"
    drawing = probabilities_over_time(inspection.timeline, width=WIDTH)
    caption = "Height is the probability; the likeliest genre of each window is strong. At the right, the mean."
    return Section(
        "genres",
        "Genre over time",
        short="Genre",
        lead=f"What {inspection.model_name} says of {heard}.",
        figures=(Figure("genres", caption, drawing),),
    )


def _numbers(inspection: Inspection) -> Section:
    held = {standing.feature: standing for standing in inspection.standings}
    figures = []
    for family, size, title in (("mfcc", 20, "MFCC"), ("tonnetz", 6, "Tonnetz")):
        names = [f"{family}_{statistic}_{row + 1:02d}" for statistic in STATISTICS for row in range(size)]
        rows = [str(row + 1) for row in range(size)]
        grid = number_grid([held[n] for n in names], rows=rows, columns=STATISTICS, title=title, width=WIDTH)
        figures.append(Figure(f"numbers-{family}", f"{title}: a row a series, a column a statistic.", grid))
    singles = ("tempo", "harmonic_power", "percussive_power")
    grid = number_grid(
        [held[name] for name in singles], rows=("",), columns=singles, title="Tempo and powers", width=WIDTH / 2
    )
    figures.append(Figure("numbers-single", "Tempo in beats a minute; powers as mean squares of full scale.", grid))
    if inspection.table_tracks:
        lead = (
            f"The strip below a number runs from the lowest to the highest of the {inspection.table_tracks:,} tracks of"
            f" {inspection.table_name}; orange marks are among the lowest or the highest twentieth."
        )
    else:
        lead = "Give a feature table to see where each number stands among its tracks."
    table = Section("table", "The same as a table", tables=(_table(inspection.standings),), folded=True)
    return Section("numbers", f"{len(held)} numbers", short="Numbers", lead=lead, figures=figures, parts=(table,))


def _table(standings: tuple[Standing, ...]) -> Table:
    columns = [Column("Feature", numeric=False), Column("Value")]
    rows = [[Cell(s.feature, s.feature), Cell(f"{s.value:.6g}".replace("-", "\u2212"), s.value)] for s in standings]
    if any(s.percentile is not None for s in standings):
        columns.append(Column("Above, % of tracks"))
        for row, s in zip(rows, standings, strict=True):
            row.append(Cell("", "") if s.percentile is None else Cell(f"{100 * s.percentile:.0f}", s.percentile))
    return Table("Every feature of the track", columns, rows)
