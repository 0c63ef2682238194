"""What is known of a data set: where it comes from, how to cite it, which archives hold it, how to read it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genreclf.errors import RequestError, unknown
from genreclf.references import bibtex

if TYPE_CHECKING:
    from genreclf.datasets.manifest import Manifest
    from genreclf.tables.table import FeatureTable

_UNITS = ("B", "KiB", "MiB", "GiB")
_SIZE = re.compile(rf"\d+(\.\d+)? ({'|'.join(_UNITS)})")


@dataclass(frozen=True)
class Archive:
    """One file to fetch.

    Parameters
    ----------
    name : file name on disk.
    urls : where it lies; the first that answers is taken.
    checksum : ``sha1:...`` or ``sha256:...`` of the file; what cannot be checked is not fetched.
    size : how large it is, as ``7.2 GiB`` or ``10 KiB``; a download that grows beyond it is given up.
    holds : what stands in the folder once it is fetched and unpacked.
    subsets : the subsets that need it; empty where all do.
    """

    name: str
    urls: tuple[str, ...]
    checksum: str
    size: str
    holds: str
    subsets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _SIZE.fullmatch(self.size):
            raise RequestError(f"{self.name}: a size of {self.size!r}; write it as 7.2 GiB, 342 MiB, 10 KiB or 512 B")

    @property
    def most_bytes(self) -> int:
        """No download of this archive is larger: its rounded size, and a twentieth more."""
        number, unit = self.size.split()
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
        for archive in self.archives:
            lines.append(f"archive   {archive.name}, {archive.size}, {archive.checksum}")
            lines += [f"          {url}" for url in archive.urls]
        return "\n".join(lines + [f"by hand   {hint}" for hint in self.by_hand])

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
                {"name": a.name, "urls": list(a.urls), "size": a.size, "checksum": a.checksum, "holds": a.holds}
                for a in self.archives
            ],
            "by_hand": list(self.by_hand),
        }
