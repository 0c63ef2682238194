"""Servers that lie, drip, break off or never end, and archives that reach out of their folder.

What arrives is the published file, or there is a line that says why not; nothing larger than it may be is kept, and
nothing is written outside the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attacks.cases import check

from genreclf.datasets import fetch as fetching
from genreclf.datasets.dataset import Archive
from genreclf.datasets.unpacking import unpack
from genreclf.errors import RequestError

if TYPE_CHECKING:
    import numpy as np

CASES = 40
SECONDS = 60.0
_TIMEOUT = 0.3  # seconds without an answer; with retries and slow bytes, all is told within some tens of them


def missing() -> str:
    return ""


def prepare(folder: Path) -> None:
    """Short waits; and what every case imports is imported once."""
    import pooch
    import requests
    import urllib3

    fetching._WAIT, fetching._TIMEOUT = 0.0, _TIMEOUT  # noqa: SLF001 - the project's are for people's patience
    for module in (pooch, requests, urllib3):
        module.__name__  # noqa: B018


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers by what the server's `answer` does with it."""

    protocol_version = "HTTP/1.1"
    server: Any

    def do_GET(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.server.answer(self)

    def log_message(self, *args: Any) -> None:
        """Stay silent."""


def case(rng: np.random.Generator, place: Path, made: None, number: int) -> tuple[str, dict[str, float]]:
    return (_fetch if number % 2 else _unpack)(rng, place), {}


def _fetch(rng: np.random.Generator, place: Path) -> str:
    body = rng.bytes(int(10 ** rng.uniform(0, 6.3)))
    name, answer = _ANSWERS[int(rng.integers(len(_ANSWERS)))]
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.answer = answer(body, rng)  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    to = place / "to"
    to.mkdir()
    url = f"http://127.0.0.1:{server.server_port}/pack.bin"
    digest = hashlib.sha256(body).hexdigest()
    archive = Archive("pack.bin", (url,) * int(rng.integers(1, 3)), f"sha256:{digest}", f"{len(body)} B", "pack.bin")
    if rng.uniform() < 0.3:  # what an earlier run has left
        (to / "pack.bin.part").write_bytes(body[: len(body) // 2] if rng.uniform() < 0.5 else rng.bytes(len(body) // 2))
    largest = 0
    try:
        got = fetching.download(archive, to)
    except RequestError as refused:
        got = None
        check("\n" not in str(refused), "crash", f"{name}: {refused}")
    kept = [path for path in to.iterdir() if path.name != ".fetch.lock"]
    largest = max((path.stat().st_size for path in kept), default=0)
    check(largest <= archive.most_bytes + (1 << 20), "escape", f"{name}: {largest} bytes of at most {len(body)}")
    check(sorted(p.name for p in place.iterdir()) == ["to"], "escape", f"{name}: files outside the folder")
    if got is None:
        check(not (to / "pack.bin").exists(), "wrong value", f"{name}: refused, and the file is there")
        return "fetch: refused"
    check(got.read_bytes() == body, "wrong value", f"{name}: another file has arrived")
    return "fetch: arrived"


_Answer = Callable[[_Handler], None]


def _headed(handler: _Handler, status: int, **headers: Any) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), str(value))
    handler.end_headers()


def _honest(body: bytes, rng: np.random.Generator) -> _Answer:
    """Goes on where it is asked to, and breaks off now and then."""
    breaks = rng.uniform() < 0.7

    def answer(handler: _Handler) -> None:
        wanted = handler.headers.get("Range", "")
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted else 0
        if start >= len(body):
            _headed(handler, 416, Content_Range=f"bytes */{len(body)}", Content_Length=0)
            return
        piece = {"Content_Range": f"bytes {start}-{len(body) - 1}/{len(body)}"} if start else {}
        _headed(handler, 206 if start else 200, Content_Length=len(body) - start, **piece)
        handler.wfile.write(body[start:] if not breaks else body[start:][: max(1, len(body) // 3)])

    return answer


def _endless(body: bytes, rng: np.random.Generator) -> _Answer:
    def answer(handler: _Handler) -> None:
        _headed(handler, 200)
        while True:
            handler.wfile.write(body or b"x" * 1000)

    return answer


def _dripping(body: bytes, rng: np.random.Generator) -> _Answer:
    pause = float(rng.uniform(0.05, 0.5))

    def answer(handler: _Handler) -> None:
        _headed(handler, 200, Content_Length=len(body) + 100)
        for place in range(len(body) + 100):
            handler.wfile.write(body[place : place + 1] or b"x")
            time.sleep(pause)

    return answer


def _lying(body: bytes, rng: np.random.Generator) -> _Answer:
    """Lengths, ranges and encodings that are not those of what comes."""
    length = int(rng.choice([0, 1, len(body) // 2, len(body) + 1, 10**12]))
    headers: dict[str, Any] = {"Content_Length": rng.choice([str(length), "-1", "x", "9" * 30])}
    if rng.uniform() < 0.5:
        headers["Content_Range"] = f"bytes {int(rng.integers(len(body) + 1))}-{len(body)}/{len(body)}"
    if rng.uniform() < 0.3:
        headers["Content_Encoding"] = str(rng.choice(["gzip", "deflate", "br", "x"]))
    if rng.uniform() < 0.3:
        headers = {"Transfer_Encoding": "chunked"}
    status = int(rng.choice([200, 206, 416]))

    def answer(handler: _Handler) -> None:
        _headed(handler, status, **headers)
        handler.wfile.write(body)

    return answer


def _redirecting(body: bytes, rng: np.random.Generator) -> _Answer:
    away = ["/pack.bin", "/x", "file:///etc/passwd", "http://127.0.0.1:1/x", "//", "http://[", "ftp://127.0.0.1/x", ""]
    target = away[int(rng.integers(len(away)))]

    def answer(handler: _Handler) -> None:
        if handler.path == "/x":
            _headed(handler, 200, Content_Length=len(body))
            handler.wfile.write(body)
        else:
            _headed(handler, 302, Location=target, Content_Length=0)

    return answer


def _another(body: bytes, rng: np.random.Generator) -> _Answer:
    """The right length, and other bytes."""
    other = rng.bytes(len(body))

    def answer(handler: _Handler) -> None:
        _headed(handler, 200, Content_Length=len(other))
        handler.wfile.write(other)

    return answer


def _refusing(body: bytes, rng: np.random.Generator) -> _Answer:
    status = int(rng.choice([204, 301, 304, 403, 404, 408, 429, 500, 503, 599, 999]))
    return lambda handler: _headed(handler, status, Content_Length=0)


def _babbling(body: bytes, rng: np.random.Generator) -> _Answer:
    """No HTTP at all, or headers without end."""
    junk = [b"", b"\0" * 5000, b"HTTP/1.1 200\r\n" + b"X: y\r\n" * 5000, b"HTTP/9.9 -1 x\r\n\r\n", rng.bytes(3000)]
    sent = junk[int(rng.integers(len(junk)))]
    return lambda handler: handler.wfile.write(sent) and None


def _silent(body: bytes, rng: np.random.Generator) -> _Answer:
    return lambda _: time.sleep(5 * _TIMEOUT)


_ANSWERS: tuple[tuple[str, Callable[[bytes, np.random.Generator], _Answer]], ...] = tuple(
    (make.__name__.strip("_"), make)
    for make in (
        _honest,
        _honest,
        _endless,
        _dripping,
        _lying,
        _lying,
        _redirecting,
        _another,
        _refusing,
        _babbling,
        _silent,
    )
)

_NAMES = (
    "a",
    "b/c",
    "../out",
    "/tmp/genreclf-out",  # noqa: S108 - where nothing must come to be
    "a/../../out",
    "..",
    ".",
    "",
    "a\\..\\out",
    "C:\\out",
    "a\0b",
    "é",
    "a" * 300,
    "b",
)


def _unpack(rng: np.random.Generator, place: Path) -> str:
    """An archive of odd names, links and devices."""
    into = place / "into"
    into.mkdir()
    packed = place / str(rng.choice(["pack.zip", "pack.tar.gz"]))
    names = [_NAMES[i] for i in rng.integers(len(_NAMES), size=int(rng.integers(1, 4)))]
    buffer = io.BytesIO()
    if packed.suffix == ".zip":
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in dict.fromkeys(names):
                info = zipfile.ZipInfo("x")
                info.filename = name
                info.external_attr = int(rng.choice([0o100644, 0o120777, 0o020666])) << 16
                archive.writestr(info, rng.choice([b"x", b"../../out", bytes(1 << 22)]))
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            for name in names:
                member = tarfile.TarInfo(name)
                kinds = [
                    tarfile.REGTYPE,
                    tarfile.SYMTYPE,
                    tarfile.LNKTYPE,
                    tarfile.CHRTYPE,
                    tarfile.FIFOTYPE,
                    tarfile.DIRTYPE,
                ]
                member.type = kinds[int(rng.integers(len(kinds)))]
                member.linkname, member.size = "../../out", 1 if member.type == tarfile.REGTYPE else 0
                archive.addfile(member, io.BytesIO(b"x"))
    data = bytearray(buffer.getvalue())
    if rng.uniform() < 0.4:
        for spot in rng.integers(len(data), size=int(rng.integers(1, 6))):
            data[spot] = int(rng.integers(256))
    packed.write_bytes(data)
    try:
        unpack(packed, into)
        outcome = "unpack: done"
    except RequestError as refused:
        check("\n" not in str(refused), "crash", str(refused))
        outcome = "unpack: refused"
    except OSError as error:
        outcome = f"unpack: {type(error).__name__}"  # of the disk, which fetch tells in a line
    outside = sorted({path.name for path in place.iterdir()} - {"into", packed.name})
    check(not outside and not Path("/tmp/genreclf-out").exists(), "escape", f"{names}: {outside}")  # noqa: S108
    check(not any(path.is_symlink() for path in into.rglob("*")), "escape", f"{names}: a link")
    return outcome
