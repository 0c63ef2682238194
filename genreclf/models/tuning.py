"""Tuning: the search of a model's parameters inside a training part, scored by macro-F1.

Small grids are searched in full; large ones by successive halving, which tries every candidate on few tracks
and keeps the better third for three times as many. Networks are halved by epochs and ranked by loss instead, see
`genreclf.models.neural.search`.

Source: Jamieson and Talwalkar (2016), Non-stochastic Best Arm Identification and Hyperparameter Optimization.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from genreclf.models.entry import ModelSpec
    from genreclf.models.neural.search import Trial

_LARGE = 16
# With fewer tracks the first candidates would be tried on a handful.
_WORTH_HALVING = 100


def at_edges(space: Mapping[str, Sequence[Any]], parameters: Mapping[str, Any]) -> dict[str, float]:
    """The parameters that a search set to the smallest or largest of three or more numbers."""
    found = {}
    for name, value in parameters.items():
        numbers = [v for v in space.get(name, ()) if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) > 2 and value in (min(numbers), max(numbers)):
            found[name] = value
    return found


def search(
    model: Any,  # noqa: ANN401 - a scikit-learn pipeline
    entry: ModelSpec,
    X: np.ndarray,
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    seed: int,
) -> tuple[Any, dict[str, Any], float, list[Trial]]:
    """Find the best parameters of a model's search space.

    Parameters
    ----------
    model : pipeline as `genreclf.models.build` makes it, not fitted.
    entry : its entry in the zoo, with the space.
    X, y : (tracks, features) and (tracks,), the training part.
    folds : rows of X to train on and to test on.

    Returns
    -------
    The pipeline with the best parameters set, not fitted; the parameters by the classifier's names; their mean macro-F1
    over the folds; and what was tried, of models that are trained by epochs.
    """
    if entry.by_epochs:
        return _by_epochs(model, entry, X, y, folds, seed=seed)
    from sklearn.base import clone
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - importing it is what enables it
    from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ParameterGrid

    shared = {"scoring": "f1_macro", "cv": list(folds), "refit": False, "n_jobs": 1}
    if len(ParameterGrid(entry.grid)) > _LARGE and len(X) >= _WORTH_HALVING:
        halving = HalvingGridSearchCV(model, entry.grid, factor=3, random_state=seed, **shared)
        found = halving.fit(X, y)
    else:
        found = GridSearchCV(model, entry.grid, **shared).fit(X, y)
    chosen = dict(found.best_params_)
    names = {name.removeprefix("model__"): value for name, value in chosen.items()}
    return clone(model).set_params(**chosen), names, float(found.best_score_), []


def _by_epochs(
    model: Any,  # noqa: ANN401
    entry: ModelSpec,
    X: np.ndarray,
    y: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    seed: int,
) -> tuple[Any, dict[str, Any], float, list[Trial]]:
    from sklearn.base import clone

    from genreclf.models.neural.search import best_of, search_by_epochs

    trials = search_by_epochs(model, entry.space, X, y, folds, seed=seed)
    best = best_of(trials)
    chosen = clone(model).set_params(**{f"model__{name}": value for name, value in best.parameters.items()})
    return chosen, best.parameters, best.macro_f1, trials
