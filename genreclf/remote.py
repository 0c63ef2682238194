"""Files that lie elsewhere: in object stores, on web servers, in archives, by their URLs.

``s3://bucket/a.mp3``, ``gs://``, ``az://``, ``https://``, ``memory://``, and members of archives as
``zip://rock/a.mp3::s3://bucket/music.zip``, all through fsspec. A file is fetched whole to a temporary copy, which is
then read as any file: decoders seek as they like, and clips are small. What may pass is tried again, after waits that
double and vary; what came is held against the length that the store states. A body of a web server that was cut is
gone on with from where it stopped, where its ETag says that it is still the same.

URLs may hold credentials. `Url.address` alone has them; whatever shows, keeps or compares a `Url` gets `redacted`.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from genreclf.errors import RequestError, TrackError

SCHEMES = ("s3", "gs", "az", "abfs", "http", "https", "memory", "zip", "tar")
_ATTEMPTS = 4
_FIRST_WAIT = 0.5  # seconds, doubled for each further attempt, and a random half more or less
_CONNECT_SECONDS, _SILENT_SECONDS = 10, 20
_MOST_BYTES = 4 << 30
ANY_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_COLLAPSED = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+:)/+")  # as `Path` writes a URL
_ARCHIVES = ("zip", "tar")
_AZURE = ("az", "abfs")
_PATIENT = "gs"  # whose library tries again by itself, for half a minute
_WEB = ("http", "https")
_SECRET = re.compile(
    r"x-(amz|goog|oss|ms|cos|obs)-|sig|token|secret|pass|pwd|auth|cred|access|jwt|^(code|key|apikey|api[-_]key)$",
    re.IGNORECASE,
)
_SIGNED = re.compile(r"^(expires|policy|key-pair-id|s[epvrtk]|spr|sk[a-z]{1,3}|ss|srt|sdd)$", re.IGNORECASE)
# What tells one state of a file from another, the surest first, by the names that stores give it.
_VALIDATORS = (
    "ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "CRC", "crc32c", "generation", "LastModified",
    "last_modified", "Last-Modified", "updated", "mtime", "created",
)  # fmt: skip
# By the names of the errors of libraries that need not be installed.
_REFUSALS = {
    "NoCredentialsError": ("no-permission", "no credentials for this store were found"),
    "BadZipFile": ("unreadable", "the archive cannot be read"),
    "ReadError": ("unreadable", "the archive cannot be read"),
    "InvalidURL": ("missing", "no file can have this URL"),
    "InvalidUrlClientError": ("missing", "no file can have this URL"),
    "ParamValidationError": ("missing", "no file can have this URL"),
}
_UNSHOWN = logging.NullHandler()
_Value = TypeVar("_Value")
Validator = tuple[int, int]
"""Size in bytes, and a number of the file's ETag, or of what else the store tells one state from another by."""


def is_url(source: object) -> bool:
    """Whether a source is the URL of something elsewhere; ``file://`` and paths are not."""
    return isinstance(source, str) and bool(ANY_URL.match(source)) and not source.lower().startswith("file:")


def redacted(address: str) -> str:
    """A URL without what may be a credential: user and password, tokens and signatures."""
    return "::".join(map(_redacted, address.split("::")))


def _redacted(part: str) -> str:
    scheme, slashes, rest = part.partition("://")
    if not slashes or scheme.lower() in (*_ARCHIVES, "memory"):
        return part
    place, mark, query = rest.partition("?")
    host, slash, path = place.partition("/")
    host = host.rpartition("@")[2]
    if re.search(r":(?!\d*$)", re.sub(r"\[.*\]", "", host)):  # a password with a slash in it ends the host too soon
        host, path = host.partition(":")[0], path.rpartition("@")[2]
    pairs = [(pair, unquote(pair.partition("=")[0])) for pair in query.partition("#")[0].split("&")]
    if any(_SECRET.search(name) for _, name in pairs):
        pairs = [(pair, name) for pair, name in pairs if not _SECRET.search(name) and not _SIGNED.match(name)]
    query = "&".join(pair for pair, _ in pairs)
    return f"{scheme}://{host}{slash}{path}{mark if query else ''}{query}"


