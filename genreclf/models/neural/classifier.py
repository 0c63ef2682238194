"""A small network as a scikit-learn classifier, of the features of tracks or of their series.

torch trains it; what is kept are its weights as arrays, from which `genreclf.models.neural.graphs` makes the graph that
onnxruntime computes. So predicting needs no torch, and nothing but arrays is stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from genreclf.models.neural.graphs import GRAPHS, MOST_LAYERS, MOST_PLANES, OF_SERIES
from genreclf.models.neural.onnx_format import session
from genreclf.models.neural.sequences import of_one_length
from genreclf.models.neural.settings import Settings

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from genreclf.models.neural.training import Tracks, Training

_SCHEDULES = ("plateau", "cosine", "constant")
_SAME = 1e-5  # how far probabilities of torch and onnxruntime may lie apart
_AT_ONCE = 1024  # tracks that are predicted together


class NeuralClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A network that is trained with early stopping on tracks of other groups.

    Parameters
    ----------
    network : one of `genreclf.models.neural.graphs.GRAPHS`.
    hidden, layers : units of each hidden layer, and number of these.
    dropout, head_dropout : share of units left out between hidden layers, and before the last layer.
    learning_rate, weight_decay, batch_size : of AdamW.
    epochs : at most so many.
    patience : epochs without a lower loss on the tracks held out, after which training stops.
    schedule : of the learning rate: ``plateau`` halves it after a third of `patience`, ``cosine`` lets it fall to zero
        over all epochs, ``constant`` leaves it.
    refit : whether the epochs that proved best are then trained on all tracks.
    class_weight : ``balanced``, or None to weigh tracks alike.
    seconds : of series: longer tracks are cut to so much in training, anew in each epoch; None cuts none. Predictions
        go by whole tracks.
    device : of torch: ``cpu``, ``cuda``, or ``auto`` for the faster one that there is. Only a CPU gives the same
        numbers every time.
    random_state : seed.

    Attributes
    ----------
    classes_ : (classes,), the labels, sorted.
    weights_ : arrays by name, float32.
    epochs_ : number of epochs that were trained for the weights.
    """

    def __init__(
        self,
        *,
        network: str = "dense",
        hidden: int = 128,
        layers: int = 1,
        dropout: float = 0.3,
        head_dropout: float = 0.5,
        learning_rate: float = 1e-3,
        weight_decay: float = 1e-2,
        batch_size: int = 32,
        epochs: int = 200,
        patience: int = 20,
        schedule: str = "plateau",
        refit: bool = True,
        class_weight: str | None = None,
        seconds: float | None = None,
        device: str = "cpu",
        random_state: int | None = 42,
    ) -> None:
        self.network = network
        self.hidden = hidden
        self.layers = layers
        self.dropout = dropout
        self.head_dropout = head_dropout
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.epochs = epochs
        self.patience = patience
        self.schedule = schedule
        self.refit = refit
        self.class_weight = class_weight
        self.seconds = seconds
        self.device = device
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike, groups: np.ndarray | None = None) -> Self:  # noqa: ANN401 - or a `Series`
        """Train the network.

        Parameters
        ----------
        X : (tracks, features), finite numbers; or a `genreclf.series.Series`, for the networks of those.
        y : (tracks,), labels of at least two classes.
        groups : (tracks,), what must not stand both among the tracks trained on and among those that decide when to
            stop, such as artists.

        Raises
        ------
        ValueError : a parameter makes no sense, or the loss became infinite or not a number.
        ImportError : torch is not installed.
        """
        tracks = self.tracks(X, y)
        from genreclf.models.neural.training import fit_weights

        self.weights_, training = fit_weights(tracks, groups, self.settings)
        self.epochs_ = training.best
        self.__dict__.pop("_session", None)
        self._check_export(training, tracks.X[:32])
        return self

    def tracks(self, X: Any, y: ArrayLike) -> Tracks:  # noqa: ANN401
        """What torch trains on; sets `classes_`. The arguments and what is raised are those of `fit`."""
        if self.network in OF_SERIES:
            frames = self._frames(X)
            self.n_features_in_ = X.bins
        else:
            frames, (X, y) = None, validate_data(self, X, y, dtype=np.float32)
            X = np.ascontiguousarray(X)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"a network needs at least two classes; the labels hold one class: {self.classes_[0]!r}")
        self._check_parameters()
        try:
            from genreclf.models.neural.training import Tracks
        except ModuleNotFoundError as error:
            if error.name != "torch":
                raise
            raise ImportError(
                "training a neural model needs torch: pip install torch --index-url https://download.pytorch.org/whl/cpu"
            ) from None
        return Tracks(X, codes, len(self.classes_), frames)

    @property
    def settings(self) -> Settings:
        """What training goes by."""
        parameters = dict(self.get_params())
        del parameters["seconds"]
        parameters["balanced"] = parameters.pop("class_weight") == "balanced"
        parameters["seed"] = int(check_random_state(parameters.pop("random_state")).randint(2**31))
        return Settings(**parameters)

    def predict_proba(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """(tracks, classes), probabilities in the order of `classes_`."""
        from scipy.special import softmax

        check_is_fitted(self)
        if self.network in OF_SERIES:
            self._frames(X)
            logits = np.empty((len(X), len(self.classes_)))
            for tracks, values in of_one_length(X):
                logits[tracks] = self._logits(values)
        else:
            X = np.asarray(validate_data(self, X, dtype=np.float32, reset=False))
            logits = np.concatenate([self._logits(X[k : k + _AT_ONCE]) for k in range(0, len(X), _AT_ONCE)])
        return np.asarray(softmax(logits.astype(np.float64), axis=1))

    def predict(self, X: Any) -> np.ndarray:  # noqa: ANN401
        """(tracks,), the most probable label of each."""
        codes = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = super().__getstate__()
        return {name: value for name, value in state.items() if name != "_session"}

    def _frames(self, X: Any) -> int | None:  # noqa: ANN401
        """The frames of `seconds` in a series; a `ValueError` where X is none of the right width."""
        bins = getattr(X, "bins", None)
        if bins is None:
            raise ValueError(f"the network {self.network!r} takes series, not a table of features")
        if bins != getattr(self, "n_features_in_", bins):
            raise ValueError(f"a series of {bins} bins; the network was trained on {self.n_features_in_}")
        if self.seconds is None:
            return None
        frames: int = max(1, round(self.seconds * X.frame_rate))
        return frames

    def _logits(self, X: np.ndarray) -> np.ndarray:
        if "_session" not in vars(self):
            graph = GRAPHS[self.network](self.weights_, self.n_features_in_, len(self.classes_))
            self._session = session(graph)
        return np.asarray(self._session.run(None, {"x": X})[0])

    def _check_export(self, training: Training, X: Any) -> None:  # noqa: ANN401
        """The graph must compute what torch computes."""
        from scipy.special import softmax

        expected = softmax(training.logits(np.arange(len(X)), best=True).astype(np.float64), axis=1)
        apart = float(np.abs(self.predict_proba(X) - expected).max())
        if not apart <= _SAME:
            raise ValueError(f"onnxruntime and torch differ by {apart:g} in a probability; at most {_SAME:g} is right")

    def _check_parameters(self) -> None:
        """Raise a `ValueError` for a parameter that makes no sense."""
        for name, known in (("network", tuple(GRAPHS)), ("schedule", _SCHEDULES)):
            if getattr(self, name) not in known:
                raise ValueError(f"unknown {name} {getattr(self, name)!r}; choose from {', '.join(known)}")
        if self.class_weight not in (None, "balanced"):
            raise ValueError(f"class_weight={self.class_weight!r}; choose 'balanced' or None")
        largest = {"layers": MOST_LAYERS}
        if self.network == "conv2d":
            largest["hidden"] = MOST_PLANES // self.n_features_in_
        for name in ("hidden", "layers", "batch_size", "epochs", "patience"):
            value, most = getattr(self, name), largest.get(name)
            if value < 1 or (most is not None and value > most):
                raise ValueError(f"{name}={value}; choose at {'least 1' if value < 1 else f'most {most}'}")
        for name in ("dropout", "head_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)}; choose a share from 0 to below 1")
        if not self.learning_rate > 0 or self.weight_decay < 0:
            raise ValueError(
                f"learning_rate={self.learning_rate}, weight_decay={self.weight_decay}; choose a rate above 0 and a "
                "decay of at least 0"
            )
