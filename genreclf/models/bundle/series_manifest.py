"""The manifest of a bundle whose model takes series in place of a row of features."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Literal

from genreclf.models.bundle.manifest import BundleManifest
from genreclf.models.bundle.stored import check_estimator, load_estimator
from genreclf.series import Header  # noqa: TC001 - msgspec reads the types of the fields


class SeriesManifest(BundleManifest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a model of series.

    Parameters
    ----------
    series : the kind that it takes, and what those of the training tracks were made with; `feature_set` and
        `feature_parameters` are empty.
    features : names for the mean and the standard deviation of each bin over the frames of a track, which
        `feature_means`, `feature_stds` and `novelty` are of.
    """

    series: Header  # type: ignore[misc]
    format: Literal[4] = 4  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.features) != 2 * self.series.bins:
            raise ValueError("it does not hold that each bin has a mean and a standard deviation")

    @property
    def inputs(self) -> str:
        """What the model takes."""
        return f"{self.series.kind} series"

    def _load(self, path: Path, data: bytes, tensors: bytes) -> Any:  # noqa: ANN401
        check, genres = partial(check_estimator, series=True), len(self.genres)
        return load_estimator(path, data, tensors, features=self.series.bins, genres=genres, check=check)
