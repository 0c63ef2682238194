"""Taggers: models of many labels a track, which share what the tags have in common.

A tagger is fitted to (tracks, features) and a boolean matrix (tracks, tags). Where the kind of model allows, all tags
are fitted at once: support vector machines on one kernel matrix, a forest that splits for all tags and sorts each
feature once, boosting with one quantisation and one set of trees, logistic regression by one minimisation. Any other
classifier is fitted to one tag after another. A tag that every training track has, or none, is not fitted.

What is kept of a fitted tagger is arrays, so that it is stored and read without pickle.

Sources: Read, Pfahringer, Holmes and Frank (2011), Classifier Chains for Multi-label Classification; Prokhorenkova et
al. (2018), CatBoost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, clone

from genreclf.errors import RequestError
from genreclf.models.oblivious import oblivious_trees, raw_scores
from genreclf.models.registry import MODELS, resolve
from genreclf.plugins import Registry

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from genreclf.models.entry import ModelSpec

_LEAST = 1e-6  # probabilities nearer to 0 or 1 count as this far from it
_BLOCK = 256  # rows that a forest predicts at a time, to bound memory


class Tagger(BaseEstimator):  # type: ignore[misc]
    """What all taggers share.

    Attributes
    ----------
    share_ : (tags,), the share of the training tracks that have each tag.
    varying_ : the tags that some training tracks have and some do not; the others get a constant score.
    """

    probabilistic = True  # whether `predict_proba` is meant as probabilities, rather than monotone in them

    def fit(self, X: np.ndarray, Y: np.ndarray) -> Self:
        """Fit all tags.

        Parameters
        ----------
        X : (tracks, features), finite numbers.
        Y : (tracks, tags), bool.
        """
        self.n_features_in_ = X.shape[1]
        self.share_ = Y.mean(axis=0)
        self.varying_ = np.flatnonzero((self.share_ > 0) & (self.share_ < 1))
        if len(self.varying_):
            self._fit(np.asarray(X, dtype=np.float64), Y[:, self.varying_])
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """(tracks, tags), scores; log-odds where the tagger has probabilities."""
        scores = np.tile(logit(np.clip(self.share_, _LEAST, 1 - _LEAST)), (len(X), 1))
        if len(self.varying_):
            scores[:, self.varying_] = self._scores(np.asarray(X, dtype=np.float64))
        return scores

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(tracks, tags), each from 0 to 1; they need not sum to 1."""
        return np.asarray(expit(self.decision_function(X)))

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        """Fit the tags that vary."""
        raise NotImplementedError

    def _scores(self, X: np.ndarray) -> np.ndarray:
        """(tracks, tags that vary)."""
        raise NotImplementedError


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    return np.asarray(logit(np.clip(probabilities, _LEAST, 1 - _LEAST)))


class PriorTagger(Tagger):
    """A baseline: each track gets each tag with the tag's share."""

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        del X
        self.scores_ = _log_odds(Y.mean(axis=0))

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return np.tile(self.scores_, (len(X), 1))


class GenreTagger(Tagger):
    """A baseline that knows the genre of a track and nothing else: the share of the genre's tracks with the tag.

    Its features are one column of genre codes; the share over all tracks counts as one more track of each genre.
    """

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        share = Y.mean(axis=0)
        self.genres_, codes = np.unique(X[:, 0], return_inverse=True)
        hits = np.zeros((len(self.genres_), Y.shape[1]))
        np.add.at(hits, codes, Y)
        self.scores_ = _log_odds((hits + share) / (np.bincount(codes)[:, None] + 1))

    def _scores(self, X: np.ndarray) -> np.ndarray:
        known = np.isin(X[:, 0], self.genres_)
        places = np.searchsorted(self.genres_, np.where(known, X[:, 0], self.genres_[0]))
        return np.where(known[:, None], self.scores_[places], logit(self.share_[self.varying_]))


class NeighbourTagger(Tagger):
    """The tags of the most similar training tracks.

    Parameters
    ----------
    k : number of neighbours; each counts by the inverse of its distance, and the tag's share as one more neighbour.
    """

    def __init__(self, *, k: int = 20) -> None:
        self.k = k

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.points_, self.tags_ = X, Y.astype(bool)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        from sklearn.neighbors import NearestNeighbors

        search = NearestNeighbors(n_neighbors=min(self.k, len(self.points_)), algorithm="brute").fit(self.points_)
        distances, rows = search.kneighbors(X)
        nearest = np.maximum(distances[:, :1], 1e-12)
        weights = nearest / np.maximum(distances, nearest)
        share = self.tags_.mean(axis=0)
        votes = np.einsum("ij,ijk->ik", weights, self.tags_[rows]) + share
        return _log_odds(votes / (weights.sum(axis=1, keepdims=True) + 1))


