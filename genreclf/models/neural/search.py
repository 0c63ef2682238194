"""Search: random parameters of a network, and successive halving of those that fall behind.

The first candidate has the default parameters and is trained to its end. The others are drawn at random. Each is
trained on all folds side by side, for 4 epochs at first; the third of them with the lowest loss go on from where they
were paused to 12 epochs, the best third of these to 36, until the last one ends. The loss of a candidate is the mean
over the folds of the lowest loss on the tracks held out, which early stopping goes by as well. Candidates are not
ranked by macro-F1: on few tracks its differences are mostly chance, and the highest of thirty is the luckiest.

This is what asynchronous successive halving comes to with one worker. Optuna draws the candidates; its pruner is not
used, as it cannot pause a trial: it judges each by those before it alone, so that the first ones go on unopposed.

Sources: Li and others (2020), A System for Massively Parallel Hyperparameter Tuning (ASHA); Jamieson and Talwalkar
(2016), Non-stochastic Best Arm Identification and Hyperparameter Optimization; Bergstra and Bengio (2012), Random
Search for Hyper-Parameter Optimization.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from genreclf.models.neural.watching import watch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from genreclf.models.neural.training import Training

TRIALS = 30
_FIRST, _KEPT = 4, 3  # epochs before the first halving, and one of how many then goes on to as many times the epochs


class Trial(NamedTuple):
    """A candidate.

    Parameters
    ----------
    parameters : by the classifier's names.
    epochs : that it was trained for.
    ended : epochs that the whole search had trained by then.
    pruned : whether it was given up.
    loss : mean over the folds of the lowest loss on the tracks held out; infinite where it could not be trained.
    macro_f1 : the mean macro-F1 of these epochs; NaN where it could not be trained.
    """

    parameters: dict[str, Any]
    epochs: int
    ended: int
    pruned: bool
    loss: float
    macro_f1: float


def search_by_epochs(
    model: Any,  # noqa: ANN401 - a scikit-learn pipeline
    space: Mapping[str, Sequence[Any]],
    X: Any,  # noqa: ANN401 - an array, or a `Series`
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    seed: int,
    trials: int = TRIALS,
    prune: bool = True,
) -> list[Trial]:
    """Try random parameters.

    Parameters
    ----------
    model : a pipeline whose last step, ``model``, is a `genreclf.models.neural.classifier.NeuralClassifier`.
    space : values to choose from, by the classifier's parameters.
    folds : rows to train on and to test on.
    prune : whether candidates that fall behind are given up; without, each is trained to its end.

    Returns
    -------
    The trials in their order.

    Raises
    ------
    ImportError : optuna or torch is not installed.
    ValueError : no candidate could be trained.
    """
    try:
        import optuna
    except ImportError:
        raise ImportError('tuning a neural model needs an extra: pip install "genreclf[search]"') from None
    from sklearn.base import clone

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    inputs = [_transformed(model, X, y, train) for train, _ in folds]
    candidates, going = list[_Candidate](), list[_Candidate]()
    trained, epochs = 0, _FIRST if prune else sys.maxsize
    progress = watch().progress
    progress.begin("searching", trials)
    try:
        for number in range(trials):
            trial, classifier = study.ask(), clone(model.named_steps["model"])
            if number:
                classifier.set_params(**{name: trial.suggest_categorical(name, list(space[name])) for name in space})
            parameters = {name: getattr(classifier, name) for name in space}
            trainings = [_training(classifier, Z, y, *fold) for Z, fold in zip(inputs, folds, strict=True)]
            candidates.append(_Candidate(parameters, trainings))
            trained = candidates[-1].train(epochs if number else sys.maxsize, trained)
            if number:
                going = _lowest([*going, candidates[-1]], max(1, trials // _KEPT))
            progress.advance(f"loss {min(candidate.loss for candidate in candidates):.3f} at best")
        while going := [candidate for candidate in going if not candidate.ended]:
            epochs *= _KEPT
            for candidate in going:
                trained = candidate.train(epochs, trained)
            going = _lowest(going, max(1, len(going) // _KEPT))
    finally:
        progress.end()
    found = [candidate.trial() for candidate in candidates]
    if not any(math.isfinite(trial.loss) for trial in found):
        raise ValueError(f"none of {trials} candidates could be trained; their losses are no finite numbers")
    return found


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial with the lowest loss among those that were trained to their end; among all where there is none."""
    finished = [trial for trial in trials if not trial.pruned]
    return min(finished or trials, key=lambda trial: trial.loss)


def _transformed(model: Any, X: Any, y: np.ndarray, train: np.ndarray) -> Any:  # noqa: ANN401
    """All tracks as the last step of a pipeline sees them that is fitted to some."""
    from sklearn.base import clone

    steps = clone(model)[:-1]
    return steps.fit(X[train], y[train]).transform(X) if len(steps.steps) else X


class _Candidate:
    """A candidate on its way, with one training for each fold; it holds none of them once it has ended.

    Parameters
    ----------
    parameters : by the classifier's names.
    trainings : of the folds.
    """

    def __init__(self, parameters: dict[str, Any], trainings: Sequence[Training]) -> None:
        self.parameters, self._trainings = parameters, trainings
        self._epochs, self._ended, self._pruned = 0, 0, False
        self.loss, self._macro_f1 = math.inf, math.nan

    @property
    def ended(self) -> bool:
        """Whether it was trained to its end, or given up."""
        return not self._trainings

    def train(self, epochs: int, trained: int) -> int:
        """Go on to so many epochs, or to the end.

        Parameters
        ----------
        trained : epochs of the whole search before.

        Returns
        -------
        The epochs of the whole search after.
        """
        while self._trainings and self._epochs < epochs:
            self._epochs, trained = self._epochs + 1, trained + 1
            try:
                for training in self._trainings:
                    if not training.done:
                        training.step()
            except ValueError:  # the loss is not a number
                self.loss, self._macro_f1 = math.inf, math.nan
                self.give_up()
                break
            best = [training.history[training.best - 1] for training in self._trainings]
            self.loss = sum(known.held_out_loss for known in best) / len(best)
            self._macro_f1 = sum(known.macro_f1 for known in best) / len(best)
            if all(training.done for training in self._trainings):
                self._trainings = ()
        self._ended = trained
        return trained

    def give_up(self) -> None:
        """Train it no further."""
        self._pruned, self._trainings = self._pruned or not self.ended, ()

    def trial(self) -> Trial:
        """What came of it."""
        return Trial(self.parameters, self._epochs, self._ended, self._pruned, self.loss, self._macro_f1)


def _lowest(candidates: Sequence[_Candidate], kept: int) -> list[_Candidate]:
    """The candidates with the lowest loss; the others are given up."""
    ranked = sorted(candidates, key=lambda candidate: candidate.loss)
    for candidate in ranked[kept:]:
        candidate.give_up()
    return ranked[:kept]


def _training(classifier: Any, Z: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> Training:  # noqa: ANN401
    tracks = classifier.tracks(Z, y)
    from genreclf.models.neural.training import Training

    return Training(tracks, classifier.settings, train=train, held_out=test)
