"""Fetching: archives are downloaded, checked, unpacked, and taken up where they stopped.

A download goes on where its ``.part`` file ends, if the server can; what arrives is checked against the published
checksum before it gets its name, and what fails the check is removed. Where none is published, only https serves, and
the SHA-256 of what arrived is told. The weights of networks are fetched in the same way, see `genreclf.weights`.
"""

from __future__ import annotations

import errno
import logging
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from genreclf.datasets.unpacking import unpack
from genreclf.errors import RequestError, one_line
from genreclf.files import set_aside, write_whole
from genreclf.progress import AUTOMATIC, SILENT, Progress

if TYPE_CHECKING:
    import urllib3

    from genreclf.datasets.dataset import Archive, Dataset

_CHUNK = 1 << 20
_ATTEMPTS = 5
_WAIT = 1.0
_TIMEOUT = 60.0
_SLOWEST = 1024  # bytes a second, over `_TIMEOUT` seconds


def fetch(dataset: Dataset, to: Path, *, subset: str | None = None, progress: Progress = AUTOMATIC) -> list[Path]:
    """Bring a data set into a folder.

    Parameters
    ----------
    to : the folder to fetch into; it is made. Archives stay there beside what they hold and may be removed.
    subset : which portion, one of the data set's portions; the first by default.

    Returns
    -------
    What stands in the folder now: one path for each archive. What is complete already is left as it is.

    Raises
    ------
    RequestError : no such portion, no answer from the server, a wrong checksum, no room on the disk, a damaged
        or unsafe archive, or another fetch into the same folder.
    """
    import filelock

    archives = dataset.portion(subset)
    try:
        to.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(to / ".fetch.lock", timeout=0):
            return [_bring(archive, to, progress) for archive in archives]
    except filelock.Timeout:
        raise RequestError(f"another fetch into {to} is under way; wait for it or choose another folder") from None
    except OSError as error:
        raise _cannot_keep(to, error) from error


def _bring(archive: Archive, to: Path, progress: Progress) -> Path:
    held = to / archive.holds
    done = (to / archive.name).with_name(f".{Path(archive.name).name}.done")
    if held.exists() and done.is_file() and done.read_text(encoding="utf-8").strip() == archive.identity:
        progress.message(f"{archive.name}: complete already in {held}")
        return held
    file = download(archive, to, progress=progress)
    if file != held:
        unpack(file, to, progress=progress)
        if archive.parts:  # which stay, as other archives do
            file.unlink()
        if not held.exists():
            raise RequestError(f"{file}: holds no {archive.holds}; report this, as the archive is the published one")
    write_whole(done, archive.identity + "\n")
    return held


def download(archive: Archive, to: Path, *, progress: Progress = SILENT) -> Path:
    """Download one archive and check it; the first of its addresses that answers is taken, and pieces are joined.

    Raises
    ------
    RequestError : no address answers, the checksum is wrong, or there is no room.
    """
    import pooch

    if archive.parts:
        return _join([download(part, to, progress=progress) for part in archive.parts], to / archive.name)
    reasons: list[str] = []
    place = to / archive.name
    place.parent.mkdir(parents=True, exist_ok=True)
    for url in archive.urls:
        resuming = ResumingDownloader(place, most_bytes=archive.most_bytes, progress=progress)
        if not archive.checksum:  # nothing would tell that the rest belongs to what is there
            resuming.part.unlink(missing_ok=True)
        try:
            with _quiet(pooch.get_logger()):
                pooch.retrieve(url, archive.checksum or None, fname=place.name, path=place.parent, downloader=resuming)
            if not archive.checksum:
                progress.message(f"{archive.name}: no checksum is published; sha256:{pooch.file_hash(str(place))}")
            return place
        except _NoAnswerError as error:
            reasons.append(str(error))
        except ValueError as error:
            if isinstance(error, RequestError):
                raise
            reasons.append(
                f"what arrived from {url} is not the published file ({archive.checksum}); "
                "it was removed, fetch it again"
            )
    raise RequestError(f"{archive.name} cannot be fetched: {'; '.join(reasons)}")


