"""The card of a network: what it takes, what it gives, what it was trained on, and under which licence.

A card of one's own is a TOML or JSON file beside the ONNX file, of the same name::

    name = "mynet"
    title = "A small convolutional network for tags"
    trained_on = ["fma"]             # names of `genreclf.networks.CORPORA`; what is not listed there is unknown
    training = "FMA-medium, the split of the authors"
    licence = "CC BY 4.0"
    source = "https://example.org/mynet"
    sample_rate = 16000

    [input]                          # a log-mel spectrogram; leave it out for a network that takes samples
    n_fft = 512
    hop_length = 256
    n_mels = 96
    frames = 187
    gain = 10000.0
    offset = 1.0
    base = 10.0

    [outputs]                        # by the names that they have in the ONNX file
    embedding = 200
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from genreclf.errors import RequestError, one_line

EMBEDDING, TAGS = "embedding", "tags"

_Name = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]*(:[a-z0-9_-]+)?$", max_length=60)]
_Family = Annotated[str, msgspec.Meta(pattern=r"^([a-z][a-z0-9_-]*)?$", max_length=60)]
_Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
_Text = Annotated[str, msgspec.Meta(max_length=10_000)]
_Hertz = Annotated[float, msgspec.Meta(ge=0, le=400_000)]


class LogMel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The log-mel spectrogram that a network takes: log(gain * mel + offset), in patches of frames.

    Parameters
    ----------
    n_fft : points of the transform, a power of two from 16 on.
    win_length : samples of the periodic Hann window; 0 is `n_fft`. A shorter one is followed by zeros.
    hop_length : samples from one frame to the next.
    n_mels : number of bands.
    fmin, fmax : in Hz; an `fmax` of 0 is half the sample rate.
    scale : ``slaney``, triangles in Hz of equal area as librosa's; or ``htk``, triangles in mel of equal height.
    power : 2 for the power spectrum, 1 for magnitudes.
    centred : whether frames are centred on their times, zeros lying around the track, or begin there.
    frames : of a patch. Patches do not overlap; what is left at the end is not used, and a shorter track is repeated.
    gain, offset, base : of the logarithm; a base of 0 is e.
    """

    n_fft: Annotated[int, msgspec.Meta(ge=16, le=65536)]
    hop_length: _Count
    n_mels: Annotated[int, msgspec.Meta(ge=1, le=1024)]
    frames: _Count
    win_length: Annotated[int, msgspec.Meta(ge=0, le=65536)] = 0
    fmin: _Hertz = 0.0
    fmax: _Hertz = 0.0
    scale: Literal["slaney", "htk"] = "slaney"
    power: Literal[1, 2] = 2
    centred: bool = True
    gain: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    offset: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    base: Annotated[float, msgspec.Meta(ge=0)] = 0.0

    def __post_init__(self) -> None:
        if self.n_fft & (self.n_fft - 1):
            raise ValueError(f"n_fft {self.n_fft} is no power of two")
        if self.win_length > self.n_fft:
            raise ValueError(f"win_length {self.win_length} is longer than n_fft {self.n_fft}")
        if self.scale == "slaney" and (self.fmin or self.fmax or self.power != 2):
            raise ValueError("the scale slaney reaches from 0 Hz to half the sample rate, of powers; htk takes others")


class Card(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is known of a network and its weights.

    Parameters
    ----------
    name : as it is fetched: ``musicnn:msd``.
    title : one line for people.
    trained_on : the corpora, names of `genreclf.networks.CORPORA` where they are listed there.
    training : what it was trained on, in words.
    licence : of the weights.
    source : where they come from, and what to cite.
    sample_rate : in Hz.
    input : the spectrogram that it takes, (patches, frames, bands); None for samples, (patches, samples).
    samples : of a patch, for a network that takes samples.
    outputs : what it gives, (patches, size): ``embedding``, and where it knows tags, their probabilities as ``tags``.
    tags : their names, in the order of the output.
    family : the feature family of its embeddings; by default the name up to the colon.
    digest : SHA-256 of its weights, and of a network of one's own also of what it takes, by which rows and models know
        it again; filled in when it is installed.
    """

    name: _Name
    title: _Text
    trained_on: tuple[_Text, ...]
    training: _Text
    licence: _Text
    source: _Text
    sample_rate: Annotated[int, msgspec.Meta(ge=1000, le=768_000)]
    outputs: dict[str, _Count]
    input: LogMel | None = None
    samples: Annotated[int, msgspec.Meta(ge=0, le=100_000_000)] = 0
    tags: tuple[_Text, ...] = ()
    family: _Family = ""
    digest: Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{64})?$")] = ""

    def __post_init__(self) -> None:
        if (self.input is None) == (self.samples == 0):
            raise ValueError("a network takes either a spectrogram, input, or samples; give one")
        if len(self.tags) != self.outputs.get(TAGS, 0) or len(set(self.tags)) < len(self.tags):
            raise ValueError(f"{len(self.tags)} different tags are needed for the output tags of {self.outputs}")
        if not self.outputs or set(self.outputs) - {EMBEDDING, TAGS}:
            raise ValueError(f"outputs {', '.join(self.outputs) or 'none'}; a network has embedding, tags or both")

    @property
    def prefix(self) -> str:
        """The feature family of its embeddings."""
        return self.family or self.name.partition(":")[0]

    @property
    def stem(self) -> str:
        """The name of its files, without a suffix."""
        return self.name.replace(":", "-")


def read_card(path: Path) -> Card:
    """Read a card from a TOML or JSON file.

    Raises
    ------
    RequestError : there is no such file, it is neither, or a field is missing, unknown or makes no sense.
    """
    try:
        data = path.read_bytes()
        if path.suffix.lower() == ".json":
            return msgspec.json.decode(data, type=Card)
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), Card)
    except OSError as error:
        raise RequestError(
            f"{path}: {error.strerror or error}; a network needs a card beside it, FILE.toml or FILE.json"
        ) from None
    except (ValueError, RecursionError, msgspec.MsgspecError) as error:
        reason = one_line(error).replace("`", "'")
        raise RequestError(f"{path}: not the card of a network: {reason}") from None