class LogisticTagger(Tagger):
    """Logistic regression of every tag, all in one minimisation.

    Parameters
    ----------
    C : inverse strength of the L2 penalty, as in scikit-learn.
    class_weight : ``balanced`` or None.
    """

    def __init__(self, *, C: float = 0.01, class_weight: str | None = None) -> None:
        self.C = C
        self.class_weight = class_weight

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        self._minimise(X, Y, np.ones((X.shape[1], Y.shape[1])))

    def _minimise(self, X: np.ndarray, Y: np.ndarray, free: np.ndarray) -> None:
        """Fit coefficients, (inputs, tags), those that `free` has at 0 being 0."""
        from scipy.optimize import minimize

        weight = self.C * _class_weights(Y, self.class_weight)
        shape = (X.shape[1] + 1, Y.shape[1])

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            full = flat.reshape(shape)
            scores = X @ full[:-1] + full[-1]
            residual = weight * (expit(scores) - Y)
            value = float((weight * (np.logaddexp(0, scores) - Y * scores)).sum() + 0.5 * (full[:-1] ** 2).sum())
            return value, np.vstack([(X.T @ residual + full[:-1]) * free, residual.sum(axis=0)]).ravel()

        start = np.zeros(shape)
        start[-1] = _log_odds(Y.mean(axis=0))
        options = {"maxiter": 1000, "maxfun": 2000, "gtol": 1e-4 * self.C * len(X) ** 0.5, "ftol": 1e-12}
        full = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options=options).x.reshape(shape)
        self.coef_, self.intercept_ = full[:-1].T.copy(), full[-1].copy()

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(X @ self.coef_.T + self.intercept_)


class ChainTagger(LogisticTagger):
    """A classifier chain of logistic regressions: each tag is predicted from the features and the tags before it.

    The most frequent tags come first. Training sees the true tags, prediction the probabilities of those before.
    """

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.order_ = np.argsort(-Y.sum(axis=0), kind="stable")
        ordered = Y[:, self.order_].astype(np.float64)
        before = np.triu(np.ones((Y.shape[1], Y.shape[1])), k=1)
        free = np.vstack([np.ones((X.shape[1], Y.shape[1])), before])
        self._minimise(np.hstack([X, ordered]), ordered, free)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        features, tags = X.shape[1], len(self.order_)
        own = X @ self.coef_[:, :features].T + self.intercept_
        probabilities, scores = np.zeros((len(X), tags)), np.empty((len(X), tags))
        for place, tag in enumerate(self.order_):
            scores[:, tag] = own[:, place] + probabilities @ self.coef_[place, features:]
            probabilities[:, place] = expit(scores[:, tag])
        return scores


class KernelTagger(Tagger):
    """A support vector machine of every tag, all on one RBF kernel matrix.

    Parameters
    ----------
    C : penalty of the margin's violations.
    class_weight : ``balanced`` or None.
    """

    probabilistic = False

    def __init__(self, *, C: float = 3.0, class_weight: str | None = None) -> None:
        self.C = C
        self.class_weight = class_weight

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        from sklearn.metrics.pairwise import rbf_kernel
        from sklearn.svm import SVC

        variance = float(X.var())
        self.gamma_ = 1 / (X.shape[1] * variance) if variance > 0 else 1.0
        kernel = rbf_kernel(X, gamma=self.gamma_)
        coef = np.zeros((Y.shape[1], len(X)))
        self.intercept_ = np.empty(Y.shape[1])
        for tag, y in enumerate(Y.T):
            machine = SVC(C=self.C, kernel="precomputed", class_weight=self.class_weight).fit(kernel, y)
            coef[tag, machine.support_] = machine.dual_coef_[0]
            self.intercept_[tag] = machine.intercept_[0]
        used = coef.any(axis=0)
        self.support_vectors_, self.coef_ = X[used], coef[:, used]

    def _scores(self, X: np.ndarray) -> np.ndarray:
        from sklearn.metrics.pairwise import rbf_kernel

        return np.asarray(rbf_kernel(X, self.support_vectors_, gamma=self.gamma_) @ self.coef_.T + self.intercept_)


