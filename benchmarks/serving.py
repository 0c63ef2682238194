"""How the service holds up: many requests at once, hostile bodies among them, and its latency against ``predict``.

    python benchmarks/serving.py MODEL [--requests 1000] [--clients 16] [--jobs 2]

Starts ``genreclf serve`` on a free port of the loopback address, sends clips of music that it makes up, one body in ten
hostile, and prints how many requests were answered and how, latency, and the service's memory at the quarters.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile

import genreclf

RATE = 22050


def music(seconds: float, seed: int) -> bytes:
    """A chord that changes over noise, as 16-bit WAV."""
    rng = np.random.default_rng(seed)
    time_ = np.arange(int(seconds * RATE)) / RATE
    chord = sum(np.sin(2 * np.pi * f * time_) for f in 110 * 2 ** (rng.integers(0, 48, 4) / 12))
    file = io.BytesIO()
    soundfile.write(file, 0.1 * chord + 0.02 * rng.standard_normal(len(time_)), RATE, format="WAV")
    return file.getvalue()


def hostile(clip: bytes) -> list[bytes]:
    """Bodies that are no music, or not quite."""
    rng = np.random.default_rng(0)
    flac = io.BytesIO()
    soundfile.write(flac, rng.standard_normal(RATE) / 9, RATE, format="FLAC")
    damaged = bytearray(flac.getvalue())
    damaged[500:900] = rng.bytes(400)
    return [b"", b"no music", clip[:40], bytes(100_000), b"ID3" + rng.bytes(5000), bytes(damaged), bytes(2_000_001)]


def rss(process: int) -> float:
    """Resident memory of a process and its children, in MB."""
    below = [process]
    for each in below:
        below += map(int, Path(f"/proc/{each}/task/{each}/children").read_text().split())
    pages = (int(Path(f"/proc/{each}/statm").read_text().split()[1]) for each in below)
    return sum(pages) * os.sysconf("SC_PAGESIZE") / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=3.0, help="of music in a clip")
    asked = parser.parse_args()

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "genreclf", "serve", asked.model, "--port", str(port), "--jobs", str(asked.jobs)]
    service = subprocess.Popen([*command, "--max-megabytes", "2"], stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        run(asked, port, service.pid)
    finally:
        service.terminate()
        service.wait()


def run(asked: argparse.Namespace, port: int, service: int) -> None:
    clip = music(asked.seconds, 0)
    bodies = [music(asked.seconds, seed) for seed in range(20)]
    bad = hostile(clip)

    def ask(number: int) -> tuple[int, float, bool]:
        wrong = number % 10 == 7
        body = bad[number // 10 % len(bad)] if wrong else bodies[number % len(bodies)]
        start = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            connection.request("POST", "/predict", body, {"Content-Type": "application/octet-stream"})
            answer = connection.getresponse()
            json.loads(answer.read())
        finally:
            connection.close()
        return answer.status, time.perf_counter() - start, wrong

    while True:
        try:
            http.client.HTTPConnection("127.0.0.1", port, timeout=5).request("GET", "/health")
            break
        except OSError:
            time.sleep(0.2)
    ask(0)

    model = genreclf.load(asked.model)
    alone, here = [], []
    for number in range(30):  # in turn, so that a busy machine slows both
        alone.append(ask(number * 10)[1])
        start = time.perf_counter()
        model.predict(bodies[number % len(bodies)])
        here.append(time.perf_counter() - start)
    show("one client", alone)
    show("predict in process", here)

    answers, memory = [], [rss(service)]
    start = time.perf_counter()
    with ThreadPoolExecutor(asked.clients) as pool:
        for number, answer in enumerate(pool.map(ask, range(asked.requests)), start=1):
            answers.append(answer)
            if number % max(1, asked.requests // 4) == 0:
                memory.append(rss(service))
    seconds = time.perf_counter() - start
    show(f"{asked.clients} clients", [taken for _, taken, wrong in answers if not wrong])
    print(f"{len(answers)} requests answered in {seconds:.1f} s, {len(answers) / seconds:.1f} a second")
    for wrong in (False, True):
        found = Counter(status for status, _, was in answers if was == wrong)
        print("hostile:" if wrong else "music:  ", dict(sorted(found.items())))
    print("memory of the service at the quarters, MB:", *(f"{each:.0f}" for each in memory))


def show(title: str, seconds: list[float]) -> None:
    p50, p99 = np.quantile(seconds, [0.5, 0.99]) * 1e3
    print(f"{title:20} p50 {p50:7.1f} ms   p99 {p99:7.1f} ms")


if __name__ == "__main__":
    main()
