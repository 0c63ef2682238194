"""The page of a table as a service on the loopback address: tracks, sound, and edits that go into a file.

Any page that is open in the same browser can send requests to this address. What it cannot do: read an answer (there
is no CORS), take a name of its own for this machine (the header ``Host`` is checked against DNS rebinding), or change
something (that takes a token, which only this page holds). A sound is asked for by the number of its row, so no path
comes from a request.
"""

from __future__ import annotations

import hmac
import json
import secrets
import threading
from collections.abc import Awaitable, Callable
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genreclf.datasets.edits import Edit, Edits
from genreclf.errors import RequestError
from genreclf.pages.page import content_policy, environment, page_style

try:
    from fastapi import FastAPI, Request, Response
    from fastapi.responses import FileResponse, HTMLResponse, JSONResponse
    from starlette.middleware.trustedhost import TrustedHostMiddleware
except ImportError:
    raise RequestError('the page needs FastAPI; install it with: pip install "genreclf[serve]"') from None

if TYPE_CHECKING:
    from genreclf.exploration.exploration import Exploration

HOST = "127.0.0.1"
_HOSTS = (HOST, "localhost")
_LARGEST = 65_536  # bytes of a request to change something
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}


class _Explorer:
    """The answers to requests; edits are read again before each change, so that a hand may write there meanwhile."""

    def __init__(self, exploration: Exploration, path: Path) -> None:
        self.exploration = exploration
        self.path = path
        self.token = secrets.token_urlsafe(24)
        self._lock = threading.Lock()
        self._rows = {str(track): row for row, track in enumerate(exploration.table.ids)}
        self._page, self._policy = _page(exploration.table.name, self.token)
        self._shown = json.dumps(exploration.as_json(), allow_nan=False)

    async def guarded(self, request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        """Refuse changes without the token, and give every answer the headers that keep other pages out."""
        if request.method in ("GET", "HEAD"):
            response = await answer(request)
        elif not hmac.compare_digest(request.headers.get("x-genreclf-token", "").encode(), self.token.encode()):
            response = _refusal(403, "this page is of an earlier start; load it again")
        else:
            response = await answer(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def page(self) -> HTMLResponse:
        """The page itself."""
        return HTMLResponse(self._page, headers={"Content-Security-Policy": self._policy})

    def tracks(self) -> Response:
        """The tracks, as the table and the comparison have them."""
        return Response(self._shown, media_type="application/json")

    def neighbours(self, row: int) -> Response:
        """The nearest tracks by other artists."""
        if not 0 <= row < len(self._rows):
            return _refusal(404, "there is no such track")
        return JSONResponse(self.exploration.neighbours(row))

    def audio(self, row: int) -> Response:
        """The sound of a track, or a range of its bytes."""
        place = self.exploration.audio[row] if 0 <= row < len(self._rows) else None
        if place is None or not place.is_file():
            return _refusal(404, "there is no such file; --music names the folder from which paths start")
        return FileResponse(place)

    def state(self) -> Response:
        """The edits that stand."""
        with self._lock:
            return self._answer(self._read)

    async def change(self, request: Request) -> Response:
        """Make or undo an edit, ``{"edit": "label", "row": 3, "value": "rock"}``; the answer is that of `state`."""
        body = b""
        async for block in request.stream():
            body += block
            if len(body) > _LARGEST:
                return _refusal(413, f"more than {_LARGEST:,} bytes")
        try:
            asked = json.loads(body)
            kind, name, value = (asked.get(part, "") for part in ("edit", "name", "value"))
            row = asked.get("row")
            if row is not None:
                name = self.exploration.table.ids[row] if type(row) is int and 0 <= row < len(self._rows) else None
        except (ValueError, AttributeError, RecursionError):
            return _refusal(400, "not a JSON object")
        if not all(isinstance(part, str) for part in (kind, name, value)):
            return _refusal(400, "edit, name and value are texts, and row the number of a track")
        with self._lock:
            return self._answer(lambda: self._read().append(Edit(kind, name, value), self.path))

    def export(self) -> Response:
        """The file of edits."""
        if not self.path.is_file():
            return _refusal(404, "there is no edit yet")
        return FileResponse(self.path, media_type="text/csv", filename=self.path.name)

    def _read(self) -> Edits:
        return Edits.read(self.path) if self.path.exists() else Edits(name=str(self.path))

    def _answer(self, work: Callable[[], Edits]) -> Response:
        try:
            edits = work()
        except RequestError as error:
            return _refusal(409, str(error))
        table = self.exploration.table
        frame = table.frame
        texts = ([str(t) for t in frame[c]] if c in frame else [""] * len(table) for c in ("path", "digest", "artist"))
        paths, digests, artists = texts
        done = replace(edits, name=self.path.name).resolve(
            zip(map(str, table.ids), paths, digests, map(str, table.y), artists, strict=True)
        )
        return JSONResponse(
            {
                "genres": {self._rows[track]: genre for track, genre in done.genres.items()},
                "left_out": [self._rows[track] for track in sorted(done.left_out)],
                "artists": done.artists,
                "standing": [edit._asdict() for edit in edits.standing],
                "notes": list(done.notes),
                "file": str(self.path),
            }
        )


def build_app(exploration: Exploration, edits: Path) -> FastAPI:
    """The page as an ASGI application.

    Parameters
    ----------
    edits : the file that edits go to; it is made with the first.
    """
    explorer = _Explorer(exploration, edits)
    app = FastAPI(title="genreclf explore", openapi_url=None)
    app.middleware("http")(explorer.guarded)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(_HOSTS), www_redirect=False)
    options: dict[str, Any] = {"response_model": None}
    app.get("/", **options)(explorer.page)
    app.get("/tracks", **options)(explorer.tracks)
    app.get("/neighbours/{row}", **options)(explorer.neighbours)
    app.api_route("/audio/{row}", methods=["GET", "HEAD"], **options)(explorer.audio)
    app.get("/edits", **options)(explorer.state)
    app.post("/edits", **options)(explorer.change)
    app.get("/edits.csv", **options)(explorer.export)
    return app


def _page(name: str, token: str) -> tuple[str, str]:
    """The page, and the policy by which a browser runs and loads only what belongs to it."""
    from markupsafe import Markup

    folder = files("genreclf.exploration") / "templates"
    template, css, script = (
        (folder / f"explore.{ending}").read_text(encoding="utf-8") for ending in ("html.jinja", "css", "js")
    )
    style = page_style() + css
    page = environment().from_string(template)
    text = page.render(
        name=name,
        token=token,
        style=Markup(style),  # noqa: S704 - our own files
        script=Markup(script),  # noqa: S704 - our own files
    )
    own = "media-src 'self'; connect-src 'self'; frame-ancestors 'none'"
    return text, f"{content_policy(style, script)}; {own}"


def _refusal(status: int, reason: str) -> JSONResponse:
    return JSONResponse({"error": reason}, status)
