"""Models and indexes, mutated and sealed again with right checksums: refused in a line, or they predict.

Half of the mutated models also get the probabilities that they now give as those that their manifest demands, as
whoever forges a model would do. Loading may take as much memory as `genreclf.models.bundle` promises.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from attacks.cases import check

from genreclf.archive import Kind, dump_array, load_array, read_container, write_container
from genreclf.classifier import Predictor
from genreclf.errors import GenreclfError, RequestError
from genreclf.models.bundle import bundle as bundles
from genreclf.models.bundle.formats import read_manifest
from genreclf.series import Header, Series, series_of_arrays
from genreclf.similarity import index as indexes
from genreclf.similarity.description import HUBNESS
from genreclf.similarity.indexing import BITS, build_index, open_index
from genreclf.similarity.metrics import METRICS
from genreclf.similarity.querying import Searchable
from genreclf.tables.table import FeatureTable

CASES = 150
SECONDS = 60.0
_SMALL = {"n_estimators": 3, "iterations": 8, "max_iter": 8, "epochs": 3, "hidden": 8}
_KIND = Header("made", 5, 1.0)
_SLACK = 16 << 20  # bytes of imports and of predicting
_Members = dict[str, bytes]


def missing() -> str:
    return ""


def prepare(folder: Path) -> list[tuple[str, Kind, _Members]]:
    """Members of a small bundle of every model, of calibrated ones, and of indexes."""
    from genreclf.models import MODELS
    from genreclf.training import train

    rng = np.random.default_rng(0)
    made = []
    for genres in (2, 3):
        table = _table(rng, genres)
        for name, entry in MODELS.items():
            if entry.storage is None or (entry.extra and not find_spec("torch")):
                continue
            spec = replace(entry, factory=partial(_shrunk, entry.factory))
            series = _series(rng, len(table), list(table.ids)) if entry.series else None
            for calibrate in (False, True):
                if calibrate and entry.baseline:
                    continue
                path = folder / "model"
                train(table, model=spec, series=series, calibrate=calibrate).save(path)
                bundles.Bundle.load(path)
                made.append((f"{name}{' calibrated' * calibrate}", bundles.KIND, read_container(path, bundles.KIND)))
    for metric in METRICS:
        for hubness in HUBNESS:
            build_index(table, metric=metric, hubness=hubness).save(folder / "index")
            made.append((f"{metric} {hubness}", indexes.KIND, read_container(folder / "index", indexes.KIND)))
        for bits in BITS:
            build_index(table, metric=metric, approximate=True, bits=bits).save(folder / "large")
            files = {path.name: path.read_bytes() for path in (folder / "large").glob("[!.]*")}
            made.append((f"{metric} in lists of {bits} bits", indexes.KIND, files))
            shutil.rmtree(folder / "large")
    return made


def _table(rng: np.random.Generator, genres: int) -> FeatureTable:
    import pandas as pd

    labels = np.arange(60) % genres
    columns = [f"mfcc_mean_{number:02d}" for number in range(1, 7)]
    frame = pd.DataFrame(rng.normal(size=(60, 6)) + labels[:, None], columns=columns)
    identity = {
        "track_id": [f"t{n:03d}" for n in range(60)],
        "genre": [f"genre{k}" for k in labels],
        "artist": [f"artist{n // 3}" for n in range(60)],
        "tags": [("calm", "loud", "calm|loud")[n % 3] for n in range(60)],
    }
    frame = pd.concat([pd.DataFrame(identity, dtype="object"), frame], axis=1)
    return FeatureTable(frame=frame, features=tuple(columns), name="made-up")


def _series(rng: np.random.Generator, tracks: int, ids: list[str] | None, kind: Header = _KIND) -> Series:
    """Noise of several lengths."""
    arrays = [rng.normal(size=(length, kind.bins)) for length in rng.integers(2, 9, size=tracks)]
    return series_of_arrays(kind.kind, arrays, frame_rate=kind.frame_rate, track_ids=ids)


def _shrunk(factory: Callable[[int], Any], seed: int) -> Any:
    model = factory(seed)
    known = {name: value for name, value in _SMALL.items() if name in model.get_params()}
    return model.set_params(**known)


def case(
    rng: np.random.Generator, place: Path, made: list[tuple[str, Kind, _Members]], number: int
) -> tuple[str, dict[str, float]]:
    name, kind, members = made[number % len(made)]
    members = dict(members)
    mark = place / "was-here"
    for _ in range(int(rng.integers(1, 4))):
        _mutate(members, rng, f"touch {mark}")
    path = place / "file"
    if kind is bundles.KIND and rng.uniform() < 0.5:
        _probe_anew(path, members)
    large = kind is indexes.KIND and set(members) - set(kind.members)
    try:
        if large:
            path = _large_index(place / "large", members)
        else:
            write_container(path, kind, members)
    except GenreclfError:
        return "too large to seal", {}
    before = _memory("VmRSS", reset=True)
    load = bundles.Bundle.load if kind is bundles.KIND else open_index
    try:
        loaded = load(path)
    except GenreclfError as refused:
        loaded = None
        check("\n" not in str(refused) and len(str(refused)) < 1000, "crash", f"{name}: {refused}"[:2000])
    taken = _memory("VmHWM") - before
    allowed = max(4 * sum(map(len, members.values())), 128 << 20) + _SLACK
    check(taken <= allowed, "escape", f"{name}: {taken >> 20} MiB of memory, {allowed >> 20} MiB allowed")
    check(not mark.exists() and not Path("was-here").exists(), "escape", f"{name}: code of the file has run")
    figures = {"MiB to load": taken / (1 << 20)}
    if loaded is None:
        return "refused", figures
    if isinstance(loaded, Searchable):
        _ask_index(loaded, name, rng)
    else:
        _ask_model(loaded, name, rng)
    return "answers", figures


def _ask_model(bundle: bundles.Bundle, name: str, rng: np.random.Generator) -> None:
    means, stds = np.array(bundle.manifest.feature_means), np.array(bundle.manifest.feature_stds)
    rows: Any = np.vstack([means + stds * rng.normal(size=(20, len(means))), rng.normal(0, 1e6, (5, len(means)))])
    if bundle.manifest.series is not None:
        rows = _series(rng, 25, None, bundle.manifest.series)
    try:
        with np.errstate(all="ignore"):
            _, given = Predictor(bundle)._predicted(rows)  # noqa: SLF001 - without audio in between
    except RequestError:
        return
    check(given.shape == (25, len(bundle.manifest.genres)), "wrong value", f"{name}: probabilities of {given.shape}")
    check(np.isfinite(given).all(), "wrong value", f"{name}: probabilities that are not finite")
    right = (given >= 0).all() and np.allclose(given.sum(axis=1), 1, atol=1e-6)
    check(right, "wrong value", f"{name}: no probabilities: {given[0]}, {given.sum(axis=1)[0]}")
    predicted = set(map(str, bundle.estimator.predict(rows)))
    check(predicted <= set(bundle.manifest.genres), "wrong value", f"{name}: predicts {predicted}")


def _ask_index(index: Searchable, name: str, rng: np.random.Generator) -> None:
    for row in (0, None):
        try:
            track = rng.normal(size=len(index.features)) if row is None else index.identity([row])["track_id"][0]
            found = index.query(track, 5, exact=bool(rng.integers(2)))
        except RequestError:
            continue
        distances = found["distance"].to_numpy()
        check(np.isfinite(distances).all(), "wrong value", f"{name}: distances {distances}")
        check((np.diff(distances) >= 0).all(), "wrong value", f"{name}: distances in no order: {distances}")


def _large_index(folder: Path, members: _Members) -> Path:
    """The folder of a large index, its digests made right again as far as the arrays can be read."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, data in members.items():
        (folder / name).write_bytes(data)
    try:
        description = json.loads(members["index.json"])
        for described in (description, *description["parts"]):
            for name, digest in described["sha256"].items():
                data = members[f"{described.get('name', digest)[:16]}.{name}.npy"]
                content = load_array(data).tobytes() if described is not description else data
                described["sha256"][name] = hashlib.sha256(content).hexdigest()
                if described is description:
                    (folder / f"{described['sha256'][name][:16]}.{name}.npy").write_bytes(data)
        (folder / "index.json").write_text(json.dumps(description))
    except (KeyError, TypeError, AttributeError, ValueError):
        pass  # the case has changed index.json itself
    return folder


