"""A kernel a family: scikit-learn's SVC on a sum of kernels, with weights that a plain search cannot better."""

import numpy as np
import pytest
from made_up import made_up_table
from scipy.spatial.distance import cdist
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from genreclf.evaluation.benchmark import benchmark
from genreclf.models import build
from genreclf.models.bundle.bundle import Bundle
from genreclf.models.bundle.structure import MalformedError, check_family_kernels, check_scaler
from genreclf.models.calibration import base_estimator
from genreclf.models.family_kernel import FamilyKernelSVC, alignment_weights
from genreclf.models.scaling import ClippedScaler
from genreclf.training import train

FAMILIES = (0, 1, 1, 0, 2, 2, 2, 1)
SOLVED = 0.01  # libsvm stops within 0.001 of its optimum, so rounding moves the scores by about as much


def _clouds(classes=3, rows=90, seed=0):
    """Classes that differ in the first family more than in the second, and not in the third."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % classes
    strength = np.array([2.0, 1.0, 0.0])[list(FAMILIES)]
    X = rng.normal(size=(rows, len(FAMILIES))) + strength * rng.normal(size=(classes, len(FAMILIES)))[y]
    return X, y


def _kernels(A, B):
    members = [np.flatnonzero(np.array(FAMILIES) == family) for family in range(3)]
    return [np.exp(-cdist(A[:, c], B[:, c], "sqeuclidean") / len(c)) for c in members]


@parametrize_with_checks([FamilyKernelSVC(weights="alignment"), ClippedScaler(limit=1.5)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
def test_scikit_learns_own_checks_pass(estimator, check):
    check(estimator)


@pytest.mark.parametrize("classes", [2, 4])
def test_one_family_is_an_svc(classes):
    X, y = _clouds(classes)
    other, _ = _clouds(classes, seed=1)
    ours, svc = FamilyKernelSVC(C=3).fit(X, y), SVC(C=3, gamma="auto", break_ties=True).fit(X, y)
    np.testing.assert_allclose(ours.decision_function(other), svc.decision_function(other), atol=SOLVED)
    np.testing.assert_array_equal(ours.predict(other), svc.predict(other))


@pytest.mark.parametrize(
    ("weights", "shares"), [("mean", (1 / 3, 1 / 3, 1 / 3)), ("size", (2 / 8, 3 / 8, 3 / 8)), ("alignment", None)]
)
def test_several_families_are_an_svc_on_the_weighted_sum_of_their_kernels(weights, shares):
    X, y = _clouds()
    other, _ = _clouds(seed=1)
    ours = FamilyKernelSVC(C=2, weights=weights, families=FAMILIES).fit(X, y)
    if shares is None:
        shares = alignment_weights(np.array(_kernels(X, X)), y)
    np.testing.assert_allclose(ours.weights_, shares, atol=1e-12)
    train, test = (sum(w * K for w, K in zip(shares, _kernels(A, X), strict=True)) for A in (X, other))
    plain = SVC(C=2, kernel="precomputed").fit(train, y)
    np.testing.assert_allclose(ours.decision_function(other), plain.decision_function(test), atol=SOLVED)


def test_families_are_sets_of_columns_whatever_their_order_and_numbers():
    X, y = _clouds()
    order = np.random.default_rng(2).permutation(len(FAMILIES))
    renumbered = tuple((7, -1, 4)[FAMILIES[k]] for k in order)
    first = FamilyKernelSVC(families=FAMILIES).fit(X, y)
    second = FamilyKernelSVC(families=renumbered).fit(X[:, order], y)
    np.testing.assert_allclose(first.decision_function(X), second.decision_function(X[:, order]), atol=SOLVED)


def test_gamma_scales_the_width_of_every_kernel():
    X, y = _clouds()
    narrow = FamilyKernelSVC(gamma=4.0, families=FAMILIES).fit(X, y)
    same = FamilyKernelSVC(families=FAMILIES).fit(2 * X, y)
    np.testing.assert_allclose(narrow.decision_function(X), same.decision_function(2 * X), atol=SOLVED)


def _alignment(kernel, y):
    n = len(y)
    centre = np.eye(n) - 1 / n
    kernel, target = centre @ kernel @ centre, centre @ (y[:, None] == y).astype(float) @ centre
    return (kernel * target).sum() / np.linalg.norm(kernel) / np.linalg.norm(target)


def test_no_mixture_of_three_kernels_is_better_aligned_than_the_learnt_one():
    X, y = _clouds()
    kernels = _kernels(X, X)
    learnt = alignment_weights(np.array(kernels), y)
    best = _alignment(sum(w * K for w, K in zip(learnt, kernels, strict=True)), y)
    steps = np.linspace(0, 1, 21)
    for a, b in ((a, b) for a in steps for b in steps if a + b <= 1):
        mixed = a * kernels[0] + b * kernels[1] + (1 - a - b) * kernels[2]
        assert _alignment(mixed, y) <= best + 1e-9
    assert learnt.sum() == pytest.approx(1)
    assert learnt[0] > learnt[1] > learnt[2] >= 0


def test_families_that_say_nothing_get_equal_weights():
    flat = np.ones((2, 6, 6))
    np.testing.assert_array_equal(alignment_weights(flat, np.arange(6) % 2), [0.5, 0.5])
    np.testing.assert_allclose(alignment_weights(np.stack([np.eye(6)] * 2), np.arange(6) % 2).sum(), 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "best"}, "unknown weights 'best'; choose from size, mean, alignment"),
        ({"families": (0, 1)}, "families of shape"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        FamilyKernelSVC(**changes).fit(*_clouds())


def test_the_scaler_clips_what_the_standard_scaler_gives():
    X, _ = _clouds()
    X[0, 0] = 1000.0
    scaled = ClippedScaler(limit=2.0).fit_transform(X)
    plain = ClippedScaler(limit=np.inf).fit_transform(X)
    assert plain[0, 0] > 9
    np.testing.assert_array_equal(scaled, np.clip(plain, -2, 2))
    np.testing.assert_allclose(plain, (X - X.mean(axis=0)) / X.std(axis=0))


def test_a_benchmark_gives_the_families_of_the_columns_to_the_model():
    table = made_up_table(features=9)
    comparison = benchmark(table, models=("kernels",), protocol="study", draws=50)
    y_pred = comparison.predictions.set_index("track_id")["kernels"]
    test = np.isin(table.ids, y_pred.index)
    model = build("kernels", families=[0] * 4 + [1] * 5).fit(table.X[~test], table.y[~test])
    np.testing.assert_array_equal(y_pred.loc[table.ids[test]], model.predict(table.X[test]))
    assert model["model"].weights_ == pytest.approx([4 / 9, 5 / 9])


def test_a_bundle_keeps_families_and_probabilities_and_names_no_family_in_its_manifest(tmp_path):
    table = made_up_table(features=9)
    bundle = train(table, model="kernels")
    bundle.save(tmp_path / "model.genreclf")
    loaded = Bundle.load(tmp_path / "model.genreclf")
    expected = bundle.estimator.predict_proba(table.X)
    np.testing.assert_array_equal(loaded.estimator.predict_proba(table.X), expected)
    np.testing.assert_allclose(expected.sum(axis=1), 1)
    model = base_estimator(loaded.estimator)["model"]
    assert model.families == (0,) * 4 + (1,) * 5
    assert loaded.manifest.parameters == {"C": 3, "gamma": 1.0, "weights": "size"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"families": (0, 1)}, "families of other features"),
        ({"families": (0, 1, 1, 0, 2, 2, 2, 1.5)}, "not a number"),
        ({"gamma": float("nan")}, "gamma"),
        ({"gamma": -1.0}, "negative"),
        ({"n_features_in_": 7}, "other features"),
        ({"coef_": np.zeros((2, 3))}, "coef_"),
        ({"intercept_": np.zeros(2)}, "intercept_"),
        ({"weights_": np.ones(2)}, "weights_"),
        ({"support_vectors_": np.zeros((3, 9))}, "support_vectors_"),
    ],
)
def test_a_machine_whose_parts_do_not_fit_is_not_loaded(changes, complaint):
    machine = FamilyKernelSVC(families=FAMILIES).fit(*_clouds())
    check_family_kernels(machine, len(FAMILIES), 3)
    vars(machine).update(changes)
    with pytest.raises(MalformedError, match=complaint):
        check_family_kernels(machine, len(FAMILIES), 3)


@pytest.mark.parametrize("limit", [0.0, float("nan"), None])
def test_a_scaler_with_an_odd_limit_is_not_loaded(limit):
    scaler = ClippedScaler().fit(_clouds()[0])
    check_scaler(scaler, len(FAMILIES))
    scaler.limit = limit
    with pytest.raises(MalformedError, match="limit"):
        check_scaler(scaler, len(FAMILIES))