class ForestTagger(Tagger):
    """A random forest whose trees split for all tags at once.

    A split lowers the variance of the tags, which for labels of 0 and 1 is half the Gini impurity.

    Parameters
    ----------
    n_estimators : trees.
    min_samples_leaf : tracks in a leaf; with many tags a tree that goes on to single tracks takes much memory.
    """

    def __init__(self, *, n_estimators: int = 200, min_samples_leaf: int = 3, random_state: int | None = None) -> None:
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        from sklearn.ensemble import RandomForestRegressor

        forest = RandomForestRegressor(
            self.n_estimators,
            max_features="sqrt",
            min_samples_leaf=self.min_samples_leaf,
            random_state=self.random_state,
        ).fit(X, Y.astype(np.float64))
        trees = [made.tree_ for made in forest.estimators_]
        self.roots_ = np.cumsum([0, *(tree.node_count for tree in trees)])[:-1]
        sides = []
        for side in ("children_left", "children_right"):
            nodes = [getattr(tree, side) for tree in trees]
            leaf = [np.where(part < 0, np.arange(len(part)), part) for part in nodes]
            sides.append(np.concatenate([part + root for part, root in zip(leaf, self.roots_, strict=True)]))
        self.left_, self.right_ = sides
        self.feature_ = np.concatenate([np.maximum(tree.feature, 0) for tree in trees])
        self.threshold_ = np.concatenate([tree.threshold for tree in trees])
        value = np.concatenate([tree.value[:, :, 0] for tree in trees])
        self.value_ = value.astype(np.float32)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        X = X.astype(np.float32)  # as the trees compare
        found = []
        for start in range(0, len(X), _BLOCK):
            block = X[start : start + _BLOCK]
            rows = np.arange(len(block))[:, None]
            node = np.tile(self.roots_, (len(block), 1))
            while True:
                below = block[rows, self.feature_[node]] <= self.threshold_[node]
                following = np.where(below, self.left_[node], self.right_[node])
                if (following == node).all():
                    break
                node = following
            found.append(self.value_[node].mean(axis=1, dtype=np.float64))
        return _log_odds(np.concatenate(found)) if found else np.empty((0, self.value_.shape[1]))


class BoostedTagger(Tagger):
    """CatBoost with the loss of all tags: each oblivious tree has a value for every tag in its leaves.

    Parameters
    ----------
    iterations, depth, learning_rate, l2_leaf_reg : as in `genreclf.models.catboost.CatBoost`.
    """

    def __init__(
        self,
        *,
        iterations: int = 200,
        depth: int = 4,
        learning_rate: float = 0.1,
        l2_leaf_reg: float = 3.0,
        random_state: int | None = None,
    ) -> None:
        self.iterations = iterations
        self.depth = depth
        self.learning_rate = learning_rate
        self.l2_leaf_reg = l2_leaf_reg
        self.random_state = random_state

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        from genreclf.models.catboost import CatBoost

        if not np.ptp(X, axis=0).any():  # CatBoost refuses features that are all the same
            self.varying_ = np.empty(0, dtype=np.intp)
            return
        booster = CatBoost(
            iterations=self.iterations,
            depth=self.depth,
            learning_rate=self.learning_rate,
            l2_leaf_reg=self.l2_leaf_reg,
            random_state=self.random_state,
        ).booster(*X.shape, loss="MultiLogloss")
        several = Y if Y.shape[1] > 1 else np.hstack([Y, Y])  # the loss is for two tags or more
        booster.fit(X.astype(np.float32), several.astype(np.int64))
        self.trees_ = oblivious_trees(booster)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return np.asarray(raw_scores(self.trees_, X.astype(np.float32))[:, : len(self.varying_)])


class OneVsRestTagger(Tagger):
    """Any classifier, fitted to one tag after another.

    Parameters
    ----------
    classifier : a scikit-learn classifier, not fitted.
    """

    def __init__(self, classifier: Any) -> None:  # noqa: ANN401 - scikit-learn has no types
        self.classifier = classifier

    @property
    def probabilistic(self) -> bool:  # type: ignore[override]
        """Whether the classifier has probabilities."""
        return hasattr(self.classifier, "predict_proba")

    def _fit(self, X: np.ndarray, Y: np.ndarray) -> None:
        self.estimators_ = [clone(self.classifier).fit(X, y.astype(np.intp)) for y in Y.T]

    def _scores(self, X: np.ndarray) -> np.ndarray:
        if self.probabilistic:
            return _log_odds(np.column_stack([e.predict_proba(X)[:, 1] for e in self.estimators_]))
        return np.column_stack([np.asarray(e.decision_function(X)) for e in self.estimators_])


