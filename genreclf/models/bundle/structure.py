"""Structure: the conditions under which a classifier that was read from a file may be asked for predictions.

scikit-learn's compiled code follows the indices that trees and support vectors hold without looking: a node that
points outside its tree reads foreign memory or never ends, and an array of another shape is broadcast to any size. A
list of types cannot prevent that. So each entry of the registry names a check, which is given the classifier, the
number of features and the number of genres. It raises `MalformedError`, or any other `ValueError`, before anything
is computed; what a file could set to waste threads is set back, and what is not stored is restored.

Names with a leading underscore are attributes as scikit-learn stores them, and so as files have them.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

TREE = "sklearn.tree._tree.Tree"
_MOST_TREES = 100_000


class MalformedError(ValueError):
    """The parts of an estimator do not fit each other."""


def require(condition: object, complaint: str) -> None:
    """Raise a `MalformedError` unless a condition holds; the complaint continues "the estimator"."""
    if not condition:
        raise MalformedError(complaint)


def check_array(value: Any, name: str, shape: tuple[int, ...], kinds: str = "f") -> np.ndarray:  # noqa: ANN401
    """The value, if it is an array of finite numbers of this shape and of one of these kinds of dtype."""
    import numpy as np

    require(type(value) is np.ndarray, f"has {name} that is not an array")
    require(value.dtype.kind in kinds, f"has {name} of type {value.dtype}")
    require(value.shape == shape, f"has {name} of shape {value.shape}, {shape} is right")
    require(np.isfinite(value).all(), f"has {name} with a value that is not a finite number")
    return np.asarray(value)


def check_number(value: Any, name: str) -> None:  # noqa: ANN401
    """Raise unless the value is a single finite number."""
    require(isinstance(value, int | float) and math.isfinite(value), f"has {name} that is not a finite number")


def check_classes(classes: Any, genres: int) -> None:  # noqa: ANN401
    """Raise unless there is one class for each genre."""
    import numpy as np

    require(type(classes) is np.ndarray and classes.shape == (genres,), f"does not predict {genres} genres")


def check_scaler(scaler: Any, features: int) -> None:  # noqa: ANN401
    """For a `StandardScaler`, or a `genreclf.models.scaling.ClippedScaler`."""
    check_array(scaler.mean_, "mean_", (features,))
    require((check_array(scaler.scale_, "scale_", (features,)) > 0).all(), "has scale_ that is not positive")
    require(scaler.n_features_in_ == features, f"standardises {scaler.n_features_in_} features, not {features}")
    limit = getattr(scaler, "limit", 1.0)
    check_number(limit, "limit")
    require(limit > 0, "has a limit that is not positive")


def check_imputer(imputer: Any, features: int) -> None:  # noqa: ANN401
    """For a `genreclf.models.imputation.MedianImputer`."""
    check_array(imputer.medians_, "medians_", (features,))
    require(imputer.n_features_in_ == features, f"fills {imputer.n_features_in_} features, not {features}")


def check_calibration(model: Any, genres: int) -> None:  # noqa: ANN401
    """For a `genreclf.models.calibration.CalibratedModel`."""
    require(type(model.parameters) is list, "has parameters of its calibration that are not a list")
    shapes: dict[str, list[tuple[int, ...] | None]] = {
        "none": [],
        "temperature": [(1,)],
        "sigmoid": [(genres,)] * 2,
        "venn-abers": [None] * (2 * genres),  # points and their probabilities, as many as there are
        "isotonic": [None] * (2 * genres),  # of earlier files
        "pairwise": [(genres * (genres - 1) // 2,)],
    }
    methods = model.method.split("+") if type(model.method) is str else []
    require(methods and set(methods) <= shapes.keys(), "is calibrated by an unknown method")
    require(len(set(methods)) == len(methods), "is calibrated by a method twice")
    wanted = [shape for method in methods for shape in shapes[method]]
    require(len(model.parameters) == len(wanted), "has parameters of another calibration")
    free = []
    for array, shape in zip(model.parameters, wanted, strict=True):
        length = getattr(array, "shape", ())[:1]
        check_array(array, "parameters of its calibration", shape or length)
        require(length != (0,), "has a calibration without steps")
        free += [] if shape else [array]
    for points, p in zip(free[::2], free[1::2], strict=True):
        require(len(points) == len(p) and (points[1:] >= points[:-1]).all(), "has steps that are in no order")
    if "pairwise" in methods:
        pairs = ("SVC", "FamilyKernelSVC", "NuSVC")
        require(type(model.estimator[-1]).__name__ in pairs, "is calibrated by pairs that it does not have")
    if "none" in methods:
        require(hasattr(model.estimator, "predict_proba"), "has neither probabilities nor a calibration")


def check_sigmoids(part: Any, genres: int) -> None:  # noqa: ANN401
    """For what stands inside a `CalibratedClassifierCV`: one sigmoid for each genre, one for two."""
    require(part.method == "sigmoid", "is calibrated by another method")
    require(len(part.calibrators) == (1 if genres == 2 else genres), "has sigmoids for other genres")
    for sigmoid in part.calibrators:
        require(type(sigmoid).__name__ == "_SigmoidCalibration", "has an unknown calibration")
        check_number(sigmoid.a_, "a_")
        check_number(sigmoid.b_, "b_")


def check_logistic_regression(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `LogisticRegression`."""
    rows = 1 if genres == 2 else genres
    check_array(model.coef_, "coef_", (rows, features))
    check_array(model.intercept_, "intercept_", (rows,))
    model.n_jobs = None


