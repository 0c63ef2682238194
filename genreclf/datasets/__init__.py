"""Data sets: which tracks there are, with their labels, artists and splits."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genreclf.datasets.manifest import Manifest


def open_source(
    sources: str | Path | Sequence[str | Path],
    *,
    subset: str | None = None,  # noqa: ARG001 - for the data sets known by name
    artists: Path | None = None,  # noqa: ARG001
    split: Path | None = None,  # noqa: ARG001
) -> Manifest:
    """The tracks of a manifest CSV, or of folders, files and patterns."""
    from genreclf.datasets.folder import scan
    from genreclf.datasets.manifest import read_manifest

    names = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if len(names) == 1 and str(names[0]).lower().endswith(".csv"):
        return read_manifest(Path(names[0]))
    return scan([Path(name) for name in names])
