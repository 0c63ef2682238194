"""The service: every request has its answer, whatever others send."""

from __future__ import annotations

import importlib
import io
import socket
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from made_service import act
from made_up import note

import genreclf
from genreclf.errors import RequestError
from genreclf.serving import Limits, build_app

if TYPE_CHECKING:
    from genreclf.classifier import Predictor

httpx = pytest.importorskip("httpx")
uvicorn = pytest.importorskip("uvicorn", reason='needs pip install "genreclf[serve]"')
RATE = 22050
LIMITS = Limits(megabytes=1.0, seconds=8.0, requests=10, timeout=12.0)


def sound(samples: np.ndarray, **options: object) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, format="WAV", **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def predictor(notes_model):
    return genreclf.load(notes_model)


class Breakable:
    """A predictor whose workers some bodies break."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor
        self.work = partial(act, work=predictor.work)

    def __getattr__(self, name: str) -> object:
        return getattr(self._predictor, name)


@pytest.fixture(scope="module")
def client(predictor: Predictor):
    """A client of a service on the loopback address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = build_app(Breakable(predictor), jobs=2, limits=LIMITS)
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        with httpx.Client(base_url=f"http://127.0.0.1:{listening.getsockname()[1]}", timeout=30) as client:
            while not server.started:
                thread.join(0.05)
            yield client
        server.should_exit = True
        thread.join(20)


def padded(head: bytes) -> bytes:
    """A sound whose bytes hold a word that breaks the workers of this test."""
    return sound(note(110.0, seed=1))[:44] + head + sound(note(110.0, seed=1))[44 + len(head) :]


def test_a_hundred_requests_eight_at_once_with_hostile_bodies_among_them(client, predictor, tmp_path) -> None:
    low, high = sound(note(120.0, seed=9)), sound(note(900.0, seed=9))
    bodies = {
        "low": (low, 200), "high": (high, 200), "text": (b"no music", 422), "empty": (b"", 422),
        "torn": (low[:50], 422), "die": (padded(b"DIE"), 422), "large": (bytes(1_000_001), 413),
        "long": (sound(np.zeros(9 * RATE), subtype="PCM_U8"), 413),
    }  # fmt: skip
    asked = ["low", "high"] * 44 + ["text", "empty", "torn", "large", "long"] * 2 + ["die"] * 2
    order = np.random.default_rng(0).permutation(len(asked))

    def ask(name: str) -> tuple[str, int, str | None]:
        answer = client.post("/predict", content=bodies[name][0], params={"name": f"../{name}.wav"})
        return name, answer.status_code, answer.json().get("genre")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, [asked[place] for place in order]))
    assert Counter((name, status) for name, status, _ in answers) == Counter((name, bodies[name][1]) for name in asked)
    (tmp_path / "low.wav").write_bytes(low)
    assert predictor.predict(tmp_path / "low.wav")[0] == "low"
    assert {(name, genre) for name, _, genre in answers} >= {("low", "low"), ("high", "high"), ("die", None)}
    metrics = client.get("/metrics").text.splitlines()
    assert f'genreclf_requests_total{{path="/predict",status="200"}} {asked.count("low") * 2}' in metrics
    assert 'genreclf_tracks_total{result="crashed"} 2' in metrics
    assert f"genreclf_request_seconds_count {len(asked)}" in metrics


def test_a_batch_has_a_row_for_each_file_in_their_order(client) -> None:
    low = sound(note(120.0, seed=9))
    sent = [("files", ("a 🎷.wav", low)), ("files", ("b.wav", b"no music")), ("files", ("c.wav", low))]
    answer = client.post("/batch", files=sent)
    assert answer.status_code == 200
    assert [(row["path"], row["genre"]) for row in answer.json()] == [
        ("a 🎷.wav", "low"), ("b.wav", None), ("c.wav", "low"),
    ]  # fmt: skip
    assert client.post("/batch", data={"a": "b"}).status_code == 400
    assert client.post("/batch", content=b"--x", headers={"content-type": "multipart/form-data"}).status_code == 400
    assert client.post("/batch", files={"a": bytes(1_000_001)}).status_code == 413


def test_what_takes_too_long_or_comes_too_often_is_refused_and_the_next_is_answered(client, monkeypatch) -> None:
    def stream():
        for _ in range(11):
            yield bytes(100_000)

    assert client.post("/predict", content=stream()).status_code == 413, "without a stated length too"
    with ThreadPoolExecutor(12) as pool, monkeypatch.context() as patch:
        patch.setitem(vars(LIMITS), "timeout", 4.0)  # each request reads it
        answers = list(pool.map(lambda _: client.post("/predict", content=padded(b"HANG")), range(12)))
    found = Counter(answer.status_code for answer in answers)
    assert found == {504: 10, 429: 2}
    assert {a.headers.get("retry-after") for a in answers if a.status_code == 429} == {"1"}
    for _ in range(10):  # until the workers that hung are replaced
        answer = client.post("/predict", content=sound(note(900.0, seed=9)))
        if answer.status_code != 504:
            break
    assert answer.json()["genre"] == "high"


def test_the_service_tells_what_it_is(client, predictor) -> None:
    assert client.get("/health").json()["status"] == "ok"
    assert client.get("/model").json()["genres"] == list(predictor.genres)
    assert set(client.get("/openapi.json").json()["paths"]) == {"/health", "/model", "/metrics", "/predict", "/batch"}
    assert client.get("/docs").status_code == 200
    assert client.get("/none").status_code == 404


def test_limits_that_make_no_sense_are_refused() -> None:
    for limit in ({"megabytes": 0}, {"requests": -1}, {"timeout": 0}):
        with pytest.raises(RequestError):
            Limits(**limit)


def test_without_the_extra_one_line_says_how_to_get_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)
    monkeypatch.delitem(sys.modules, "genreclf.serving")
    with pytest.raises(RequestError, match=r'pip install "genreclf\[serve\]"$'):
        importlib.import_module("genreclf.serving")
