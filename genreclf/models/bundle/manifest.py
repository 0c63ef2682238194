"""The manifest of a model bundle: what the model is, what it was trained on, and how good it was there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from genreclf.archive import damaged, parse_json
from genreclf.errors import RequestError

FORMAT = 1

Scalar = str | int | float | bool | None


@dataclass(frozen=True)
class BundleManifest:
    """What is known of a trained model.

    Parameters
    ----------
    model : its name in the zoo.
    parameters : the classifier's parameters.
    tuned, calibrated : whether its parameters were searched, and whether its probabilities are calibrated.
    feature_set : what it describes audio with; empty for a table from elsewhere, which audio cannot be turned into.
    feature_parameters : ``offset, duration, sample_rate`` of the training tracks, each a number or null.
    features : names of the columns, in order.
    feature_means, feature_deviations : of each column over the training tracks.
    genres : sorted.
    table : ``name, sha256, rows, label`` of the training table.
    scores : of the protocol that chose or judged the model, by name; empty where none was run.
    probe_probabilities : what the model says of made-up rows, see `genreclf.models.bundle.bundle.probes`;
        a loaded model must say the same.
    seed : of the model.
    versions : of the libraries, by name.
    created : date and time in UTC, ISO 8601.
    licence, notes : free text.
    estimator_sha256 : of the stored estimator; filled in when the bundle is saved.
    format : version of the bundle's format.
    """

    model: str
    parameters: Mapping[str, Scalar]
    tuned: bool
    calibrated: bool
    feature_set: str
    feature_parameters: Mapping[str, float | None]
    features: tuple[str, ...]
    feature_means: tuple[float, ...]
    feature_deviations: tuple[float, ...]
    genres: tuple[str, ...]
    table: Mapping[str, str | int]
    scores: Mapping[str, Scalar]
    probe_probabilities: tuple[tuple[float, ...], ...]
    seed: int
    versions: Mapping[str, str]
    created: str
    licence: str = ""
    notes: str = ""
    estimator_sha256: str = ""
    format: int = field(default=FORMAT)

    def to_json(self) -> bytes:
        """JSON in ASCII, keys sorted."""
        return (json.dumps(asdict(self), indent=2, sort_keys=True) + "\n").encode("ascii")

    @classmethod
    def from_json(cls, path: Path, data: bytes) -> BundleManifest:
        """Read and check a manifest.

        Raises
        ------
        RequestError : it is not JSON, made by a newer genreclf, or a field is missing, unknown or of a wrong kind.
        """
        found = parse_json(path, "manifest.json", data)
        version = found.get("format")
        if type(version) is int and version > FORMAT:
            raise RequestError(
                f"{path}: in format {version}, made by a newer genreclf; this one reads up to format {FORMAT}: "
                "pip install --upgrade genreclf"
            )
        names = {f.name for f in fields(cls)}
        for name in sorted(names ^ found.keys()):
            what = "is missing" if name in names else "is unknown"
            raise damaged(path, f"manifest.json: the field {name[:60]!r} {what}")
        values = {name: _checked(path, name, value) for name, value in found.items()}
        manifest = cls(**values)
        manifest._check(path)
        return manifest

    def _check(self, path: Path) -> None:
        width = len(self.features)
        conditions = {
            "format is 1": self.format == FORMAT,
            "features are named once each": 0 < width == len(set(self.features)),
            "there is a mean for each feature": len(self.feature_means) == width,
            "there is a deviation for each feature": len(self.feature_deviations) == width,
            "genres are two or more and sorted": len(self.genres) >= 2
            and list(self.genres) == sorted(set(self.genres)),
            "genres have names": all(self.genres),
            "probes have a probability for each genre": len(self.probe_probabilities) > 0
            and all(len(row) == len(self.genres) for row in self.probe_probabilities),
            "parameters of the features are known": self.feature_parameters.keys() <= _WINDOW,
            "estimator_sha256 is a digest": re.fullmatch("[0-9a-f]{64}", self.estimator_sha256) is not None,
        }
        for condition, holds in conditions.items():
            if not holds:
                raise damaged(path, f"manifest.json: it does not hold that {condition}")


_WINDOW = {"offset", "duration", "sample_rate"}
_TEXTS = {"model", "feature_set", "created", "licence", "notes", "estimator_sha256"}
_TEXT_LISTS = {"features", "genres"}
_NUMBER_LISTS = {"feature_means", "feature_deviations"}
_SCALAR_MAPS = {"parameters", "scores", "table"}
_MOST = 100_000
_MOST_VERSION = 100


def _checked(path: Path, name: str, value: object) -> Any:  # noqa: ANN401 - any field
    """The value of a field in its Python form."""
    kind, holds = _kind(name, value)
    if not holds:
        shown = json.dumps(value, ensure_ascii=False)
        raise damaged(
            path, f"manifest.json: the field {name!r} holds {shown[:60]}{'...' if len(shown) > 60 else ''}, not {kind}"
        )
    if name == "probe_probabilities":
        return tuple(tuple(float(v) for v in row) for row in value)  # type: ignore[attr-defined]
    if name in _NUMBER_LISTS:
        return tuple(float(v) for v in value)  # type: ignore[attr-defined]
    return tuple(value) if isinstance(value, list) else value


def _kind(name: str, value: object) -> tuple[str, bool]:  # noqa: PLR0911 - one return for each kind
    """What a field must be, and whether the value is that."""
    if name in _TEXTS:
        return "a text", type(value) is str and len(value) <= _MOST
    if name in _TEXT_LISTS:
        return "a list of texts", _all(value, lambda v: type(v) is str)
    if name in _NUMBER_LISTS:
        return "a list of numbers", _all(value, _is_number)
    if name == "probe_probabilities":
        return "a list of lists of numbers", _all(value, lambda row: _all(row, _is_number))
    if name == "feature_parameters":
        return "numbers by name", isinstance(value, dict) and all(v is None or _is_number(v) for v in value.values())
    if name == "versions":
        return "short texts by name", isinstance(value, dict) and all(
            type(v) is str and len(v) <= _MOST_VERSION for v in value.values()
        )
    if name in _SCALAR_MAPS:
        return "single values by name", isinstance(value, dict) and all(
            v is None or type(v) in {str, int, float, bool} for v in value.values()
        )
    if name in {"tuned", "calibrated"}:
        return "true or false", type(value) is bool
    return "a whole number", type(value) is int


def _all(value: object, holds: Any) -> bool:  # noqa: ANN401 - a predicate
    return isinstance(value, list) and len(value) <= _MOST and all(holds(item) for item in value)


def _is_number(value: object) -> bool:
    return type(value) in {int, float} and abs(value) < 1e300  # type: ignore[arg-type]
