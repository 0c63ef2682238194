"""Stored estimators: their way to bytes and back, with nothing built but what the registry names.

An estimator is stored in the skops format: a zip of arrays and of a tree of nodes, ``schema.json``, each node with the
kind of thing that it becomes. skops writes it; it is read here, in one pass and without code from the file. What is
checked is therefore what is built: plain values, lists, dictionaries and arrays, and objects of the types that the
entries of the registry name (see `genreclf.models.Storage`). There are no functions, methods, constructors or
references among the kinds of nodes. Each object is filled with its attributes without calling its constructor, and
the estimator is returned when the checks of its entry have passed.

Reading takes at most four times the size of the archive in memory, or 128 MiB where that is more: arrays go from the
archive into place one by one, and the nodes, which grow most, are counted before they are parsed.

Two things are put in order when an estimator is stored: nodes carry no ``__id__``, and arrays are numbered as they
come, so that the same model gives the same bytes.
"""

from __future__ import annotations

import copy
import importlib
import io
import json
import math
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from genreclf.archive import damaged, read_array
from genreclf.errors import RequestError, one_line
from genreclf.models.bundle.structure import (
    TREE,
    check_calibration,
    check_classes,
    check_imputer,
    check_scaler,
    check_sigmoids,
    require,
)
from genreclf.models.bundle.tensors import dump_tensors, load_tensors
from genreclf.models.registry import MODELS

if TYPE_CHECKING:
    import numpy as np

    from genreclf.models.entry import Storage

Scalar = str | int | float | bool | None

_PIPELINE = "sklearn.pipeline.Pipeline"
_SCALERS = ("sklearn.preprocessing._data.StandardScaler", "genreclf.models.scaling.ClippedScaler")
_CALIBRATED = "genreclf.models.calibration.CalibratedModel"
_OLD_CALIBRATED = "sklearn.calibration.CalibratedClassifierCV"  # of files of format 1
_SIGMOIDS = "sklearn.calibration._CalibratedClassifier"
_OLD = (_OLD_CALIBRATED, _SIGMOIDS, "sklearn.calibration._SigmoidCalibration")
_IMPUTER = "genreclf.models.imputation.MedianImputer"
_TAGGERS = tuple(
    f"genreclf.models.taggers.{kind}Tagger"
    for kind in ("Prior", "Neighbour", "Logistic", "Chain", "Kernel", "Forest", "Boosted", "OneVsRest")
)
_TAGGER = "genreclf.models.tagger_fitting.CalibratedTagger"
_SHARED = (_PIPELINE, _IMPUTER, *_SCALERS, _CALIBRATED, _TAGGER, *_TAGGERS, *_OLD)
_SCALARS = ("numpy.float64", "numpy.int64", "numpy.uint64")
_BUILT_IN = {
    "JsonNode": ("builtins.str",),  # how skops labels any single number, text, truth value or null
    "TypeNode": ("builtins.str",),
    "ListNode": ("builtins.list",),
    "TupleNode": ("builtins.tuple",),
    "DictNode": ("builtins.dict",),
    "NdArrayNode": ("numpy.ndarray", *_SCALARS),
    "TreeNode": (TREE,),
}

_SCHEMA = "schema.json"
_ARRAY = re.compile(r"[0-9]{1,9}\.npy")
_PROTOCOL = 2  # of skops; a later one may mean something else by the same nodes
_DATE = (1980, 1, 1, 0, 0, 0)
_MOST_FEATURES = 100_000
_MEMBER = b"PK\x01\x02"  # what the entry of a member in a zip file's directory begins with
_SMALLEST_MEMBER = 256  # bytes of the archive for each member; real ones take 1,000 and more
_NODE = 300  # bytes of memory for each node and the value made of it
_ROOM_FOR_NODES = 64 << 20  # bytes that nodes may take, or twice the archive where that is more
_ROOM_FOR_COPIES = 1 << 20  # bytes of arrays that may be built more often than they are stored
_MOST_TIMES_BUILT = 1.5  # larger ones so often; real ones are built 1 to 1.2 times


