"""Settings: what a training goes by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """The parameters of `genreclf.models.neural.classifier.NeuralClassifier` that training goes by."""

    network: str
    hidden: int
    layers: int
    dropout: float
    head_dropout: float
    learning_rate: float
    weight_decay: float
    batch_size: int
    epochs: int
    patience: int
    schedule: str
    refit: bool
    balanced: bool
    device: str
    seed: int
