"""A tagger in the box: what a network knows by itself, without any labels of one's own.

A network that was trained to predict tags gives their probabilities, through everything that predictions of tags go
through. Where tags are mapped to genres of one's own, a track gets one genre: the one whose most probable tag is the
most probable, if that reaches the threshold.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from genreclf.audio import DURATION
from genreclf.errors import RequestError, unknown
from genreclf.features import find_feature_set
from genreclf.models.bundle.bundle import Bundle
from genreclf.models.bundle.manifest import BundleManifest
from genreclf.models.bundle.tag_manifest import TagManifest
from genreclf.networks import TAGS, find_network, installed, own_networks
from genreclf.prediction import UNKNOWN, Prediction, TrackPredictor
from genreclf.tables.labels import read_synonyms
from genreclf.tag_prediction import TagPredictor
from genreclf.versions import versions

if TYPE_CHECKING:
    from genreclf.networks import Card

_NAME = re.compile(r"[a-z][a-z0-9_-]+:[a-z0-9_-]+")

THRESHOLD = 0.15
"""The probability that a tag must reach: about half of the F1 that such networks reach, where F1 is highest."""


class TagProbabilities:
    """The estimator of a network's tags: its features are their probabilities."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """(rows, tags), the features themselves, held to [0, 1]."""
        return np.asarray(np.clip(X, 0.0, 1.0))


class MappedPredictor(TrackPredictor):
    """Genres by a mapping of a network's tags.

    The probability of a genre is that of its most probable tag, over the sum of all genres'.

    Parameters
    ----------
    bundle : the network; its features are the probabilities of its tags.
    members : (genres, tags) bool, the tags of each genre.
    least : that the most probable tag must reach, or the genre is unknown.
    options : see `TrackPredictor`.
    """

    def __init__(self, bundle: Bundle, *, members: np.ndarray, least: float = THRESHOLD, **options: Any) -> None:  # noqa: ANN401
        super().__init__(bundle, **options)
        self.members = members
        self.least = least

    def _scores(self, X: np.ndarray) -> np.ndarray:
        """(rows, genres), the probability of the most probable tag of each genre."""
        tags = self._current.estimator.predict_proba(X)
        return np.stack([tags[:, has].max(axis=1) for has in self.members], axis=1)

    def _predicted(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = np.maximum(self._scores(X), 1e-12)
        genres = np.array(self.genres, dtype=object)[scores.argmax(axis=1)]
        return genres, scores / scores.sum(axis=1, keepdims=True)

    def _track(self, name: str, starts: np.ndarray, X: np.ndarray, silent: bool, *, seconds: float = 0.0) -> Prediction:
        weak = bool(self._scores(X.mean(axis=0, keepdims=True)).max() < self.least)
        made = super()._track(name, starts, X, silent, seconds=seconds)
        if not weak or made.unknown:
            return made
        fields = {field: getattr(made, field) for field in made.__dataclass_fields__}
        return Prediction(**fields | {"genre": UNKNOWN, "unknown": True})


def is_network(name: str | Path) -> bool:
    """Whether a name is meant to be that of a network, and not of a file."""
    text = str(name)
    return not os.path.lexists(name) and (_NAME.fullmatch(text) is not None or text in own_networks())


def network_tagger(
    name: str,
    *,
    mapping: Mapping[str, str] | Path | str | None = None,
    min_confidence: float | None = None,
    jobs: int | None = None,
) -> TrackPredictor:
    """What predicts the tags of a network, or genres of one's own that its tags are mapped to.

    Parameters
    ----------
    mapping : genres by tags, or a CSV with the columns ``tag,name``; tags that do not stand there have none.
    min_confidence : the probability that a tag must reach, `THRESHOLD` by default; with a mapping, the confidence below
        which a genre is unknown.
    jobs : see `TrackPredictor`.

    Raises
    ------
    RequestError : the network is not known, is not installed or knows no tags; or the mapping names a tag that it does
        not know, or fewer than two genres.
    """
    if TAGS not in find_network(name).outputs:
        raise RequestError(f"{name} knows no tags; musicnn:msd and musicnn:mtt do")
    card = installed(name)
    if min_confidence is not None and not 0 < min_confidence < 1:
        raise RequestError(f"min_confidence {min_confidence:g}: choose a share between 0 and 1, for example 0.2")
    columns = dict(zip(card.tags, find_feature_set(f"{card.prefix}-tags").columns, strict=True))
    tags = sorted(columns)
    features = [columns[tag] for tag in tags]
    if mapping is None:
        least = THRESHOLD if min_confidence is None else min_confidence
        manifest = TagManifest(genres=tuple(tags), thresholds=(least,) * len(tags), **_known(card, features, len(tags)))
        return TagPredictor(Bundle(TagProbabilities(), manifest), jobs=jobs)
    named = _checked(card, mapping)
    genres = sorted(set(named.values()))
    members = np.array([[named.get(tag) == genre for tag in tags] for genre in genres])
    made = BundleManifest(genres=tuple(genres), **_known(card, features, len(genres)))
    return MappedPredictor(
        Bundle(TagProbabilities(), made), members=members, min_confidence=min_confidence, jobs=jobs
    ).checked()


def _checked(card: Card, mapping: Mapping[str, str] | Path | str) -> dict[str, str]:
    """The mapping of tags to genres, without those that it leaves out."""
    given = read_synonyms(Path(mapping)) if isinstance(mapping, str | Path) else mapping
    for tag in given:
        if tag not in card.tags:
            raise unknown(f"tag of {card.name}", tag, card.tags)
    named = {tag: genre for tag, genre in given.items() if genre}
    if len(set(named.values())) < 2:
        raise RequestError(
            f"{mapping if isinstance(mapping, str | Path) else 'the mapping'}: names fewer than two genres"
        )
    return named


def _known(card: Card, features: list[str], labels: int) -> dict[str, Any]:
    """What is known of a network that predicts so many labels, as a manifest has it."""
    return {
        "model": card.name,
        "parameters": {},
        "tuned": False,
        "calibrated": False,
        "feature_set": f"{card.prefix}-tags",
        "feature_parameters": {"offset": None, "duration": DURATION, "sample_rate": card.sample_rate},
        "features": tuple(features),
        "feature_means": (0.0,) * len(features),
        "feature_stds": (1.0,) * len(features),
        "table": {},
        "scores": {},
        "seed": 0,
        "versions": versions("onnxruntime") | {card.name: card.digest},
        "created": "",
        "licence": card.licence,
        "notes": f"trained on {card.training}",
        "estimator_sha256": card.digest,
        "probe_probabilities": ((0.0,) * labels,),
    }