def _probe_anew(path: Path, members: _Members) -> None:
    """Have the manifest demand what the mutated estimator gives, where it gives anything."""
    try:
        manifest = json.loads(members["manifest.json"])
        known = read_manifest(path, members["manifest.json"])
        estimator = known.rebuild(path, members["estimator.skops"], members.get(bundles.TENSORS, b""))
        with np.errstate(all="ignore"):
            given = bundles.probe(estimator, known.feature_means, known.feature_stds, series=known.series)
        manifest["probe_probabilities"] = given.tolist()
        members["manifest.json"] = json.dumps(manifest, allow_nan=False).encode()
    except Exception:  # noqa: BLE001, S110 - the file stays as it is, and has to be refused
        pass


def _memory(name: str, *, reset: bool = False) -> int:
    """A figure of the process's memory, in bytes; its peak can be set back."""
    if reset:
        Path("/proc/self/clear_refs").write_text("5")
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) << 10
    raise LookupError(name)


def _mutate(members: _Members, rng: np.random.Generator, mark: str) -> None:
    """Change one member so that it still looks like one of its kind."""
    name = str(rng.choice(sorted(members)))
    if name == "estimator.skops":
        members[name] = _mutated_estimator(members[name], rng, mark)
    elif name == bundles.TENSORS:
        members[name] = _mutated_tensors(members[name], rng, mark)
    elif name.endswith(".npy"):
        members[name] = _mutated_array(members[name], rng)
        _digest_anew(members, name)
    else:
        members[name] = _mutated_json(members[name], rng, mark)