@dataclass(frozen=True, repr=False)
class Url(os.PathLike[str]):
    """Where a file lies that is not of this disk.

    Parameters
    ----------
    address : the whole URL, with what credentials it holds.
    validator : what a listing tells of the file's state.
    """

    address: str
    validator: Validator | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for number, part in enumerate(self.address.split("::")):
            scheme, slashes, place = part.partition("://")
            local = number > 0 and (not slashes or scheme.lower() == "file")
            if scheme.lower() not in SCHEMES and not local:
                known = ", ".join(f"{name}://" for name in SCHEMES)
                raise RequestError(f"{self}: {scheme}:// is not read; choose from {known}")
            if not (local or scheme.lower() in (*_ARCHIVES, "memory") or place.strip("/")):
                raise RequestError(f"{self}: a URL without a host or a bucket")

    def __str__(self) -> str:
        return redacted(self.address)

    def __repr__(self) -> str:
        return f"Url({str(self)!r})"

    def __fspath__(self) -> str:
        return str(self)

    @property
    def schemes(self) -> set[str]:
        """That of the file, and of an archive that it is a member of."""
        return {part.partition("://")[0].lower() for part in self.address.split("::")}

    @property
    def path(self) -> str:
        """The path below the host or the bucket, or within the archive."""
        scheme, _, place = self.address.split("::")[0].partition("://")
        if scheme.lower() in _WEB:
            place = unquote(place.partition("?")[0].partition("#")[0])
        return place if scheme.lower() in _ARCHIVES else place.partition("/")[2]

    @property
    def name(self) -> str:
        """The last part of the path."""
        return PurePosixPath(self.path).name

    @property
    def suffix(self) -> str:
        """The ending of the name, as `Path.suffix`."""
        return PurePosixPath(self.name).suffix

    def beside(self, place: str) -> Url:
        """What a path stands for that is relative to this file's folder.

        Parameters
        ----------
        place : a path with slashes; one that begins with a slash, or leads up and out, begins at the host, the bucket
            or the archive.
        """
        first, *rest = self.address.split("::")
        scheme, _, where = first.partition("://")
        root, slash, path = ("", "", where) if scheme.lower() in _ARCHIVES else where.partition("/")
        if scheme.lower() in _WEB:
            path, place = path.partition("?")[0].partition("#")[0], quote(place)
        parts: list[str] = []
        for part in place[1:].split("/") if place.startswith("/") else [*path.split("/")[:-1], *place.split("/")]:
            if part == "..":
                del parts[-1:]
            elif part != ".":
                parts.append(part)
        return Url("::".join([f"{scheme}://{root}{slash}{'/'.join(parts)}", *rest]))


def as_location(source: str | os.PathLike[str]) -> Path | Url:
    """A path, or a URL where a text is one."""
    if isinstance(source, Url):
        return source
    return Url(source) if isinstance(source, str) and is_url(source) else Path(source)


def check_local(path: str | os.PathLike[str]) -> None:
    """Refuse a URL where only a file of this disk can be.

    Raises
    ------
    RequestError : it is one, or was one before `Path` took a slash from it.
    """
    url, collapsed = _COLLAPSED.subn(r"\1//", os.fspath(path), count=1)
    if collapsed:
        raise RequestError(f"{redacted(url)}: a URL; name a file on this disk, such as a copy")


@contextmanager
def at_hand(source: Path | Url) -> Iterator[tuple[Path, Validator | None]]:
    """The path of a file, of a URL that of a copy while the context lasts, and its state as the store tells it.

    Raises
    ------
    TrackError : the file cannot be fetched; the code is ``missing``, ``no-permission``, ``needs-extra``,
        ``unreadable`` (of an archive) or ``unreachable``, which may pass.
    """
    if not isinstance(source, Url):
        yield source, None
        return
    with TemporaryDirectory(prefix="genreclf-") as folder:
        suffix = source.suffix
        copy = _Copy(Path(folder, f"sound{suffix if suffix.isascii() else ''}"))
        validator = _again(source, lambda: _fetch(source, copy))
        yield copy.path, validator


def look_up(url: Url) -> Validator | None:
    """The state of a file as the store tells it, without reading it; None where it tells nothing.

    Raises
    ------
    TrackError : as `at_hand`.
    """
    if url.validator is not None:
        return url.validator

    def look() -> Validator | None:
        system, name = _system(url)
        return _validator(system.info(name))

    return _again(url, look)


