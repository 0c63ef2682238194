"""Networks: what torch trains. Each has its twin in `genreclf.models.neural.graphs`, which computes the same."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    from genreclf.models.neural.settings import Settings


class Dense(nn.Module):  # type: ignore[misc]
    """A fully connected network: layers of rectified units with dropout."""

    def __init__(self, inputs: int, classes: int, settings: Settings) -> None:
        super().__init__()
        widths = [inputs] + [settings.hidden] * settings.layers
        self.dense = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(widths))
        drops = [settings.dropout] * (settings.layers - 1) + [settings.head_dropout]
        self.drops = nn.ModuleList(nn.Dropout(share) for share in drops)
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:  # noqa: ARG002
        """Logits, (tracks, classes), of x, (tracks, inputs)."""
        for layer, drop in zip(self.dense, self.drops, strict=True):
            x = drop(layer(x).relu())
        found: torch.Tensor = self.head(x)
        return found


NETWORKS = {"dense": Dense}
