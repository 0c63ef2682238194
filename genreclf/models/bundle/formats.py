"""Formats of bundles: which kind of manifest stands in a file of which format.

Format 3 is for models of tags and 4 for models of series; models of genres by features are written in format 2. All are
read as long as files are.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from genreclf.archive import decode
from genreclf.errors import RequestError
from genreclf.models.bundle.manifest import BundleManifest
from genreclf.models.bundle.series_manifest import SeriesManifest
from genreclf.models.bundle.tag_manifest import TagManifest

FORMATS: dict[int, type[BundleManifest]] = {
    1: BundleManifest,
    2: BundleManifest,
    3: TagManifest,
    4: SeriesManifest,
}


class _Version(msgspec.Struct):
    format: int


def read_manifest(path: Path, data: bytes) -> BundleManifest:
    """Read and check a manifest of any format.

    Raises
    ------
    RequestError : it is not JSON, made by a newer genreclf, or a field is missing, unknown or of a wrong kind.
    """
    version, latest = decode(path, "manifest.json", data, _Version).format, max(FORMATS)
    if version > latest:
        raise RequestError(
            f"{path}: in format {version}, made by a newer genreclf; this one reads up to format {latest}: "
            "pip install --upgrade genreclf"
        )
    return FORMATS.get(version, BundleManifest).from_json(path, data)
