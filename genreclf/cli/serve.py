"""``genreclf serve``: a model behind HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from genreclf.cli.console import complain
from genreclf.cli.options import Jobs


def serve(
    model: Annotated[Path, typer.Argument(help="A model that genreclf train made.")],
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine's own are open to others.")
    ] = ("127.0.0.1"),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on.")] = 8000,
    jobs: Jobs = None,
    max_megabytes: Annotated[float, typer.Option(help="Size limit per request, in megabytes.")] = 100.0,
    max_seconds: Annotated[float, typer.Option(help="Duration limit per file, in seconds.")] = 3600.0,
    max_requests: Annotated[int, typer.Option(help="Requests under way at once.")] = 64,
    timeout: Annotated[float, typer.Option(help="Time limit per request, in seconds.")] = 60.0,
) -> None:
    """Serve a model over HTTP: POST /predict and /batch, GET /health, /model, /metrics and /docs."""
    from genreclf.loading import load
    from genreclf.serving import Limits, build_app
    from genreclf.serving import serve as run

    limits = Limits(megabytes=max_megabytes, seconds=max_seconds, requests=max_requests, timeout=timeout)
    app = build_app(load(model, task="single-label"), jobs=jobs, limits=limits)
    complain(f"listening on http://{host}:{port} (documentation at /docs); Ctrl-C ends it")
    run(app, host=host, port=port)
