"""Networks written as ONNX graphs, from the variables of a checkpoint."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genreclf.errors import RequestError
from genreclf.networks import EMBEDDING, EXTRA, TAGS, Card

_OPSET, _IR = 17, 8
_EPSILON = 1e-3  # TensorFlow's default, of batch normalisation
_CONVERSION = b"1"  # of the graphs below; another one gives other weights their digest


class Variables:
    """The variables of a checkpoint; what is used of them makes the digest.

    Parameters
    ----------
    arrays : by name.
    """

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        self._arrays = arrays
        self._digest = hashlib.sha256(_CONVERSION)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._arrays:
            raise ValueError(f"it holds no variable {name!r}")
        array = np.ascontiguousarray(self._arrays[name], dtype=np.float32)
        self._digest.update(f"{name}{array.shape}".encode())
        self._digest.update(array.tobytes())
        return array

    @property
    def digest(self) -> str:
        """SHA-256 of the variables taken so far, in their order."""
        return self._digest.hexdigest()


class Graph:
    """An ONNX graph that grows by an operator at a time; values go by their names.

    Parameters
    ----------
    name : of the graph.
    shape : of one patch of its input.
    """

    def __init__(self, name: str, shape: Sequence[int]) -> None:
        self.name, self.shape = name, tuple(shape)
        self.entry = "patches"
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def constant(self, value: np.ndarray | Sequence[int] | float) -> str:
        """A constant: floats in single precision, whole numbers in 64 bits."""
        onnx = _onnx()
        array = np.asarray(value)
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        name = f"c{len(self._constants)}"
        self._constants.append(onnx.numpy_helper.from_array(np.ascontiguousarray(array, dtype=kind), name))
        return name

    def add(self, operator: str, *inputs: str, name: str = "", **attributes: Any) -> str:  # noqa: ANN401
        """Add an operator, and name its output."""
        output = name or f"v{len(self._nodes)}"
        self._nodes.append(_onnx().helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def affine(self, value: str, scale: np.ndarray | float, shift: np.ndarray | float, *, name: str = "") -> str:
        """``scale * value + shift``."""
        return self.add("Add", self.add("Mul", value, self.constant(scale)), self.constant(shift), name=name)

    def encoded(self, outputs: Mapping[str, int]) -> bytes:
        """The graph as a file, once it has been checked."""
        onnx = _onnx()
        floats = onnx.TensorProto.FLOAT
        entry = onnx.helper.make_tensor_value_info(self.entry, floats, ["n", *self.shape])
        ends = [onnx.helper.make_tensor_value_info(name, floats, ["n", size]) for name, size in outputs.items()]
        graph = onnx.helper.make_graph(self._nodes, self.name, [entry], ends, self._constants)
        operators = [onnx.helper.make_opsetid("", _OPSET)]
        model = onnx.helper.make_model(graph, opset_imports=operators, ir_version=_IR, producer_name="genreclf")
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())


def _onnx() -> Any:  # noqa: ANN401 - it has few types
    try:
        import onnx
        import onnx.checker
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise RequestError(f"converting weights needs onnx: {EXTRA}") from None
    return onnx


def musicnn(card: Card, variables: Variables) -> bytes:
    """musicnn: timbral and temporal filters, three residual layers along time, pooling, two dense layers.

    Filters of the front end see all frequencies and only the loudest answer of each counts. Its normalisation, which
    follows the rectifier, is applied to that one answer: filters whose scale is negative are turned over, so that the
    loudest is theirs, too.
    """
    assert card.input is not None, "musicnn takes a spectrogram"  # noqa: S101
    graph = Graph("musicnn", (card.input.frames, card.input.n_mels))
    scale, shift = _normalisation(variables, 0)
    spectrogram = graph.affine(graph.add("Unsqueeze", graph.entry, graph.constant([1])), scale, shift)
    front = graph.add("Concat", *(_front(graph, variables, k, spectrogram) for k in range(5)), axis=1)
    layers = [front]
    for k in (5, 6, 7):
        made = _middle(graph, variables, k, layers[-1])
        layers.append(made if k == 5 else graph.add("Add", made, layers[-1]))
    pooled = graph.add("Concat", *layers, axis=1)
    pools = [graph.add(kind, pooled, axes=[2], keepdims=1) for kind in ("ReduceMax", "ReduceMean")]
    scale, shift = _normalisation(variables, 9)
    # Of each filter the maximum and the mean, one after the other.
    flat = graph.add("Flatten", graph.add("Concat", *pools, axis=2))
    hidden = graph.add("Relu", _dense(graph, variables, "dense", graph.affine(flat, scale, shift)))
    embedding = graph.affine(hidden, *_normalisation(variables, 10), name=EMBEDDING)
    graph.add("Sigmoid", _dense(graph, variables, "dense_1", embedding), name=TAGS)
    return graph.encoded(card.outputs)


def _numbered(layer: str, k: int) -> str:
    return f"{layer}_{k}" if k else layer


def _normalisation(variables: Variables, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Scale and shift of a layer of batch normalisation."""
    layer = _numbered("batch_normalization", k)
    gamma, beta, mean, variance = (
        variables[f"{layer}/{name}"] for name in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    scale = gamma / np.sqrt(variance + np.float32(_EPSILON))
    return scale, beta - mean * scale


def _front(graph: Graph, variables: Variables, k: int, spectrogram: str) -> str:
    layer = _numbered("conv2d", k)
    kernel, bias = variables[f"{layer}/kernel"].transpose(3, 2, 0, 1), variables[f"{layer}/bias"]
    scale, shift = (part[:, None] for part in _normalisation(variables, k + 1))
    sign = np.where(scale < 0, np.float32(-1), np.float32(1))
    length, height = kernel.shape[2:]
    before = (length - 1) // 2
    filtered = graph.add(
        "Conv",
        spectrogram,
        graph.constant(kernel * sign[..., None, None]),
        graph.constant(bias * sign[:, 0]),
        pads=[before, 0, length - 1 - before, 0],
        kernel_shape=[length, height],
    )
    loudest = graph.add("ReduceMax", filtered, axes=[3], keepdims=0)
    return graph.affine(graph.add("Relu", graph.add("Mul", loudest, graph.constant(sign))), scale, shift)


def _middle(graph: Graph, variables: Variables, k: int, series: str) -> str:
    layer = _numbered("conv2d", k)
    kernel, bias = variables[f"{layer}/kernel"][:, :, 0].transpose(2, 1, 0), variables[f"{layer}/bias"]
    pads = [kernel.shape[2] // 2] * 2
    made = graph.add("Conv", series, graph.constant(kernel), graph.constant(bias), pads=pads)
    return graph.affine(graph.add("Relu", made), *(part[:, None] for part in _normalisation(variables, k + 1)))


def _dense(graph: Graph, variables: Variables, layer: str, value: str, *, names: str = "kernel bias") -> str:
    weights, bias = (graph.constant(variables[f"{layer}/{name}"]) for name in names.split())
    return graph.add("Gemm", value, weights, bias)


def vggish(card: Card, variables: Variables) -> bytes:
    """VGGish: six convolutions with four poolings, three dense layers, whitening, and quantisation to 0 ... 255."""
    assert card.input is not None, "VGGish takes a spectrogram"  # noqa: S101
    graph = Graph("vggish", (card.input.frames, card.input.n_mels))
    value = graph.add("Unsqueeze", graph.entry, graph.constant([1]))
    for block in (("conv1",), ("conv2",), ("conv3/conv3_1", "conv3/conv3_2"), ("conv4/conv4_1", "conv4/conv4_2")):
        for layer in block:
            kernel = variables[f"vggish/{layer}/weights"].transpose(3, 2, 0, 1)
            bias = variables[f"vggish/{layer}/biases"]
            made = graph.add("Conv", value, graph.constant(kernel), graph.constant(bias), pads=[1] * 4)
            value = graph.add("Relu", made)
        value = graph.add("MaxPool", value, kernel_shape=[2, 2], strides=[2, 2])
    value = graph.add("Flatten", graph.add("Transpose", value, perm=[0, 2, 3, 1]))
    for layer in ("fc1/fc1_1", "fc1/fc1_2", "fc2"):
        value = _dense(graph, variables, f"vggish/{layer}", value, names="weights biases")
        value = value if layer == "fc2" else graph.add("Relu", value)
    matrix, means = variables["pca_eigen_vectors"], variables["pca_means"].reshape(-1)
    centred = graph.add("Sub", value, graph.constant(means))
    white = graph.add("MatMul", centred, graph.constant(matrix.T))
    limits = [graph.constant(limit) for limit in (-2.0, 2.0)]
    levels = graph.affine(graph.add("Clip", white, *limits), 255 / 4, 255 / 2)
    graph.add("Floor", levels, name=EMBEDDING)
    return graph.encoded(card.outputs)
