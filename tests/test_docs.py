"""The documentation: its commands run on made-up music, its links resolve, and what it names exists.

A page is a session: its ``sh`` and ``python`` blocks run from top to bottom in a folder with made-up music, after the
tutorial has left its table, report and model there. A line that ends in ``# exit code 1`` must exit so; every other
must exit with 0. A ``csv`` block with a path after the word is a file that the page asks the reader to write.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import re
import shlex
import shutil
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import soundfile
import typer
from made_fma import write_fma
from made_tagged import write_magnatagatune, write_mtg_jamendo
from made_up import note
from without_workers import without_workers

from genreclf.cli import app, main
from genreclf.datasets import DATASETS
from genreclf.datasets.fma import read_tracks
from genreclf.datasets.gtzan import GENRES as GTZAN_GENRES
from genreclf.evaluation.comparison import Comparison
from genreclf.evaluation.protocols import PROTOCOLS
from genreclf.extraction import MAY_PASS
from genreclf.features import FEATURE_SETS
from genreclf.models import MODELS
from genreclf.tables.table import IDENTITY

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
TUTORIAL = DOCS / "tutorial.md"
WITH_READMES = [*PAGES, *sorted({*ROOT.glob("*.md"), *ROOT.glob("[fr]e*/README.md")})]

# What a line begins with, and why it is not run here. The options of such a line are still held against the command.
NOT_RUN = {
    "genreclf datasets fetch": "downloads gigabytes",
    "genreclf serve": "runs until it is ended, and has tests of its own",
    "genreclf explore": "runs until it is ended, and has tests of its own",
    "curl": "asks that service",
    "genreclf demo": "takes up to a minute, and has tests of its own",
    "pip install": "would change the environment of the tests",
    "python benchmarks/": "measures for minutes",
}

GENRES = {"folk": 220.0, "rock": 440.0, "techno": 880.0}
BLOCK = re.compile(r"^```(\w*)[ ]*([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EXIT_CODE = re.compile(r"\s+# exit code (\d+)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, what else stands on the fence, and its text."""

    language: str
    detail: str
    text: str

    def lines(self) -> Iterator[tuple[str, int]]:
        """The commands of a shell block, each with the exit code that it must have."""
        for line in self.text.replace("\\\n", " ").splitlines():
            code = EXIT_CODE.search(line)
            command = (line[: code.start()] if code else line).strip()
            if command and not command.startswith("#"):
                yield command, int(code[1]) if code else 0


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    return [Block(*found) for found in BLOCK.findall(page.read_text(encoding="utf-8"))]


RUNNABLE = [
    page for page in PAGES if page != TUTORIAL and any(block.language in ("sh", "python") for block in blocks(page))
]


def commands() -> list[tuple[str, str]]:
    """Every ``genreclf`` line of the documentation, with its page."""
    return [
        (name_of(page), line)
        for page in WITH_READMES
        for block in blocks(page)
        if block.language in ("sh", "")
        for line, _ in block.lines()
        if line.startswith("genreclf")
    ]


def prose(page: Path) -> str:
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def make_music(folder: Path) -> None:
    """``music``: three genres of four artists with three tracks each; ``new``: tracks that nobody has labelled."""
    for genre, base in GENRES.items():
        (folder / "music" / genre).mkdir(parents=True)
        for number in range(12):
            artist, title = f"{genre.title()} Artist {number // 3}", f"Song {number % 3}"
            sound = note(base * (1 + number / 40), seconds=0.8, seed=number)
            with soundfile.SoundFile(folder / "music" / genre / f"{number:02d}.flac", "w", 22050, 1) as file:
                file.artist, file.title = artist, title
                file.write(sound)
    (folder / "new").mkdir()
    soundfile.write(folder / "new" / "track.mp3", note(450.0), 22050)
    soundfile.write(folder / "new" / "long.flac", np.tile(note(230.0, seconds=1.0), 50), 22050)


def make_fma(folder: Path) -> None:
    """``data/fma``: a small made-up FMA with its clips."""
    root = write_fma(folder / "data" / "fma", tracks=160, small=40, medium=80)
    for number in read_tracks(root / "fma_metadata" / "tracks.csv", subset="small").index:
        clip = root / "fma_small" / f"{number:06d}"[:3] / f"{number:06d}.mp3"
        clip.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(clip, note(200.0 + number % 90, seconds=0.3, seed=number), 22050)


