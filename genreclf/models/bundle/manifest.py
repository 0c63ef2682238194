"""The manifest of a model bundle: what the model is, what it was trained on, and how good it was there."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from genreclf.archive import damaged, decode
from genreclf.models.bundle.stored import load_estimator
from genreclf.models.calibration import base_estimator
from genreclf.models.novelty import Novelty  # noqa: TC001 - msgspec reads the types of the fields
from genreclf.series import Header  # noqa: TC001

Scalar = str | int | float | bool | None
Text = Annotated[str, msgspec.Meta(max_length=100_000)]
ShortText = Annotated[str, msgspec.Meta(max_length=100)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Number = Annotated[float, msgspec.Meta(gt=-1e300, lt=1e300)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class HeldOutSummary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model did on its own training tracks when it was not fitted on them.

    Parameters
    ----------
    protocol : ``cv-artist`` or ``cv-random``, and the number of folds.
    scores : macro-F1, accuracy, scores of the probabilities and ``aurc`` (the area under the risk-coverage curve), with
        their intervals; those of the probabilities also before calibration, as ``uncalibrated_...``.
    thresholds : (101,), the confidence that 0, 1, ..., 100 % of the tracks reach.
    accuracies : (101,), the accuracy of those tracks.
    set_thresholds : (99,), the least probability of the genres in a prediction set that shall hold the true genre in
        1, 2, ..., 99 % of the tracks of new artists.
    """

    protocol: Text
    scores: dict[str, Number | None]
    thresholds: Annotated[tuple[Share, ...], msgspec.Meta(min_length=101, max_length=101)]
    accuracies: Annotated[tuple[Share, ...], msgspec.Meta(min_length=101, max_length=101)]
    set_thresholds: Annotated[tuple[Share, ...], msgspec.Meta(min_length=99, max_length=99)]


class GenreCount(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Training tracks of a genre, and their artists; None where artists are not known."""

    tracks: int
    artists: int | None = None


class BundleManifest(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"feature_stds": "feature_deviations"}
):
    """What is known of a trained model.

    Parameters
    ----------
    model : its name in the registry.
    parameters : the classifier's parameters.
    tuned, calibrated : whether its parameters were searched, and whether its probabilities are calibrated.
    feature_set : what it describes audio with; empty for a table from elsewhere, which audio cannot be turned into.
    feature_parameters : ``offset, duration, sample_rate`` of the training tracks, each a number or null.
    features : names of the columns, in order.
    feature_means, feature_stds : of each column over the training tracks.
    genres : sorted.
    table : ``name, sha256, rows, label`` of the training table.
    scores : of the protocol that chose or judged the model, by name; empty where none was run.
    probe_probabilities : the model's probabilities for made-up rows, see `genreclf.models.bundle.bundle.probe`;
        a loaded model must give the same.
    seed : of the model.
    versions : of the libraries, by name, and the digests of the weights that its features need.
    created : date and time in UTC, ISO 8601.
    licence, notes : free text.
    estimator_sha256 : of the stored estimator, to know the same model by; filled in when the bundle is saved.
    calibration : how scores become probabilities, see `genreclf.models.calibration`; empty where they are the model's
        own.
    held_out, novelty : how it did on tracks that it was not fitted on, and how far tracks are from those that it was;
        None in files of format 1 and for models trained without calibration.
    genre_counts : tracks and artists of each genre; empty in files of format 1.
    format : version of the bundle's format.
    """

    task: ClassVar[str] = "single-label"
    labels: ClassVar[str] = "genres"
    series: ClassVar[Header | None] = None

    model: Text
    parameters: dict[str, Scalar]
    tuned: bool
    calibrated: bool
    feature_set: Text
    feature_parameters: dict[Literal["offset", "duration", "sample_rate"], Number | None]
    features: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
    feature_means: tuple[Number, ...]
    feature_stds: tuple[Number, ...]
    genres: Annotated[tuple[Name, ...], msgspec.Meta(min_length=2)]
    table: dict[str, Scalar]
    scores: dict[str, Scalar]
    probe_probabilities: Annotated[tuple[tuple[Number, ...], ...], msgspec.Meta(min_length=1)]
    seed: int
    versions: dict[str, ShortText]
    created: Text
    licence: Text = ""
    notes: Text = ""
    estimator_sha256: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""
    calibration: ShortText = ""
    held_out: HeldOutSummary | None = None
    novelty: Novelty | None = None
    genre_counts: dict[str, GenreCount] = {}
    format: Literal[1, 2] = 2

    def __post_init__(self) -> None:
        width, genres = len(self.features), len(self.genres)
        novelty = () if self.novelty is None else (self.novelty.center, *self.novelty.directions)
        conditions = {
            "feature names are unique": len(set(self.features)) == width,
            "each feature has a mean and a deviation": len(self.feature_means) == len(self.feature_stds) == width,
            "genres are sorted and unique": list(self.genres) == sorted(set(self.genres)),
            "each probe has a probability of each genre": {len(row) for row in self.probe_probabilities} == {genres},
            "each direction has a value for each feature": all(len(row) == width for row in novelty),
        }
        for condition, holds in conditions.items():
            if not holds:
                raise ValueError(f"it does not hold that {condition}")

    @property
    def inputs(self) -> str:
        """What the model takes."""
        return f"{len(self.features)} features"

    def to_json(self) -> bytes:
        """JSON in ASCII-compatible UTF-8, keys sorted."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=2) + b"\n"

    @classmethod
    def from_json(cls, path: Path, data: bytes) -> BundleManifest:
        """Read and check a manifest.

        Raises
        ------
        RequestError : it is not JSON, or a field is missing, unknown or of a wrong kind.
        """
        return decode(path, "manifest.json", data, cls)

    def rebuild(self, path: Path, data: bytes, tensors: bytes = b"") -> Any:  # noqa: ANN401 - scikit-learn has no types
        """The estimator that this is the manifest of, from its bytes, once it has been checked.

        Parameters
        ----------
        data, tensors : what `genreclf.models.bundle.stored.dump_estimator` returned.

        Raises
        ------
        RequestError : it is not such an estimator.
        """
        estimator = self._load(path, data, tensors)
        pipeline = base_estimator(estimator)
        if (pipeline is not estimator) != self.calibrated:
            raise damaged(path, "its manifest and its estimator do not agree on whether it is calibrated")
        if any([str(name) for name in model.classes_] != list(self.genres) for model in (estimator, pipeline)):
            raise damaged(path, "its estimator predicts other genres than its manifest names")
        return estimator

    def _load(self, path: Path, data: bytes, tensors: bytes) -> Any:  # noqa: ANN401
        return load_estimator(path, data, tensors, features=len(self.features), genres=len(self.genres))