def _join(pieces: list[Path], place: Path) -> Path:
    joining = place.with_name(f".{place.name}.joining")
    with joining.open("wb") as whole:
        for piece in pieces:
            with piece.open("rb") as stream:
                shutil.copyfileobj(stream, whole, _CHUNK)
    joining.replace(place)
    return place


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Progress tells what is going on; pooch need not."""
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _NoAnswerError(Exception):
    """An address gave nothing, though others may."""


class _BrokenOffError(Exception):
    """The connection ended early; going on may help."""


@dataclass
class ResumingDownloader:
    """A downloader for pooch that keeps what arrived in a ``.part`` file and goes on from its end.

    Parameters
    ----------
    place : where the file is going to be. What grows is ``NAME.part`` beside it; what stands there is set aside.
    most_bytes : a file that is larger is not the one that is wanted.
    progress : told of every mebibyte.
    """

    place: Path
    most_bytes: int
    progress: Progress = SILENT

    @property
    def part(self) -> Path:
        """The file that grows; it is moved to where pooch wants the download once it is whole."""
        return self.place.with_name(f"{self.place.name}.part")

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:  # noqa: ANN401, ARG002 - pooch's protocol
        """Download `url` and move it to `output_file`."""
        failures = 0
        while True:
            before = self._size()
            try:
                self._go_on(url, before)
                break
            except _BrokenOffError as error:
                failures = 1 if self._size() - before >= _CHUNK else failures + 1
                if failures >= _ATTEMPTS:
                    raise _NoAnswerError(
                        f"{url}: {error} after {_ATTEMPTS} attempts; "
                        f"{self._size():,} bytes are kept, the same command goes on from there"
                    ) from None
                time.sleep(_WAIT * 2 ** (failures - 1))
        if self.place.exists():
            kept = set_aside(self.place)
            self.progress.message(f"{self.place}: not the published file; it is kept as {kept.name}")
        self.part.replace(output_file)

    def _size(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _go_on(self, url: str, start: int) -> None:
        import requests
        import urllib3

        # Bytes as they are stored: a range of a compressed answer would mean something else.
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        try:
            with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as answer:
                if answer.status_code == requests.codes.requested_range_not_satisfiable:
                    # There is nothing from here on: either all is here, or the part is of another file.
                    if answer.headers.get("Content-Range", "") == f"bytes */{start}":
                        return
                    self.part.unlink(missing_ok=True)
                    raise _BrokenOffError("what was kept does not fit the file on the server")
                _check_status(url, answer.status_code)
                start = _resumed_at(answer.status_code, answer.headers.get("Content-Range", ""), start)
                length = answer.headers.get("Content-Length", "")
                total = start + int(length) if length.isdigit() else 0
                self._check_size(url, total)
                self._receive(url, answer.raw, start, total)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _BrokenOffError(_reason(error)) from None
        if total and self._size() < total:
            raise _BrokenOffError(f"the server stopped at {self._size():,} of {total:,} bytes")

    def _receive(self, url: str, answer: urllib3.BaseHTTPResponse, start: int, total: int) -> None:
        room = shutil.disk_usage(self.part.parent).free
        if total - start > room:
            raise OSError(errno.ENOSPC, f"{total - start:,} bytes are to come and {room:,} are free")
        self.progress.begin(f"{self.place.name}, MiB", -(-total // _CHUNK))
        try:
            with self.part.open("r+b" if start else "wb") as stream:
                stream.seek(start)
                stream.truncate()
                self._copy(url, answer, stream)
        finally:
            self.progress.end()

    def _copy(self, url: str, answer: urllib3.BaseHTTPResponse, stream: BinaryIO) -> None:
        """Write what comes as it comes, as long as it comes fast enough and does not grow too large."""
        shown, size = 0, stream.tell()
        since, size_then = time.monotonic(), size
        while data := answer.read1(_CHUNK):
            size += stream.write(data)
            self._check_size(url, size)
            for _ in range(size // _CHUNK - shown):
                self.progress.advance()
            shown = size // _CHUNK
            passed = time.monotonic() - since
            if passed >= _TIMEOUT:
                if size - size_then < _SLOWEST * passed:
                    raise _BrokenOffError(f"the server sent {size - size_then:,} bytes in {passed:.0f} s")
                since, size_then = time.monotonic(), size

    def _check_size(self, url: str, size: int) -> None:
        """An answer without end must not fill the disk; what is too large is of no use."""
        if size > self.most_bytes:
            self.part.unlink(missing_ok=True)
            raise _NoAnswerError(f"{url}: more than the {self.most_bytes:,} bytes that {self.place.name} can have")


def _check_status(url: str, status: int) -> None:
    if status < 400:
        return
    if status in (408, 429) or status >= 500:
        raise _BrokenOffError(f"the server answers {status}")
    raise _NoAnswerError(f"{url}: the server answers {status}")


def _resumed_at(status: int, content_range: str, asked: int) -> int:
    """Where the answer starts: a server that cannot go on sends everything again."""
    if status != 206:
        return 0
    starts = re.match(r"bytes (\d+)-", content_range)
    if starts is None or int(starts[1]) != asked:
        raise _BrokenOffError(f"the server sent {content_range or 'no range'!r} where byte {asked:,} was asked for")
    return asked


def _reason(error: Exception) -> str:
    """The innermost reason of a failed request, in one line."""
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return one_line(error)


def _cannot_keep(to: Path, error: OSError) -> RequestError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return RequestError(
            f"no room in {to}: {error.strerror}; make room and run the same command, which goes on from there"
        )
    return RequestError(f"cannot write to {to}: {error.strerror or error}; choose another folder with --to")
