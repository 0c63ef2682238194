"""Structure: whether the parts of a loaded estimator fit each other.

scikit-learn's compiled code follows the indices that trees and support vectors hold without looking: a node that
points outside its tree reads foreign memory or never ends. A type list cannot see that. So each estimator from a
file is held against its shape before it is asked anything; what a file could set to waste memory, threads or
disk is set back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class MalformedError(ValueError):
    """An estimator's parts do not fit each other."""


def check_structure(estimator: Any, *, features: int, genres: int) -> None:  # noqa: ANN401 - any estimator
    """Make sure that an estimator of the zoo can be asked safely.

    Parameters
    ----------
    features : number of columns that it will be given.
    genres : number of genres that it may say, at least 2.

    Raises
    ------
    MalformedError : it cannot.
    """
    name = type(estimator).__name__
    check = _CHECKS.get(name)
    _require(check is not None, f"{name} cannot stand there")
    assert check is not None  # noqa: S101 - for the type checker
    try:
        hidden = [key for key in vars(estimator) if callable(getattr(type(estimator), key, None))]
        _require(not hidden, f"{name} hides its own {', '.join(hidden)}")
        check(estimator, features, genres)
    except MalformedError:
        raise
    except (AttributeError, TypeError, ValueError, IndexError, KeyError, RecursionError) as error:
        raise MalformedError(f"{name}: {' '.join(str(error).split())[:160]}") from None


def _require(condition: object, complaint: str) -> None:
    if not condition:
        raise MalformedError(complaint)


def _array(value: object, name: str, shape: tuple[int, ...], kinds: str = "f") -> np.ndarray:
    """The value, an array of numbers of just this shape."""
    import numpy as np

    _require(isinstance(value, np.ndarray), f"{name} is no array")
    assert isinstance(value, np.ndarray)  # noqa: S101 - for the type checker
    _require(value.dtype.kind in kinds, f"{name} has type {value.dtype}")
    _require(value.shape == shape, f"{name} has shape {value.shape}, {shape} is right")
    _require(np.isfinite(value).all(), f"{name} holds what is no finite number")
    return value


def _pipeline(pipeline: Any, features: int, genres: int) -> None:  # noqa: ANN401
    pipeline.memory = None
    pipeline.verbose = False
    pipeline.transform_input = None
    (_, scaler), (_, model) = pipeline.steps
    _require(type(scaler).__name__ == "StandardScaler", "its first step does not standardise")
    _array(scaler.mean_, "mean_", (features,))
    _require((_array(scaler.scale_, "scale_", (features,)) > 0).all(), "scale_ is not positive")
    _require(scaler.n_features_in_ == features, f"standardises {scaler.n_features_in_} features, not {features}")
    check_structure(model, features=features, genres=genres)


