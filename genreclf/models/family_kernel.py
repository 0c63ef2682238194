"""A kernel for each feature family: a support vector machine on their weighted sum.

One RBF kernel over all columns is the product of the families' kernels: two tracks are alike only where they are alike
in every family. In a sum it is enough to be alike in some. The kernels are computed once for all pairs of classes, each
from one matrix product, and only their sum stands in memory.

Source: Cortes, Mohri and Rostamizadeh (2012), Algorithms for Learning Kernels Based on Centered Alignment,
proposition 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from sklearn.utils.multiclass import _ovr_decision_function, check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

WEIGHTS = ("size", "mean", "alignment")
_ALIGNED_TRACKS = 1000  # alignments settle on a few hundred tracks; one kernel a family stands in memory
_RIDGE = 1e-10  # of the mean diagonal, for families that hold the same values


class FamilyKernelSVC(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Support vector machine on a weighted sum of RBF kernels, one for each feature family.

    Features should be standardised, and are better clipped: see `genreclf.models.scaling`.

    Parameters
    ----------
    C : penalty of the margin's violations.
    gamma : width of each kernel, exp(-gamma / d * squared distance), with d the family's number of features.
    weights : of the kernels; ``size`` in proportion to the families' numbers of features, ``mean`` for equal weights,
        ``alignment`` for the best centred alignment with the labels.
    families : (features,), the family of each feature, any integers; None takes all features as one family, which is
        an `SVC` with ``gamma='auto'``.

    Attributes
    ----------
    classes_ : (classes,), the labels, sorted.
    weights_ : (families,), in the order of the families' numbers; they sum to 1.
    support_vectors_ : (vectors, features).
    coef_ : (pairs, vectors), of each pair of classes in the order (0, 1), (0, 2), ..., (1, 2), ...; a positive sum
        speaks for the pair's second class.
    intercept_ : (pairs,).
    """

    def __init__(
        self,
        *,
        C: float = 3.0,
        gamma: float = 1.0,
        weights: str = "size",
        families: Sequence[int] | None = None,
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.weights = weights
        self.families = families

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Fit one machine for each pair of classes, all on one kernel matrix.

        Parameters
        ----------
        X : (tracks, features), finite numbers. The kernel matrix holds tracks ** 2 numbers of 8 bytes.
        y : (tracks,), labels of at least two classes.

        Raises
        ------
        ValueError : `weights` is unknown, `families` does not fit the features, or there is one class only.
        """
        rows, labels = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"two classes are needed; the labels hold one class: {self.classes_[0]!r}")
        if self.weights not in WEIGHTS:
            raise ValueError(f"unknown weights {self.weights!r}; choose from {', '.join(WEIGHTS)}")
        self.weights_ = self._weights(rows, codes)
        machine = SVC(C=self.C, kernel="precomputed").fit(self._kernel(rows, rows), codes)
        self.support_vectors_ = rows[machine.support_]
        self.coef_ = _pair_coefficients(machine)
        self.intercept_ = machine.intercept_ * (1 if len(self.classes_) == 2 else -1)
        return self

    def decision_function(self, X: ArrayLike) -> np.ndarray:
        """Scores of each class, as `SVC` gives them: (tracks, classes), or (tracks,) for two classes."""
        margins = self.pair_margins(X)
        if len(self.classes_) == 2:
            return margins[:, 0]
        return np.asarray(_ovr_decision_function(margins > 0, margins, len(self.classes_)))

    def pair_margins(self, X: ArrayLike) -> np.ndarray:
        """(tracks, pairs), between classes; a positive one speaks for the pair's second class."""
        check_is_fitted(self)
        rows = validate_data(self, X, dtype=np.float64, reset=False)
        return np.asarray(self._kernel(rows, self.support_vectors_) @ self.coef_.T + self.intercept_)

    def predict(self, X: ArrayLike) -> np.ndarray:
        """(tracks,), the label of the highest score of each."""
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[codes])

    def _members(self) -> list[np.ndarray]:
        """The positions of each family's features."""
        if self.families is None:
            return [np.arange(self.n_features_in_)]
        families = np.asarray(self.families)
        if families.shape != (self.n_features_in_,):
            raise ValueError(f"families of shape {families.shape} for {self.n_features_in_} features")
        return [np.flatnonzero(families == number) for number in np.unique(families)]

    def _kernel(self, A: np.ndarray, B: np.ndarray) -> np.ndarray:
        """(rows of A, rows of B), the weighted sum of the families' kernels."""
        total = np.zeros((len(A), len(B)))
        for columns, weight in zip(self._members(), self.weights_, strict=True):
            if weight > 0:
                part = self._family_kernel(A, B, columns)
                part *= weight
                total += part
        return total

    def _family_kernel(self, A: np.ndarray, B: np.ndarray, columns: np.ndarray) -> np.ndarray:
        left = A[:, columns]
        # The same array on both sides lets the library compute half of the products.
        right = left if B is A else B[:, columns]
        return np.asarray(rbf_kernel(left, right, gamma=self.gamma / len(columns)))

    def _weights(self, X: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """(families,), of sum 1."""
        members = self._members()
        if self.weights == "mean":
            return np.full(len(members), 1 / len(members))
        if self.weights == "size":
            return np.array([len(columns) / X.shape[1] for columns in members])
        by_class = np.argsort(codes, kind="stable")
        taken = by_class[np.linspace(0, len(X) - 1, min(len(X), _ALIGNED_TRACKS)).astype(int)]
        part = X[taken]
        kernels = np.array([self._family_kernel(part, part, columns) for columns in members])
        return alignment_weights(kernels, codes[taken])


def alignment_weights(kernels: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Weights whose sum of kernels has the best centred alignment with the labels.

    Parameters
    ----------
    kernels : (kernels, tracks, tracks).
    codes : (tracks,), class codes.

    Returns
    -------
    (kernels,), none negative, of sum 1; equal where no kernel is aligned with the labels.
    """
    from scipy.linalg import cholesky, solve_triangular
    from scipy.optimize import nnls

    target = _centred((codes[:, None] == codes).astype(np.float64))
    centred = np.array([_centred(kernel).ravel() for kernel in kernels])
    products, with_target = centred @ centred.T, centred @ target.ravel()
    scale = np.trace(products) / len(products)
    if scale > 0:
        # The weights minimise w M w - 2 w a over w >= 0, which is least squares with the factor of M.
        factor = cholesky(products / scale + _RIDGE * np.eye(len(products)), lower=True)
        weights, _ = nnls(factor.T, solve_triangular(factor, with_target / scale, lower=True))
        if weights.sum() > 0:
            return np.asarray(weights / weights.sum())
    return np.full(len(products), 1 / len(products))


def _centred(kernel: np.ndarray) -> np.ndarray:
    means = kernel.mean(axis=0)
    return np.asarray(kernel - means - means[:, None] + means.mean())


def _pair_coefficients(machine: SVC) -> np.ndarray:
    """(pairs, vectors), from the dual coefficients as scikit-learn packs them."""
    if len(machine.classes_) == 2:
        return np.array(machine.dual_coef_)
    ends = np.cumsum(machine.n_support_)
    rows = [slice(end - count, end) for end, count in zip(ends, machine.n_support_, strict=True)]
    pairs = list(combinations(range(len(rows)), 2))
    coefficients = np.zeros((len(pairs), ends[-1]))
    for pair, (first, second) in zip(coefficients, pairs, strict=True):
        pair[rows[first]] = -machine.dual_coef_[second - 1, rows[first]]
        pair[rows[second]] = -machine.dual_coef_[first, rows[second]]
    return coefficients
