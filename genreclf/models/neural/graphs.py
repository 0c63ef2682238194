"""Graphs: what each kind of network computes, as ONNX, made from its weights alone.

Weights are float32 arrays by the names that torch gives them. `GRAPHS` has a function for each kind of network:
(weights, inputs, classes) -> ONNX model from ``x``, (tracks, inputs), to logits, (tracks, classes). It raises a
`ValueError` for weights that do not fit each other, so that weights of any origin can be given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count, takewhile

import numpy as np

from genreclf.models.neural.onnx_format import Graph

Weights = Mapping[str, np.ndarray]


class _Taken:
    """Weights that are taken one by one; each must have the shape it is asked for in, and none may be left."""

    def __init__(self, weights: Weights) -> None:
        self.left = dict(weights)

    def take(self, name: str, *shape: int | None) -> np.ndarray:
        """The weights of a name; None takes any length from 1 on."""
        array = self.left.pop(name, None)
        if type(array) is not np.ndarray or array.dtype != np.float32 or array.ndim != len(shape):
            raise ValueError(f"has no weights {name!r} of {len(shape)} dimensions in float32")
        if any(have != want if want is not None else not have for have, want in zip(array.shape, shape, strict=True)):
            raise ValueError(f"has weights {name!r} of shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"has weights {name!r} that are not finite")
        return array

    def layers(self, pattern: str) -> Iterator[str]:
        """The names that a pattern gives for 0, 1, ..., as long as there are such weights."""
        return takewhile(self.left.__contains__, (pattern.format(number) for number in count()))

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


GRAPHS: dict[str, Callable[[Weights, int, int], bytes]] = {"dense": dense}
