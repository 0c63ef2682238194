"""Linear discriminants: those of scikit-learn, whatever the shape of the table."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from genreclf.similarity.discriminants import linear_discriminants


@pytest.mark.parametrize(("tracks", "features"), [(30, 60), (200, 12), (40, 2)])
def test_points_are_those_of_scikit_learn_but_for_their_sign(tracks, features):
    rng = np.random.default_rng(0)
    y = np.arange(tracks) % 4
    X = rng.normal(size=(4, features))[y] + rng.normal(size=(tracks, features)) * rng.uniform(0.1, 9, features) + 5
    X[:, 0] = np.where(y == 1, 1.0, X[:, 0])  # constant in one label
    theirs = LinearDiscriminantAnalysis(solver="eigen", shrinkage="auto").fit(X, y).scalings_
    ours = linear_discriminants(X, y, dimensions=2)
    np.testing.assert_allclose(np.abs(X @ ours), np.abs(X @ theirs[:, :2]), rtol=1e-6)


def test_labels_whose_tracks_are_all_alike_have_no_axes():
    with pytest.raises(np.linalg.LinAlgError):
        linear_discriminants(np.eye(3)[[0, 0, 1, 1, 2, 2]], np.array([0, 0, 1, 1, 2, 2]), dimensions=2)