class _Value(msgspec.Struct, tag_field="__loader__", tag="JsonNode", gc=False):
    content: str


class _Type(msgspec.Struct, tag_field="__loader__", tag="TypeNode", gc=False):
    """The type of a dictionary's keys, which are texts."""


class _List(msgspec.Struct, tag_field="__loader__", tag="ListNode"):
    content: list[_AnyNode]


class _Tuple(msgspec.Struct, tag_field="__loader__", tag="TupleNode"):
    content: list[_AnyNode]


class _Dict(msgspec.Struct, tag_field="__loader__", tag="DictNode"):
    content: dict[str, _AnyNode]


class _Typed(msgspec.Struct, tag_field="__loader__"):
    module: str = msgspec.field(name="__module__")
    name: str = msgspec.field(name="__class__")

    @property
    def type(self) -> str:
        return f"{self.module}.{self.name}"


class _Array(_Typed, tag="NdArrayNode"):
    kind: Literal["numpy", "json"] = msgspec.field(name="type")
    file: str = ""
    content: list[_AnyNode] | None = None
    shape: _Tuple | None = None


class _Object(_Typed, tag="ObjectNode"):
    content: _Dict | None = None


class _Arguments(msgspec.Struct):
    args: _Tuple


class _Tree(_Typed, tag="TreeNode"):
    content: _Dict
    reduced: _Arguments = msgspec.field(name="__reduce__")


_AnyNode = _Value | _Type | _List | _Tuple | _Dict | _Array | _Object | _Tree


class _Protocol(msgspec.Struct):
    protocol: int


def storable_types() -> frozenset[str]:
    """Full names of the types of objects that a stored estimator may be made of."""
    entries = [entry.storage for entry in MODELS.values() if entry.storage]
    return frozenset(_SHARED).union(*({storage.type, *storage.parts} for storage in entries)) - {TREE}


def dump_estimator(estimator: object) -> tuple[bytes, bytes]:
    """An estimator in the skops format, and the tensors of its networks in the safetensors format, empty for none.

    Raises
    ------
    RequestError : it holds a type that no entry of the registry names.
    """
    # To list what it may trust, skops imports every module of scikit-learn, adapters for these among them.
    with _hidden("torch", "dask"):
        import skops.io

    try:
        tensors: dict[str, np.ndarray] = {}
        stored = _in_order(skops.io.dumps(_without_omitted(estimator, storable_types(), tensors)))
        return stored, dump_tensors(tensors) if tensors else b""
    except (TypeError, skops.io.exceptions.UnsupportedTypeException) as error:
        raise _not_storable(one_line(error)) from None


@contextmanager
def _hidden(*packages: str) -> Iterator[None]:
    """A context in which packages that are not loaded are not found; loading PyTorch takes seconds."""
    absent = [name for name in packages if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type] # None: not found
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


def load_estimator(
    path: Path,
    data: bytes,
    tensors: bytes = b"",
    *,
    features: int,
    genres: int,
    check: Callable[[Any, int, int], None] | None = None,
) -> Any:  # noqa: ANN401
    """Rebuild an estimator, and check that it can be asked for predictions safely.

    Parameters
    ----------
    path : the file it comes from, for messages.
    data, tensors : what `dump_estimator` returned.
    features, genres : numbers of columns that it takes and of genres that it predicts, at least 2.
    check : (estimator, features, genres) -> None, raises a `ValueError` unless it is what it must be; by default, a
        pipeline that predicts genres, or one calibrated.

    Raises
    ------
    RequestError : it is anything but an estimator of types that registered models store, whole and well-formed.
    """
    try:
        if data.count(_MEMBER) * _SMALLEST_MEMBER > len(data) + (1 << 20):
            raise ValueError("an archive of more members than it has room for")
        with zipfile.ZipFile(io.BytesIO(data)) as archive, warnings.catch_warnings():
            # A model of another scikit-learn is judged by its predictions, see `genreclf.models.bundle.bundle`.
            warnings.simplefilter("ignore")
            estimator = _Reader(archive, len(data), load_tensors(tensors) if tensors else {}).read()
            (check or check_estimator)(estimator, features, genres)
            return estimator
    except _ForeignTypeError as error:
        raise RequestError(
            f"{path}: refused: the estimator holds {error}, which no registered model stores; use only models that "
            "genreclf train made, with the packages that register them"
        ) from None
    except Exception as error:  # noqa: BLE001 - whatever odd contents provoke is one line
        raise damaged(path, f"the estimator {one_line(error)}") from None


