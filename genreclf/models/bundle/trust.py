"""Trust: what a stored estimator may be made of, and its way to bytes and back.

An estimator is stored in the skops format: a zip of arrays and a tree of nodes, ``schema.json``, each node with
the loader that rebuilds it and the type that it becomes. skops runs no pickle, but by default it trusts every
estimator of scikit-learn and lets a file say which callables it wants, as long as they are on the list. Here
nothing is trusted but what the zoo needs: `TRUSTED` names for each loader the types that it may build, and the
whole tree is held against it before anything is built. Loaders of functions, methods, partials, constructors,
random generators and sparse matrices are not on it at all.

Two things are put in order when an estimator is stored, and insisted upon when one is read. Nodes carry no
``__id__``: with one, a file could put another node in the place of the one that was checked. Arrays are numbered
as they come, so that the same model gives the same bytes.
"""

from __future__ import annotations

import copy
import io
import json
import math
import re
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genreclf.archive import array_header, check_parts, damaged, one_line
from genreclf.errors import RequestError

TRUSTED: dict[str, frozenset[str]] = {
    "JsonNode": frozenset({"builtins.str"}),  # how skops labels any single number, text, truth value or null
    "DictNode": frozenset({"builtins.dict"}),
    "ListNode": frozenset({"builtins.list"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": frozenset({"builtins.str"}),  # the type of a dictionary's keys
    "NdArrayNode": frozenset({"numpy.ndarray", "numpy.float64", "numpy.int64", "numpy.uint64"}),
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "ObjectNode": frozenset(
        {
            "genreclf.models.catboost.CatBoost",
            "sklearn.calibration.CalibratedClassifierCV",
            "sklearn.calibration._CalibratedClassifier",
            "sklearn.calibration._SigmoidCalibration",
            "sklearn.dummy.DummyClassifier",
            "sklearn.ensemble._forest.RandomForestClassifier",
            "sklearn.ensemble._gb.GradientBoostingClassifier",
            "sklearn.ensemble._hist_gradient_boosting.binning._BinMapper",
            "sklearn.ensemble._hist_gradient_boosting.gradient_boosting.HistGradientBoostingClassifier",
            "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
            "sklearn.linear_model._logistic.LogisticRegression",
            "sklearn.pipeline.Pipeline",
            "sklearn.preprocessing._data.StandardScaler",
            "sklearn.preprocessing._label.LabelEncoder",
            "sklearn.svm._classes.SVC",
            "sklearn.tree._classes.DecisionTreeClassifier",
            "sklearn.tree._classes.DecisionTreeRegressor",
        }
    ),
}

_SCHEMA = "schema.json"
_ARRAY = re.compile(r"[0-9]{1,9}\.npy")
_DATE = (1980, 1, 1, 0, 0, 0)
_MOST_FEATURES = 100_000
_LARGEST_SCHEMA = 1 << 28
_SMALLEST_PART = 10  # bytes of JSON for each part of the tree; real ones take 18 and more
_SMALL = 1 << 20  # arrays of so many bytes may be built more often than they are stored
_MOST_TIMES_BUILT = 2  # larger ones so often; real ones are built 1 to 1.2 times


def dump_estimator(estimator: object) -> bytes:
    """An estimator of the zoo in the skops format.

    Raises
    ------
    RequestError : it holds a type that is not in `TRUSTED`.
    """
    import skops.io

    try:
        stored = skops.io.dumps(_bare(estimator))
    except TypeError as error:
        raise RequestError(f"this model cannot be stored: {one_line(error)}; choose a model of the zoo") from None
    data = _in_order(stored)
    schema = _Archive.read(Path("model"), data).schema
    foreign = sorted({name for loader, name, _ in _nodes(schema) if name not in TRUSTED.get(loader, ())})
    if foreign:
        raise RequestError(f"this model cannot be stored: it holds {', '.join(foreign)}; choose a model of the zoo")
    return data


def load_estimator(path: Path, data: bytes) -> Any:  # noqa: ANN401 - scikit-learn has no types
    """Rebuild an estimator; its parts must still be held against each other, see `genreclf.models.bundle.structure`.

    Parameters
    ----------
    path : the file it comes from, for messages.
    data : what `dump_estimator` gave.

    Raises
    ------
    RequestError : it is anything but a tree of trusted types.
    """
    archive = _Archive.read(path, data)
    _check(path, archive)
    import skops.io
    from sklearn.exceptions import InconsistentVersionWarning

    types = sorted(set().union(*TRUSTED.values()))
    try:
        with warnings.catch_warnings():
            # Other versions are judged by what the estimator says of its probes, see `genreclf.models.bundle.bundle`.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            return skops.io.loads(data, trusted=types)
    except Exception as error:  # noqa: BLE001 - whatever odd contents provoke is one line
        raise damaged(path, f"the estimator cannot be rebuilt ({one_line(error)})") from None


@dataclass(frozen=True)
class _Archive:
    """The inner zip: its schema, and shape and type of each array."""

    schema: dict[str, Any]
    arrays: dict[str, tuple[tuple[int, ...], Any]]

    @classmethod
    def read(cls, path: Path, data: bytes) -> _Archive:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                members = archive.infolist()
                # Stored without packing, a member cannot be larger than the file.
                odd = [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1]
                odd += [m.filename for m in members if m.filename != _SCHEMA and not _ARRAY.fullmatch(m.filename)]
                if odd or len({m.filename for m in members}) != len(members):
                    raise damaged(path, f"the estimator has an unknown part {(odd or ['twice'])[0][:80]!r}")
                schema = _parsed(archive.read(_SCHEMA))
                arrays = {m.filename: array_header(archive.read(m)) for m in members if m.filename != _SCHEMA}
        except RequestError:
            raise
        except Exception as error:  # noqa: BLE001 - zipfile, json and numpy raise a dozen kinds
            raise damaged(path, f"the estimator cannot be read ({one_line(error)})") from None
        if not isinstance(schema, dict):
            raise damaged(path, "the estimator has no tree of nodes")
        return cls(schema, arrays)


def _parsed(schema: bytes) -> Any:  # noqa: ANN401 - any JSON
    if len(schema) > _LARGEST_SCHEMA:
        raise ValueError(f"a tree of {len(schema):,} bytes")
    check_parts(schema, smallest=_SMALLEST_PART)
    return json.loads(schema)


def _nodes(schema: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every node of the tree: loader, type and the node itself."""
    waiting: list[Any] = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__loader__" in value or "__class__" in value:
                yield str(value.get("__loader__")), f"{value.get('__module__')}.{value.get('__class__')}", value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _check(path: Path, archive: _Archive) -> None:
    room = _SMALL + _MOST_TIMES_BUILT * sum(_bytes_of(*array) for array in archive.arrays.values())
    for loader, name, node in _nodes(archive.schema):
        if name not in TRUSTED.get(loader, ()):
            raise RequestError(
                f"{path}: refused: the estimator holds {name[:120]} ({loader[:40]}), which no model of genreclf needs; "
                "use only models that genreclf train made"
            )
        if "__id__" in node:
            raise damaged(path, "the estimator has shared parts")
        try:
            if loader == "JsonNode" and isinstance(json.loads(node["content"]), list | dict):
                raise ValueError("a value that is no single value")
            if loader == "NdArrayNode" and node["type"] == "numpy":
                # Nodes may share an array in the file, and each becomes an array of its own.
                room -= _bytes_of(*archive.arrays[node["file"]])
                if room < 0:
                    raise ValueError("the same arrays over and over")
            if loader == "TreeNode":
                _check_tree(node, archive)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
            raise damaged(path, f"the estimator has a malformed {name} ({one_line(error)})") from None


def _bytes_of(shape: tuple[int, ...], dtype: Any) -> int:  # noqa: ANN401 - numpy's types of elements
    return math.prod(shape) * int(dtype.itemsize)


def _check_tree(node: dict[str, Any], archive: _Archive) -> None:
    """A tree's claims on memory, which scikit-learn takes on trust when it builds one."""
    features, classes, outputs = node["__reduce__"]["args"]["content"]
    state = node["content"]["content"]
    shape, dtype = archive.arrays[classes["file"]]
    nodes, _ = archive.arrays[state["nodes"]["file"]]
    count = json.loads(state["node_count"]["content"])
    if type(features) is not dict or not 1 <= json.loads(features["content"]) <= _MOST_FEATURES:
        raise ValueError("number of features")
    if json.loads(outputs["content"]) != 1 or shape != (1,) or dtype.kind not in "iu":
        raise ValueError("number of outputs")
    if type(count) is not int or nodes != (count,) or count < 1:
        raise ValueError("number of nodes")


def _bare(value: Any) -> Any:  # noqa: ANN401 - any part of an estimator
    """The same estimator, copied where needed, without what it can do without.

    A fitted model draws no more numbers; and its loss follows from its genres, see `genreclf.models.bundle.structure`.
    """
    import numpy as np
    from sklearn._loss.loss import BaseLoss
    from sklearn.base import BaseEstimator

    if isinstance(value, np.random.RandomState | np.random.Generator | BaseLoss):
        return None
    if isinstance(value, list | tuple):
        return type(value)(_bare(item) for item in value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        items = np.empty(value.size, dtype=object)
        items[:] = [_bare(item) for item in value.flat]
        return items.reshape(value.shape)
    if isinstance(value, BaseEstimator) or type(value).__name__ == "_CalibratedClassifier":
        twin = copy.copy(value)
        twin.__dict__.update({name: _bare(part) for name, part in vars(value).items()})
        return twin
    return value


def _in_order(stored: bytes) -> bytes:
    """The same estimator without node ids and with arrays numbered as they come."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(stored)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        schema = json.loads(old.read(_SCHEMA))
        numbers: dict[str, str] = {}
        for _, _, node in _nodes(schema):
            node.pop("__id__", None)
            name = node.get("file")
            if name is not None:
                suffix = Path(name).suffix
                node["file"] = numbers.setdefault(name, f"{len(numbers)}{suffix}")
        for name, number in numbers.items():
            new.writestr(zipfile.ZipInfo(number, _DATE), old.read(name))
        new.writestr(zipfile.ZipInfo(_SCHEMA, _DATE), json.dumps(schema, separators=(",", ":")))
    return buffer.getvalue()