def _calibrated(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    _classes(model, genres)
    model.n_jobs = None
    _require(1 <= len(model.calibrated_classifiers_) <= 100, "holds an odd number of models")
    for part in model.calibrated_classifiers_:
        _require(type(part).__name__ == "_CalibratedClassifier", "holds something else than calibrated models")
        check_structure(part.estimator, features=features, genres=genres)
        for curve in part.calibrators:
            _require(type(curve).__name__ == "_SigmoidCalibration", "holds an unknown calibration")


def _classes(model: Any, genres: int) -> None:  # noqa: ANN401
    import numpy as np

    classes = model.classes_
    _require(isinstance(classes, np.ndarray) and classes.shape == (genres,), f"does not tell {genres} genres apart")


def _logistic(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    _classes(model, genres)
    rows = 1 if genres == 2 else genres
    _array(model.coef_, "coef_", (rows, features))
    _array(model.intercept_, "intercept_", (rows,))
    model.n_jobs = None


def _svc(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    _classes(model, genres)
    _require(model.kernel in ("linear", "rbf", "poly"), "has an unknown kernel")
    _require(model._sparse is False and model.probability in (False, "deprecated"), "is sparse or holds probabilities")  # noqa: SLF001
    _require(not {"_impl", "_pairwise"} & set(vars(model)), "hides its kind")
    vectors = model.support_.shape[0]
    counts = _array(model._n_support, "_n_support", (genres,), "i")  # noqa: SLF001
    _require((counts >= 0).all() and int(counts.sum()) == vectors, "counts other support vectors than it has")
    _array(model.support_, "support_", (vectors,), "i")
    _array(model.support_vectors_, "support_vectors_", (vectors, features))
    pairs = genres * (genres - 1) // 2
    for name in ("dual_coef_", "_dual_coef_"):
        _array(getattr(model, name), name, (genres - 1, vectors))
    for name in ("intercept_", "_intercept_"):
        _array(getattr(model, name), name, (pairs,))
    for name in ("_probA", "_probB"):
        _array(getattr(model, name), name, (0,))
    _require(type(model._gamma) in (float, int) or model._gamma.shape == (), "has an odd gamma")  # noqa: SLF001


def _forest(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    _classes(model, genres)
    model.n_jobs = None
    model.verbose = 0
    _require(model.n_classes_ == genres and model.n_outputs_ == 1, "counts other genres")
    _require(model.n_features_in_ == features, "wants other features")
    _require(1 <= len(model.estimators_) <= 100_000, "has no trees")
    for tree in model.estimators_:
        _require(type(tree).__name__ == "DecisionTreeClassifier", "holds something else than trees")
        _require(tree.n_classes_ == genres and tree.n_outputs_ == 1, "has a tree of other genres")
        _tree(tree.tree_, features, width=genres)


def _tree(tree: Any, features: int, *, width: int) -> None:  # noqa: ANN401
    """One tree of scikit-learn: children stand behind their parent, so that every way down ends."""
    import numpy as np

    _require(type(tree).__name__ == "Tree", "holds something else than trees")
    count = tree.node_count
    _require(tree.n_features == features, "has a tree of other features")
    _array(tree.value, "value", (count, 1, width))
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner = left != -1
    _require(bool(((right != -1) == inner).all()), "has a node with one child")
    here = np.arange(count)
    for child in (left[inner], right[inner]):
        _require(bool(((child > here[inner]) & (child < count)).all()), "has a child outside its tree")
    _require(bool(((feature[inner] >= 0) & (feature[inner] < features)).all()), "asks for a feature that is not there")


def _boosting(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    _classes(model, genres)
    width = 1 if genres == 2 else genres
    _require(model.n_classes_ == genres and model.n_trees_per_iteration_ == width, "counts other genres")
    _require(model.n_features_in_ == features, "wants other features")
    _require(model.init is None and type(model.init_).__name__ == "DummyClassifier", "starts from another model")
    check_structure(model.init_, features=features, genres=genres)
    _require(model.init_.strategy == "prior", "starts from something else than the prior")
    _restore_loss(model)
    shape = model.estimators_.shape
    _require(len(shape) == 2 and shape[0] >= 1 and shape[1] == width, f"has trees in the shape {shape}")
    for tree in model.estimators_.flat:
        _require(type(tree).__name__ == "DecisionTreeRegressor", "holds something else than trees")
        _tree(tree.tree_, features, width=1)


def _restore_loss(model: Any) -> None:  # noqa: ANN401
    """A booster is stored without its loss, which only turns scores into probabilities here."""
    _require(model.loss == "log_loss", f"has the loss {model.loss!r}")
    model._loss = model._get_loss(sample_weight=None)  # noqa: SLF001


def _histogram_boosting(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    import numpy as np
    from sklearn.ensemble._hist_gradient_boosting.common import PREDICTOR_RECORD_DTYPE

    _classes(model, genres)
    width = 1 if genres == 2 else genres
    model.verbose = 0
    _require(model.n_trees_per_iteration_ == width, "counts other genres")
    _require(model._n_features == features and model.n_features_in_ == features, "wants other features")  # noqa: SLF001
    _require(model.is_categorical_ is None and model._preprocessor is None, "takes categories")  # noqa: SLF001
    _require(not np.any(model._bin_mapper.is_categorical_), "takes categories")  # noqa: SLF001
    _restore_loss(model)
    _array(model._baseline_prediction, "_baseline_prediction", (1, width))  # noqa: SLF001
    for stage in model._predictors:  # noqa: SLF001
        _require(len(stage) == width, "has a stage for other genres")
        for predictor in stage:
            _require(type(predictor).__name__ == "TreePredictor", "holds something else than trees")
            nodes = predictor.nodes
            _require(isinstance(nodes, np.ndarray) and nodes.ndim == 1 and len(nodes) >= 1, "has an empty tree")
            _require(nodes.dtype == PREDICTOR_RECORD_DTYPE, "has trees of another version of scikit-learn")
            inner = nodes[nodes["is_leaf"] == 0]
            here = np.flatnonzero(nodes["is_leaf"] == 0)
            for side in ("left", "right"):
                _require(
                    bool(((inner[side] > here) & (inner[side] < len(nodes))).all()), "has a child outside its tree"
                )
            _require(
                bool(((inner["feature_idx"] >= 0) & (inner["feature_idx"] < features)).all()),
                "asks for a feature that is not there",
            )
            _require(not nodes["is_categorical"].any(), "takes categories")


def _dummy(model: Any, features: int, genres: int) -> None:  # noqa: ANN401, ARG001 - all checks take the same
    _classes(model, genres)
    _require(model.n_classes_ == genres and model.n_outputs_ == 1, "counts other genres")
    _require(type(model.random_state) in (int, type(None)), "has an odd seed")
    _array(model.class_prior_, "class_prior_", (genres,))


def _catboost(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    _classes(model, genres)
    _require(model.n_features_in_ == features, "wants other features")
    model.check()


_CHECKS: dict[str, Callable[[Any, int, int], None]] = {
    "Pipeline": _pipeline,
    "CalibratedClassifierCV": _calibrated,
    "LogisticRegression": _logistic,
    "SVC": _svc,
    "RandomForestClassifier": _forest,
    "GradientBoostingClassifier": _boosting,
    "HistGradientBoostingClassifier": _histogram_boosting,
    "DummyClassifier": _dummy,
    "CatBoost": _catboost,
}