def list_below(url: Url) -> list[tuple[str, Url]]:
    """The files below a folder: their paths within it, and their URLs.

    Raises
    ------
    TrackError : as `at_hand`.
    """

    def look() -> list[tuple[str, Url]]:
        system, root = _system(url)
        system.invalidate_cache()
        found: Mapping[str, Mapping[str, Any]] = system.find(root, detail=True)
        scheme, *rest = url.address.split("::")
        root = root.rstrip("/")
        files = []
        for name, info in sorted(found.items()):
            inside = name.removeprefix(root).lstrip("/")
            address = str(name) if is_url(name) else f"{scheme.partition('://')[0]}://{name.lstrip('/')}"
            files.append((inside, Url("::".join([address, *rest]), _validator(info))))
        return files

    return _again(url, look)


@dataclass
class _Copy:
    """A copy that is being fetched; `etag` is that of a body of which it holds the beginning, empty where of none."""

    path: Path
    etag: str = ""


def _fetch(url: Url, copy: _Copy) -> Validator | None:
    """Fetch a file once, or what is missing of it."""
    system, name = _system(url)
    info = system.info(name)
    size = info.get("size")
    if info.get("type") == "directory":
        raise TrackError("not-a-file", "a folder, not a file")
    if size is not None and size > _MOST_BYTES:
        raise TrackError("too-long", f"{size / 1e9:,.1f} GB, more than {_MOST_BYTES / 1e9:.1f} GB; cut it")
    if url.address.partition("://")[0].lower() in _WEB:
        from fsspec.asyn import sync

        info = {**info, **sync(system.loop, _get, system, name, copy)}
    else:
        system.get_file(name, str(copy.path))
    got = copy.path.stat().st_size
    if size is not None and got != size:
        copy.etag = ""
        raise _MayPass(f"{got:,} bytes came where the store states {size:,}")
    return _validator(info)


async def _get(system: Any, name: str, copy: _Copy) -> dict[str, str]:  # noqa: ANN401 - fsspec has no types
    """Fetch a file from a web server, or the rest of a body that was cut; the ETag of what came, where it has one."""
    start = copy.path.stat().st_size if copy.etag else 0
    options = dict(system.kwargs)
    headers = {**options.pop("headers", {}), "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": copy.etag}
    session = await system.set_session()
    async with session.get(system.encode_url(name), headers=headers, **options) as answer:
        etag = answer.headers.get("ETag", "")
        begins = answer.headers.get("Content-Range", "").startswith(f"bytes {start}-")
        goes_on = start > 0 and answer.status == 206 and etag == copy.etag and begins
        if not goes_on:
            copy.etag = ""
            if answer.status in {206, 416}:
                raise _MayPass("another part of the file came than was asked for")
            answer.raise_for_status()
            if not etag.startswith("W/") and "Content-Encoding" not in answer.headers:
                copy.etag = etag
        with copy.path.open("ab" if goes_on else "wb") as file:
            async for block in answer.content.iter_any():
                file.write(block)
    return {"ETag": etag} if etag else {}


def _validator(info: Mapping[str, Any]) -> Validator | None:
    found = next((info[name] for name in _VALIDATORS if info.get(name)), None)
    if found is None:
        return None
    number = hashlib.blake2b(str(found).encode(), digest_size=7).digest()
    return int(info.get("size") or 0), int.from_bytes(number)


def _system(url: Url) -> tuple[Any, str]:
    """Fsspec's file system for a URL, and the name of the file in it."""
    try:
        import fsspec
    except ImportError:
        raise TrackError("needs-extra", 'URLs need fsspec: pip install "genreclf[remote]"') from None
    for library in ("fsspec", "s3fs", "gcsfs", "adlfs", "azure"):
        # Python would show what they log, URLs and tracebacks, on standard error.
        logging.getLogger(library).addHandler(_UNSHOWN)
    if url.address.rpartition("::")[2].lower().startswith(("zip://", "tar://")):
        raise TrackError("missing", "no archive is named; zip://a.mp3::s3://bucket/music.zip names one")
    options: dict[str, Any] = {}
    for scheme in url.schemes:
        if scheme == "s3":
            limits: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _SILENT_SECONDS}
            # One request a file, whose bytes are then of one state of it.
            options[scheme] = {"config_kwargs": limits | {"retries": {"max_attempts": 1}}, "max_concurrency": 1}
        elif scheme in _AZURE:
            options[scheme] = {"connection_timeout": _CONNECT_SECONDS, "read_timeout": _SILENT_SECONDS}
        elif scheme in _WEB:
            with suppress(ImportError):  # which fsspec reports
                from aiohttp import ClientTimeout

                limit = ClientTimeout(total=None, connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS)
                options[scheme] = {"client_kwargs": {"timeout": limit, "trust_env": True}}
    system, name = fsspec.core.url_to_fs(url.address, **options)
    if hasattr(system, "retries"):
        system.retries = 1  # ours are counted
    with suppress(AttributeError):
        system.service_client._config.retry_policy.total_retries = 0  # noqa: SLF001 - of Azure, which waits for minutes
    return system, name


