"""Published results on known data sets, each with its protocol and its source: ``published.csv``.

A result can be compared with where the same tracks were tested under the same protocol; the tested tracks are
recognised by their number.

Results on all of GTZAN with random folds are too high: it has repetitions, wrong labels and a few artists behind many
tracks (Sturm 2013), which the fault-filtered split (Kereliuk, Sturm and Larsen 2015) leaves out or keeps apart.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import msgspec

from genreclf.references import cited


@dataclass(frozen=True)
class PublishedResult:
    """One published score.

    Parameters
    ----------
    dataset : its name in the registry.
    protocol : the name of the same protocol here; `split` says which folds these are.
    tested : number of tested tracks; None where the source does not say.
    features, model : what was tested, in the source's words.
    score, value : such as ``accuracy`` or ``macro ROC AUC``, and its value from 0 to 1.
    reference : key of the source, see `genreclf.references`; `where` in it the number stands.
    """

    dataset: str
    protocol: str
    split: str
    tested: int | None
    features: str
    model: str
    score: str
    value: float
    reference: str
    where: str

    @property
    def source(self) -> str:
        """The source as prose names it."""
        return f"{cited(self.reference)}, {self.where}"

    def text(self) -> str:
        """The result in one line."""
        on = self.split if self.tested is None else f"{self.split}, {self.tested:,} tracks tested"
        return f"{self.model} on {self.features}: {self.score} {self.value:g}; {on} ({self.source})"

    def difference(self, protocol: str, tested: int, *, validation: bool = False) -> str:
        """What keeps an evaluation from being comparable with this result; empty where nothing does.

        Parameters
        ----------
        protocol, tested : of the evaluation, and how many tracks it tested.
        validation : whether it trained on the validation tracks as well.
        """
        if protocol != self.protocol or tested != self.tested:
            theirs = "" if self.tested is None else f", {self.tested:,} tracks tested"
            return f"{self.split}{theirs}; here {protocol}, {tested:,} tracks tested"
        return "not trained on the validation tracks, as here" if validation else ""


@cache
def published() -> tuple[PublishedResult, ...]:
    """Every published result, in the order of the file."""
    text = (files("genreclf.datasets") / "published.csv").read_text(encoding="utf-8")
    rows = [row | {"tested": row["tested"] or None} for row in csv.DictReader(text.splitlines())]
    return tuple(msgspec.convert(rows, list[PublishedResult], strict=False))


def published_on(dataset: str) -> list[PublishedResult]:
    """The results on the data set of this name."""
    return [result for result in published() if result.dataset == dataset]
