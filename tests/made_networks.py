"""Made-up checkpoints in TensorFlow's formats, of musicnn's shapes and of a narrow VGGish, and the plain networks."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence

import numpy as np

_MAGIC = struct.pack("<Q", 0xDB4775248B80FB57)
_FILTERS = ((7, 38, 204), (7, 67, 204), (128, 1, 51), (64, 1, 51), (32, 1, 51))


def varint(value: int) -> bytes:
    made = b""
    while value > 127:
        made += bytes([value & 127 | 128])
        value >>= 7
    return made + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def _shape(shape: Sequence[int]) -> bytes:
    return b"".join(field(2, field(1, size)) for size in shape)


def _block(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    made, before = b"", b""
    for key, value in entries:
        shared = next((k for k, (a, b) in enumerate(zip(key, before, strict=False)) if a != b), len(before))
        made += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
        before = key
    return made + struct.pack("<II", 0, 1)


def table(entries: Sequence[tuple[bytes, bytes]], *, most: int = 5) -> bytes:
    """A LevelDB table, a few entries a block."""
    made, handles = b"", []

    def put(block: bytes) -> bytes:
        nonlocal made
        handle = varint(len(made)) + varint(len(block))
        made += block + b"\0" + bytes(4)
        return handle

    for start in range(0, len(entries), most):
        part = entries[start : start + most]
        handles.append((part[-1][0], put(_block(part))))
    footer = put(_block([])) + put(_block(handles))
    return made + footer.ljust(40, b"\0") + _MAGIC


def version_2(arrays: Mapping[str, np.ndarray]) -> tuple[bytes, bytes]:
    """Index and data of a checkpoint of version 2, with a counter that is no float."""
    entries, data = [(b"", field(1, 1))], b""
    for name, array in sorted(arrays.items()):
        raw = array.astype("<f4").tobytes()
        position = field(4, len(data)) if data else b""
        entry = field(1, 1) + field(2, _shape(array.shape)) + position + field(5, len(raw))
        entries.append((name.encode(), entry + varint(6 << 3 | 5) + bytes(4)))
        data += raw
    entries.append((b"global_step", field(1, 9) + field(5, 8)))
    return table(sorted(entries)), data + bytes(8)


def version_1(arrays: Mapping[str, np.ndarray]) -> bytes:
    """A checkpoint of version 1: what there is, then a slice a variable."""
    metas = b"".join(field(1, field(1, name.encode()) + field(2, _shape(a.shape))) for name, a in arrays.items())
    entries = [(b"", field(1, metas))]
    for name, array in sorted(arrays.items()):
        tensor = field(1, 1) + field(5, array.astype("<f4").tobytes())
        entries.append((b"\0" + name.encode(), field(2, field(1, name.encode()) + field(2, b"") + field(3, tensor))))
    return table(entries, most=1)


def musicnn_variables(seed: int = 0) -> dict[str, np.ndarray]:
    """Variables of musicnn's shapes; filters of both signs."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}

    def normalisation(k: int, size: int) -> None:
        layer = f"batch_normalization_{k}" if k else "batch_normalization"
        made[f"{layer}/gamma"] = rng.normal(size=size)
        made[f"{layer}/beta"], made[f"{layer}/moving_mean"] = rng.normal(size=(2, size)) / 4
        made[f"{layer}/moving_variance"] = rng.uniform(0.5, 2.0, size=size)

    def layer(name: str, shape: tuple[int, ...]) -> None:
        made[f"{name}/kernel"] = rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))
        made[f"{name}/bias"] = rng.normal(size=shape[-1]) / 4

    normalisation(0, 1)
    for k, (length, height, count) in enumerate(_FILTERS):
        layer(f"conv2d_{k}" if k else "conv2d", (length, height, 1, count))
        normalisation(k + 1, count)
    for k in (5, 6, 7):
        layer(f"conv2d_{k}", (7, 561 if k == 5 else 64, 1, 64))
        normalisation(k + 1, 64)
    normalisation(9, 1506)
    layer("dense", (1506, 200))
    normalisation(10, 200)
    layer("dense_1", (200, 50))
    return {name: array.astype(np.float32) for name, array in made.items()}


def wheel(variables: Mapping[str, np.ndarray], *, folders: Sequence[str] = ("MSD_musicnn", "MTT_musicnn")) -> bytes:
    """A wheel that holds such a checkpoint."""
    index, data = version_2(variables)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for folder in folders:
            archive.writestr(f"musicnn/{folder}/.index", index)
            archive.writestr(f"musicnn/{folder}/.data-00000-of-00001", data)
    return made.getvalue()


