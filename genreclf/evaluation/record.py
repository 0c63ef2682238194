"""What stays of a benchmark: its tables as files and plain values, and what it was run on."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.files import write_whole
from genreclf.versions import versions

if TYPE_CHECKING:
    import pandas as pd

    from genreclf.tables.table import FeatureTable

LIBRARIES = ("numpy", "scipy", "pandas", "scikit-learn", "catboost", "librosa")
TRACK_COLUMNS = ("artist", "title", "path")  # what a track is known by, where its table says
RUN = "run.json"


def described(table: FeatureTable) -> dict[str, Any]:
    """A feature table in plain values, without what its labels are."""
    made_with = table.meta.get("parameters") or {}
    return {
        "name": table.name,
        "feature_set": table.meta.get("feature_set"),
        **{name: made_with.get(name) for name in ("offset", "duration", "sample_rate")},
        "digest": table.digest,
        "rows": len(table),
        "features": len(table.features),
        "families": {family: len(columns) for family, columns in table.families.items()},
        "artists": None if table.groups is None else len(set(table.groups)),
    }


def plain_rows(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[dict[Any, Any]]]:
    """Each table as a list of its rows, for programs; missing values are None."""
    return {name: t.astype(object).where(t.notna(), None).to_dict("records") for name, t in tables.items()}


def write_tables(
    folder: Path,
    tables: Mapping[str, pd.DataFrame],
    run: Mapping[str, Any],
    notes: Sequence[str],
    *,
    always: Collection[str] = (),
) -> None:
    """Write what was run and each table with rows into a folder, each file whole or not at all.

    Parameters
    ----------
    always : tables that are written without rows as well.
    """
    told = {"versions": versions("genreclf")} | dict(run) | {"notes": list(notes)}
    write_whole(folder / RUN, json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    for name, table in tables.items():
        path = folder / f"{name}.csv"
        if len(table) or name in always:
            write_whole(path, table.to_csv(index=False, lineterminator="\n"))
        else:
            path.unlink(missing_ok=True)  # an earlier run's table would be read back as if it belonged to this one
