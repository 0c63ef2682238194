"""Networks that were trained elsewhere: what each takes, gives and was trained on, and how it is run.

`NETWORKS` holds those known by name, with their cards; `run_network` runs an installed one in onnxruntime, without any
library that trains. How weights come onto this machine is `genreclf.weights`.
"""

from genreclf.networks.card import EMBEDDING, TAGS, Card, LogMel, read_card
from genreclf.networks.installed import (
    EXTRA,
    card_file,
    encoded,
    find_network,
    installed,
    onnx_file,
    own_networks,
    run_network,
    weights_folder,
)
from genreclf.networks.known import NETWORKS
from genreclf.networks.ledger import CORPORA, named_corpora

__all__ = [
    "CORPORA",
    "EMBEDDING",
    "EXTRA",
    "NETWORKS",
    "TAGS",
    "Card",
    "LogMel",
    "card_file",
    "encoded",
    "find_network",
    "installed",
    "named_corpora",
    "onnx_file",
    "own_networks",
    "read_card",
    "run_network",
    "weights_folder",
]
