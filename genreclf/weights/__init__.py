r"""Weights: how networks come onto this machine.

`SOURCES` says where the weights of each network of `genreclf.networks.NETWORKS` are published and how they are read.
They are fetched with pinned digests, taken up where a download stopped, converted to ONNX without the library that they
were trained with, and kept in `genreclf.networks.weights_folder`. A network of one's own is added with its card.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec
import numpy as np

from genreclf.datasets.dataset import Archive
from genreclf.errors import RequestError, one_line
from genreclf.files import cannot_write, whole_file, write_whole
from genreclf.networks import (
    NETWORKS,
    Card,
    card_file,
    encoded,
    find_network,
    onnx_file,
    own_networks,
    read_card,
    weights_folder,
)
from genreclf.progress import AUTOMATIC, Progress
from genreclf.weights.checkpoint import read_version_1, read_version_2
from genreclf.weights.graph import Variables, musicnn, vggish

__all__ = ["SOURCES", "Installed", "Source", "add", "convert", "fetch", "list_networks", "remove"]

_PYPI = "https://files.pythonhosted.org/packages"
_AUDIOSET = "https://storage.googleapis.com/audioset"
_WHEEL = Archive(
    name="musicnn-0.1.0-py3-none-any.whl",
    urls=(
        f"{_PYPI}/1b/6f/38229e7d99c438e11114bbfa39c8c39185458c398011d0b6d7d7c7401617/musicnn-0.1.0-py3-none-any.whl",
    ),
    checksum="sha256:f38a4890c648c1ddbb141c5d96d2b0a8cfcd36746002d896989f7b88beb65cfa",
    size="28 MiB",
    holds="musicnn-0.1.0-py3-none-any.whl",
)
_CHECKPOINT = Archive(
    name="vggish_model.ckpt",
    urls=(f"{_AUDIOSET}/vggish_model.ckpt",),
    checksum="sha256:0962b1914e3e053922d957c45bc84a78c985765641dc6bceeeb3a7d8dfecfdf6",
    size="276 MiB",
    holds="vggish_model.ckpt",
)
_WHITENING = Archive(
    name="vggish_pca_params.npz",
    urls=(f"{_AUDIOSET}/vggish_pca_params.npz",),
    checksum="sha256:4d878af3e306defbfb37095365aa7e5a6cecb86bad13e859e626151c4e6a8b9d",
    size="72 KiB",
    holds="vggish_pca_params.npz",
)


@dataclass(frozen=True)
class Source:
    """Where weights are published, and how they are read.

    Parameters
    ----------
    archives : what is fetched.
    read : the variables in the fetched files, in the order of `archives`.
    graph : the network as ONNX, from its card and its variables.
    """

    archives: tuple[Archive, ...]
    read: Callable[[Sequence[Path]], Mapping[str, np.ndarray]]
    graph: Callable[[Card, Variables], bytes]


@dataclass(frozen=True)
class Installed:
    """A network, whether it is on this machine, and the bytes that it takes there."""

    card: Card
    bytes: int

    def as_json(self) -> dict[str, object]:
        """Everything that is known, as plain values."""
        return {"installed": self.bytes > 0, "bytes": self.bytes, **msgspec.to_builtins(self.card)}


def _read_musicnn(files: Sequence[Path], *, folder: str) -> Mapping[str, np.ndarray]:
    with zipfile.ZipFile(files[0]) as wheel:
        return read_version_2(wheel.read(f"{folder}/.index"), wheel.read(f"{folder}/.data-00000-of-00001"))


def _read_vggish(files: Sequence[Path]) -> Mapping[str, np.ndarray]:
    checkpoint, whitening = files
    with np.load(io.BytesIO(whitening.read_bytes())) as arrays:
        return read_version_1(checkpoint.read_bytes()) | {name: arrays[name] for name in arrays.files}


SOURCES: dict[str, Source] = {
    "musicnn:msd": Source((_WHEEL,), partial(_read_musicnn, folder="musicnn/MSD_musicnn"), musicnn),
    "musicnn:mtt": Source((_WHEEL,), partial(_read_musicnn, folder="musicnn/MTT_musicnn"), musicnn),
    "vggish:audioset": Source((_CHECKPOINT, _WHITENING), _read_vggish, vggish),
}


def list_networks() -> list[Installed]:
    """The networks that are known by name, and those that were added."""
    cards = {**NETWORKS, **own_networks()}
    return [Installed(card, _size(card)) for card in cards.values()]


def _size(card: Card) -> int:
    places = [onnx_file(card), card_file(card)]
    return sum(place.stat().st_size for place in places) if all(place.is_file() for place in places) else 0


def fetch(name: str, *, progress: Progress = AUTOMATIC) -> Path:
    """Download, check and convert the weights of a network; what is there already is not fetched again.

    Returns
    -------
    The ONNX file. What was downloaded for it is removed.

    Raises
    ------
    RequestError : there is no such network, no answer from the server, a wrong checksum, no room, onnx is not
        installed, or another fetch is under way.
    """
    import filelock

    from genreclf.datasets.fetch import download

    card, source = _published(name)
    if _size(card):
        progress.message(f"{name}: there already, {onnx_file(card)}")
        return onnx_file(card)
    _check_onnx()
    folder = weights_folder() / "downloads"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".fetch.lock", timeout=0):
            files = [download(archive, folder, progress=progress) for archive in source.archives]
            made = _converted(card, source, files)
            for file in files:
                file.unlink()
            return made
    except filelock.Timeout:
        raise RequestError(f"another fetch into {folder} is under way; wait for it") from None
    except OSError as error:
        raise cannot_write(folder, error) from error


def convert(name: str, files: Sequence[Path | str]) -> Path:
    """Convert weights that were downloaded by other means, in the order in which they are listed.

    Raises
    ------
    RequestError : there is no such network, or the files are not the published ones.
    """
    import pooch

    card, source = _published(name)
    paths = [Path(file) for file in files]
    if len(paths) != len(source.archives):
        needed = " ".join(archive.name for archive in source.archives)
        raise RequestError(f"{name} is made of {needed}; name {len(source.archives)} files, in this order")
    for path, archive in zip(paths, source.archives, strict=True):
        kind, _, digest = archive.checksum.partition(":")
        try:
            if pooch.file_hash(str(path), alg=kind) != digest:
                raise RequestError(f"{path}: not the published {archive.name} ({archive.checksum})")
        except OSError as error:
            raise RequestError(f"{path}: {error.strerror or error}; it should be {archive.name}") from None
    return _converted(card, source, paths)


def _published(name: str) -> tuple[Card, Source]:
    card = find_network(name)
    if name not in SOURCES:
        raise RequestError(f"{name} is a network of your own; add it again with: genreclf weights add FILE.onnx")
    return card, SOURCES[name]


def _check_onnx() -> None:
    """Raise before a long download what would be raised after it."""
    from genreclf.weights.graph import Graph

    Graph("empty", ()).constant([0])


def _converted(card: Card, source: Source, files: Sequence[Path]) -> Path:
    try:
        variables = Variables(source.read(files))
        network = source.graph(card, variables)
    except (ValueError, KeyError, IndexError, zipfile.BadZipFile) as error:
        raise RequestError(f"{files[0]}: cannot be converted: {one_line(error)}") from None
    _install(msgspec.structs.replace(card, digest=variables.digest), network)
    return onnx_file(card)


def _install(card: Card, network: bytes | Path) -> None:
    """Write the network, then its card: what has a card is whole."""
    if isinstance(network, bytes):
        write_whole(onnx_file(card), network)
    else:
        with network.open("rb") as source, whole_file(onnx_file(card)) as target:
            shutil.copyfileobj(source, target, 1 << 20)
    write_whole(card_file(card), encoded(card))


def add(path: Path | str, card: Path | str | None = None) -> Card:
    """Install a network of one's own, an ONNX file with its card; it is run once on silence to see that they agree.

    Parameters
    ----------
    card : TOML or JSON, see `genreclf.networks.card`; by default the file of the same name beside it.

    Raises
    ------
    RequestError : a file is missing or makes no sense, another network has the name, or they do not agree.
    """
    from genreclf.networks import run_network

    path = Path(path)
    place = Path(card) if card else next(filter(Path.is_file, _cards(path)), path.with_suffix(".toml"))
    described = read_card(place)
    taken = {known.prefix: known.name for known in NETWORKS.values()} | {name: name for name in NETWORKS}
    if owner := taken.get(described.name, taken.get(described.prefix)):
        raise RequestError(f"{place}: the name {described.name!r} is taken by {owner}; choose another")
    try:
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256")
    except OSError as error:
        raise RequestError(f"{path}: {error.strerror or error}") from None
    # The same network gives other numbers for another spectrogram.
    content.update(msgspec.json.encode([described.sample_rate, described.input, described.samples, described.outputs]))
    digest = content.hexdigest()
    before = own_networks().get(described.name)
    if before is not None and before.digest != digest:
        raise RequestError(
            f"there is another network {described.name}, and rows and models were made with it; give this one another "
            f"name, or remove that one with: genreclf weights remove {described.name}"
        )
    described = msgspec.structs.replace(described, digest=digest)
    _install(described, path)
    shape = (described.samples,) if described.input is None else (described.input.frames, described.input.n_mels)
    try:
        made = run_network(described.name, np.zeros((1, *shape), dtype=np.float32))
        if not all(np.isfinite(values).all() for values in made.values()):
            raise RequestError(f"{path}: gives numbers that are not finite, for silence")
    except RequestError:
        if before is None:
            remove(described.name)
        raise
    return described


def _cards(path: Path) -> tuple[Path, Path]:
    return path.with_suffix(".toml"), path.with_suffix(".json")


def remove(name: str) -> list[Path]:
    """Remove the weights of a network from this machine; what was removed.

    Raises
    ------
    RequestError : there is no such network.
    """
    card = find_network(name)
    there = [place for place in (card_file(card), onnx_file(card)) if place.exists()]
    for place in there:
        place.unlink()
    return there
