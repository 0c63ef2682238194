"""Files that pose as bundles: what a careless disk and a malicious hand can make of one."""

from __future__ import annotations

import hashlib
import io
import json
import pickle
import tarfile
import zipfile

import numpy as np

from genreclf.archive import dump_array

MARK = "was-here"


class Bomb:
    """Unpickling it makes a file, which a test then finds."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return (open, (self.place, "w"))


def seal(body: bytes, kind: str = "model") -> bytes:
    """Put a right digest behind a zip archive that has room for it."""
    size = len(f"genreclf {kind} sha256:") + 64
    return body[:-size] + f"genreclf {kind} sha256:{hashlib.sha256(body[:-size]).hexdigest()}".encode()


def packed(members, *, kind="model", compression=zipfile.ZIP_DEFLATED, doubled=()):
    """A sealed container of any members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression, compresslevel=1) as archive:
        for name, data in [*members.items(), *doubled]:
            archive.writestr(name, data)
        archive.comment = b"x" * (len(f"genreclf {kind} sha256:") + 64)
    return seal(buffer.getvalue(), kind)


def with_manifest(members, **changes):
    """The bundle with other fields in its manifest; a field set to `...` is taken out."""
    manifest = json.loads(members["manifest.json"]) | changes
    manifest = {name: value for name, value in manifest.items() if value is not ...}
    return packed(members | {"manifest.json": json.dumps(manifest).encode()})


def with_estimator(members, estimator):
    """The bundle with another estimator."""
    return packed(members | {"estimator.skops": estimator})


