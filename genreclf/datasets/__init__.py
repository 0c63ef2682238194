r"""Data sets: which tracks, labels, artists and splits there are.

`DATASETS` holds the data sets known by name. A further one is one entry, `register`\ ed by hand or offered by an
installed package under the entry points ``genreclf.datasets``. `open_source` and `open_table` take whatever a user may
name: a data set's folder as ``fma:FOLDER``, a CSV file, folders, files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.datasets.dataset import Archive, Dataset
from genreclf.datasets.fma import FMA
from genreclf.datasets.gtzan import GTZAN
from genreclf.datasets.guessing import WAYS, guess, guess_in_table
from genreclf.datasets.lists import join
from genreclf.datasets.magnatagatune import MAGNATAGATUNE
from genreclf.datasets.manifest import Manifest, Track, read_manifest
from genreclf.datasets.mtg_jamendo import MTG_JAMENDO
from genreclf.errors import RequestError, one_line
from genreclf.plugins import Registry
from genreclf.remote import Url, as_location

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable

__all__ = [
    "DATASETS",
    "Archive",
    "Dataset",
    "Manifest",
    "Track",
    "as_table",
    "find_dataset",
    "find_dataset_folder",
    "is_manifest",
    "open_source",
    "open_table",
    "register",
]

DATASETS: Registry[Dataset] = Registry(
    "data set", Dataset, (FMA, GTZAN, MAGNATAGATUNE, MTG_JAMENDO), group="genreclf.datasets"
)
register = DATASETS.register
find_dataset = DATASETS.find


def open_source(
    sources: str | Path | Sequence[str | Path],
    *,
    subset: str | None = None,
    artists: Path | str | None = None,
    split: Path | str | None = None,
) -> Manifest:
    """The tracks of a source.

    Parameters
    ----------
    sources : ``fma:FOLDER`` or another known data set; a manifest ending in ``.csv``; or folders, files and patterns.
        Manifests, folders and files may be URLs.
    subset : a subset of the data set, for example ``small``.
    artists : a published list of who plays in each file, see `genreclf.datasets.lists`; or ``folders``, ``names`` or
        ``tags``, to guess the artists that are not known, see `genreclf.datasets.guessing`.
    split : a file or a folder of published split lists; tracks that stand in none are left out and noted.

    Raises
    ------
    RequestError : the source cannot be used, or sources of different kinds are mixed.
    """
    names = [sources] if isinstance(sources, str | os.PathLike) else list(sources)
    if not names or "" in names:
        raise RequestError("no source named; give a folder of music, a manifest or a data set such as fma:FOLDER")
    manifest = _listed(names, subset=subset)
    if artists in WAYS:
        manifest, artists = guess(manifest, str(artists)), None
    return join(manifest, artists=artists, split=split)


def _listed(names: list[str | Path], *, subset: str | None) -> Manifest:
    alone = [name for name in names if find_dataset_folder(name) or is_manifest(as_location(name))]
    if alone and len(names) > 1:
        raise RequestError(f"{alone[0]} stands alone: name one data set, one manifest, or folders and files")
    if found := find_dataset_folder(names[0]):
        dataset, folder = found
        return dataset.manifest(folder, subset=subset)
    if subset is not None:
        raise RequestError(f"subset={subset} needs a data set that has subsets, such as fma:FOLDER")
    if alone:
        return read_manifest(as_location(names[0]))
    from genreclf.datasets.folder import scan

    return scan([as_location(name) for name in names])


def as_table(table: object) -> FeatureTable:
    """A feature table, as it is or read from a path as `open_table` reads it.

    Raises
    ------
    RequestError : it is something else, such as a model, or the path cannot be used.
    """
    from genreclf.tables.table import FeatureTable

    if isinstance(table, FeatureTable):
        return table
    if isinstance(table, str | os.PathLike):
        return open_table(Path(table) if isinstance(table, os.PathLike) else table)
    hint = "models go into models=[...]" if hasattr(table, "fit") else "read one with FeatureTable.read(path)"
    raise RequestError(f"{one_line(repr(table), longest=60)} is not a feature table nor the path of one; {hint}")


def open_table(
    source: str | Path,
    *,
    subset: str | None = None,
    label: str | None = None,
    id: str | None = None,  # noqa: A002 - the name that the command uses
    group: str | None = None,
    families: Sequence[str] | None = None,
    artists: str | None = None,
    sample: int | None = None,
    seed: int = 42,
) -> FeatureTable:
    """A feature table: a CSV or Parquet file, or the features that a data set publishes itself.

    Parameters
    ----------
    source : a CSV file, Parquet, or ``fma:FOLDER`` for FMA's own ``features.csv``.
    subset : a subset of the data set, for example ``medium``.
    label, id, group : columns of a CSV file, see `FeatureTable.read`; of a data set, `group` may be ``artist,album``,
        and `label` one of its own labels, as ``subgenre`` of FMA.
    families : feature families or, of a CSV file, sets to keep; all where None.
    artists : ``folders`` or ``names`` guesses artists that a CSV file does not name, see `genreclf.datasets.guessing`.
    sample, seed : take so many tracks only, see `FeatureTable.read`.

    Raises
    ------
    RequestError : the source cannot be used.
    """
    found = find_dataset_folder(source)
    if found:
        dataset, folder = found
        if dataset.features is None:
            raise RequestError(
                f"{dataset.name} publishes no features; make a table with: genreclf extract {source} -o TABLE.csv"
            )
        own = None if group == "artist,album" else group
        labels = {} if label is None or not dataset.labels else {"label": label}
        unused = {"label": None if labels else label, "id": id, "group": own, "artists": artists, "sample": sample}
        for option, value in unused.items():
            if value is not None:
                raise RequestError(f"{option}={value} is for tables; {source} has its own labels, ids and artists")
        published = dataset.features(folder, subset=subset, families=families, **labels)
        return published if group is None else replace(published, grouping=("album",))
    if subset is not None:
        raise RequestError(f"subset={subset} needs a data set that has subsets, such as fma:FOLDER")
    from genreclf.features import FEATURE_SETS
    from genreclf.tables.table import FeatureTable

    table = FeatureTable.read(source, label=label, id=id, group=group, sample=sample, seed=seed)
    table = table if artists is None else guess_in_table(table, artists)
    return table if families is None else table.select(families, sets=FEATURE_SETS)


def is_manifest(path: Path | Url) -> bool:
    """Whether a source is a manifest, by its name."""
    return path.suffix.lower() == ".csv" and not os.path.isdir(path)  # noqa: PTH112 - as in `table_path`


def find_dataset_folder(source: str | Path) -> tuple[Dataset, Path] | None:
    """The data set and the folder that ``fma:FOLDER`` names; None for what names no data set.

    Raises
    ------
    RequestError : it names a data set and no folder.
    """
    name, colon, folder = str(source).partition(":")
    if not colon or name not in DATASETS:
        return None
    if not folder:
        raise RequestError(f"{source} names no folder; write {name}:FOLDER")
    return DATASETS[name], Path(folder).expanduser()
