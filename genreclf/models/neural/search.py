"""Search: random parameters of a network, and successive halving of what falls behind.

The first candidate has the parameters as they are, the others are drawn at random. A candidate is trained on all folds
at once, epoch by epoch. After 3, 9, 27, ... epochs it goes on only if its macro-F1 is among the best third of those
that came so far (asynchronous successive halving). It counts what early stopping would keep: the mean over the folds of
the macro-F1 in the epoch with the lowest loss on the tracks held out.

Sources: Li and others (2020), A System for Massively Parallel Hyperparameter Tuning (ASHA); Bergstra and Bengio (2012),
Random Search for Hyper-Parameter Optimization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from genreclf.models.neural.watching import watch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np

    from genreclf.models.neural.training import Training

TRIALS = 30
_FIRST, _KEPT = 3, 3  # epochs before the first halving, and one of how many then goes on
_LOSS = 1e-4  # weight of the loss beside macro-F1


class Trial(NamedTuple):
    """A candidate: its parameters, the epochs that it was trained for, whether it was given up, and its macro-F1."""

    parameters: dict[str, Any]
    epochs: int
    pruned: bool
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
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=_FIRST, reduction_factor=_KEPT)
    study = optuna.create_study(
        direction="maximize",
        sampler=optuna.samplers.RandomSampler(seed=seed),
        pruner=pruner if prune else optuna.pruners.NopPruner(),
    )
    inputs = [_transformed(model, X, y, train) for train, _ in folds]
    progress, found = watch().progress, []
    progress.begin("searching", trials)
    try:
        for number in range(trials):
            trial, classifier = study.ask(), clone(model.named_steps["model"])
            if number:
                classifier.set_params(**{name: trial.suggest_categorical(name, list(space[name])) for name in space})
            parameters = {name: getattr(classifier, name) for name in space}
            trainings = [_training(classifier, Z, y, *fold) for Z, fold in zip(inputs, folds, strict=True)]
            result = _tried(trial, trainings, parameters)
            state = optuna.trial.TrialState.PRUNED if result.pruned else optuna.trial.TrialState.COMPLETE
            study.tell(trial, None if result.pruned else result.macro_f1, state=state)
            found.append(result)
            progress.advance(f"macro-F1 {100 * max(trial.macro_f1 for trial in found):.1f} at best")
    finally:
        progress.end()
    if not any(trial.macro_f1 >= 0 for trial in found):
        raise ValueError(f"none of {trials} candidates could be trained; their losses are no finite numbers")
    return found


def best_of(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest macro-F1 among those that were trained to their end; among all where there is none."""
    finished = [trial for trial in trials if not trial.pruned]
    return max(finished or trials, key=lambda trial: trial.macro_f1)


def _transformed(model: Any, X: Any, y: np.ndarray, train: np.ndarray) -> Any:  # noqa: ANN401
    """All tracks as the last step of a pipeline sees them that is fitted to some."""
    from sklearn.base import clone

    steps = clone(model)[:-1]
    return steps.fit(X[train], y[train]).transform(X) if len(steps.steps) else X


def _tried(trial: Any, trainings: Sequence[Training], parameters: dict[str, Any]) -> Trial:  # noqa: ANN401 - of optuna
    epoch, score = 0, -1.0
    while any(not training.done for training in trainings):
        epoch += 1
        try:
            for training in trainings:
                if not training.done:
                    training.step()
        except ValueError:  # the loss is not a number
            return Trial(parameters, epoch, pruned=True, macro_f1=-1.0)
        best = [training.history[training.best - 1] for training in trainings]
        score = sum(known.macro_f1 for known in best) / len(best)
        # Networks that have learnt nothing yet predict one class, all alike: then the loss decides.
        trial.report(score - _LOSS * sum(known.held_out_loss for known in best) / len(best), epoch)
        if trial.should_prune() and not all(training.done for training in trainings):
            return Trial(parameters, epoch, pruned=True, macro_f1=score)
    return Trial(parameters, epoch, pruned=False, macro_f1=score)


def _training(classifier: Any, Z: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray) -> Training:  # noqa: ANN401
    tracks = classifier.tracks(Z, y)
    from genreclf.models.neural.training import Training

    return Training(tracks, classifier.settings, train=train, held_out=test)
