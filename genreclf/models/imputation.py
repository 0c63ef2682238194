"""Imputation: empty cells take the median of the column over the tracks trained on.

A step of its own rather than scikit-learn's `SimpleImputer`, which holds data types that a model file must not hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def medians(X: np.ndarray) -> np.ndarray:
    """(features,), the median of the values that are there in each column of (tracks, features); 0 where none is."""
    found = np.zeros(X.shape[1])
    known = ~np.isnan(X).all(axis=0)
    found[known] = np.nanmedian(X[:, known], axis=0)
    return found


class MedianImputer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Replaces NaN by the column's median.

    Attributes
    ----------
    medians_ : (features,), over the tracks fitted on.
    """

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Find the medians.

        Parameters
        ----------
        X : (tracks, features), numbers or NaN.
        """
        del y
        self.medians_ = medians(validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan"))
        return self

    def transform(self, X: ArrayLike) -> np.ndarray:
        """(tracks, features), without NaN."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, ensure_all_finite="allow-nan", reset=False)
        return np.where(np.isnan(X), self.medians_, X)

    def __sklearn_tags__(self) -> Any:  # noqa: ANN401 - scikit-learn has no types
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
