"""The demo: the whole workflow on synthetic music, with nothing to download."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.progress import AUTOMATIC, Progress

# Fewer folds than by default, and fewer trees, so that the demo takes less than a minute.
FOLDS = 3
NOTE = f"the demo is quick: {FOLDS} folds, and a quarter of the trees of random forest and boosting"

if TYPE_CHECKING:
    from genreclf.evaluation.comparison import Comparison


def demonstrate(
    *,
    music: Path = Path("demo-music"),
    table: Path = Path("features/demo.csv"),
    report: Path = Path("reports/demo"),
    models: Sequence[str] | None = None,
    seed: int = 42,
    jobs: int | None = None,
    progress: Progress = AUTOMATIC,
) -> Comparison:
    """Make a small music collection, extract its features, benchmark models on it and write the report.

    The table and the report of an earlier demo are replaced; existing music is kept. Models have their `light`
    parameters.

    Raises
    ------
    RequestError : one of the folders cannot be written to, or holds a table or a report's files that are not ours.
    KeyboardInterrupt : the extraction was stopped.
    """
    from genreclf.datasets.synthetic import make_demo_music
    from genreclf.evaluation.benchmark import benchmark
    from genreclf.evaluation.comparison import check_report_folder
    from genreclf.extraction import extract
    from genreclf.models import STUDY_MODELS, resolve
    from genreclf.reports import write_report
    from genreclf.tables.meta import read_meta
    from genreclf.tables.table import FeatureTable

    check_report_folder(report)
    manifest = make_demo_music(music, seed=seed, jobs=jobs, progress=progress)
    if read_meta(table) is not None:
        for suffix in (".csv", ".json"):
            table.with_suffix(suffix).unlink(missing_ok=True)
    if extract(manifest, table, jobs=jobs, progress=progress).interrupted:
        raise KeyboardInterrupt
    comparison = benchmark(
        FeatureTable.read(table),
        models=[resolve(name).lighter for name in models or STUDY_MODELS],
        folds=FOLDS,
        seed=seed,
        jobs=jobs,
        progress=progress,
        command="genreclf demo",
    )
    comparison = replace(comparison, notes=(NOTE, *comparison.notes))
    write_report(comparison, report)
    return comparison