def with_schema(members, change, *, arrays=None):
    """The bundle whose estimator's tree of nodes was changed, and some of its arrays replaced or added."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(members["estimator.skops"])) as old, zipfile.ZipFile(buffer, "w") as new:
        schema = json.loads(old.read("schema.json"))
        changed = change(schema)
        for name in old.namelist():
            if name != "schema.json" and name not in (arrays or {}):
                new.writestr(name, old.read(name))
        for name, data in (arrays or {}).items():
            new.writestr(name, data)
        new.writestr("schema.json", json.dumps(schema if changed is None else changed))
    return with_estimator(members, buffer.getvalue())


def nodes(schema, loader, name=None):
    """Nodes of one loader, in the order of the tree."""
    found, waiting = [], [schema]
    while waiting:
        value = waiting.pop(0)
        if isinstance(value, dict):
            if value.get("__loader__") == loader and name in (None, value.get("__class__")):
                found.append(value)
            waiting = list(value.values()) + waiting
        elif isinstance(value, list):
            waiting = value + waiting
    return found


def attribute(schema, owner, name):
    """The node of an attribute of the first object of a class that has it."""
    states = [node["content"]["content"] for node in nodes(schema, "ObjectNode", owner)]
    return next(state[name] for state in states if name in state)


def array_of(members, node):
    with zipfile.ZipFile(io.BytesIO(members["estimator.skops"])) as archive:
        return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)


def schema_of(members):
    with zipfile.ZipFile(io.BytesIO(members["estimator.skops"])) as archive:
        return json.loads(archive.read("schema.json"))


def with_array(members, owner, name, change):
    """The bundle with another array in the place of an attribute of the first object of a class."""
    node = attribute(schema_of(members), owner, name)
    return with_schema(members, lambda _: None, arrays={node["file"]: dump_array(change(array_of(members, node)))})


def with_tree(members, change):
    """The bundle whose first tree has other nodes."""
    node = nodes(schema_of(members), "TreeNode")[0]["content"]["content"]["nodes"]
    array = array_of(members, node).copy()
    changed = change(array)
    return with_schema(
        members, lambda _: None, arrays={node["file"]: dump_array(array if changed is None else changed)}
    )


def foreign(loader, module, name, **rest):
    """A node of a type that no model needs."""
    return {"__loader__": loader, "__module__": module, "__class__": name, "__id__": 0} | rest


def text(value):
    return {
        "__loader__": "JsonNode", "__module__": "builtins", "__class__": "str",
        "content": json.dumps(value), "is_json": True,
    }  # fmt: skip


def several(*items):
    return {"__loader__": "TupleNode", "__module__": "builtins", "__class__": "tuple", "content": list(items)}


def hostile_files(svc, forest, place):
    """Name, content and a word of the line that must come.

    Parameters
    ----------
    svc, forest : members of two right bundles.
    place : a file that comes to be if any of this runs code.
    """
    yield from _no_bundles(svc, place)
    yield from _odd_archives(svc)
    yield from _odd_manifests(svc)
    yield from _foreign_types(svc, place)
    yield from _malformed_arrays(svc)
    yield from _malformed_estimators(svc, forest)


def _no_bundles(svc, place):
    whole = packed(svc)
    bomb = pickle.dumps(Bomb(place))
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("../../escaped"))
    yield "a pickle", bomb, "not a genreclf model"
    yield "a pickle with a zip's first bytes", b"PK\x03\x04" + bomb, "its end is missing"
    yield "an empty file", b"", "empty"
    yield "a picture", b"\x89PNG\r\n\x1a\n" + bytes(200), "not a genreclf model"
    yield "a tar archive", tar.getvalue(), "not a genreclf model"
    yield "a zip of something else", _plain_zip({"readme.txt": b"hello"}), "its end is missing"
    yield "a skops file", svc["estimator.skops"], "its end is missing"
    yield "half a bundle", whole[: len(whole) // 2], "its end is missing"
    yield "a bundle without its last byte", whole[:-1], "changed"
    yield "a flipped bit in the middle", _flipped(whole, len(whole) // 2), "changed"
    yield "a flipped bit in a date", _flipped(whole, 10), "changed"
    yield "an index", packed(svc, kind="index"), "a genreclf index, not a model"
    yield "something behind the end", whole + b"more", "changed"


def _odd_archives(svc):
    zeros = bytes(300 << 20)
    yield "a zip bomb", packed(svc | {"estimator.skops": zeros}), "would unpack to"
    yield "a large manifest", packed(svc | {"manifest.json": b" " * (20 << 20)}), "would unpack to"
    yield "a path out of the folder", packed(svc | {"../../escaped": b"x"}), "it holds"
    yield "an absolute path", packed({"/escaped": b"x"}), "it holds"
    yield "a member twice", _doubled(svc), "it holds"
    yield "no manifest", packed({"estimator.skops": svc["estimator.skops"]}), "it holds"
    yield "no members", packed({}), "not a genreclf model"
    yield "another packing", packed(svc, compression=zipfile.ZIP_BZIP2), "packed or locked"
    yield "a locked member", _locked(svc), "packed or locked"


def _odd_manifests(svc):
    evil = {"__reduce__": ["os.system", "true"]}
    yield "a manifest that is no JSON", packed(svc | {"manifest.json": b"{'a': open('x')}"}), "malformed"
    yield "a manifest nested deeply", packed(svc | {"manifest.json": b'{"a":' * 100_000}), "manifest.json: "
    yield "a manifest that is a list", packed(svc | {"manifest.json": b"[]"}), "Expected `object`"
    yield "a callable in the manifest", with_manifest(svc, parameters=evil), "$.parameters"
    yield "a number that is none", packed(svc | {"manifest.json": b'{"format": 1, "seed": NaN}'}), "malformed"
    yield "a key twice", packed(svc | {"manifest.json": b'{"format": 1, "seed": 1, "seed": 2}'}), "missing"
    yield "a field missing", with_manifest(svc, genres=...), "missing required field `genres`"
    yield "a field too many", with_manifest(svc, run="rm -rf /"), "unknown field `run`"
    yield "genres that are numbers", with_manifest(svc, genres=[1, 2, 3]), "$.genres"
    yield "genres of another model", with_manifest(svc, genres=["x", "y", "z"]), "other genres"
    yield "a newer format", with_manifest(svc, format=99), "newer genreclf"
    yield "a newer scikit-learn", with_manifest(svc, versions={"scikit-learn": "99.0"}), "newer than"
    yield "an old scikit-learn", with_manifest(svc, versions={"scikit-learn": "1.2.0"}), "oldest"
    yield "no version", with_manifest(svc, versions={"scikit-learn": "latest"}), "no version"
    yield "versions that are no texts", with_manifest(svc, versions={"scikit-learn": 1}), "$.versions"
    yield "a version without end", with_manifest(svc, versions={"scikit-learn": "1.6." + "9" * 90_000}), "$.versions"
    yield "half a character", with_manifest(svc, notes="\ud800"), "malformed"
    yield "a field of many parts", packed(svc | {"manifest.json": b'{"a":[' + b"[]," * 300_000 + b"0]}"}), "missing"
    yield "calibrated, it says not", with_manifest(svc, calibrated=False), "whether it is calibrated"
    yield "a path for a digest", with_manifest(svc, estimator_sha256="../x"), "$.estimator_sha256"
    one = {"features": ["a"], "feature_means": [0], "feature_deviations": [1]}
    yield "other features", with_manifest(svc, **one, novelty=None), "shape"
    yield "other features beside its directions", with_manifest(svc, **one), "each direction"
    yield "another number of thresholds", with_manifest(svc, held_out={"thresholds": [0.5]}), "held_out"
    yield "other answers", with_manifest(svc, probe_probabilities=[[0.2, 0.3, 0.5]] * 5), "does not predict"


def _foreign_types(svc, place):
    def instead(node):
        return with_schema(svc, lambda schema: node | {k: schema[k] for k in ("protocol", "_skops_version")})

    arguments = several(text(f"touch {place}"))
    empty = {"__loader__": "DictNode", "__module__": "builtins", "__class__": "dict", "content": {}, "key_types": {}}
    yield "a function", instead(foreign("FunctionNode", "os", "system")), "FunctionNode"
    yield "a call", instead(foreign("ConstructorFromReduceNode", "os", "system", content=arguments)), "FromReduceNode"
    partial = {"func": foreign("FunctionNode", "os", "system"), "args": arguments, "kwds": empty, "namespace": empty}
    yield "a partial", instead(foreign("PartialNode", "functools", "partial", content=partial)), "PartialNode"
    caller = foreign("OperatorFuncNode", "operator", "methodcaller", attrs=arguments)
    yield "an operator", instead(caller), "OperatorFuncNode"
    yield "a type", instead(foreign("TypeNode", "subprocess", "Popen")), "a type where a value belongs"
    yield "an unknown loader", instead(foreign("PickleNode", "builtins", "object")), "PickleNode"
    searcher = "GridSearchCV", "sklearn.model_selection._search"
    yield "an estimator of a foreign type", instead(foreign("ObjectNode", searcher[1], searcher[0])), "GridSearchCV"
    yield "a module that would be imported", instead(foreign("ObjectNode", "antigravity", "Thing")), "antigravity"
    yield "a method", with_schema(svc, _method), "MethodNode"
    yield "a trusted type where it does not belong", instead(text("hello")), "not a pipeline"
    yield "a protocol to come", with_schema(svc, lambda schema: schema.__setitem__("protocol", 99)), "protocol 99"


def _method(schema):
    owner = attribute(schema, "Pipeline", "steps")["content"][0]["content"][1]
    attribute(schema, "Pipeline", "steps")["content"][0]["content"][1] = {
        "__loader__": "MethodNode", "__module__": owner["__module__"], "__class__": owner["__class__"],
        "content": {"func": "fit", "obj": owner},
    }  # fmt: skip


def _malformed_arrays(svc):
    node = attribute(schema_of(svc), "StandardScaler", "mean_")["file"]
    objects = io.BytesIO()
    np.save(objects, np.array([Bomb("x")], dtype=object), allow_pickle=True)
    huge = dump_array(np.zeros(3)).replace(b"(3,), }" + b" " * 12, b"(3000000000000,), }", 1)
    for name, data, word in (
        ("an array of objects", objects.getvalue(), "array of type object"),
        ("an array that claims a terabyte", huge, "array of"),
        ("an array that is none", b"hello", "array whose header"),
        ("an array of another shape", dump_array(np.zeros(99)), "shape"),
        ("an array of texts", dump_array(np.array(["a"] * 6)), "type"),
    ):
        yield name, with_schema(svc, lambda _: None, arrays={node: data}), word
    yield (
        "an array that is not finite",
        with_array(svc, "SVC", "_intercept_", lambda a: a * np.nan),
        "not a finite number",
    )
    yield "a scale of nothing", with_array(svc, "StandardScaler", "scale_", lambda a: a * 0), "not positive"
    yield "one array a thousand times", with_schema(svc, _repeated, arrays={"999.npy": _LARGE}), "over and over"
    yield (
        "a schema of nothing",
        with_estimator(svc, _plain_zip({"schema.json": b"[" + b"{}," * 300_000})),
        "too many nodes",
    )
    yield "a part by another name", with_schema(svc, lambda _: None, arrays={"../../x.npy": b""}), "unknown part"
    yield "a schema that is no JSON", with_estimator(svc, _plain_zip({"schema.json": b"{"})), "truncated"
    yield "a packed estimator", with_estimator(svc, _plain_zip({"schema.json": b"{}"}, packing=8)), "unknown part"
    yield "an estimator that is a pickle", with_estimator(svc, pickle.dumps(1)), "not a zip file"


_LARGE = dump_array(np.random.default_rng(0).normal(size=1 << 17))


def _repeated(schema):
    """A thousand nodes that all read one array of a megabyte."""
    node = attribute(schema, "StandardScaler", "mean_") | {"file": "999.npy"}
    state = nodes(schema, "ObjectNode", "StandardScaler")[0]["content"]["content"]
    state["more"] = several(*[node] * 1000)


def _malformed_estimators(svc, forest):
    yield "support vectors counted wrongly", with_array(svc, "SVC", "_n_support", lambda a: a + 10_000), "vectors"
    yield "coefficients of another shape", with_array(svc, "SVC", "_dual_coef_", lambda a: a[:, :1]), "shape"
    yield "too few intercepts", with_array(svc, "SVC", "_intercept_", lambda a: a[:1]), "shape"
    yield "answers that are no genres", with_schema(svc, _renamed, arrays={"999.npy": _NAMES}), "other genres"
    yield "an unknown calibration", with_schema(svc, _calibrated_by("magic")), "unknown method"
    yield "another calibration", with_schema(svc, _calibrated_by("isotonic")), "parameters of another calibration"
    yield "the same calibration twice", with_schema(svc, _calibrated_by("none+none")), "twice"
    yield "one temperature too many", with_schema(svc, _calibrated_by("temperature")), "parameters of its calibration"
    yield "no calibration for a margin", with_schema(svc, _calibrated_by("none")), "parameters of another calibration"
    yield "a leaf that is no number", _with_leaf(forest, np.nan), "not a finite number"
    yield "a feature outside a tree's row", with_tree(forest, lambda a: _set(a, "feature", 10**9)), "feature"
    yield "a child outside its tree", with_tree(forest, lambda a: _set(a, "left_child", 10**9)), "outside its tree"
    yield "a tree that goes in a circle", with_tree(forest, lambda a: _set(a, "left_child", 0)), "outside its tree"
    yield "fewer nodes than counted", with_tree(forest, lambda a: a[:1]), "number of nodes"
    yield "a tree of many outputs", with_schema(forest, _many_outputs), "number of outputs"


_NAMES = dump_array(np.array(["a", "b", "c"]))


def _renamed(schema):
    """The model inside the calibrated one says other genres than it."""
    for node in nodes(schema, "ObjectNode", "SVC"):
        state = node["content"]["content"]
        state["classes_"] = state["classes_"] | {"type": "numpy", "file": "999.npy"}


def _calibrated_by(method):
    """A change of the method of a calibrated model, whose parameters stay as they are."""
    return lambda schema: attribute(schema, "CalibratedModel", "method").update(content=json.dumps(method))


def _with_leaf(members, value):
    """The bundle whose first tree holds another value at its root, which no track ends in."""
    node = nodes(schema_of(members), "TreeNode")[0]["content"]["content"]["values"]
    array = array_of(members, node).copy()
    array[0] = value
    return with_schema(members, lambda _: None, arrays={node["file"]: dump_array(array)})


def _many_outputs(schema):
    nodes(schema, "TreeNode")[0]["__reduce__"]["args"]["content"][2]["content"] = "1000000000"


def _set(array, field, value):
    array[field][0] = value


def _flipped(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def _plain_zip(members, packing=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _doubled(svc):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return packed(svc, doubled=[("manifest.json", b"{}")])


def _locked(svc):
    """The flag of encryption set in both headers of the first member."""
    body = bytearray(packed(svc))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return seal(bytes(body))