def make_gtzan(folder: Path) -> None:
    """``data/gtzan``: four tracks a genre, the lists of the split, and beside them an artist index."""
    root = folder / "data" / "gtzan"
    index, lists = [], {"train": [], "valid": [], "test": []}
    for place, genre in enumerate(GTZAN_GENRES):
        (root / "genres" / genre).mkdir(parents=True)
        for number, split in enumerate(("train", "train", "valid", "test")):
            name = f"{genre}.{number:05d}.wav"
            sound = note(200.0 + 40 * place, seconds=0.3, seed=number)
            soundfile.write(root / "genres" / genre / name, sound, 22050)
            index.append(f"{name} ::: {genre.title()} Artist {number} ::: Song\n")
            lists[split].append(f"{genre}/{name}\n")
    for split, lines in lists.items():
        (root / f"{split}_filtered.txt").write_text("".join(lines))
    (folder / "data" / "GTZANindex.txt").write_text("".join(index))


def make_tag_data(folder: Path) -> None:
    """``data/magna`` and ``data/jamendo``: lists as published, and their six clips."""
    places = write_magnatagatune(folder / "data" / "magna") + write_mtg_jamendo(folder / "data" / "jamendo")
    for number, place in enumerate(places):
        soundfile.write(place, note(200.0 + 40 * number, seconds=0.3, seed=number), 22050)


# What a page needs beyond what the tutorial leaves.
MADE = {"how-to-fma.md": make_fma, "how-to-gtzan.md": make_gtzan, "how-to-tag-data.md": make_tag_data}