@dataclass(frozen=True)
class TaggerSpec:
    """A tagger by name.

    Parameters
    ----------
    name, title : what it is called on the command line, and in texts.
    factory : seed -> tagger, not fitted.
    cost : seconds to fit 6,000 tracks of 57 features and 50 tags, roughly; the longest fits are started first.
    reference : whether it stands beside every comparison, and is never ranked best.
    of_genre : whether its one feature is the genre's code, instead of the features of the table.
    """

    name: str
    title: str
    factory: Callable[[int], Tagger]
    cost: float = 1.0
    reference: bool = False
    of_genre: bool = False

    def build(self, seed: int = 42, *, impute: bool = False) -> Pipeline:
        """A pipeline of standardisation (``scale``) and tagger (``model``), not fitted; see `ModelSpec.build`."""
        from sklearn.pipeline import Pipeline
        from sklearn.preprocessing import StandardScaler

        if self.of_genre:
            return Pipeline([("model", self.factory(seed))])
        steps: list[tuple[str, Any]] = [("scale", StandardScaler()), ("model", self.factory(seed))]
        if impute:
            from genreclf.models.imputation import MedianImputer

            steps.insert(0, ("impute", MedianImputer()))
        return Pipeline(steps)


def _seeded(kind: Callable[..., Tagger], seed: int) -> Tagger:
    return kind(random_state=seed)


def _plain(kind: Callable[..., Tagger], seed: int) -> Tagger:
    del seed
    return kind()


def _one_vs_rest(entry: ModelSpec, seed: int) -> Tagger:
    return OneVsRestTagger(entry.build(seed).named_steps["model"])


TAGGERS: Registry[TaggerSpec] = Registry(
    "tagger",
    TaggerSpec,
    (
        TaggerSpec("svc", "SVC", partial(_plain, KernelTagger), cost=40),
        TaggerSpec("rf", "Random forest", partial(_seeded, ForestTagger), cost=60),
        TaggerSpec("logreg", "Logistic regression", partial(_plain, LogisticTagger), cost=1),
        TaggerSpec("catboost", "CatBoost", partial(_seeded, BoostedTagger), cost=60),
        TaggerSpec("chain", "Classifier chain", partial(_plain, ChainTagger), cost=3),
        TaggerSpec("neighbours", "Nearest neighbours", partial(_plain, NeighbourTagger), cost=1, reference=True),
        TaggerSpec("genre", "Genre alone", partial(_plain, GenreTagger), cost=0.01, reference=True, of_genre=True),
        TaggerSpec("prior", "Prior", partial(_plain, PriorTagger), cost=0.01, reference=True),
    ),
    group="genreclf.taggers",
)
DEFAULTS = ("svc", "rf", "logreg", "catboost")


def resolve_tagger(model: Any) -> TaggerSpec:  # noqa: ANN401 - a name, a scikit-learn classifier, or a tagger
    """The tagger of a name; another model of the registry, or any classifier, is fitted to one tag after another.

    Raises
    ------
    RequestError : there is no such model.
    """
    if isinstance(model, TaggerSpec):
        return model
    if isinstance(model, str) and (model in TAGGERS or (model not in MODELS and model.casefold() not in MODELS)):
        return TAGGERS.find(model)
    entry = resolve(model)
    if entry.series:
        raise RequestError(f"{entry.name} is fitted to series and predicts genres; choose from {', '.join(TAGGERS)}")
    return TaggerSpec(entry.name, entry.title, partial(_one_vs_rest, entry), cost=20 * entry.cost)


def title_of(name: str) -> str:
    """What a tagger is called in texts."""
    return TAGGERS[name].title if name in TAGGERS else MODELS[name].title if name in MODELS else name


def is_reference(name: str) -> bool:
    """Whether a model only stands beside the others."""
    return name in TAGGERS and TAGGERS[name].reference


def weighted(entry: TaggerSpec, class_weight: str | None) -> TaggerSpec:
    """The tagger with class weights, ``balanced`` or ``none``; as it is where it takes none, or for None."""
    if class_weight is None or "class_weight" not in entry.factory(0).get_params():
        return entry
    weight = None if class_weight == "none" else class_weight
    return replace(entry, factory=partial(_with_weight, entry.factory, weight))


def _with_weight(factory: Callable[[int], Tagger], weight: str | None, seed: int) -> Tagger:
    tagger = factory(seed)
    tagger.set_params(class_weight=weight)
    return tagger


def _class_weights(Y: np.ndarray, class_weight: str | None) -> np.ndarray:
    """(tracks, tags), as scikit-learn weighs classes."""
    if class_weight is None:
        return np.ones(Y.shape)
    share = Y.mean(axis=0)
    return np.asarray(np.where(Y > 0, 0.5 / share, 0.5 / (1 - share)))