def plain_musicnn(w: Mapping[str, np.ndarray], patch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Tags, (50,), and penultimate layer, (200,), of a patch, (187, 96), layer by layer as published."""

    def norm(k: int, x: np.ndarray) -> np.ndarray:
        layer = f"batch_normalization_{k}" if k else "batch_normalization"
        spread = np.sqrt(w[f"{layer}/moving_variance"] + 1e-3)
        return w[f"{layer}/gamma"] * (x - w[f"{layer}/moving_mean"]) / spread + w[f"{layer}/beta"]

    def conv(k: int, x: np.ndarray) -> np.ndarray:
        name = f"conv2d_{k}" if k else "conv2d"
        kernel = w[f"{name}/kernel"][:, :, 0]
        windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[:2])
        return np.maximum(np.tensordot(windows, kernel, axes=2) + w[f"{name}/bias"], 0)

    x = norm(0, patch[..., None])[..., 0]
    fronts = []
    for k, (length, _, _) in enumerate(_FILTERS):
        before = (length - 1) // 2
        fronts.append(norm(k + 1, conv(k, np.pad(x, ((before, length - 1 - before), (0, 0))))).max(axis=1))
    front = np.concatenate(fronts, axis=1)

    def middle(k: int, h: np.ndarray) -> np.ndarray:
        return norm(k + 1, conv(k, np.pad(h, ((3, 3), (0, 0))))[:, 0])

    first = middle(5, front)
    second = middle(6, first) + first
    third = middle(7, second) + second
    series = np.concatenate([front, first, second, third], axis=1)
    flat = norm(9, np.stack([series.max(axis=0), series.mean(axis=0)], axis=1).ravel())
    hidden = norm(10, np.maximum(flat @ w["dense/kernel"] + w["dense/bias"], 0))
    return 1 / (1 + np.exp(-(hidden @ w["dense_1/kernel"] + w["dense_1/bias"]))), hidden


def vggish_variables(seed: int = 0, *, widths: Sequence[int] = (4, 4, 6, 6, 8, 8)) -> dict[str, np.ndarray]:
    """Variables of a VGGish with few filters and narrow layers, and 128 outputs."""
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    names = ("conv1", "conv2", "conv3/conv3_1", "conv3/conv3_2", "conv4/conv4_1", "conv4/conv4_2")
    for name, before, width in zip(names, (1, *widths), widths, strict=False):
        made[f"vggish/{name}/weights"] = rng.normal(size=(3, 3, before, width)) / np.sqrt(9 * before)
        made[f"vggish/{name}/biases"] = rng.normal(size=width) / 4
    sizes = (24 * widths[-1], 16, 16, 128)
    for name, before, width in zip(("fc1/fc1_1", "fc1/fc1_2", "fc2"), sizes, sizes[1:], strict=False):
        made[f"vggish/{name}/weights"] = rng.normal(size=(before, width)) / np.sqrt(before)
        made[f"vggish/{name}/biases"] = rng.normal(size=width) / 4
    return {name: array.astype(np.float32) for name, array in made.items()}


def whitening(seed: int = 0) -> dict[str, np.ndarray]:
    """Parameters of the whitening, by their published names."""
    rng = np.random.default_rng(seed)
    return {"pca_eigen_vectors": rng.normal(size=(128, 128)) / 11, "pca_means": rng.normal(size=(128, 1))}


def plain_vggish(w: Mapping[str, np.ndarray], white: Mapping[str, np.ndarray], patch: np.ndarray) -> np.ndarray:
    """The quantised embedding, (128,), of a patch, (96, 64), as published."""
    x = patch[..., None]
    for block in (("conv1",), ("conv2",), ("conv3/conv3_1", "conv3/conv3_2"), ("conv4/conv4_1", "conv4/conv4_2")):
        for name in block:
            windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((1, 1), (1, 1), (0, 0))), (3, 3), axis=(0, 1))
            kernel = w[f"vggish/{name}/weights"]
            x = np.maximum(np.einsum("hwcij,ijco->hwo", windows, kernel) + w[f"vggish/{name}/biases"], 0)
        x = x.reshape(x.shape[0] // 2, 2, x.shape[1] // 2, 2, -1).max(axis=(1, 3))
    x = x.ravel()
    for name in ("fc1/fc1_1", "fc1/fc1_2", "fc2"):
        x = x @ w[f"vggish/{name}/weights"] + w[f"vggish/{name}/biases"]
        x = x if name == "fc2" else np.maximum(x, 0)
    clipped = np.clip(white["pca_eigen_vectors"] @ (x - white["pca_means"][:, 0]), -2, 2)
    return np.floor((clipped + 2) * 255 / 4)
