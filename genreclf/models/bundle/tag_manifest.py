"""The manifest of a bundle of tags, and the checks of the tagger that it holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Literal

import msgspec

from genreclf.models.bundle.manifest import BundleManifest, Number, Share
from genreclf.models.bundle.stored import check_pipeline, check_storable, load_estimator, type_name
from genreclf.models.bundle.structure import check_array, require


class TagManifest(BundleManifest, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a trained tagger.

    Parameters
    ----------
    genres : the tags, sorted; so are `genre_counts` those of the tags.
    thresholds : of each tag; a track has the tags whose probability is at least the threshold.
    tag_scores : of each tag on tracks that the tagger was not fitted on, ROC AUC and average precision; None where no
        fold could test it.
    """

    task: ClassVar[str] = "multi-label"
    labels: ClassVar[str] = "tags"

    thresholds: tuple[Share, ...]
    tag_scores: dict[str, dict[Literal["roc_auc", "average_precision"], Number | None]] = msgspec.field(
        default_factory=dict
    )
    format: Literal[3] = 3  # type: ignore[assignment]

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.thresholds) != len(self.genres):
            raise ValueError("it does not hold that each tag has a threshold")

    def rebuild(self, path: Path, data: bytes, tensors: bytes = b"") -> Any:  # noqa: ANN401
        """See `BundleManifest.rebuild`."""
        width, tags = len(self.features), len(self.genres)
        return load_estimator(path, data, tensors, features=width, genres=tags, check=check_tagger)


def check_tagger(model: Any, features: int, tags: int) -> None:  # noqa: ANN401
    """Raise a `ValueError` unless a model is a `CalibratedTagger` that can be asked safely."""
    require(type_name(model) == "genreclf.models.tagger_fitting.CalibratedTagger", f"is a {type(model).__name__}")
    check_array(model.slopes, "slopes", (tags,))
    check_array(model.intercepts, "intercepts", (tags,))
    tagger = check_pipeline(model.estimator, features)
    check = _CHECKS.get(type_name(tagger))
    if check is None:
        raise ValueError(f"has a {type(tagger).__name__} that cannot stand there")
    require(tagger.n_features_in_ == features, "takes other features")
    share = check_array(tagger.share_, "share_", (tags,))
    require(((share >= 0) & (share <= 1)).all(), "has a share that is none")
    varying = check_array(tagger.varying_, "varying_", (len(tagger.varying_),), "i")
    require(len(set(varying.tolist())) == len(varying), "has a tag twice")
    require(((varying >= 0) & (varying < tags)).all(), "has a tag that is not there")
    if len(varying):
        check(tagger, features, len(varying))


def _check_prior(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401, ARG001
    check_array(tagger.scores_, "scores_", (tags,))


def _check_neighbours(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    tracks = len(tagger.points_)
    check_array(tagger.points_, "points_", (tracks, features))
    check_array(tagger.tags_, "tags_", (tracks, tags), "b")
    require(type(tagger.k) is int and tagger.k >= 1 and tracks >= 1, "has no neighbours")


def _check_linear(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    check_array(tagger.coef_, "coef_", (tags, features))
    check_array(tagger.intercept_, "intercept_", (tags,))


def _check_chain(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    _check_linear(tagger, features + tags, tags)
    order = check_array(tagger.order_, "order_", (tags,), "i")
    require(sorted(order.tolist()) == list(range(tags)), "has a chain that leaves out a tag")


def _check_kernel(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    vectors = len(tagger.support_vectors_)
    check_array(tagger.support_vectors_, "support_vectors_", (vectors, features))
    check_array(tagger.coef_, "coef_", (tags, vectors))
    check_array(tagger.intercept_, "intercept_", (tags,))
    require(type(tagger.gamma_) is float and 0 < tagger.gamma_ < 1e300, "has a gamma that is not positive")
    require(vectors >= 1, "has no support vectors")


def _check_forest(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    import numpy as np

    nodes = len(tagger.feature_)
    check_array(tagger.threshold_, "threshold_", (nodes,))
    check_array(tagger.value_, "value_", (nodes, tags))
    asked = check_array(tagger.feature_, "feature_", (nodes,), "i")
    require(((asked >= 0) & (asked < features)).all(), "has a split on a feature that is not there")
    roots = check_array(tagger.roots_, "roots_", (len(tagger.roots_),), "i")
    require(len(roots) >= 1 and ((roots >= 0) & (roots < nodes)).all(), "has a root that is not there")
    sides = [check_array(getattr(tagger, name), name, (nodes,), "i") for name in ("left_", "right_")]
    here = np.arange(nodes)
    leaf = sides[0] == here
    require(((sides[1] == here) == leaf).all(), "has a node with one child")
    for child in sides:
        # Children behind their parent, so that every way down ends.
        require((leaf | (child > here)).all() and (child < nodes).all(), "has a child outside its tree")


def _check_boosted(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    from genreclf.models.oblivious import check_trees

    check_trees(tagger.trees_, features=features, classes=max(tags, 2))


def _check_one_vs_rest(tagger: Any, features: int, tags: int) -> None:  # noqa: ANN401
    require(type(tagger.estimators_) is list and len(tagger.estimators_) == tags, "has models of other tags")
    for classifier in tagger.estimators_:
        check_storable(classifier, features, 2)
    require(type(tagger.classifier) is type(tagger.estimators_[0]), "is of another kind than its models")


_CHECKS: dict[str, Callable[[Any, int, int], None]] = {
    f"genreclf.models.taggers.{name}": check
    for name, check in {
        "PriorTagger": _check_prior,
        "NeighbourTagger": _check_neighbours,
        "LogisticTagger": _check_linear,
        "ChainTagger": _check_chain,
        "KernelTagger": _check_kernel,
        "ForestTagger": _check_forest,
        "BoostedTagger": _check_boosted,
        "OneVsRestTagger": _check_one_vs_rest,
    }.items()
}
