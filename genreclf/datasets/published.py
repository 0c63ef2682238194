"""Published results on known data sets, each with its protocol and its source: ``published.csv``.

A result can be compared with where the same tracks were tested under the same protocol. A data set is recognised by its
genres, since a table may be called anything, and the tested tracks by their number.

Results on all of GTZAN with random folds are too high: it has repetitions, wrong labels and a few artists behind many
tracks (Sturm 2013), which the fault-filtered split (Kereliuk, Sturm and Larsen 2015) leaves out or keeps apart.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from genreclf.datasets.fma import GENRES as FMA_GENRES
from genreclf.datasets.gtzan import GENRES as GTZAN_GENRES
from genreclf.references import cited

_GENRES = {"fma": frozenset(FMA_GENRES), "gtzan": frozenset(GTZAN_GENRES)}


@dataclass(frozen=True)
class PublishedResult:
    """One published score.

    Parameters
    ----------
    dataset : its name in the registry.
    protocol : the name of the same protocol here; `split` says which folds these are.
    tested : number of tested tracks.
    features, model : what was tested, in the source's words.
    accuracy : from 0 to 1.
    reference : key of the source, see `genreclf.references`; `where` in it the number stands.
    """

    dataset: str
    protocol: str
    split: str
    tested: int
    features: str
    model: str
    accuracy: float
    reference: str
    where: str

    @property
    def source(self) -> str:
        """The source as prose names it."""
        return f"{cited(self.reference)}, {self.where}"

    def difference(self, protocol: str, tested: int, *, validation: bool = False) -> str:
        """What keeps an evaluation from being comparable with this result; empty where nothing does.

        Parameters
        ----------
        protocol, tested : of the evaluation, and how many tracks it tested.
        validation : whether it trained on the validation tracks as well.
        """
        if protocol != self.protocol or tested != self.tested:
            return f"{self.split}, {self.tested:,} tracks tested; here {protocol}, {tested:,} tracks tested"
        return "not trained on the validation tracks, as here" if validation else ""


@cache
def published() -> tuple[PublishedResult, ...]:
    """Every published result, in the order of the file."""
    text = (files("genreclf.datasets") / "published.csv").read_text(encoding="utf-8")
    return tuple(msgspec.convert(list(csv.DictReader(text.splitlines())), list[PublishedResult], strict=False))


def published_on(genres: Iterable[str]) -> list[PublishedResult]:
    """The results on the data set that has just these genres."""
    known = frozenset(genres)
    return [result for result in published() if _GENRES[result.dataset] == known]
