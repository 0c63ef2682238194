"""Graphs: what each kind of network computes, as ONNX, made from its weights alone.

Weights are float32 arrays by the names that torch gives them. `GRAPHS` has a function for each kind of network:
(weights, inputs, classes) -> ONNX model from ``x`` to logits, (tracks, classes); x is (tracks, inputs), of series
(tracks, frames, inputs) of tracks of one length. It raises a `ValueError` for weights that do not fit each other, so
that weights of any origin can be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import takewhile

import numpy as np

from genreclf.models.neural.onnx_format import Graph

Weights = Mapping[str, np.ndarray]
MOST_LAYERS = 32
MOST_PLANES = 1 << 16  # filters times bins, of each frame that squares are taken of


class _Taken:
    """Weights that are taken one by one; each must have the shape it is asked for in, and none may be left."""

    def __init__(self, weights: Weights) -> None:
        self.left = dict(weights)

    def take(self, name: str, *shape: int | None) -> np.ndarray:
        """The weights of a name; None takes any length from 1 on."""
        array = self.left.pop(name, None)
        if type(array) is not np.ndarray or array.dtype != np.float32 or array.ndim != len(shape):
            raise ValueError(f"has no weights {name!r} of {len(shape)} dimensions in float32")
        if 0 in array.shape or any(want not in (None, have) for have, want in zip(array.shape, shape, strict=True)):
            raise ValueError(f"has weights {name!r} of shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"has weights {name!r} that are not finite")
        return array

    def length(self, name: str) -> int:
        """The length of some weights that are still to be taken; 0 for none."""
        return len(self.left.get(name, ()))

    def layers(self, pattern: str) -> Iterator[str]:
        """The names that a pattern gives for 0, 1, ..., as long as there are such weights, at most `MOST_LAYERS`."""
        return takewhile(self.left.__contains__, (pattern.format(number) for number in range(MOST_LAYERS)))

    def end(self) -> None:
        if self.left:
            raise ValueError(f"has weights {min(self.left)[:60]!r} that do not belong")


def _linear(graph: Graph, x: str, weights: _Taken, name: str, shape: tuple[int | None, int]) -> tuple[str, int]:
    """A linear layer of weights of this shape, (outputs, inputs); its output, and how many values that has."""
    weight = weights.take(f"{name}.weight", *shape)
    bias = weights.take(f"{name}.bias", len(weight))
    return graph.node("Gemm", x, graph.constant(weight), graph.constant(bias), transB=1), len(weight)


def _head(graph: Graph, x: str, weights: _Taken, inputs: int, classes: int) -> bytes:
    logits, _ = _linear(graph, x, weights, "head", (classes, inputs))
    weights.end()
    return graph.model(logits, ("tracks", classes))


def dense(weights: Weights, inputs: int, classes: int) -> bytes:
    """A fully connected network."""
    taken, graph, x, width = _Taken(weights), Graph(("tracks", inputs)), "x", inputs
    for layer in taken.layers("dense.{}.weight"):
        x, width = _linear(graph, x, taken, layer.removesuffix(".weight"), (None, width))
        x = graph.node("Relu", x)
    return _head(graph, x, taken, width, classes)


def _recurrent(weights: Weights, inputs: int, classes: int, *, operator: str, gates: tuple[int, ...]) -> bytes:
    """A recurrent network.

    Parameters
    ----------
    gates : torch's numbers of the gates, in the order of ONNX.
    """
    taken, graph, options = _Taken(weights), Graph(("tracks", "frames", inputs)), {}
    x = graph.node("Transpose", _standard(graph, taken, inputs), perm=(1, 0, 2))
    if operator == "GRU":
        options["linear_before_reset"] = 1
    width, state = inputs, ""
    for layer, _ in enumerate(taken.layers("cell.weight_ih_l{}")):
        if state:
            x = graph.node("Squeeze", x, graph.constant(np.array([1])))
        hidden = taken.length(f"cell.weight_hh_l{layer}") // len(gates)
        shapes = {
            "weight_ih": (hidden, width),
            "weight_hh": (hidden, hidden),
            "bias_ih": (hidden,),
            "bias_hh": (hidden,),
        }
        parts = {}
        for name, shape in shapes.items():
            found = taken.take(f"cell.{name}_l{layer}", len(gates) * shape[0], *shape[1:])
            parts[name] = found.reshape(len(gates), *shape)[list(gates)].reshape(1, *found.shape)
        bias = np.concatenate([parts["bias_ih"], parts["bias_hh"]], axis=1)
        given = [graph.constant(array) for array in (parts["weight_ih"], parts["weight_hh"], bias)]
        x, state = graph.nodes(operator, x, *given, outputs=2, hidden_size=hidden, **options)
        width = hidden
    last = graph.node("Squeeze", state, graph.constant(np.array([0])))
    return _head(graph, last, taken, width, classes)


def _convolutional(weights: Weights, inputs: int, classes: int, *, dimensions: int, size: int) -> bytes:
    """A convolutional network whose filters have `size` frames, and in two dimensions as many bins."""
    taken, graph = _Taken(weights), Graph(("tracks", "frames", inputs))
    x, square = _standard(graph, taken, inputs), (size,) * dimensions
    if dimensions == 1:
        x, width = graph.node("Transpose", x, perm=(0, 2, 1)), inputs
    else:
        x, width = graph.node("Unsqueeze", x, graph.constant(np.array([1]))), 1
    for layer, _ in enumerate(taken.layers("conv.{}.weight")):
        kernel = taken.take(f"conv.{layer}.weight", None, width, *square)
        width = len(kernel)
        if dimensions == 2 and width * inputs > MOST_PLANES:
            raise ValueError(f"has {width} filters of {inputs} bins, more than {MOST_PLANES:,} values a frame")
        bias = taken.take(f"conv.{layer}.bias", width)
        pads = (size // 2,) * 2 * dimensions
        x = graph.node("Conv", x, graph.constant(kernel), graph.constant(bias), kernel_shape=square, pads=pads)
        named = (f"norm.{layer}.{name}" for name in ("weight", "bias", "running_mean", "running_var"))
        x = graph.node(
            "BatchNormalization", x, *(graph.constant(taken.take(name, width)) for name in named), epsilon=1e-5
        )
        half = (2,) * dimensions
        x = graph.node("MaxPool", graph.node("Relu", x), kernel_shape=half, strides=half, ceil_mode=1)
    places = tuple(range(2, 2 + dimensions))
    pooled = [graph.node(operator, x, axes=places, keepdims=0) for operator in ("ReduceMean", "ReduceMax")]
    return _head(graph, graph.node("Concat", *pooled, axis=1), taken, 2 * width, classes)


def _standard(graph: Graph, weights: _Taken, inputs: int) -> str:
    """The standardised input."""
    mean, scale = (graph.constant(weights.take(f"standard.{name}", inputs)) for name in ("mean", "scale"))
    return graph.node("Div", graph.node("Sub", "x", mean), scale)


GRAPHS: dict[str, Callable[[Weights, int, int], bytes]] = {
    "dense": dense,
    "lstm": partial(_recurrent, operator="LSTM", gates=(0, 3, 1, 2)),
    "gru": partial(_recurrent, operator="GRU", gates=(1, 0, 2)),
    "conv1d": partial(_convolutional, dimensions=1, size=5),
    "conv2d": partial(_convolutional, dimensions=2, size=3),
}
OF_SERIES = ("lstm", "gru", "conv1d", "conv2d")
