"""Standardising with a limit: no single feature can carry a track far from all others.

Skewness, kurtosis and extremes have heavy tails; a value thirty standard deviations out makes a track unlike
everything, to a kernel and to a linear model alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.preprocessing import StandardScaler

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


class ClippedScaler(StandardScaler):  # type: ignore[misc]
    """`StandardScaler` whose output is clipped.

    Parameters
    ----------
    limit : in standard deviations of the training tracks; values beyond it on either side are set to it.
    """

    def __init__(self, *, limit: float = 4.0) -> None:
        super().__init__()
        self.limit = limit

    def transform(self, X: ArrayLike) -> np.ndarray:
        """(tracks, features), standardised and clipped."""
        return np.asarray(np.clip(super().transform(X), -self.limit, self.limit))