class _ForeignTypeError(Exception):
    """The name of a type that may not be built."""


class _Reader:
    """Builds an estimator from a zip file in the skops format, type by type."""

    def __init__(self, archive: zipfile.ZipFile, size: int, tensors: Mapping[str, np.ndarray]) -> None:
        members = archive.infolist()
        # Stored without packing, a member cannot be larger than the file.
        odd = [m.filename for m in members if m.compress_type != zipfile.ZIP_STORED or m.flag_bits & 1]
        odd += [m.filename for m in members if m.filename != _SCHEMA and not _ARRAY.fullmatch(m.filename)]
        if odd or len({m.filename for m in members}) != len(members):
            raise ValueError(f"has an unknown part {(odd or ['twice'])[0][:80]!r}")
        self.archive = archive
        self.size = size
        self.types = storable_types()
        self.networks: dict[int, dict[str, np.ndarray]] = {}
        for name, array in tensors.items():
            number, _, own = name.partition(".")
            self.networks.setdefault(int(number), {})[own] = array
        self.tensors_of = {
            e.storage.type: e.storage.tensors for e in MODELS.values() if e.storage and e.storage.tensors
        }
        self.room = _ROOM_FOR_COPIES + _MOST_TIMES_BUILT * sum(m.file_size for m in members)

    def read(self) -> Any:  # noqa: ANN401
        """The estimator."""
        schema = self.archive.read(_SCHEMA)
        if schema.count(b"{") * _NODE > max(_ROOM_FOR_NODES, 2 * self.size):
            raise ValueError(f"has too many nodes for {self.size:,} bytes")
        protocol = msgspec.json.decode(schema, type=_Protocol).protocol
        if protocol > _PROTOCOL:
            raise ValueError(f"is in protocol {protocol} of skops, {_PROTOCOL} is the latest that is read")
        root = msgspec.json.decode(schema, type=_AnyNode)
        del schema
        found = self.build(root)
        require(not self.networks, "has tensors that no part of it takes")
        return found

    def build(self, node: Any) -> Any:  # noqa: ANN401, PLR0911 - one return for each kind of node
        """The value of a node."""
        match node:
            case _Value():
                return _scalar(node.content)
            case _List():
                return [self.build(item) for item in node.content]
            case _Tuple():
                return tuple(self.build(item) for item in node.content)
            case _Dict():
                return {key: self.build(value) for key, value in node.content.items()}
            case _Array():
                return self._items(node) if node.kind == "json" else self._numbers(node)
            case _Tree():
                return self._tree(node)
            case _Object():
                return self._object(node)
        raise ValueError("has a type where a value belongs")

    def _numbers(self, node: _Array) -> Any:  # noqa: ANN401 - an array or one of numpy's scalars
        member = self.archive.getinfo(node.file)
        # Nodes may share an array in the file, and each becomes an array of its own.
        self.room -= member.file_size
        require(self.room >= 0, "has the same arrays over and over")
        with self.archive.open(member) as stream:
            array = read_array(stream, member.file_size)
        if node.type == "numpy.ndarray":
            return array
        require(
            node.type in _SCALARS and array.shape == () and array.dtype == node.name, f"has a malformed {node.type}"
        )
        return array[()]

    def _items(self, node: _Array) -> np.ndarray:
        import numpy as np

        shape, items = self.build(node.shape), self.build(_List(node.content or []))
        for _ in shape[1:]:
            items = [item for row in items for item in row]
        require(node.type == "numpy.ndarray" and math.prod(shape) == len(items), "has an array of another shape")
        array = np.empty(len(items), dtype=object)
        for place, item in enumerate(items):
            array[place] = item
        return array.reshape(shape)

    def _tree(self, node: _Tree) -> Any:  # noqa: ANN401
        """A tree, whose claims on memory scikit-learn takes on trust when it builds one."""
        import numpy as np

        features, classes, outputs = self.build(node.reduced.args)
        state = self.build(node.content)
        require(type(features) is int and 1 <= features <= _MOST_FEATURES, "has a tree with a wrong number of features")
        require(type(outputs) is int and outputs == 1, "has a tree with a wrong number of outputs")
        require(classes.shape == (1,) and classes.dtype == np.intp, "has a tree with a wrong number of outputs")
        require(type(state["node_count"]) is int, "has a tree with a wrong number of nodes")
        require(state["nodes"].shape == (state["node_count"],) != (0,), "has a tree with a wrong number of nodes")
        tree = self._class(node, {TREE})(features, classes, outputs)
        tree.__setstate__(state)
        return tree

    def _object(self, node: _Object) -> Any:  # noqa: ANN401
        """An object with its attributes, made without its constructor."""
        cls = self._class(node, self.types)
        made, state = cls.__new__(cls), {} if node.content is None else self.build(node.content)
        if attribute := self.tensors_of.get(node.type):
            require(state.get(attribute) in self.networks, f"has a {node.name} without tensors")
            state[attribute] = self.networks.pop(state[attribute])
        if hasattr(made, "__setstate__"):
            made.__setstate__(state)
        else:
            vars(made).update(state)
        hidden = [name for name in vars(made) if callable(getattr(cls, name, None))]
        require(not hidden, f"has a {node.name} that hides its own {', '.join(hidden)}")
        return made

    def _class(self, node: _Typed, allowed: AbstractSet[str]) -> Any:  # noqa: ANN401
        if node.type not in allowed:
            raise _ForeignTypeError(node.type[:120])
        return getattr(importlib.import_module(node.module), node.name)


