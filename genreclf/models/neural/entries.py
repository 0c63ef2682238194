"""The neural models of the zoo."""

from __future__ import annotations

from functools import partial
from typing import Any

from genreclf.models.bundle.structure import require
from genreclf.models.entry import ModelSpec, Storage

EXTRA = "neural"


def _neural(network: str, seed: int, **parameters: Any) -> Any:  # noqa: ANN401 - scikit-learn has no types
    from genreclf.models.neural.classifier import NeuralClassifier

    return NeuralClassifier(network=network, random_state=seed, **parameters)


def check_network(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `genreclf.models.neural.classifier.NeuralClassifier`: its weights are those of its network."""
    from genreclf.models.neural.graphs import GRAPHS

    require(type(model.network) is str and model.network in GRAPHS, "has an unknown network")
    require("_session" not in vars(model), "brings a session of its own")
    require(model.n_features_in_ == features, "takes other features")
    GRAPHS[model.network](model.weights_, features, genres)


_STORAGE = Storage("genreclf.models.neural.classifier.NeuralClassifier", check_network, tensors="weights_")

ENTRIES = (
    ModelSpec(
        name="fcnn",
        title="Fully connected network",
        factory=partial(_neural, "dense"),
        space={
            "hidden": (64, 128, 256, 512),
            "layers": (1, 2, 3),
            "dropout": (0.0, 0.2, 0.4),
            "head_dropout": (0.2, 0.5, 0.7),
            "learning_rate": (1e-4, 3e-4, 1e-3, 3e-3),
            "weight_decay": (1e-4, 1e-2, 1e-1),
            "batch_size": (16, 32, 64),
        },
        extra=EXTRA,
        grouped=True,
        cost=10,
        storage=_STORAGE,
    ),
)