def check_svc(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `SVC` on dense features, without probabilities of its own."""
    require(model.kernel in ("linear", "rbf", "poly"), "has an unknown kernel")
    require(model._sparse is False and model.probability in (False, "deprecated"), "is sparse or holds probabilities")  # noqa: SLF001
    require(not {"_impl", "_pairwise"} & set(vars(model)), "hides its kind")
    check_number(model._gamma, "_gamma")  # noqa: SLF001
    vectors = model.support_.shape[0]
    counts = check_array(model._n_support, "_n_support", (genres,), "i")  # noqa: SLF001
    require((counts >= 0).all() and int(counts.sum()) == vectors, "counts other support vectors than it has")
    check_array(model.support_, "support_", (vectors,), "i")
    check_array(model.support_vectors_, "support_vectors_", (vectors, features))
    for name in ("dual_coef_", "_dual_coef_"):
        check_array(getattr(model, name), name, (genres - 1, vectors))
    for name in ("intercept_", "_intercept_"):
        check_array(getattr(model, name), name, (genres * (genres - 1) // 2,))
    for name in ("_probA", "_probB"):
        check_array(getattr(model, name), name, (0,))


def check_forest(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `RandomForestClassifier`."""
    model.n_jobs = None
    model.verbose = 0
    require(model.n_classes_ == genres and model.n_outputs_ == 1, "counts other genres")
    require(model.n_features_in_ == features, "takes other features")
    require(1 <= len(model.estimators_) <= _MOST_TREES, "has no trees")
    for tree in model.estimators_:
        require(type(tree).__name__ == "DecisionTreeClassifier", "holds something else than trees")
        require(tree.n_classes_ == genres and tree.n_outputs_ == 1, "has a tree of other genres")
        check_tree(tree.tree_, features, width=genres)


def check_tree(tree: Any, features: int, *, width: int) -> None:  # noqa: ANN401
    """For one tree of scikit-learn: children stand behind their parent, so that every way down ends."""
    require(type(tree).__name__ == "Tree", "holds something else than trees")
    require(tree.n_features == features, "has a tree of other features")
    check_array(tree.value, "value", (tree.node_count, 1, width))
    left, right = tree.children_left, tree.children_right
    require(bool(((right != -1) == (left != -1)).all()), "has a node with one child")
    _check_nodes(left != -1, left, right, tree.feature, features)


def _check_nodes(inner: np.ndarray, left: np.ndarray, right: np.ndarray, feature: np.ndarray, features: int) -> None:
    """The indices that are followed from the inner nodes of a tree."""
    import numpy as np

    here = np.flatnonzero(inner)
    for child in (left[here], right[here]):
        require(bool(((child > here) & (child < len(inner))).all()), "has a child outside its tree")
    asked = feature[here]
    require(bool(((asked >= 0) & (asked < features)).all()), "has a split on a feature that is not there")


def check_gradient_boosting(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `GradientBoostingClassifier` that starts from the prior."""
    width = 1 if genres == 2 else genres
    require(model.n_classes_ == genres and model.n_trees_per_iteration_ == width, "counts other genres")
    require(model.n_features_in_ == features, "takes other features")
    require(model.init is None and type(model.init_).__name__ == "DummyClassifier", "starts from another model")
    check_classes(model.init_.classes_, genres)
    check_dummy(model.init_, features, genres)
    require(model.init_.strategy == "prior", "starts from something else than the prior")
    shape = model.estimators_.shape
    require(len(shape) == 2 and 1 <= shape[0] <= _MOST_TREES and shape[1] == width, f"has trees in the shape {shape}")
    for tree in model.estimators_.flat:
        require(type(tree).__name__ == "DecisionTreeRegressor", "holds something else than trees")
        check_tree(tree.tree_, features, width=1)
    _restore_loss(model, _smallest(type(model)(n_estimators=1), genres))


def check_histogram_boosting(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `HistGradientBoostingClassifier` on numbers, without categories."""
    import numpy as np

    width = 1 if genres == 2 else genres
    like = _smallest(type(model)(max_iter=1, early_stopping=False), genres)
    nodes_type = like._predictors[0][0].nodes.dtype  # noqa: SLF001
    model.verbose = 0
    require(model.n_trees_per_iteration_ == width, "counts other genres")
    require(model._n_features == features and model.n_features_in_ == features, "takes other features")  # noqa: SLF001
    categorical = check_array(model._bin_mapper.is_categorical_, "is_categorical_", (features,), "biu")  # noqa: SLF001
    categories = model.is_categorical_ is not None or model._preprocessor is not None or categorical.any()  # noqa: SLF001
    require(not categories, "takes categories")
    check_array(model._baseline_prediction, "_baseline_prediction", (1, width))  # noqa: SLF001
    for stage in model._predictors:  # noqa: SLF001
        require(len(stage) == width, "has a stage for other genres")
        for predictor in stage:
            require(type(predictor).__name__ == "TreePredictor", "holds something else than trees")
            nodes = predictor.nodes
            require(type(nodes) is np.ndarray and nodes.ndim == 1 and len(nodes) >= 1, "has an empty tree")
            require(nodes.dtype == nodes_type, "has trees of another version of scikit-learn")
            require(not nodes["is_categorical"].any(), "takes categories")
            _check_nodes(nodes["is_leaf"] == 0, nodes["left"], nodes["right"], nodes["feature_idx"], features)
    _restore_loss(model, like)


def _smallest(model: Any, genres: int) -> Any:  # noqa: ANN401
    """A model fitted to one track of each genre."""
    import numpy as np

    return model.fit(np.arange(genres, dtype=float)[:, None], np.arange(genres))


def _restore_loss(model: Any, like: Any) -> None:  # noqa: ANN401
    """Boosters are stored without their loss, which turns scores into probabilities and goes by the genres alone."""
    require(model.loss == "log_loss", f"has the loss {model.loss!r}")
    model._loss = like._loss  # noqa: SLF001


def check_dummy(model: Any, features: int, genres: int) -> None:  # noqa: ANN401, ARG001 - all checks take the same
    """For `DummyClassifier`."""
    known = ("most_frequent", "prior", "stratified")
    require(model.strategy in known and model._strategy in known, "guesses in an unknown way")  # noqa: SLF001
    require(model.n_classes_ == genres and model.n_outputs_ == 1 and not model.sparse_output_, "counts other genres")
    require(type(model.random_state) in (int, type(None)), "has a seed that is not a number")
    check_array(model.class_prior_, "class_prior_", (genres,))


def check_family_kernels(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `genreclf.models.family_kernel.FamilyKernelSVC`."""
    families = (0,) * features if model.families is None else model.families
    require(model.n_features_in_ == features, "takes other features")
    require(type(families) is tuple and len(families) == features, "has families of other features")
    require(all(type(number) is int for number in families), "has a family that is not a number")
    check_number(model.gamma, "gamma")
    require(model.gamma >= 0, "has a gamma that is negative")
    pairs, vectors = genres * (genres - 1) // 2, len(model.support_vectors_)
    check_array(model.support_vectors_, "support_vectors_", (vectors, features))
    check_array(model.coef_, "coef_", (pairs, vectors))
    check_array(model.intercept_, "intercept_", (pairs,))
    check_array(model.weights_, "weights_", (len(set(families)),))


def check_averages(model: Any, bins: int, genres: int) -> None:  # noqa: ANN401
    """For the classifiers of `genreclf.models.segments`, of series of so many bins."""
    check_number(getattr(model, "seconds", 1.0), "seconds")
    width = 2 * bins if getattr(model.mean_, "shape", ()) == (2 * bins,) else bins
    check_array(model.mean_, "mean_", (width,))
    require((check_array(model.scale_, "scale_", (width,)) > 0).all(), "has scale_ that is not positive")
    check_array(model.coef_, "coef_", (genres, width))
    check_array(model.intercept_, "intercept_", (genres,))


def check_catboost(model: Any, features: int, genres: int) -> None:  # noqa: ANN401
    """For `genreclf.models.catboost.CatBoost`."""
    from genreclf.models.oblivious import check_trees

    require(model.n_features_in_ == features, "takes other features")
    check_trees(model.trees_, features=features, classes=genres)