def _digest_anew(members: _Members, name: str) -> None:
    if name not in indexes.KIND.members:
        return  # of a large index, which `_large_index` does
    description = json.loads(members["index.json"])
    if not isinstance(description, dict) or not isinstance(description.get("sha256"), dict):
        return  # an earlier change of this case took the digests away
    description["sha256"][name] = indexes._digests({name: members[name]})[name]  # noqa: SLF001 - as the index is written
    members["index.json"] = json.dumps(description).encode()


def _mutated_estimator(data: bytes, rng: np.random.Generator, mark: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    arrays = sorted(set(parts) - {"schema.json"})
    if arrays and rng.uniform() < 0.5:
        name = str(rng.choice(arrays))
        parts[name] = _mutated_array(parts[name], rng)
    else:
        parts["schema.json"] = _mutated_json(parts["schema.json"], rng, mark)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as new:
        for name, content in parts.items():
            new.writestr(name, content)
    return buffer.getvalue()


def _mutated_tensors(data: bytes, rng: np.random.Generator, mark: str) -> bytes:
    """Another header, or some numbers changed or gone."""
    start = 8 + int.from_bytes(data[:8], "little")
    header, numbers = data[8:start], np.frombuffer(data[start : start + (len(data) - start) // 4 * 4], "<f4").copy()
    if not len(numbers) or rng.uniform() < 0.5:
        header = _mutated_json(header, rng, mark)
    elif rng.uniform() < 0.8:
        with np.errstate(all="ignore"):
            numbers[rng.integers(len(numbers), size=3)] = np.float64(rng.choice(_EXTREMES)).astype("<f4")
    else:
        numbers = numbers[: int(rng.integers(len(numbers)))]
    return len(header).to_bytes(8, "little") + header + numbers.tobytes()


_EXTREMES = (0.0, -1.0, np.nan, np.inf, 1e308, -1e308, 1e-320, 2.0**31, 2.0**63, 0.5, 1.0, 7.0)
_TYPES = ("<f8", "<f4", "<f2", "<i8", "<i4", "u1", "?", "<U3", "<c16", ">f8", "<u8", "S3")


def _mutated_array(data: bytes, rng: np.random.Generator) -> bytes:
    """Another type, shape, values or header."""
    try:
        array = load_array(data).copy()
    except ValueError:
        return data
    size = array.size

    def value() -> np.ndarray:
        if size and array.dtype.kind in "fiub":
            with np.errstate(all="ignore"):
                count = int(rng.choice([1, 1, 1, size]))
                array.flat[rng.integers(size, size=count)] = np.array(rng.choice(_EXTREMES)).astype(array.dtype)
        elif size and array.dtype.names:
            field = str(rng.choice(array.dtype.names))
            array[field].flat[rng.integers(size)] = np.array(rng.choice(_EXTREMES)).astype(array.dtype[field])
        return array

    def shape() -> np.ndarray:
        shapes = [(size,), (size, 1), (1, size), (size, 1, 1), (1, 1, size), array.shape[::-1], (0, *array.shape)]
        return array.reshape(shapes[rng.integers(6)]) if rng.uniform() < 0.9 else np.empty(shapes[6], array.dtype)

    def many() -> np.ndarray:
        return np.resize(array, (int(10 ** rng.uniform(0, 5.5)), *array.shape[1:]))

    changes: tuple[Callable[[], np.ndarray], ...] = (
        value, value, value, shape, many,
        lambda: array.astype(str(rng.choice(_TYPES))),
        lambda: array[: size // 2] if array.ndim else array,
        lambda: np.concatenate([array, array]) if array.ndim else array[None],
    )  # fmt: skip
    with np.errstate(all="ignore"):
        try:
            changed = dump_array(changes[rng.integers(len(changes))]())
        except (ValueError, TypeError):
            return data
    if rng.uniform() < 0.1:
        place = int(rng.integers(min(len(changed), 128)))
        changed = changed[:place] + rng.bytes(1) + changed[place + 1 :]
    return changed


def _values(mark: str) -> tuple[Any, ...]:
    text = {"__loader__": "JsonNode", "__module__": "builtins", "__class__": "str", "content": "1e308"}
    call = {"__loader__": "ConstructorFromReduceNode", "__module__": "os", "__class__": "system", "content": [mark]}
    return (
        0, 1, -1, 2**31, 2**63, 10**30, 1e308, -1e308, 1e-320, 0.5, None, True, "", "x", mark, "NaN", "1e999", [], {},
        [[]], [0] * 1000, {"a": 1}, "0.npy", "1.npy", "os", "system", "posix", "builtins", "eval", "ObjectNode",
        "ndarray", "float64", "int64", text, call, "é\u0000\ud800".encode("utf-8", "replace").decode(), "9" * 5000,
    )  # fmt: skip


def _mutated_json(data: bytes, rng: np.random.Generator, mark: str) -> bytes:
    """A part of the tree replaced by another, by an extreme, doubled or taken out."""
    try:
        tree = json.loads(data)
    except ValueError:
        return data
    places: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        places += [(node, key) for key in keys]
        waiting += [node[key] for key in keys]
    if not places:
        return data
    holder, key = places[rng.integers(len(places))]
    other, its = places[rng.integers(len(places))]
    values = _values(mark)
    match int(rng.integers(6)):
        case 0:
            del holder[key]
        case 1:
            holder[key] = json.loads(json.dumps(other[its]))
        case 2 if isinstance(holder, list):
            holder.extend([holder[key]] * int(10 ** rng.uniform(0, 4)))
        case 3 if isinstance(holder, dict):
            holder[str(values[rng.integers(len(values))])] = holder.pop(key)
        case 4 if isinstance(holder[key], int | float):
            holder[key] *= float(rng.choice([-1, 2, 0.5, 1e9, 1e300]))
        case _:
            value = values[rng.integers(len(values))]
            holder[key] = json.dumps(value) if key == "content" and isinstance(holder[key], str) else value
    return json.dumps(tree).replace("Infinity", "1e999").encode()
