"""Networks: what torch trains. Each has its twin in `genreclf.models.neural.graphs`, which computes the same.

Those of series take (tracks, frames, bins), standardise it by what they hold of the tracks trained on, and compute the
logits of each track from all of its frames.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

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
        self.drops = nn.ModuleList(nn.Dropout(share) for share in _drops(settings))
        self.head = nn.Linear(widths[-1], classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:  # noqa: ARG002
        """Logits, (tracks, classes), of x, (tracks, inputs)."""
        for layer, drop in zip(self.dense, self.drops, strict=True):
            x = drop(layer(x).relu())
        return self.head(x)


class Recurrent(nn.Module):  # type: ignore[misc]
    """Recurrent layers; the last one's state at the end of the track decides.

    Sources: Hochreiter and Schmidhuber (1997), Long Short-Term Memory; Cho and others (2014), for gated units.
    """

    def __init__(self, inputs: int, classes: int, settings: Settings) -> None:
        super().__init__()
        self.standard = Standard(inputs)
        kind = nn.LSTM if settings.network == "lstm" else nn.GRU
        between = settings.dropout if settings.layers > 1 else 0.0  # torch warns of it where there is no between
        self.cell = kind(inputs, settings.hidden, settings.layers, batch_first=True, dropout=between)
        self.drop = nn.Dropout(settings.head_dropout)
        self.head = nn.Linear(settings.hidden, classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
        """Logits, (tracks, classes); frames from `lengths` on are passed over."""
        x = self.standard(x)
        if lengths is not None:
            x = nn.utils.rnn.pack_padded_sequence(x, lengths.cpu(), batch_first=True, enforce_sorted=False)
        _, state = self.cell(x)
        last = (state[0] if isinstance(state, tuple) else state)[-1]
        return self.head(self.drop(last))


class Convolutional(nn.Module):  # type: ignore[misc]
    """Layers of convolution, normalisation, rectification and pooling, then mean and maximum over all that is left.

    The filters of ``conv1d`` span all bins and move over time alone; those of ``conv2d`` are squares of 3 frames and 3
    bins.

    Sources: van den Oord, Dieleman and Schrauwen (2013), Deep Content-based Music Recommendation; Choi, Fazekas and
    Sandler (2016), Automatic Tagging Using Deep Convolutional Neural Networks.
    """

    def __init__(self, inputs: int, classes: int, settings: Settings) -> None:
        super().__init__()
        self.standard = Standard(inputs)
        self.square = settings.network == "conv2d"
        widths = [1 if self.square else inputs] + [settings.hidden] * settings.layers
        if self.square:
            self.conv = nn.ModuleList(nn.Conv2d(*pair, 3, padding=1) for pair in pairwise(widths))
            self.norm = nn.ModuleList(nn.BatchNorm2d(width) for width in widths[1:])
            self.pool = nn.MaxPool2d(2, ceil_mode=True)
        else:
            self.conv = nn.ModuleList(nn.Conv1d(*pair, 5, padding=2) for pair in pairwise(widths))
            self.norm = nn.ModuleList(nn.BatchNorm1d(width) for width in widths[1:])
            self.pool = nn.MaxPool1d(2, ceil_mode=True)
        self.drops = nn.ModuleList(nn.Dropout(share) for share in _drops(settings))
        self.head = nn.Linear(2 * settings.hidden, classes)

    def forward(self, x: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:  # noqa: ARG002
        """Logits, (tracks, classes), of tracks of one length."""
        x = self.standard(x)
        x = x[:, None] if self.square else x.transpose(1, 2)
        *first, last = self.drops
        for number, (conv, norm) in enumerate(zip(self.conv, self.norm, strict=True)):
            x = self.pool(norm(conv(x)).relu())
            x = first[number](x) if number < len(first) else x
        places = tuple(range(2, x.ndim))
        return self.head(last(torch.cat([x.mean(dim=places), x.amax(dim=places)], dim=1)))


class Standard(nn.Module):  # type: ignore[misc]
    """Subtracts a mean and divides by a standard deviation, both of each bin; they are not trained."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(inputs))
        self.register_buffer("scale", torch.ones(inputs))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(..., bins)."""
        return (x - self.mean) / self.scale


def _drops(settings: Settings) -> list[float]:
    """Share of units left out after each layer."""
    return [settings.dropout] * (settings.layers - 1) + [settings.head_dropout]


NETWORKS: dict[str, Any] = {
    "dense": Dense,
    "lstm": Recurrent,
    "gru": Recurrent,
    "conv1d": Convolutional,
    "conv2d": Convolutional,
}
