"""Gradient boosting on several threads, with scikit-learn's own values.

A stage of scikit-learn's `GradientBoostingClassifier` grows one tree for each genre, one after another, though
each is grown on its own gradient and none needs another. Here they are grown at once. scikit-learn's trees let
go of Python's lock while they grow, so threads do. Every tree draws one number from the shared random state;
handing each tree a copy of the state as it would have found it keeps every value as it was.

Source: Friedman (2001), Greedy Function Approximation: A Gradient Boosting Machine, algorithm 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.ensemble._gb import _update_terminal_regions
from sklearn.tree import DecisionTreeRegressor

# The largest number that scikit-learn's splitter draws as the seed of its own generator.
_LARGEST_SEED = 0x7FFFFFFF


class ThreadedGradientBoosting(GradientBoostingClassifier):  # type: ignore[misc]
    """`GradientBoostingClassifier` whose trees of one stage grow on several threads.

    It is for dense features and three genres or more; else it does what its parent does. It has no parameter of
    its own, so that its parameters are its parent's; `threads` is an attribute to set before fitting.
    """

    threads = 1

    def _fit_stage(  # noqa: PLR0917 - scikit-learn's own signature
        self,
        i: int,
        X: Any,  # noqa: ANN401
        y: np.ndarray,
        raw_predictions: np.ndarray,
        sample_weight: np.ndarray,
        sample_mask: np.ndarray,
        random_state: np.random.RandomState,
        X_csc: Any = None,  # noqa: ANN401
        X_csr: Any = None,  # noqa: ANN401
    ) -> np.ndarray:
        genres = self.n_trees_per_iteration_
        if self.threads < 2 or genres < 2 or X_csc is not None:
            parts = (i, X, y, raw_predictions, sample_weight, sample_mask, random_state, X_csc, X_csr)
            return np.asarray(super()._fit_stage(*parts))
        gradient = -self._loss.gradient(y_true=y, raw_prediction=raw_predictions, sample_weight=None)
        weights = sample_weight * sample_mask if self.subsample < 1.0 else sample_weight
        states = list(_states_as_found(random_state, genres))

        def grow(k: int) -> DecisionTreeRegressor:
            tree = self._tree(states[k])
            tree.fit(X, gradient[:, k], sample_weight=weights, check_input=False)
            of_genre = (y == k).astype(np.float64)
            _update_terminal_regions(
                self._loss,
                tree.tree_,
                X,
                of_genre,
                gradient[:, k],
                raw_predictions,
                weights,
                sample_mask,
                learning_rate=self.learning_rate,
                k=k,
            )
            return tree

        with ThreadPoolExecutor(min(self.threads, genres)) as pool:
            self.estimators_[i] = list(pool.map(grow, range(genres)))
        return raw_predictions

    def _tree(self, state: np.random.RandomState) -> DecisionTreeRegressor:
        shared = (
            "max_depth",
            "min_samples_split",
            "min_samples_leaf",
            "min_weight_fraction_leaf",
            "min_impurity_decrease",
            "max_features",
            "max_leaf_nodes",
            "ccp_alpha",
        )
        parameters = {name: getattr(self, name) for name in shared}
        # scikit-learn 1.9 takes the squared error, whatever is asked for; before it was a choice.
        criterion = "squared_error" if self.criterion == "deprecated" else self.criterion
        return DecisionTreeRegressor(criterion=criterion, splitter="best", random_state=state, **parameters)


def on_threads(model: Any, threads: int) -> Any:  # noqa: ANN401 - a pipeline of the zoo
    """Let the classifier of a pipeline be fitted on several threads where that leaves its values as they are.

    Parameters
    ----------
    model : pipeline as `genreclf.models.build` makes it, not fitted; it is changed in place.
    """
    classifier = model.named_steps["model"]
    if threads > 1 and type(classifier) is GradientBoostingClassifier:
        threaded = ThreadedGradientBoosting(**classifier.get_params())
        threaded.threads = threads
        model.set_params(model=threaded)
    return model


def _states_as_found(state: np.random.RandomState, trees: int) -> Iterator[np.random.RandomState]:
    """Copies of a random state as each of several trees would find it, moving the state on as they would."""
    for _ in range(trees):
        copy = np.random.RandomState()
        copy.set_state(state.get_state())
        yield copy
        state.randint(0, _LARGEST_SEED)
