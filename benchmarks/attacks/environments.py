"""Commands in odd surroundings: they do their work, or say in a line why not."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from attacks.cases import check

CASES = 10
SECONDS = 120.0


@dataclass(frozen=True)
class Surroundings:
    """What a command finds around it.

    Parameters
    ----------
    unset, variables : of the environment.
    closed : descriptors that are closed.
    output : what standard output is: a pipe that is read, ``full`` (/dev/full), or ``broken`` (closed by its reader).
    limits : of the process, by `resource`'s names.
    before : is called in the process before the command is started.
    """

    unset: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    closed: tuple[int, ...] = ()
    output: str = "pipe"
    limits: dict[str, int] = field(default_factory=dict)
    before: Callable[[], object] = int


def _leave() -> None:
    """A working directory that is no more."""
    os.mkdir("gone")  # noqa: PTH102
    os.chdir("gone")
    os.rmdir("../gone")  # noqa: PTH106


SURROUNDINGS = {
    "no HOME": Surroundings(unset=("HOME", "XDG_CACHE_HOME")),
    "a HOME that is not there": Surroundings(variables={"HOME": "/nowhere/at/all", "XDG_CACHE_HOME": ""}),
    "no TMPDIR": Surroundings(unset=("TMPDIR", "TEMP", "TMP")),
    "a TMPDIR that is not there": Surroundings(variables={"TMPDIR": "/nowhere/at/all"}),
    "no environment": Surroundings(unset=tuple(os.environ)),
    "the locale C": Surroundings(variables={"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "a Turkish locale": Surroundings(variables={"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}),
    "an ASCII terminal": Surroundings(variables={"PYTHONIOENCODING": "ascii", "TERM": "dumb", "COLUMNS": "1"}),
    "no standard input": Surroundings(closed=(0,)),
    "no standard output": Surroundings(closed=(1,)),
    "no standard error": Surroundings(closed=(2,)),
    "no descriptors": Surroundings(closed=(0, 1, 2)),
    "a full standard output": Surroundings(output="full"),
    "a closed pipe": Surroundings(output="broken"),
    "files of 20,000 bytes": Surroundings(limits={"RLIMIT_FSIZE": 20_000}),
    "files of 1,000 bytes": Surroundings(limits={"RLIMIT_FSIZE": 1_000}),
    "16 open files": Surroundings(limits={"RLIMIT_NOFILE": 16}),
    "64 open files": Surroundings(limits={"RLIMIT_NOFILE": 64}),
    "500 MB of memory": Surroundings(limits={"RLIMIT_AS": 500_000_000}),
    "a folder that is gone": Surroundings(before=_leave),
    "a mask that hides files": Surroundings(before=lambda: os.umask(0o777)),
    "Python's own faults shown": Surroundings(variables={"PYTHONFAULTHANDLER": "1", "PYTHONWARNINGS": "always"}),
}


def missing() -> str:
    return "" if sys.platform.startswith("linux") else "these surroundings are Linux's"


def prepare(folder: Path) -> Path:
    """Six tracks, a table of them, a model and an index."""
    import soundfile

    for number in range(6):
        path = folder / "music" / ("low" if number % 2 else "high") / f"{number} é.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        time = np.arange(11025) / 22050
        sound = np.sin(2 * np.pi * (200 + 300 * (number % 2) + number) * time) / 2
        soundfile.write(path, sound, 22050)
    for command in (
        ["extract", "music", "-o", "made/t.csv"],
        ["train", "made/t.csv", "--model", "logreg", "-o", "made/model"],
        ["index", "made/t.csv", "-o", "made/index"],
        ["predict", "made/model", "music"],
    ):
        ran = subprocess.run(_command(command), cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        assert not ran.returncode, ran.stderr
    return folder


def _command(words: list[str]) -> list[str]:
    return [sys.executable, "-m", "genreclf", *words]


COMMANDS = (
    ["extract", "{music}", "-o", "{place}/t.csv", "--jobs", "1"],
    ["extract", "{music}", "-o", "{place}/made/t.csv", "--json"],
    ["train", "{place}/made/t.csv", "--model", "logreg", "-o", "{place}/new"],
    ["predict", "{place}/made/model", "{music}/low/1 é.wav", "--json"],
    ["predict", "{place}/made/model", "{music}", "--jobs", "1"],
    ["index", "{place}/made/t.csv", "-o", "{place}/new"],
    ["similar", "{place}/made/index", "{music}/low/1 é.wav"],
    ["inspect", "{music}/low/1 é.wav", "-o", "{place}/page.html"],
    ["datasets", "list"],
    ["train", "--help"],
    ["--version"],
    ["predict", "{place}/made/model", "{place}/nothing.wav"],
)


def case(rng: np.random.Generator, place: Path, made: Path, number: int) -> tuple[str, dict[str, float]]:
    name = str(rng.choice(list(SURROUNDINGS)))
    around = SURROUNDINGS[name]
    shutil.copytree(made / "made", place / "made")
    words = [word.format(music=made / "music", place=place) for word in COMMANDS[int(rng.integers(len(COMMANDS)))]]
    before = _digests(place / "made")
    code, out, err = _run(words, around, place)
    what = f"{name}: {' '.join(words)}: {code}: {err[-300:]!r}"
    check("Traceback" not in err and "Error ignored" not in err, "crash", f"{what} {err[-1500:]!r}")
    check(code in (0, 1, 2, 141), "crash", what)
    after = _digests(place / "made")
    check(set(before) <= set(after), "escape", f"{what}: files are gone: {set(before) - set(after)}")
    for model in ("model", "index", "t.csv"):
        check(before[model] == after[model], "lost row", f"{what}: {model} has changed")
    if code == 0 and "--json" in words and around.output == "pipe" and 1 not in around.closed:
        for line in out.splitlines():
            json.loads(line)
        check(out, "wrong value", f"{what}: no answer")
    left = [path.name for path in (place / "temporary").glob("*")]
    check(not left, "escape", f"{what}: temporary files are left: {left}")
    return {0: "done", 1: "failed", 2: "refused", 141: "closed pipe"}[code], {}


def _digests(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _run(words: list[str], around: Surroundings, place: Path) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in around.unset}
    (place / "temporary").mkdir()
    if "TMPDIR" in environment:
        environment["TMPDIR"] = str(place / "temporary")
    environment |= around.variables

    def surround() -> None:
        for name, value in around.limits.items():
            resource.setrlimit(getattr(resource, name), (value, value))
        around.before()
        for descriptor in around.closed:
            os.close(descriptor)

    ours, theirs = os.pipe()
    if around.output == "full":
        os.close(theirs)
        theirs = os.open("/dev/full", os.O_WRONLY)
    if around.output != "pipe":
        os.close(ours)
    with (place / "errors").open("wb+") as errors:
        process = subprocess.Popen(  # noqa: S603 - our own command
            _command(words), cwd=place, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=errors,
            preexec_fn=surround,  # noqa: PLW1509 - the case's process has one thread
        )  # fmt: skip
        os.close(theirs)
        out = b""
        if around.output == "pipe":
            with os.fdopen(ours, "rb") as stream:
                out = stream.read()
        code = process.wait()
    return code, out.decode("utf-8", "replace"), (place / "errors").read_text("utf-8", "replace")
