"""A server on loopback that can go on, break off, fail and lie."""

from __future__ import annotations

import contextlib
import http.server
import re
import threading
import time
from dataclasses import dataclass, field


@dataclass
class Server:
    """Serves bytes by path.

    `ranges` tells whether it can go on, `breaks` after how many bytes each answer ends, `lengths` whether it says how
    long an answer is, `pauses` how many seconds pass after each byte.
    """

    files: dict[str, bytes]
    ranges: bool = True
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)
    address: str = ""
    lengths: bool = True
    pauses: float = 0.0


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        state = self.server.state
        wanted = self.headers.get("Range", "")
        state.asked.append((self.path, wanted))
        self.close_connection = True
        body = state.files.get(self.path)
        status = state.statuses.pop(0) if state.statuses else (200 if body is not None else 404)
        if status != 200:
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1]) if wanted and state.ranges else 0
        if start >= len(body) > 0:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        if state.lengths:
            self.send_header("Content-Length", str(len(body) - start))
        self.end_headers()
        if state.pauses:
            with contextlib.suppress(OSError):
                for place in range(start, len(body)):
                    self.wfile.write(body[place : place + 1])
                    time.sleep(state.pauses)
            return
        stop = state.breaks.pop(0) if state.breaks else len(body)
        with contextlib.suppress(OSError):
            self.wfile.write(body[start : start + stop])

    def log_message(self, *args):
        """Stay silent."""


@contextlib.contextmanager
def serving():
    """A `Server` that answers until the block ends."""
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.state = Server({}, address=f"http://127.0.0.1:{httpd.server_port}")
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield httpd.state
    httpd.shutdown()
    thread.join()
    httpd.server_close()
