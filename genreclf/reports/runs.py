"""Reading several report folders, each under a unique name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from genreclf.errors import RequestError
from genreclf.evaluation.comparison import Comparison


def read_runs(folders: Sequence[Path | str]) -> dict[str, Comparison]:
    """The comparisons of report folders, by the shortest ends of their paths that are unique.

    Raises
    ------
    RequestError : fewer than two folders, a folder given twice, or one without a comparison.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise RequestError("one report alone cannot be compared; give two or more report folders")
    whole = [path.resolve() for path in paths]
    for number, path in enumerate(whole):
        if path in whole[:number]:
            raise RequestError(f"{paths[number]}: given twice; give different report folders")
    return {name: Comparison.read(path) for name, path in zip(_names(whole), paths, strict=True)}


def _names(paths: Sequence[Path]) -> list[str]:
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        names = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]
