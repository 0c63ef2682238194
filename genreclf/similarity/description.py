"""What an index says of itself: the fields of ``index.json`` that every index has, and what must hold for them.

``index.json`` lies in the archive of an `Index` and in the folder of a `LargeIndex`. Each adds fields of its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import msgspec
import numpy as np

from genreclf.archive import damaged, decode
from genreclf.errors import RequestError, one_line
from genreclf.similarity.metrics import DISTANCES, METRICS, Space

MEMBER = "index.json"
NEWEST_FORMAT = 2  # 2: points in 16 bits
LARGEST = 1e15  # coordinate; squares of sums of such numbers stay finite in single precision
WINDOW = ("duration", "offset")  # feature parameters that are kept
SHOWN = ("track_id", "genre", "artist", "title", "path")
HUBNESS = ("none", "mutual-proximity")
DESCRIBED = ("features", "metric", "distance", "hubness", "skew", "feature_set", "feature_parameters", "weights")


class _Version(msgspec.Struct):
    """The fields that every version has."""

    format: int
    genreclf: Literal["index"] = "index"


class Description(msgspec.Struct, kw_only=True):
    """The fields that every index has, see `genreclf.similarity.querying.Searchable`, and the digests of its arrays."""

    format: Annotated[int, msgspec.Meta(ge=1)]
    features: tuple[str, ...]
    metric: str
    distance: str = "euclidean"
    hubness: str = "none"
    skew: Annotated[float, msgspec.Meta(gt=-LARGEST, lt=LARGEST)]
    feature_set: str
    feature_parameters: dict[str, float | None]
    weights: dict[str, str] = {}
    sha256: dict[str, str]

    @classmethod
    def read(cls, path: Path, text: bytes) -> Self:
        """Read ``index.json`` of the index at `path`.

        Raises
        ------
        RequestError : it is damaged, or made by a newer version.
        """
        if decode(path, MEMBER, text, _Version).format > NEWEST_FORMAT:
            raise RequestError(f"{path}: made by a newer genreclf: pip install --upgrade genreclf")
        return decode(path, MEMBER, text, cls)

    def text(self) -> bytes:
        """The content of ``index.json``."""
        return json.dumps(msgspec.to_builtins(self), sort_keys=True, allow_nan=False).encode("ascii")

    def fields(self, arrays: Mapping[str, np.ndarray], *, dimensions: int) -> dict[str, Any]:
        """What a `Searchable` is made of.

        Raises
        ------
        ValueError : an option is not known, or the arrays of the space do not fit.
        """
        if self.metric not in METRICS or self.distance not in DISTANCES or self.hubness not in HUBNESS:
            raise ValueError("options")
        if not self.feature_parameters.keys() <= set(WINDOW):
            raise ValueError("feature parameters")
        unit = self.distance == "cosine"
        space = Space.of_arrays(arrays, features=len(self.features), dimensions=dimensions, unit=unit)
        return {"space": space, **{name: getattr(self, name) for name in DESCRIBED}}


def check(facts: Iterable[tuple[str, bool]]) -> None:
    """Raise a `ValueError` that names the first fact that does not hold; those after it are not asked for."""
    wrong = next((what for what, holds in facts if not holds), None)
    if wrong:
        raise ValueError(wrong)


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """Say in one line that ``index.json`` and the arrays of an index do not fit each other."""
    try:
        yield
    except (ValueError, KeyError) as error:
        raise damaged(path, f"{MEMBER} and its arrays do not fit ({one_line(error)})") from None


def all_below(array: np.ndarray, limit: float) -> bool:
    """Whether the magnitude of every number is below a limit, and none is NaN."""
    return bool((np.abs(array) < limit).all())