def run_page(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a page in the present folder; its Python blocks share their names."""
    names = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language == "csv" and block.detail:
            Path(block.detail).write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            # The page's own example is what is tested.
            exec(compile(block.text, page.name, "exec"), names)  # noqa: S102
        elif block.language == "sh":
            for line, code in block.lines():
                run_line(f"{page.name}: {line}", line, code, monkeypatch)


def run_line(where: str, line: str, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(line.startswith(start) for start in NOT_RUN):
        return
    words = shlex.split(line)
    assert words[0] == "genreclf", f"{where}: cannot be run and is not among NOT_RUN"
    ended, output = run_command(words, monkeypatch)
    assert ended == code, f"{where}: exit code {ended}\n{output}"
    assert "Traceback" not in output, f"{where}:\n{output}"


def run_command(words: list[str], monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """The exit code of a command, and all that it printed."""
    monkeypatch.setattr(sys, "argv", words)
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        try:
            main()
        except SystemExit as ending:
            return int(ending.code or 0), output.getvalue()
        except Exception:  # noqa: BLE001 - whatever escapes is what a user would see
            traceback.print_exc(file=output)
            return 1, output.getvalue()
    return 0, output.getvalue()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as the tutorial leaves it."""
    folder = tmp_path_factory.mktemp("tutorial")
    make_music(folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        without_workers(monkeypatch.setattr)
        run_page(TUTORIAL, monkeypatch)
    return folder


def test_the_tutorial_runs(finished: Path) -> None:
    assert (finished / "features" / "music.csv").is_file()
    assert (finished / "reports" / "music" / "report.html").is_file()


@pytest.fixture
def own_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a page registers is forgotten after it."""
    for registry in (MODELS, DATASETS, PROTOCOLS):
        monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    for name in ("sets", "families"):
        monkeypatch.setattr(FEATURE_SETS, name, dict(getattr(FEATURE_SETS, name)))


@pytest.mark.parametrize("page", RUNNABLE, ids=name_of)
@pytest.mark.usefixtures("own_registries")
def test_a_page_runs(page: Path, finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    MADE.get(page.name, lambda _: None)(tmp_path)
    monkeypatch.chdir(tmp_path)
    without_workers(monkeypatch.setattr)
    run_page(page, monkeypatch)


@pytest.mark.parametrize(("page", "line"), commands())
def test_a_command_and_its_options_exist(page: str, line: str) -> None:
    command, words = find_command(shlex.split(line)[1:])
    assert command is not None, f"{page}: there is no such command"
    known = options_of(command)
    unknown = [word for word in words if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known]
    assert not unknown, f"{page}: {line}"


@cache
def command_line() -> Any:
    return typer.main.get_command(app)


def find_command(words: list[str]) -> tuple[Any, list[str]]:
    """The command that words call, or None, and what is left of them."""
    command: Any = command_line()
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        command, words = command.commands.get(words[0]), words[1:]
    return command, words


def every_option() -> set[str]:
    waiting: list[Any] = [command_line()]
    found: set[str] = set()
    while waiting:
        command = waiting.pop()
        found |= options_of(command)
        waiting += getattr(command, "commands", {}).values()
    return found


def options_of(command: Any) -> set[str]:
    return {"--help"} | {option for p in command.params for option in (*p.opts, *p.secondary_opts)}


_OF_BENCHMARKS = {"--n", "--every", "--floor", "--rounds", "--quick", "--divisions", "--tracks"}


@pytest.mark.parametrize("page", WITH_READMES, ids=name_of)
def test_options_named_in_the_text_exist(page: Path) -> None:
    named = {option for code in re.findall(r"`([^`\n]+)`", prose(page)) for option in re.findall(r"--[a-z0-9-]+", code)}
    assert named <= every_option() | _OF_BENCHMARKS


@pytest.mark.parametrize("page", WITH_READMES, ids=name_of)
def test_links_within_the_repository_resolve(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to a page's headings."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_index_names_every_page() -> None:
    index = (DOCS / "index.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES if page.name != "index.md" and f"({page.name})" not in index] == []


@pytest.mark.parametrize("page", WITH_READMES, ids=name_of)
def test_names_of_the_library_exist(page: Path) -> None:
    for name in sorted(set(re.findall(r"\bgenreclf(?:\.\w+)+", page.read_text(encoding="utf-8")))):
        assert exists(name), f"{page.name}: {name}"


def exists(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for part in parts[end:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def test_every_failure_code_is_explained_and_those_that_are_tried_again_are_marked() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "genreclf").rglob("*.py"))
    raised = set(re.findall(r"(?:TrackError\(|_lost\(\w+,)\s*\"([a-z-]+)\"", source))
    page = (DOCS / "how-to-tables.md").read_text(encoding="utf-8").split("## Why a track has no row")[1]
    rows = dict(re.findall(r"^\| `([a-z-]+)` \|.*\| (yes )?\|$", page, re.MULTILINE))
    assert len(raised) > 10
    assert raised - {"untaggable"} == set(rows)  # that one is about tags, not rows
    assert {code for code, again in rows.items() if again} == MAY_PASS


def test_every_column_of_a_table_and_every_file_of_a_report_is_named() -> None:
    tables, evaluation = ((DOCS / name).read_text(encoding="utf-8") for name in ("how-to-tables.md", "evaluation.md"))
    assert [name for name in IDENTITY if f"`{name}`" not in tables] == []
    frames = [part.name for part in fields(Comparison) if part.name not in ("run", "notes")]
    assert [name for name in frames if f"`{name}.csv`" not in evaluation] == []


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_every_feature_family_is_explained_with_its_size(name: str) -> None:
    page = (DOCS / "features.md").read_text(encoding="utf-8")
    part = page.split(f"## The set `{name}`")[1].split("\n## ")[0]
    told = {family: int(size) for family, size in re.findall(r"^\| `(\w+)` \| (\d+) \|", part, re.MULTILINE)}
    assert told == {family: len(columns) for family, columns in FEATURE_SETS[name].families.items()}


def test_every_protocol_and_model_is_explained() -> None:
    page = (DOCS / "evaluation.md").read_text(encoding="utf-8")
    rows = set(re.findall(r"^\| `([\w-]+)` \|", page, re.MULTILINE))
    assert set(PROTOCOLS) | set(MODELS) <= rows


def test_the_sections_of_a_report_are_named_as_they_are() -> None:
    sections = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "genreclf/reports/sections").glob("*.py"))
    page = (ROOT / "genreclf/pages/templates/report.html.jinja").read_text(encoding="utf-8")
    part = TUTORIAL.read_text(encoding="utf-8").split("## 3. Read the report")[1].split("\n## ")[0]
    named = re.findall(r"\*\*([^*]+)\*\*", part)
    assert len(named) > 3
    assert [name for name in named if f'"{name}"' not in sections and f">{name}</h2>" not in page] == []