def _scalar(text: str) -> Scalar:
    require(text.lstrip()[:1] not in ("[", "{"), "has a value that is not a single one")
    value: Scalar = json.loads(text)
    return value


def check_estimator(estimator: Any, features: int, genres: int, *, series: bool = False) -> None:  # noqa: ANN401
    """Raise a `ValueError` unless an estimator is a pipeline, or one calibrated, that can be asked safely.

    Parameters
    ----------
    series : whether it takes series, of so many bins as there are `features`.
    """
    pipeline = estimator
    if type_name(estimator) == _CALIBRATED:
        pipeline = estimator.estimator
        check_classes(estimator.classes_, genres)
    elif type_name(estimator) == _OLD_CALIBRATED:
        estimator.n_jobs = None
        check_classes(estimator.classes_, genres)
        (part,) = estimator.calibrated_classifiers_
        require(type_name(part) == _SIGMOIDS, "holds something else than a calibrated model")
        check_classes(part.classes, genres)
        check_sigmoids(part, genres)
        pipeline = part.estimator
    classifier = check_pipeline(pipeline, features, series=series)
    check_storable(classifier, features, genres, series=series)
    if type_name(estimator) == _CALIBRATED:
        check_calibration(estimator, genres)


def check_pipeline(pipeline: Any, features: int, *, series: bool = False) -> Any:  # noqa: ANN401
    """The last step of a pipeline, whose first steps are those that a pipeline must have; else a `ValueError`."""
    require(type_name(pipeline) == _PIPELINE, f"is a {type(pipeline).__name__}, not a pipeline")
    pipeline.memory, pipeline.verbose, pipeline.transform_input = None, False, None
    if series:
        [(model, classifier)] = pipeline.steps
        require(model == "model", "has other steps than it must have")
        return classifier
    *first, (scale, scaler), (model, classifier) = pipeline.steps
    for name, imputer in first:
        require((name, len(first)) == ("impute", 1) and type_name(imputer) == _IMPUTER, "has steps that do not belong")
        check_imputer(imputer, features)
    require((scale, model) == ("scale", "model"), "has other steps than it must have")
    require(type_name(scaler) in _SCALERS, "is scaled by another type")
    check_scaler(scaler, features)
    return classifier


