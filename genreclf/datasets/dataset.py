"""What is known of a data set: where it comes from, how to cite it, which archives hold it, how to read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from genreclf.datasets.published import published_on
from genreclf.errors import RequestError, unknown
from genreclf.references import bibtex

if TYPE_CHECKING:
    from genreclf.datasets.manifest import Manifest
    from genreclf.tables.table import FeatureTable

_UNITS = ("B", "KiB", "MiB", "GiB")
_SHOWN = 8  # archives that `Dataset.text` lists one by one
_SAFE = re.compile(r"https://|http://127\.0\.0\.1[:/]")
_SIZE = re.compile(rf"(at most )?\d+(\.\d+)? ({'|'.join(_UNITS)})")


@dataclass(frozen=True)
class Archive:
    """One file to fetch.

    Parameters
    ----------
    name : file name on disk, which may begin with folders.
    urls : where it lies; the first that answers is taken.
    checksum : ``sha256:...``, ``sha1:...`` or ``md5:...`` of the file; empty where none is published, and then it is
        fetched over https alone.
    size : how large it is, as ``7.2 GiB`` or ``at most 10 KiB``; a download that grows beyond it is given up.
    holds : what stands in the folder once it is fetched and unpacked.
    subsets : the subsets that need it; empty where all do.
    parts : the pieces in which it is published, to be joined in this order; it has no address of its own then.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str
    size: str
    holds: str
    subsets: tuple[str, ...] = ()
    parts: tuple[Archive, ...] = ()

    def __post_init__(self) -> None:
        open_to_all = next((url for url in self.urls if not self.checksum and not _SAFE.match(url)), None)
        if open_to_all:
            raise RequestError(f"{self.name}: no checksum and {open_to_all}; without one, only https is safe")
        if not _SIZE.fullmatch(self.size):
            raise RequestError(f"{self.name}: a size of {self.size!r}; write it as 7.2 GiB, 342 MiB, 10 KiB or 512 B")

    @property
    def identity(self) -> str:
        """The checksums that tell this archive from a later one of its name."""
        return " ".join(piece.checksum or "unknown" for piece in self.parts or (self,))

    @property
    def most_bytes(self) -> int:
        """No download of this archive is larger: its rounded size, and a twentieth more."""
        number, unit = self.size.split()[-2:]
        return int((float(number) + 1) * 1.05 * 1024 ** _UNITS.index(unit))


@dataclass(frozen=True)
class Dataset:
    """A data set that can be fetched and read by name.

    Parameters
    ----------
    name : as in ``name:FOLDER``.
    subsets : what may be asked for when reading, smallest first.
    portions : what may be asked for when fetching; the first is the default.
    by_hand : what is worth having and cannot be fetched, and how to get it.
    manifest : lists the tracks below a folder: ``manifest(folder, subset=None)``.
    features : reads published features: ``features(folder, subset=None, families=None)``; None where there are none.
    references : keys of what to cite, see `genreclf.references`.
    labels : what `features` takes as ``label`` besides the genre, such as ``subgenre``, with its parents.
    errata : faults that are known, and what is done about them.
    genres : by which a table of its tracks is recognised, since it may be called anything; empty where it cannot be.
    """

    name: str
    title: str
    home: str
    licence: str
    citation: str
    archives: tuple[Archive, ...]
    subsets: tuple[str, ...]
    portions: tuple[str, ...]
    by_hand: tuple[str, ...]
    manifest: Callable[..., Manifest]
    features: Callable[..., FeatureTable] | None = None
    labels: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    errata: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()

    def portion(self, asked: str | None) -> tuple[Archive, ...]:
        """The archives that a portion needs.

        Raises
        ------
        RequestError : there is no such portion.
        """
        wanted = self.portions[0] if asked is None else asked
        if wanted not in self.portions:
            raise unknown(f"subset of {self.name}", wanted, self.portions)
        return tuple(a for a in self.archives if not a.subsets or wanted in a.subsets)

    def bibtex(self) -> str:
        """What to cite, as BibTeX.

        Raises
        ------
        RequestError : the data set names no references.
        """
        if not self.references:
            raise RequestError(f"{self.name} has no BibTeX; cite it as: {self.citation}")
        return bibtex(self.references)

    def text(self) -> str:
        """Everything that is known, for people."""
        lines = [
            f"{self.name}: {self.title}",
            f"home      {self.home}",
            f"licence   {self.licence}",
            f"cite      {self.citation}",
            f"subsets   {', '.join(self.subsets)}",
            f"fetch     genreclf datasets fetch {self.name} --to DIR --subset {'|'.join(self.portions)}",
        ]
        pieces = [piece for archive in self.archives for piece in archive.parts or (archive,)]
        for archive in pieces if len(pieces) <= _SHOWN else pieces[:1]:
            lines.append(f"archive   {archive.name}, {archive.size}, {archive.checksum or 'checksum unknown'}")
            lines += [f"          {url}" for url in archive.urls]
        if len(pieces) > _SHOWN:
            lines.append(f"          and {len(pieces) - 1} more; --json lists them")
        lines += [f"by hand   {hint}" for hint in self.by_hand]
        lines += [f"errata    {fault}" for fault in self.errata]
        return "\n".join(lines + [f"published {found.text()}" for found in published_on(self.name)])

    def describe(self) -> dict[str, object]:
        """Everything that is known, as plain values for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "home": self.home,
            "licence": self.licence,
            "citation": self.citation,
            "references": list(self.references),
            "subsets": list(self.subsets),
            "fetch": list(self.portions),
            "published_features": self.features is not None,
            "archives": [
                {
                    "name": piece.name,
                    "urls": list(piece.urls),
                    "size": piece.size,
                    "checksum": piece.checksum or None,
                    "holds": archive.holds,
                }
                for archive in self.archives
                for piece in archive.parts or (archive,)
            ],
            "by_hand": list(self.by_hand),
            "errata": list(self.errata),
            "published": [asdict(found) for found in published_on(self.name)],
        }
