"""CatBoost as a plain scikit-learn classifier: silent, writing no files, on one thread.

CatBoost's own class prints, writes ``catboost_info/``, predicts (n, 1), refuses pandas' text labels, gives other
numbers with other thread counts, and fails scikit-learn's estimator checks. This one does none of that. What it
keeps of a fitted booster is its trees as plain arrays, so that it is stored and read without pickle or CatBoost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from genreclf.models.oblivious import no_trees, oblivious_trees, raw_scores

if TYPE_CHECKING:
    from catboost import CatBoostClassifier
    from numpy.typing import ArrayLike


STUDY_FEATURES = 185
_PENALTIES = (1e-6, 1e-3, 1.0)


class CatBoost(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient boosting with oblivious trees (Prokhorenkova et al. 2018).

    Parameters
    ----------
    iterations : number of trees.
    depth : splits of each tree; a tree has 2 ** depth leaves.
    learning_rate : step; None lets CatBoost choose by the number of tracks and trees.
    bagging_temperature : spread of the Bayesian bootstrap's weights; 0 gives each track the weight 1.
    l2_leaf_reg : L2 penalty on the leaf values.
    border_count : thresholds tried for each feature; None takes one for every ten tracks, from 16 to 32.
    rsm : share of the features tried for each split; None takes all from 2,000 tracks on and fewer below, and of wide
        tables no more than of 185 features, the study's.
    random_state : seed.

    Attributes
    ----------
    classes_ : (classes,), the labels, sorted.
    trees_ : the fitted trees as arrays, see `genreclf.models.oblivious`.
    """

    def __init__(
        self,
        *,
        iterations: int = 800,
        depth: int = 6,
        learning_rate: float | None = None,
        bagging_temperature: float = 0.05,
        l2_leaf_reg: float = 3.0,
        border_count: int | None = None,
        rsm: float | None = None,
        random_state: int | None = 42,
    ) -> None:
        self.iterations = iterations
        self.depth = depth
        self.learning_rate = learning_rate
        self.bagging_temperature = bagging_temperature
        self.l2_leaf_reg = l2_leaf_reg
        self.border_count = border_count
        self.rsm = rsm
        self.random_state = random_state

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit the booster.

        Parameters
        ----------
        X : (tracks, features), finite numbers.
        y : (tracks,), labels of at least two classes.
        """
        X, y = validate_data(self, X, y, dtype=np.float32)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"CatBoost needs at least two classes; the labels hold one class: {self.classes_[0]!r}")
        if np.ptp(X, axis=0).any():
            self.trees_ = oblivious_trees(self._fitted(np.array(X), codes))
        else:
            # CatBoost refuses features that are all the same; there is only how frequent each class is.
            self.trees_ = no_trees(np.bincount(codes) / len(codes))
        return self

    def _fitted(self, X: np.ndarray, codes: np.ndarray) -> CatBoostClassifier:
        """The fitted booster.

        Without an L2 penalty the Newton step of a leaf whose tracks are all certain has no solution, and CatBoost
        gives up; then the smallest penalty that helps is taken.
        """
        from catboost import CatBoostError

        for penalty in (self.l2_leaf_reg, *(more for more in _PENALTIES if more > self.l2_leaf_reg)):
            try:
                return self.booster(*X.shape, penalty=penalty).fit(X, codes)
            except CatBoostError as error:
                if "not positive definite" not in str(error) or penalty >= _PENALTIES[-1]:
                    raise
        raise AssertionError("the last penalty returns or raises")

    def booster(
        self, tracks: int, features: int, *, loss: str = "MultiClass", penalty: float | None = None
    ) -> CatBoostClassifier:
        """CatBoost's own classifier with these parameters, not fitted: silent, on one thread, writing no files."""
        from catboost import CatBoostClassifier

        return CatBoostClassifier(
            iterations=self.iterations,
            depth=self.depth,
            learning_rate=self.learning_rate,
            bootstrap_type="Bayesian",
            bagging_temperature=self.bagging_temperature,
            l2_leaf_reg=self.l2_leaf_reg if penalty is None else penalty,
            border_count=_borders(tracks) if self.border_count is None else self.border_count,
            rsm=_share_of_features(tracks, features) if self.rsm is None else self.rsm,
            loss_function=loss,
            random_seed=self.random_state,
            thread_count=1,
            logging_level="Silent",
            allow_writing_files=False,
        )

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """(tracks, classes), probabilities in the order of `classes_`."""
        from scipy.special import softmax

        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float32, reset=False)
        return np.asarray(softmax(raw_scores(self.trees_, np.asarray(X)), axis=1))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """(tracks,), the most probable label of each."""
        codes = self.predict_proba(X).argmax(axis=1)
        return np.asarray(self.classes_[codes])


def _borders(tracks: int) -> int:
    """Thresholds for each feature that a table of this size can fill.

    CatBoost scores every threshold of every feature for every leaf, however few tracks there are. Five random
    folds of 200 tracks x 185 features, with 254, 128, 32, 16 and 8 thresholds: macro-F1 74.9, 75.0, 74.4, 74.4 and
    69.7 (the interval is 15 points wide), one core 373, 302, 143, 137 and 43 s. A quarter of 8,000 tracks x 57
    features: 52.7, 52.7, 52.2, 52.1 and 51.6 (4 points wide) in 88, 52, 27, 18 and 16 s.
    """
    return min(32, max(16, tracks // 10))


def _share_of_features(tracks: int, features: int) -> float:
    """Features tried for each split: a fifth of them up to 400 tracks, all from 2,000 on, but never more than of 185.

    On a small table nearly all the time goes into scoring splits that few tracks decide between. Five folds of
    200 tracks x 185 features, artist-disjoint, with a tenth, a fifth, three tenths and all of the features: macro-F1
    65.3, 65.7, 66.7 and 64.7 (the interval is 15 points wide) in 1.7, 3.0, 3.5 and 9.5 s a fit.
    """
    return min(1.0, max(0.2, tracks / 2000)) * min(1.0, STUDY_FEATURES / features)
