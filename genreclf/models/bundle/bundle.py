"""Bundles: a trained model as one file, safe to take from a stranger and sure to predict as it did.

A bundle is an archive (see `genreclf.archive`) with ``manifest.json`` and ``estimator.skops``, and for networks their
weights in ``tensors.safetensors``. Reading one runs no code from it: the estimator is built of known types only and its
parts are checked against each other (see `genreclf.models.bundle.stored`), and then it predicts a few made-up rows. The
probabilities must be those that it gave when it was saved; so a model that another version of scikit-learn would read
wrongly is refused instead of predicting wrongly.

Loading takes at most four times the unpacked size of the file in memory, or 128 MiB where that is more, and never more
than 8 GiB, as a file unpacks to 2 GiB at most.
"""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genreclf.archive import Kind, damaged, read_container, write_container
from genreclf.display import Displayed
from genreclf.errors import RequestError, one_line
from genreclf.models.bundle.formats import read_manifest
from genreclf.models.bundle.stored import dump_estimator

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np

    from genreclf.models.bundle.manifest import BundleManifest
    from genreclf.series import Header

TENSORS = "tensors.safetensors"  # at most 16 MiB: a network takes seven times its weights while it is built
KIND = Kind(
    name="model",
    members={"manifest.json": 1 << 22, "estimator.skops": 1 << 31, TENSORS: 1 << 24},
    made_with="genreclf train TABLE --model NAME -o MODEL",
    optional=frozenset({TENSORS}),
)
OLDEST_SCIKIT_LEARN = (1, 6)
_SAME = 1e-6  # other processors and libraries add up in another order; another tree or vector differs far more
_SAME_IN_SINGLE = 1e-4  # of networks and models of series, which compute in float32
_FRAMES = 8  # of a made-up track


@dataclass(frozen=True, eq=False, repr=False)
class Bundle(Displayed):
    """A trained model and what is known of it.

    Parameters
    ----------
    estimator : a fitted pipeline of the zoo, a `genreclf.models.calibration.CalibratedModel` around one, or a
        `genreclf.models.tagger_fitting.CalibratedTagger`.
    manifest : what is known of it.
    """

    estimator: Any
    manifest: BundleManifest

    def __repr__(self) -> str:
        manifest = self.manifest
        labels = one_line(", ".join(manifest.genres), longest=60)
        return (
            f"<{manifest.model} for {len(manifest.genres)} {manifest.labels}: {labels}; "
            f"{manifest.inputs}, {manifest.table.get('rows')} tracks>"
        )

    def save(self, path: Path | str) -> None:
        """Write the bundle whole or not at all.

        Raises
        ------
        RequestError : the estimator is not one that a registered model stores, or the place cannot be written to.
        """
        estimator, tensors = dump_estimator(self.estimator)
        self.manifest.rebuild(Path(path), estimator, tensors)  # what could not be read is not written
        digest = hashlib.sha256(estimator + tensors).hexdigest()
        manifest = msgspec.structs.replace(self.manifest, estimator_sha256=digest)
        members = {"manifest.json": manifest.to_json(), "estimator.skops": estimator}
        write_container(Path(path), KIND, members | ({TENSORS: tensors} if tensors else {}))

    @classmethod
    def load(cls, path: Path | str, *, deferred: bool = False) -> Bundle:
        """Read a bundle.

        Parameters
        ----------
        deferred : build the estimator when it is first asked for, and raise then what is wrong with it.

        Raises
        ------
        RequestError : the file is missing, altered, not a bundle, made by a newer version, or would answer
            otherwise than it did when it was saved. The one line says which.
        """
        path = Path(path)
        members = read_container(path, KIND)
        manifest = read_manifest(path, members["manifest.json"])
        _check_version(path, manifest)
        stored = members.pop("estimator.skops"), members.pop(TENSORS, b"")
        bundle = _DeferredBundle(partial(_read, path, stored, manifest), manifest)
        return bundle if deferred else cls(bundle.estimator, manifest)


class _DeferredBundle(Bundle):
    """A bundle whose estimator is built when it is first asked for."""

    def __init__(self, read: Callable[[], Any], manifest: BundleManifest) -> None:
        vars(self).update(_read=read, manifest=manifest)

    @cached_property
    def estimator(self) -> Any:  # noqa: ANN401
        return vars(self).pop("_read")()


def _read(path: Path, stored: tuple[bytes, bytes], manifest: BundleManifest) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """The estimator of a bundle, if it predicts as it did when it was saved."""
    import numpy as np

    estimator, expected = manifest.rebuild(path, *stored), np.array(manifest.probe_probabilities)
    same = _SAME_IN_SINGLE if stored[1] or manifest.series else _SAME
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            given = probe(estimator, manifest.feature_means, manifest.feature_stds, series=manifest.series)
        alike = given.shape == expected.shape and bool(np.allclose(given, expected, rtol=same, atol=same))
    except ImportError as error:
        raise RequestError(f"{path}: {one_line(error)}") from None
    except Exception as error:  # noqa: BLE001 - an estimator of another version may fail in any way
        raise RequestError(f"{path}: {_stale(manifest)}; it fails with: {one_line(error)}") from None
    if not alike:
        raise RequestError(f"{path}: {_stale(manifest)}; it does not predict as it did when it was saved")
    return estimator


def probe(
    estimator: Any,  # noqa: ANN401
    means: tuple[float, ...],
    stds: tuple[float, ...],
    *,
    series: Header | None = None,
) -> np.ndarray:
    """The probabilities that an estimator gives for made-up rows around the training tracks, (5, genres).

    The rows are the mean track, all features a standard deviation above and below, and alternately above and below.

    Parameters
    ----------
    series : what a model of series takes. A made-up track then has a few frames on a wave, of the means and standard
        deviations that its row says.
    """
    import numpy as np

    from genreclf.series import series_of_arrays

    ones = np.ones(len(means))
    alternating = np.where(np.arange(len(means)) % 2, 1.0, -1.0)
    steps = np.array([0 * ones, ones, -ones, alternating, -alternating])
    rows = np.array(means) + steps * np.array(stds)
    if series is None:
        return np.asarray(estimator.predict_proba(rows))
    wave = np.sqrt(2) * np.sin(np.arange(_FRAMES))[:, None]
    tracks = [row[: series.bins] + wave * row[series.bins :] for row in rows]
    return np.asarray(estimator.predict_proba(series_of_arrays(series.kind, tracks, frame_rate=series.frame_rate)))


def _check_version(path: Path, manifest: BundleManifest) -> None:
    written = manifest.versions.get("scikit-learn", "")
    here = version("scikit-learn")
    try:
        then, now = (tuple(map(int, text.split(".")[:2])) for text in (written, here))
    except ValueError:
        raise damaged(path, f"manifest.json: {written[:40]!r} is no version of scikit-learn") from None
    if then < OLDEST_SCIKIT_LEARN:
        raise RequestError(
            f"{path}: made with scikit-learn {written}; {'.'.join(map(str, OLDEST_SCIKIT_LEARN))} is the oldest that "
            "is read: train it again"
        )
    if then > now:
        raise RequestError(
            f"{path}: made with scikit-learn {written}, newer than {here} here: "
            f'pip install "scikit-learn>={".".join(map(str, then))}"'
        )


def _stale(manifest: BundleManifest) -> str:
    written = manifest.versions.get("scikit-learn")
    return (
        f"made with scikit-learn {written}, and not usable with {version('scikit-learn')} here; "
        "train it again, or install that version"
    )
