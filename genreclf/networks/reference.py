"""Networks run by ONNX's own plain definitions of the operators: the yardstick of `run_network`, and slow."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from genreclf.errors import RequestError
from genreclf.networks.installed import EXTRA, installed, onnx_file


def run_plainly(name: str, patches: np.ndarray) -> dict[str, np.ndarray]:
    """What a network gives for patches, see `genreclf.networks.run_network`.

    Raises
    ------
    RequestError : see `genreclf.networks.installed`; or onnx is not installed.
    """
    card = installed(name)
    evaluator = _evaluator(str(onnx_file(card)), card.digest)
    outputs, entry = list(card.outputs), evaluator.input_names[0]
    made = [evaluator.run(outputs, {entry: patch[None]}) for patch in patches]
    return {output: np.concatenate([row[k] for row in made]) for k, output in enumerate(outputs)}


@lru_cache(maxsize=1)
def _evaluator(path: str, digest: str) -> Any:  # noqa: ANN401, ARG001 - onnx has few types; as `run_network` does
    try:
        from onnx.reference import ReferenceEvaluator
    except ImportError:
        raise RequestError(f"comparing a network needs onnx: {EXTRA}") from None
    return ReferenceEvaluator(path)