def check_storable(classifier: Any, features: int, genres: int, *, series: bool = False) -> None:  # noqa: ANN401
    """Raise a `ValueError` unless a classifier is one that a registered model stores, whole and well-formed."""
    storage = _storage(classifier, series=(series,))
    if storage is None:
        raise ValueError(f"has a {type(classifier).__name__} that cannot stand there")
    check_classes(classifier.classes_, genres)
    storage.check(classifier, features, genres)


def _storage(classifier: object, *, series: tuple[bool, ...] = (False, True)) -> Storage | None:
    """How a classifier of this type is stored, by a model of features or of series."""
    name = type_name(classifier)
    found = (e.storage for e in MODELS.values() if e.storage and e.series in series)
    return next((storage for storage in found if storage.type == name), None)


def type_name(value: object) -> str:
    """The full name of the type of a value."""
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _not_storable(reason: str) -> RequestError:
    return RequestError(
        f"this model cannot be stored: {reason}; choose from "
        f"{', '.join(name for name, entry in MODELS.items() if entry.storage)}, or register it with a Storage"
    )


def _without_omitted(value: Any, types: frozenset[str], tensors: dict[str, np.ndarray]) -> Any:  # noqa: ANN401 - any part
    """The same estimator, copied where needed, without random generators and what its entries omit.

    A fitted model draws no more numbers. Tensors of networks are put into `tensors`, by the number of the network and
    their own names, and the number is left in their place.
    """
    import numpy as np

    if isinstance(value, np.random.RandomState | np.random.Generator):
        return None
    if type(value) in (list, tuple):
        return type(value)(_without_omitted(item, types, tensors) for item in value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        items = np.empty(value.size, dtype=object)
        items[:] = [_without_omitted(item, types, tensors) for item in value.flat]
        return items.reshape(value.shape)
    if type_name(value) in types:
        storage = _storage(value)
        twin = copy.copy(value)
        for name, part in vars(value).items():
            if storage is not None and name == storage.tensors:
                number = len({key.partition(".")[0] for key in tensors})
                tensors.update({f"{number}.{key}": array for key, array in part.items()})
                vars(twin)[name] = number
                continue
            omitted = storage is not None and name in storage.omitted
            vars(twin)[name] = None if omitted else _without_omitted(part, types, tensors)
        return twin
    return value


def _in_order(stored: bytes) -> bytes:
    """The same archive without node ids and with arrays numbered as they come.

    Raises
    ------
    RequestError : it holds what could not be read.
    """
    buffer, types = io.BytesIO(), storable_types()
    with zipfile.ZipFile(io.BytesIO(stored)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as new:
        schema = json.loads(old.read(_SCHEMA))
        numbers: dict[str, str] = {}
        foreign = set()
        for node in _nodes(schema):
            kind, name = node["__loader__"], f"{node['__module__']}.{node['__class__']}"
            if name not in (types if kind == "ObjectNode" else _BUILT_IN.get(kind, ())):
                foreign.add(name)
            node.pop("__id__", None)
            if "file" in node:
                node["file"] = numbers.setdefault(node["file"], f"{len(numbers)}{Path(node['file']).suffix}")
        if foreign:
            raise _not_storable(f"it holds {', '.join(sorted(foreign))}, which no registered model stores")
        for name, number in numbers.items():
            new.writestr(zipfile.ZipInfo(number, _DATE), old.read(name))
        new.writestr(zipfile.ZipInfo(_SCHEMA, _DATE), json.dumps(schema, separators=(",", ":")))
    return buffer.getvalue()


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - any JSON
    """Every node of the tree."""
    waiting = [schema]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
