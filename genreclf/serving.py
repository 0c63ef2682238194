"""A service: a model behind HTTP, where a file that breaks a decoder costs itself.

Files are decoded and described by worker processes, each within its time; what is too large, too long, too many or too
slow is refused by its status (413, 429, 504), and a sound that cannot be read by 422 with the reason. There is no
authentication: it listens on the loopback address unless it is told otherwise.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import msgspec

from genreclf import __version__
from genreclf.errors import RequestError, TrackError
from genreclf.tables.cells import escape
from genreclf.workers import Crew, Outcome, available_workers, check_timeout

try:
    import python_multipart  # noqa: F401 - what Starlette reads forms with
    import uvicorn
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import JSONResponse, PlainTextResponse
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect
except ImportError:
    raise RequestError('a service needs FastAPI; install it with: pip install "genreclf[serve]"') from None

if TYPE_CHECKING:
    from genreclf.prediction import Prediction, TrackPredictor

_STATUS = {"timeout": 504, "too-long": 413}
_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}$")


@dataclass(frozen=True)
class Limits:
    """What one client may ask for.

    Parameters
    ----------
    megabytes : of one request, all its files together.
    seconds : of sound in one file, by its header.
    requests : under way at once; one more is refused.
    timeout : seconds from a request's beginning to its answer.
    """

    megabytes: float = 100.0
    seconds: float = 3600.0
    requests: int = 64
    timeout: float = 60.0

    def __post_init__(self) -> None:
        check_timeout(self.timeout)
        for name in ("megabytes", "seconds", "requests"):
            if getattr(self, name) <= 0:
                raise RequestError(f"{name}={getattr(self, name):g}: give a number above 0")


@dataclass
class _Metrics:
    """What has been done so far, as Prometheus counts it."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    tracks: Counter[str] = field(default_factory=Counter)
    durations: list[int] = field(default_factory=lambda: [0] * (len(_BUCKETS) + 1))
    seconds: float = 0.0
    under_way: int = 0

    def answer(self, path: str, status: int, seconds: float) -> None:
        self.answers[path, status] += 1
        self.seconds += seconds
        self.durations[sum(seconds > bucket for bucket in _BUCKETS)] += 1

    def text(self) -> str:
        """In Prometheus' text format, version 0.0.4."""
        lines = ["# TYPE genreclf_requests_total counter"]
        lines += [
            f'genreclf_requests_total{{path="{path}",status="{status}"}} {count}'
            for (path, status), count in sorted(self.answers.items())
        ]
        lines.append("# TYPE genreclf_tracks_total counter")
        lines += [f'genreclf_tracks_total{{result="{result}"}} {n}' for result, n in sorted(self.tracks.items())]
        lines += ["# TYPE genreclf_requests_under_way gauge", f"genreclf_requests_under_way {self.under_way}"]
        lines.append("# TYPE genreclf_request_seconds histogram")
        total = 0
        for bucket, count in zip((*_BUCKETS, "+Inf"), self.durations, strict=True):
            total += count
            lines.append(f'genreclf_request_seconds_bucket{{le="{bucket}"}} {total}')
        lines += [f"genreclf_request_seconds_sum {self.seconds:.6f}", f"genreclf_request_seconds_count {total}"]
        return "\n".join(lines) + "\n"


