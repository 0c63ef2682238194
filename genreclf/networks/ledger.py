"""What networks were trained on, held against the music that they are tested on.

A network that was trained on the tracks of a test scores higher on them than on new ones. Corpora overlap where they
are the same or take their music from the same catalogue. What is not known to overlap is reported as unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from genreclf.errors import unknown

if TYPE_CHECKING:
    from genreclf.networks.card import Card

OWN = "own"


@dataclass(frozen=True)
class Corpus:
    """Music that networks are trained or tested on.

    Parameters
    ----------
    title : what it is.
    catalogue : where its music comes from; empty where that is no one place.
    aliases : what else it is called in the names of files and folders.
    """

    title: str
    catalogue: str = ""
    aliases: tuple[str, ...] = ()


CORPORA: Mapping[str, Corpus] = {
    "msd": Corpus("the Million Song Dataset", aliases=("millionsong", "million-song")),
    "magnatagatune": Corpus("MagnaTagATune", "Magnatune", aliases=("mtat", "mtt")),
    "magnatune": Corpus("Magnatune's catalogue", "Magnatune"),
    "emotify": Corpus("Emotify", "Magnatune"),
    "gtzan": Corpus("GTZAN"),
    "fma": Corpus("the FMA data set", "the Free Music Archive"),
    "mtg-jamendo": Corpus("MTG-Jamendo", "Jamendo", aliases=("jamendo",)),
    "audioset": Corpus("AudioSet", "YouTube"),
    "youtube-8m": Corpus("YouTube-8M", "YouTube", aliases=("youtube8m",)),
    OWN: Corpus("recordings of one's own that no network was trained on"),
}


@dataclass(frozen=True)
class Overlap:
    """Whether a network was trained on the tracks of a test.

    Parameters
    ----------
    network : its name.
    status : ``overlap``; ``none``, which only the user can know; or ``unknown``.
    reason : one sentence.
    """

    network: str
    status: Literal["overlap", "none", "unknown"]
    reason: str


def overlap(card: Card, corpora: Sequence[str]) -> Overlap:
    """Whether a network was trained on music of these corpora, names of `CORPORA`."""
    for corpus in card.trained_on:
        for tested in corpora:
            if reason := _shared(corpus, tested):
                return Overlap(card.name, "overlap", f"{card.name} was trained on {_title(corpus)}, {reason}")
    trained = f"{card.name} was trained on {card.training}"
    if corpora and set(corpora) == {OWN}:
        return Overlap(card.name, "none", f"{trained}; these tracks are stated to be none of them")
    where = ", ".join(map(_title, corpora)) or "unknown music"
    return Overlap(card.name, "unknown", f"{trained}; whether these tracks ({where}) were among them is unknown")


def _title(corpus: str) -> str:
    return CORPORA[corpus].title if corpus in CORPORA else corpus


def _shared(trained: str, tested: str) -> str:
    """Why two corpora overlap; empty where that is not known."""
    if trained == tested:
        return "which these tracks are from"
    known = CORPORA.get(trained), CORPORA.get(tested)
    if None in known or not known[0].catalogue or known[0].catalogue != known[1].catalogue:  # type: ignore[union-attr]
        return ""
    return f"whose music is from {known[0].catalogue}, as that of {_title(tested)} is"  # type: ignore[union-attr]


def named_corpora(texts: Iterable[str]) -> list[str]:
    """The corpora that names of files and folders tell: ``emotify200`` and ``gtzan-all.csv`` do."""
    whole = " ".join(texts).lower()

    def stands(name: str) -> bool:
        return re.search(rf"(?<![a-z]){re.escape(name)}(?![a-z])", whole) is not None

    return [name for name, corpus in CORPORA.items() if name != OWN and any(map(stands, (name, *corpus.aliases)))]


def check_corpora(names: Iterable[str]) -> list[str]:
    """The names, if they are of `CORPORA`.

    Raises
    ------
    RequestError : one is not.
    """
    found = list(names)
    for name in found:
        if name not in CORPORA:
            raise unknown("corpus", name, CORPORA)
    return found
