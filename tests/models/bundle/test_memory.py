"""Loading a model takes memory in proportion to what its file unpacks to, whatever the file claims."""

from __future__ import annotations

import io
import json
import tracemalloc
import zipfile

import numpy as np
import pytest
from made_up import made_up_table

from genreclf.archive import dump_array, read_container
from genreclf.errors import RequestError
from genreclf.models.bundle.bundle import KIND, Bundle
from genreclf.training import train

from .hostile import attribute, nodes, packed, with_estimator, with_schema

_SMALL = 128 << 20
_VALUE = '{"__loader__":"JsonNode","content":"1.5"}'
_DICTIONARY = '{"__loader__":"DictNode","content":{"a":' + _VALUE + "}}"
_NOISE = np.random.default_rng(0).bytes(40 << 20)  # as zeros, it would be taken for a zip bomb


@pytest.fixture(scope="module")
def members(tmp_path_factory):
    """The members of an SVC's bundle."""
    path = tmp_path_factory.mktemp("bundle") / "svc"
    train(made_up_table(), model="svc").save(path)
    Bundle.load(path)
    return read_container(path, KIND)


def _stored(file, cls="ndarray"):
    return {"__class__": cls, "__module__": "numpy", "__loader__": "NdArrayNode", "type": "numpy", "file": file}


def _broadcast(members):
    """Slopes of few bytes that would make gigabytes of probabilities."""

    def change(schema):
        attribute(schema, "CalibratedModel", "parameters")["content"][0].update(_stored("900.npy"))

    return with_schema(members, change, arrays={"900.npy": dump_array(np.zeros((30_000, 1, 3)))})


def _declared_wider(members):
    """Bytes that call themselves a number of eight."""

    def change(schema):
        attribute(schema, "StandardScaler", "var_").update(_stored("900.npy", "float64"))

    return with_schema(members, change, arrays={"900.npy": dump_array(np.frombuffer(_NOISE, dtype=np.uint8))})


def _many_members(members):
    return with_schema(members, lambda _: None, arrays={f"{number}.npy": b"" for number in range(900, 20_000)})


def _dense(members, unit, count, array=_NOISE[: 1 << 20]):
    """Nodes that take little room in the file and much in memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(members["estimator.skops"])) as old, zipfile.ZipFile(buffer, "w") as new:
        schema = json.loads(old.read("schema.json"))
        schema["content"]["content"]["more"] = "HERE"
        for name in old.namelist()[:-1]:
            new.writestr(name, old.read(name))
        new.writestr("900.npy", dump_array(np.frombuffer(array, dtype=np.uint8)))
        items = f'{{"__loader__":"ListNode","content":[{",".join([unit] * count)}]}}'
        new.writestr("schema.json", json.dumps(schema).replace('"HERE"', items))
    return with_estimator(members, buffer.getvalue())


def _crafted(members):
    yield "slopes that broadcast", _broadcast(members), "parameters of its calibration of shape"
    yield "an array declared wider than it is", _declared_wider(members), "malformed numpy.float64"
    yield "many members", _many_members(members), "more members"
    yield "too many nodes", _dense(members, _DICTIONARY, 100_000), "too many nodes"
    yield "dense nodes beside a large array", _dense(members, _DICTIONARY, 80_000, _NOISE), ""
    yield "a good model", packed(members), ""


def test_loading_takes_four_times_the_unpacked_size_or_little(members, tmp_path):
    path = tmp_path / "model"
    for name, content, word in _crafted(members):
        path.write_bytes(content)
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        tracemalloc.start()
        try:
            Bundle.load(path)
            line = ""
        except RequestError as refused:
            line = str(refused)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert word in line, name
        assert bool(word) == bool(line), f"{name}: {line}"
        assert peak <= max(4 * unpacked, _SMALL), f"{name}: {peak:,} bytes for {unpacked:,}"


def test_a_decoy_beside_the_nodes_of_a_tree_is_refused(tmp_path):
    table = made_up_table()
    from genreclf.models import ModelSpec, spec

    def few(seed):
        return spec("rf").factory(seed).set_params(n_estimators=2)

    train(table, model=ModelSpec("rf", "Random forest", few)).save(tmp_path / "rf")
    members = read_container(tmp_path / "rf", KIND)

    def decoy(schema):
        state = nodes(schema, "TreeNode")[0]["content"]["content"]
        state["node_count"] = _stored("900.npy", "int64") | {"content": []}

    arrays = {"900.npy": dump_array(np.int64(5))}
    (tmp_path / "decoy").write_bytes(with_schema(members, decoy, arrays=arrays))
    with pytest.raises(RequestError, match="wrong number of nodes"):
        Bundle.load(tmp_path / "decoy")