class _MayPass(Exception):  # noqa: N818 - no error of its own
    """What went wrong with an attempt, and may not with the next."""


def _again(url: Url, work: Callable[[], _Value]) -> _Value:
    """Try something up to `_ATTEMPTS` times, and half as often where the library does so as well."""
    attempts = _ATTEMPTS // 2 if _PATIENT in url.schemes else _ATTEMPTS
    reason = ""
    for attempt in range(attempts):
        if attempt:
            time.sleep(_FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
        try:
            return work()
        except TrackError:
            raise
        except _MayPass as error:
            reason = str(error)
        except Exception as error:  # noqa: BLE001 - of a dozen libraries, whose texts may hold the URL
            reason = _reason(error)
    raise TrackError("unreachable", f"not fetched in {attempts} attempts: {reason}")


def _reason(error: Exception) -> str:
    """Why an attempt failed, where the next may not; otherwise that is raised. No library's own text is used."""
    status = _status(error)
    kinds = {kind.__name__ for kind in type(error).__mro__}
    refused = _refusal(error, status, kinds)
    if refused is not None:
        raise refused from None
    if status is not None:
        return f"HTTP {status}"
    if isinstance(error, TimeoutError) or any("Timeout" in kind for kind in kinds):
        return f"nothing came for {_SILENT_SECONDS} s"
    if kinds & {"ClientPayloadError", "IncompleteReadError", "ResponseStreamingError", "EOFError"}:
        return "the connection was cut before the end"
    cause = error.__cause__
    if isinstance(cause, Exception):
        return _reason(cause)
    if isinstance(error, OSError) or kinds & {"ClientError", "BotoCoreError", "HTTPClientError", "AzureError"}:
        return f"the connection failed ({type(error).__name__})"
    raise TrackError("internal", f"{type(error).__name__}, which nobody foresaw; please report it") from None


def _refusal(error: Exception, status: int | None, kinds: set[str]) -> TrackError | None:
    """What no further attempt can mend; None where one may."""
    forbidden = isinstance(error, PermissionError) or str(error).startswith("Forbidden: ")  # as gcsfs tells 403
    if status in {401, 403} or (status is None and forbidden):
        return TrackError("no-permission", "the store does not let this be read; see to the credentials")
    plain = status is None and error.__cause__ is None  # what failed for another reason is called missing by some
    if status in {404, 410} or (plain and isinstance(error, FileNotFoundError)):
        return TrackError("missing", "there is no such file")
    if status is not None and 400 <= status < 500 and status not in {408, 425, 429}:
        return TrackError("unreachable", f"the server refuses it: HTTP {status}")
    if isinstance(error, ImportError):
        return TrackError("needs-extra", 'URLs need a library: pip install "genreclf[remote]", for gs:// gcsfs as well')
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return TrackError("system", "there is no room for a copy in the folder of temporary files")
    if str(error).startswith("Must provide either a connection_string"):  # as adlfs tells it
        kinds = {"NoCredentialsError"}
    return next((TrackError(*told) for kind, told in _REFUSALS.items() if kind in kinds), None)


def _status(error: BaseException | None) -> int | None:
    """The HTTP status that an error, or what caused it, tells."""
    while error is not None:
        response = getattr(error, "response", None)
        found = getattr(error, "status", getattr(error, "status_code", None))
        if isinstance(response, dict):
            found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        elif type(error).__name__ == "HttpError":  # of gcsfs; others have codes of their own
            found = getattr(error, "code", None)
        if isinstance(found, int) and found >= 100:
            return found
        error = error.__cause__ or error.__context__
    return None
