"""Training: the loop that fits a network, epoch by epoch, with early stopping, a rate schedule and checkpoints.

An epoch depends on its number, the seed and the state before it, and on nothing else: batches and dropout are drawn
anew from seed and epoch. So a training that is taken up from a checkpoint ends with the same weights, on a CPU to the
bit, as one that was never stopped.

Sources: Prechelt (1998), Early Stopping, But When?; Loshchilov and Hutter (2019), Decoupled Weight Decay
Regularization; Loshchilov and Hutter (2017), SGDR (the cosine schedule).
"""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from genreclf.files import write_whole
from genreclf.models.neural.networks import NETWORKS
from genreclf.models.neural.sequences import filled, moments, of_one_length
from genreclf.models.neural.watching import watch

if TYPE_CHECKING:
    from genreclf.models.neural.settings import Settings

_PARTS = 5  # of the tracks, of which one decides when to stop
_AT_ONCE = 256  # tracks whose logits are computed together


@dataclass(frozen=True)
class Epoch:
    """What is known after an epoch: mean loss, and on the tracks held out the loss and macro-F1, NaN without any."""

    rate: float
    loss: float
    held_out_loss: float
    macro_f1: float


@dataclass(frozen=True, eq=False)
class Tracks:
    """What a network is trained on.

    Parameters
    ----------
    X : (tracks, features) float32, or a `genreclf.series.Series`.
    codes : (tracks,), numbers of the classes.
    classes : number of classes.
    frames : of series, to which longer tracks are cut in training, at random; None cuts none.
    """

    X: Any
    codes: np.ndarray
    classes: int
    frames: int | None = None

    @property
    def of_series(self) -> bool:
        """Whether X is a series."""
        return not isinstance(self.X, np.ndarray)

    @property
    def inputs(self) -> int:
        """Number of features or bins."""
        return int(self.X.bins if self.of_series else self.X.shape[1])

    def batch(self, rows: np.ndarray, rng: np.random.Generator, *, fill: bool) -> tuple[np.ndarray, np.ndarray | None]:
        """Inputs of some tracks to train on, and the lengths of series.

        Parameters
        ----------
        fill : repeat tracks that are shorter than others; without, zeros follow them.
        """
        if not self.of_series:
            return self.X[rows], None
        starts = None
        if self.frames is not None:
            starts = rng.integers(0, np.maximum(self.X.lengths[rows] - self.frames, 0), endpoint=True)
        values, lengths = self.X.batch(rows, frames=self.frames, starts=starts)
        return (filled(values, lengths), None) if fill else (values, lengths)

    def pieces(self, rows: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Places in `rows`, and the inputs of their tracks, without padding."""
        if self.of_series:
            yield from of_one_length(self.X[rows])
            return
        for start in range(0, len(rows), _AT_ONCE):
            places = np.arange(start, min(start + _AT_ONCE, len(rows)))
            yield places, self.X[rows[places]]

    def digest(self, rows: np.ndarray) -> bytes:
        """What tells these tracks from others."""
        content = self.X[rows].digest.encode() if self.of_series else self.X[rows].tobytes()
        return hashlib.sha256(content + self.codes[rows].tobytes()).digest()


class Training:
    """One network on its way.

    Parameters
    ----------
    train : rows to train on.
    held_out : rows that decide when to stop; None trains for all epochs.
    rates : the learning rate of each epoch, which then is all there is; None follows the schedule.

    Attributes
    ----------
    history : what is known of each epoch so far.
    best : number of the epoch with the lowest loss on the tracks held out; without any, of the last.
    """

    def __init__(
        self,
        tracks: Tracks,
        settings: Settings,
        *,
        train: np.ndarray,
        held_out: np.ndarray | None = None,
        rates: Sequence[float] | None = None,
    ) -> None:
        self.tracks, self.settings, self.train, self.held_out, self.rates = tracks, settings, train, held_out, rates
        self.device = settings.device
        if self.device == "auto":
            self.device = "cuda" if torch.cuda.is_available() else "cpu"
        with _drawn_from(settings.seed, 0, self.device):
            made = NETWORKS[settings.network](tracks.inputs, tracks.classes, settings)
        if tracks.of_series:
            made.standard.mean[:], made.standard.scale[:] = map(torch.from_numpy, moments(tracks.X[train]))
        self.network = made.to(self.device)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
        )
        self.history: list[Epoch] = []
        self.best = 0
        self._best_state: dict[str, torch.Tensor] = {}
        self._weights = self._class_weights()

    @property
    def done(self) -> bool:
        """Whether there is nothing left to do."""
        past, settings = len(self.history), self.settings
        if self.rates is not None:
            return past >= len(self.rates)
        return past >= settings.epochs or (self.held_out is not None and past - self.best >= settings.patience)

    def run(self) -> None:
        """Train to the end, from the checkpoint where there is one."""
        seen = watch()
        place = None if seen.folder is None else seen.folder / f"{self._digest()}.pt"
        if place is not None:
            self._take_up(place)
        seen.progress.begin("training", self.settings.epochs if self.rates is None else len(self.rates))
        try:
            while not self.done:
                epoch = self.step()
                if place is not None:
                    write_whole(place, self._state())
                held_out = "" if self.held_out is None else f", held out {epoch.held_out_loss:.3f}"
                seen.progress.advance(f"loss {epoch.loss:.3f}{held_out}")
        finally:
            seen.progress.end()

    def step(self) -> Epoch:
        """Train for one epoch.

        Raises
        ------
        ValueError : the loss is not a finite number.
        """
        number, rate = len(self.history), self._rate()
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with _drawn_from(self.settings.seed, number + 1, self.device) as rng:
            loss = self._pass(rng)
        held_out_loss = macro_f1 = math.nan
        if self.held_out is not None:
            held_out_loss, macro_f1 = self._judged(self.held_out)
        if not math.isfinite(loss) or (self.held_out is not None and not math.isfinite(held_out_loss)):
            raise ValueError(
                f"the loss is not a finite number in epoch {number + 1}; a learning_rate below {rate:g} may help"
            )
        self.history.append(Epoch(rate, loss, held_out_loss, macro_f1))
        if self.held_out is None or not self._best_state or held_out_loss < self.history[self.best - 1].held_out_loss:
            self.best = number + 1
            self._best_state = {name: value.clone() for name, value in self.network.state_dict().items()}
        return self.history[-1]

    def weights(self) -> dict[str, np.ndarray]:
        """The weights of the best epoch."""
        state = self._best_state or self.network.state_dict()
        kept = {name: value for name, value in state.items() if value.is_floating_point()}
        return {name: value.detach().cpu().numpy().copy() for name, value in kept.items()}

    def logits(self, rows: np.ndarray, *, best: bool = False) -> np.ndarray:
        """(rows, classes), of the network as it is now, or as it was in the best epoch."""
        if best and self._best_state:
            self.network.load_state_dict(self._best_state)
        self.network.eval()
        found = np.empty((len(rows), self.tracks.classes), dtype=np.float32)
        with _drawn_from(self.settings.seed, 0, self.device), torch.no_grad():
            for places, x in self.tracks.pieces(rows):
                found[places] = self.network(torch.from_numpy(x).to(self.device)).cpu().numpy()
        return found

    def _pass(self, rng: np.random.Generator) -> float:
        """Go once through the tracks; the mean loss."""
        self.network.train()
        order, total = rng.permutation(self.train), 0.0
        for rows in np.array_split(order, math.ceil(len(order) / self.settings.batch_size)):
            values, lengths = self.tracks.batch(rows, rng, fill=self.settings.network.startswith("conv"))
            x = torch.from_numpy(values).to(self.device)
            y = torch.from_numpy(self.tracks.codes[rows]).to(self.device)
            self.optimizer.zero_grad()
            loss = nn.functional.cross_entropy(
                self.network(x, None if lengths is None else torch.from_numpy(lengths)), y, weight=self._weights
            )
            loss.backward()
            self.optimizer.step()
            total += loss.item() * len(rows)
        return total / len(order)

    def _judged(self, rows: np.ndarray) -> tuple[float, float]:
        """Loss and macro-F1 on some tracks."""
        codes, logits = self.tracks.codes[rows], torch.from_numpy(self.logits(rows))
        loss = nn.functional.cross_entropy(logits, torch.from_numpy(codes)).item()
        return loss, _macro_f1(codes, logits.argmax(dim=1).numpy(), self.tracks.classes)

    def _rate(self) -> float:
        past, settings = len(self.history), self.settings
        if self.rates is not None:
            return self.rates[past]
        if settings.schedule == "cosine":
            return settings.learning_rate * (1 + math.cos(math.pi * past / settings.epochs)) / 2
        rate = self.history[-1].rate if self.history else settings.learning_rate
        worse, wait = past - self.best, max(1, settings.patience // 3)
        falls = settings.schedule == "plateau" and self.held_out is not None and worse > 0 and worse % wait == 0
        return rate / 2 if falls else rate

    def _class_weights(self) -> torch.Tensor | None:
        if not self.settings.balanced:
            return None
        counts = np.bincount(self.tracks.codes[self.train], minlength=self.tracks.classes)
        weights = len(self.train) / (np.count_nonzero(counts) * np.maximum(counts, 1))
        return torch.tensor(weights, dtype=torch.float32, device=self.device)

    def _digest(self) -> str:
        """What the training is known by: two that would differ in anything have another."""
        rows = [self.train, np.empty(0, dtype=int) if self.held_out is None else self.held_out]
        parts = [
            repr(
                (asdict(self.settings), self.rates, torch.__version__, self.tracks.classes, self.tracks.frames)
            ).encode()
        ]
        parts += [self.tracks.digest(part) for part in rows]
        return hashlib.sha256(b"".join(parts)).hexdigest()[:24]

    def _state(self) -> bytes:
        buffer = io.BytesIO()
        state = {"network": self.network.state_dict(), "optimizer": self.optimizer.state_dict()}
        known = {
            "best": self.best,
            "best_state": self._best_state,
            "history": [[*asdict(e).values()] for e in self.history],
        }
        torch.save(state | known, buffer)
        return buffer.getvalue()

    def _take_up(self, place: Path) -> None:
        """Go on from a checkpoint; one that cannot be read is as none."""
        try:
            state = torch.load(place, weights_only=True, map_location=self.device)
        except FileNotFoundError:
            return
        except (OSError, RuntimeError, ValueError, EOFError, pickle.UnpicklingError) as error:
            warnings.warn(f"{place}: not a checkpoint ({error}); training begins anew", UserWarning, stacklevel=2)
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.best, self._best_state = state["best"], state["best_state"]
        self.history = [Epoch(*values) for values in state["history"]]


def fit_weights(
    tracks: Tracks, groups: np.ndarray | None, settings: Settings
) -> tuple[dict[str, np.ndarray], Training]:
    """Train a network.

    A part of the tracks, without a group in common with the others, decides how many epochs are enough. With `refit`
    as many are then trained on all tracks, by the same learning rates.

    Parameters
    ----------
    groups : (tracks,), numbers of what must stay together; None divides track by track.

    Returns
    -------
    The weights by name, and the training that they come from.
    """
    rows, held_out = divided(tracks.codes, groups, seed=settings.seed)
    training = Training(tracks, settings, train=rows, held_out=held_out)
    training.run()
    if held_out is not None and settings.refit:
        rates = [epoch.rate for epoch in training.history[: training.best]]
        training = Training(tracks, settings, train=np.arange(len(tracks.codes)), rates=rates)
        training.run()
    return training.weights(), training


def divided(codes: np.ndarray, groups: np.ndarray | None, *, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows to train on, and rows to hold out: about a fifth, whose groups are not trained on.

    Every class is trained on. There is no part held out where there are too few tracks or groups for one.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows = np.arange(len(codes))
    groups = rows if groups is None else groups
    if len(np.unique(groups)) < _PARTS or np.bincount(codes).max() < _PARTS:
        return rows, None
    splitter = StratifiedGroupKFold(_PARTS, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        parts = [test for _, test in splitter.split(rows, codes, groups)]

    def unevenness(part: np.ndarray) -> tuple[int, int, float]:
        held, left = (np.unique(codes[side]) for side in (part, np.setdiff1d(rows, part)))
        classes = len(np.unique(codes))
        return classes - len(left), classes - len(held), abs(len(part) / len(rows) - 1 / _PARTS)

    held_out = min(parts, key=unevenness)
    while len(lost := np.setdiff1d(codes[held_out], codes[np.setdiff1d(rows, held_out)])):
        held_out = held_out[~np.isin(groups[held_out], groups[np.isin(codes, lost)])]
    return (np.setdiff1d(rows, held_out), held_out) if len(held_out) else (rows, None)


def _macro_f1(codes: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """As scikit-learn's, over the classes that are there or predicted, in a hundredth of the time."""
    hits = np.bincount(codes[codes == predicted], minlength=classes)
    both = np.bincount(codes, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float((2 * hits[both > 0] / both[both > 0]).mean())


@contextmanager
def _drawn_from(seed: int, epoch: int, device: str) -> Iterator[np.random.Generator]:
    """A block in which torch draws from seed and epoch, on one thread, so that sums are always made in one order.

    It gets a generator of its own for what numpy draws.
    """
    rng = np.random.default_rng([seed, epoch])
    threads = torch.get_num_threads()
    devices = [torch.cuda.current_device()] if device.startswith("cuda") else []
    with torch.random.fork_rng(devices=devices):
        start = int(rng.integers(2**63))
        torch.default_generator.manual_seed(start)  # `torch.manual_seed` also formats a stack trace for lazy devices
        if devices:
            torch.cuda.manual_seed(start)
        torch.set_num_threads(1)
        try:
            yield rng
        finally:
            torch.set_num_threads(threads)