class _Service:
    """The answers to requests; files are described by workers that stay."""

    def __init__(self, predictor: TrackPredictor, *, jobs: int, limits: Limits) -> None:
        self.predictor = predictor
        self.model_id = predictor.model_id
        self.limits = limits
        self.metrics = _Metrics()
        self._work = partial(_described, longest=limits.seconds, work=predictor.work)
        self._jobs = jobs

    @asynccontextmanager
    async def life(self, _: FastAPI) -> AsyncIterator[None]:
        """Start the workers, with all that they need imported and compiled, and end them."""
        with ThreadPoolExecutor(self._jobs) as self._threads, Crew(self._jobs, warm=_warm) as self._crew:
            yield

    async def measured(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Count a request that sends something, and refuse it where too many are under way."""
        if request.method != "POST":
            return await answer(request)
        path = request.url.path if request.url.path in ("/predict", "/batch") else "other"
        began = time.monotonic()
        if self.metrics.under_way >= self.limits.requests:
            self.metrics.answer(path, 429, 0.0)
            again = {"Retry-After": "1"}
            return _refusal(429, f"{self.limits.requests} requests are under way; try again later", again)
        self.metrics.under_way += 1
        status = 500
        try:
            response = await answer(request)
            status = response.status_code
        finally:
            self.metrics.under_way -= 1
            self.metrics.answer(path, status, time.monotonic() - began)
        return response

    async def health(self) -> dict[str, str]:
        """Whether the service is up, and which model it has."""
        return {"status": "ok", "model": self.model_id}

    async def model(self) -> dict[str, Any]:
        """What is known of the model."""
        return {"id": self.model_id, **msgspec.to_builtins(self.predictor.manifest)}

    async def counts(self) -> PlainTextResponse:
        """What has been done so far, for Prometheus."""
        return PlainTextResponse(self.metrics.text(), media_type="text/plain; version=0.0.4")

    async def predict(self, request: Request, name: str = "") -> JSONResponse:
        """Predict the genre of one file, which is the body; `name` is its name, whose ending may help to read it."""
        deadline = time.monotonic() + self.limits.timeout
        with TemporaryDirectory(prefix="genreclf-") as folder:
            path = _place(Path(folder), name, 0)
            if refused := await _received(request, self.limits, partial(_store, path)):
                return refused
            [prediction] = await self._predicted([(name, path)], deadline)
        status = 200 if prediction.error is None else _STATUS.get(prediction.error.code, 422)
        return JSONResponse(prediction.as_json(), status)

    async def batch(self, request: Request) -> JSONResponse:
        """Predict the genres of several files, sent as a form; each has a row, in their order, of its own error."""
        deadline = time.monotonic() + self.limits.timeout
        with TemporaryDirectory(prefix="genreclf-") as folder:
            files: list[tuple[str, Path]] = []
            if refused := await _received(request, self.limits, partial(_store_form, Path(folder), files)):
                return refused
            return JSONResponse([p.as_json() for p in await self._predicted(files, deadline)])

    async def _predicted(self, files: list[tuple[str, Path]], deadline: float) -> list[Prediction]:
        loop = asyncio.get_running_loop()
        calls = (partial(self._predict, escape(name), path, deadline) for name, path in files)
        found = await asyncio.gather(*(loop.run_in_executor(self._threads, call) for call in calls))
        self.metrics.tracks.update("ok" if p.error is None else p.error.code for p in found)
        return found

    def _predict(self, name: str, path: Path, deadline: float) -> Prediction:
        left = deadline - time.monotonic()
        if left > 0:
            outcome = self._crew.call(self._work, path, timeout=left)
        else:
            outcome = Outcome[Any](0, None, TrackError("timeout", "its turn did not come in time"), 0.0)
        return self.predictor.prediction_of(name, outcome)


def build_app(predictor: TrackPredictor, *, jobs: int | None = None, limits: Limits | None = None) -> FastAPI:
    """The service as an ASGI application.

    Parameters
    ----------
    predictor : the model.
    jobs : worker processes; one for each core by default.

    Raises
    ------
    RequestError : the model cannot predict audio.
    """
    predictor.prepare()
    service = _Service(predictor, jobs=available_workers(jobs), limits=limits or Limits())
    app = FastAPI(title="genreclf", summary="The genres of music", version=__version__, lifespan=service.life)
    app.middleware("http")(service.measured)
    app.get("/health")(service.health)
    app.get("/model")(service.model)
    app.get("/metrics", response_class=PlainTextResponse)(service.counts)
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "properties": {"files": {"type": "array", "items": file}}}
    app.post("/predict", openapi_extra=_body("application/octet-stream", file))(service.predict)
    app.post("/batch", openapi_extra=_body("multipart/form-data", form))(service.batch)
    return app


def _body(kind: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"content": {kind: {"schema": schema}}}}


def serve(app: FastAPI, *, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Answer requests until the process is told to end.

    Raises
    ------
    RequestError : nothing can listen there.
    """
    config = uvicorn.Config(app, host=host, port=port, access_log=False, timeout_graceful_shutdown=10)
    try:
        listening = config.bind_socket()
    except SystemExit:
        raise RequestError(f"{host}:{port}: nothing can listen there; choose another --port") from None
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


async def _received(
    request: Request, limits: Limits, store: Callable[[Request], Awaitable[None]]
) -> JSONResponse | None:
    """Store what a request sends; the response that refuses it, or None."""
    most = int(limits.megabytes * 1e6)
    too_large = _refusal(413, f"more than {limits.megabytes:g} MB")
    stated = request.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > most:
        return too_large
    taken = 0

    async def receive() -> Any:  # noqa: ANN401
        nonlocal taken
        message = await request.receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise OverflowError
        return message

    try:
        async with asyncio.timeout(limits.timeout):
            await store(Request(request.scope, receive))
    except OverflowError:
        return too_large
    except TimeoutError:
        return _refusal(408, f"not received within {limits.timeout:g} s")
    except ClientDisconnect:
        return _refusal(400, "the client has gone")
    except HTTPException as error:
        return _refusal(error.status_code, str(error.detail))
    return None


async def _store(path: Path, request: Request) -> None:
    with path.open("wb") as file:
        async for block in request.stream():
            file.write(block)


async def _store_form(folder: Path, files: list[tuple[str, Path]], request: Request) -> None:
    async with request.form(max_files=1000, max_fields=10) as form:
        for _, part in form.multi_items():
            if not isinstance(part, str):
                path = _place(folder, part.filename or "", len(files))
                with path.open("wb") as file:
                    while block := await part.read(1 << 20):
                        file.write(block)
                files.append((part.filename or "", path))
    if not files:
        raise HTTPException(400, "no file in this form; send each as a part with a file name")


def _place(folder: Path, name: str, number: int) -> Path:
    """Where a file that was sent is put: of its name, only what ends it is taken."""
    ending = _SUFFIX.search(name)
    return folder / f"{number}{ending[0].lower() if ending else ''}"


def _refusal(status: int, reason: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": str(status), "reason": reason}}, status, headers)


def _described(path: Path, *, longest: float, work: Callable[[Path], Any]) -> Any:  # noqa: ANN401
    """In a worker: the segments of a file that is not longer than it may be."""
    from genreclf.audio.opening import open_sound

    with open_sound(path) as sound:
        seconds = (sound.n_frames or sound.count()) / sound.rate
    if seconds > longest:
        raise TrackError("too-long", f"{seconds:.0f} s of sound; {longest:g} s are the most")
    return work(path)


def _warm(_: None) -> None:
    """In a worker: import and compile what describing takes."""
    from genreclf import features

    features.compile_kernels()
