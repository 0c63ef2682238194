"""Forks and threads: whoever uses the library from several threads, and forks meanwhile, waits for nothing for ever."""

from __future__ import annotations

import os
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
from attacks.cases import Fault, check

from genreclf import audio
from genreclf.features import extract_features

CASES = 3
SECONDS = 120.0
_CHILD = 40.0  # seconds in which a child must have described a track, on a busy machine


def missing() -> str:
    return "" if hasattr(os, "fork") else "there is no fork"


def prepare(folder: Path) -> tuple[list[Path], list[dict[str, float]]]:
    """Short sounds of several formats, and their features."""
    import soundfile

    paths = []
    for number, suffix in enumerate(("wav", "mp3", "flac", "ogg")):
        path = folder / f"sound.{suffix}"
        soundfile.write(path, np.random.default_rng(number).normal(0, 0.1, 22050), 22050)
        paths.append(path)
    return paths, [extract_features(path) for path in paths]


def case(
    rng: np.random.Generator,
    place: Path,
    made: tuple[list[Path], list[dict[str, float]]],
    number: int,
) -> tuple[str, dict[str, float]]:
    warnings.simplefilter("ignore", DeprecationWarning)  # of forking with threads
    paths, rows = made
    done = threading.Event()
    wrong: list[str] = []

    def describe(which: int) -> None:
        while not done.is_set():
            try:
                if extract_features(paths[which]) != rows[which]:
                    wrong.append(f"{paths[which].name}: other features in a thread")
            except Exception as error:  # noqa: BLE001 - told below
                wrong.append(f"{paths[which].name}: {error!r}")
            which = (which + 1) % len(paths)

    def talk() -> None:
        for line in range(200):
            os.write(2, f"line {line}\n".encode())
            time.sleep(0.001)

    threads = [
        threading.Thread(target=describe, args=(int(rng.integers(len(paths))),)) for _ in range(int(rng.integers(1, 4)))
    ]
    threads.append(threading.Thread(target=talk))
    heard = os.fstat(2).st_size
    for thread in threads:
        thread.start()
    children = []
    for _ in range(int(rng.integers(2, 6))):
        time.sleep(float(rng.uniform(0, 0.05)))
        children.append(_forked(paths, rows, int(rng.integers(len(paths)))))
    codes = [_awaited(child) for child in children]
    done.set()
    for thread in threads:
        thread.join()
    check(not wrong, "wrong value", "; ".join(wrong[:3]))
    check(not any(codes), "wrong value", f"children ended with {codes}")
    sys.stderr.flush()
    lines = os.fstat(2).st_size - heard
    expected = sum(len(f"line {line}\n") for line in range(200))
    check(lines >= expected, "wrong value", f"{expected - lines} bytes of standard error are lost")
    return "same features", {}


def _forked(paths: list[Path], rows: list[dict[str, float]], which: int) -> int:
    child = os.fork()
    if child:
        return child
    try:
        audio.load(paths[which])
        os._exit(int(extract_features(paths[which]) != rows[which]))
    finally:
        os._exit(2)


def _awaited(child: int) -> int:
    deadline = time.monotonic() + _CHILD
    while time.monotonic() < deadline:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    raise Fault("hang", f"a forked child has not described a track within {_CHILD:g} s")
