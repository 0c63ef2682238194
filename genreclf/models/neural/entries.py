"""The neural models of the zoo."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from genreclf.models.bundle.structure import check_number, require
from genreclf.models.entry import ModelSpec, Storage

EXTRA = "neural"


def _neural(network: str, seed: int, **parameters: Any) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from genreclf.models.neural.classifier import NeuralClassifier

    return NeuralClassifier(network=network, random_state=seed, **parameters)


def check_network(model: Any, inputs: int, genres: int, *, series: bool = False) -> None:  # noqa: ANN401
    """For `genreclf.models.neural.classifier.NeuralClassifier`: its weights are those of its network."""
    from genreclf.models.neural.graphs import GRAPHS, OF_SERIES

    require(type(model.network) is str and model.network in GRAPHS, "has an unknown network")
    require((model.network in OF_SERIES) == series, "has a network that takes something else")
    require("_session" not in vars(model), "brings a session of its own")
    if model.seconds is not None:
        check_number(model.seconds, "seconds")
    require(model.n_features_in_ == inputs, "takes other features")
    GRAPHS[model.network](model.weights_, inputs, genres)


def _of_series(name: str, title: str, network: str, **parameters: Any) -> ModelSpec:  # noqa: ANN401
    return ModelSpec(
        name=name,
        title=title,
        factory=partial(_neural, network, **parameters),
        space=_SPACE | {"hidden": (32, 64, 128), "layers": (1, 2, 3)},
        series=True,
        extra=EXTRA,
        packages=_PACKAGES,
        by_epochs=True,
        cost=200,
        storage=_STORAGE_OF_SERIES,
    )


_SPACE = {
    "hidden": (64, 128, 256, 512),
    "layers": (1, 2, 3),
    "dropout": (0.0, 0.1, 0.2, 0.4),
    "head_dropout": (0.15, 0.3, 0.5, 0.7),
    "learning_rate": (3e-4, 1e-3, 3e-3, 6e-3),
    "weight_decay": (1e-4, 1e-2, 1e-1),
    "batch_size": (16, 32, 64),
}
_PACKAGES = {
    "torch": "pip install torch --index-url https://download.pytorch.org/whl/cpu",
    "onnxruntime": "pip install onnxruntime",
}
# The study's, found among 200 random configurations.
_RECURRENT = {"hidden": 64, "layers": 2, "learning_rate": 0.006, "batch_size": 64, "dropout": 0.1, "head_dropout": 0.15}
_STORAGE = Storage("genreclf.models.neural.classifier.NeuralClassifier", check_network, tensors="weights_")
_STORAGE_OF_SERIES = replace(_STORAGE, check=partial(check_network, series=True))

ENTRIES = (
    ModelSpec(
        name="fcnn",
        title="Fully connected network",
        factory=partial(_neural, "dense"),
        space=_SPACE,
        extra=EXTRA,
        packages=_PACKAGES,
        by_epochs=True,
        cost=10,
        storage=_STORAGE,
    ),
    _of_series("lstm", "LSTM", "lstm", **_RECURRENT),
    _of_series("gru", "GRU", "gru", **_RECURRENT),
    _of_series("cnn", "Convolution over time", "conv1d", hidden=64, layers=3, dropout=0.1, seconds=10.0),
    _of_series("cnn2d", "Convolution by squares", "conv2d", hidden=32, layers=4, dropout=0.1, seconds=10.0),
)
