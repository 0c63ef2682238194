"""Networks on this machine: an ONNX file and a card each, in the user's cache folder or in ``GENRECLF_WEIGHTS``.

What is known by name need not be here; `installed` gives the card of what is, and says how to get the rest.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from genreclf.errors import RequestError, one_line, unknown
from genreclf.files import user_cache
from genreclf.networks.card import Card, read_card
from genreclf.networks.known import NETWORKS

if TYPE_CHECKING:
    import numpy as np

EXTRA = 'pip install "genreclf[embeddings]"'
_VARIABLE = "GENRECLF_WEIGHTS"


def weights_folder() -> Path:
    """Where weights are kept."""
    named = os.environ.get(_VARIABLE)
    return Path(named) if named else user_cache("weights")


def onnx_file(card: Card) -> Path:
    """The network itself."""
    return weights_folder() / f"{card.stem}.onnx"


def card_file(card: Card) -> Path:
    """The card beside it."""
    return weights_folder() / f"{card.stem}.json"


def own_networks() -> dict[str, Card]:
    """The cards of installed networks that genreclf does not know by itself; damaged ones are passed over."""
    found = {}
    try:
        places = sorted(weights_folder().glob("*.json"))
    except OSError:
        return {}
    for place in places:
        try:
            card = read_card(place)
        except RequestError:
            continue
        if card.name not in NETWORKS and card.stem == place.stem:
            found[card.name] = card
    return found


def find_network(name: str) -> Card:
    """The card of a network that is known or installed.

    Raises
    ------
    RequestError : there is none of that name.
    """
    known = NETWORKS.get(name) or own_networks().get(name)
    if known is None:
        raise unknown("network", name, [*NETWORKS, *own_networks()])
    return known


def installed(name: str) -> Card:
    """The card of a network that is ready to run, with the digest of its weights.

    Raises
    ------
    RequestError : it is not known or not installed, or onnxruntime is not; the line says what to do.
    """
    card = find_network(name)
    if not (onnx_file(card).is_file() and card_file(card).is_file()):
        raise RequestError(f"the weights {name} are not on this machine: genreclf weights fetch {name}")
    try:
        import onnxruntime  # noqa: F401
    except ImportError:
        raise RequestError(f"the network {name} needs onnxruntime: {EXTRA}") from None
    there = read_card(card_file(card))
    if (there.name, there.outputs, there.input) != (card.name, card.outputs, card.input):
        raise RequestError(
            f"{card_file(card)}: of another version; genreclf weights remove {name}, then fetch it again"
        )
    return there


def run_network(name: str, patches: np.ndarray) -> dict[str, np.ndarray]:
    """What a network gives for patches, in one thread.

    Parameters
    ----------
    patches : (patches, ...) float32, of the shape that its card says.

    Returns
    -------
    By the names of its outputs, (patches, size) float32.

    Raises
    ------
    RequestError : see `installed`; or it gives something else than its card says.
    """
    import numpy as np

    card = installed(name)
    session = _session(str(onnx_file(card)), card.digest)
    outputs, entry = list(card.outputs), session.get_inputs()[0].name
    try:
        # One by one: what lies between the layers stays in a cache, and memory does not grow with the track.
        made = [session.run(outputs, {entry: patch[None]}) for patch in patches]
    except Exception as error:  # noqa: BLE001 - onnxruntime has exceptions of its own, of many kinds
        raise RequestError(f"the network {name} cannot run: {one_line(error)}") from None
    found = {output: np.concatenate([row[k] for row in made]) for k, output in enumerate(outputs)}
    for output, size in card.outputs.items():
        if found[output].shape != (len(patches), size):
            raise RequestError(f"the network {name} gives {output} of shape {found[output].shape[1:]}, not ({size},)")
    return found


@lru_cache(maxsize=4)
def _session(path: str, digest: str) -> Any:  # noqa: ANN401, ARG001 - other weights at the same path are another network
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - as above
        raise RequestError(f"{path}: not a network that can be run: {one_line(error)}") from None


def encoded(card: Card) -> bytes:
    """A card as it is stored."""
    return msgspec.json.format(msgspec.json.encode(card, order="sorted"), indent=2) + b"\n"
