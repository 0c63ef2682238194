"""Networks behind the features of a table, and whether they were trained on its tracks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from genreclf.errors import RequestError
from genreclf.features import FEATURE_SETS
from genreclf.networks import NETWORKS, own_networks
from genreclf.networks.ledger import Overlap, check_corpora, named_corpora, overlap

if TYPE_CHECKING:
    from genreclf.networks import Card
    from genreclf.tables.table import FeatureTable


def corpora_of(table: FeatureTable) -> list[str]:
    """The corpora that the tracks of a table are known to come from: as extraction noted, and by the table's name."""
    return list(dict.fromkeys([*table.meta.get("corpora", ()), *named_corpora([table.name])]))


def networks_of(table: FeatureTable) -> tuple[list[Card], list[str]]:
    """The networks behind the columns of a table, and the names of those that are not known here."""
    known = {**NETWORKS, **own_networks()}
    columns = tuple(table.features)
    used = [card for card in known.values() if _has(columns, card.prefix)]
    gone = [name for name in table.meta.get("weights", {}) if name not in known]
    return used, [name for name in gone if _has(columns, name.partition(":")[0])]


def _has(columns: Sequence[str], prefix: str) -> bool:
    return any(column.startswith((f"{prefix}_", f"{prefix}-tags_")) for column in columns)


def check_overlap(
    tables: Iterable[FeatureTable],
    *,
    features: Sequence[str] | None = None,
    series: str | None = None,
    corpus: str | Iterable[str] | None = None,
    allow_overlap: bool = False,
) -> tuple[dict[str, dict[str, str]], list[str]]:
    """What is known of the networks behind some tables, which are tested on, and a note for each.

    Parameters
    ----------
    features : the families or sets that are used; None for all.
    series : the kind of series that is used; None for none.
    corpus : where the tracks come from, names of `genreclf.networks.ledger.CORPORA`; None takes what is known.
    allow_overlap : test a network on what it was trained on all the same; the note then says so.

    Raises
    ------
    RequestError : a network was trained on the tracks, or there is no such corpus.
    """
    tables = [table if features is None else table.select(features, sets=FEATURE_SETS) for table in tables]
    given = None if corpus is None else check_corpora([corpus] if isinstance(corpus, str) else corpus)
    corpora = given or list(dict.fromkeys(name for table in tables for name in corpora_of(table)))
    known = {**NETWORKS, **own_networks()}.values()
    behind = [card for card in known if series in (card.prefix, f"{card.prefix}-tags")]
    used = {card.name: overlap(card, corpora) for card in behind}
    for table in tables:
        cards, gone = networks_of(table)
        used |= {card.name: overlap(card, corpora) for card in cards}
        used |= {name: Overlap(name, "unknown", f"what {name} was trained on is unknown here") for name in gone}
    for found in used.values():
        if found.status == "overlap" and not allow_overlap:
            raise RequestError(
                f"{found.reason}, so scores of its features would be too high; leave them out, or set "
                "`allow_overlap=True` to have the scores with this reason beside them"
            )
    notes = [
        found.reason + ("; scores of its features are too high" if found.status == "overlap" else "")
        for found in used.values()
    ]
    return {name: {"overlap": found.status, "reason": found.reason} for name, found in used.items()}, notes
