"""What several tests share: made-up tables, and the development data where it is at hand."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

# The threads of small fits cost more than they bring; the libraries read this when they are loaded.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
import soundfile
from made_server import Server, serving
from made_up import made_up_table, note
from without_workers import without_workers

if TYPE_CHECKING:
    from genreclf.tables.table import FeatureTable
from browser import Browser

# The same cases in every run, however busy the machine; pytest --hypothesis-profile=search looks for new ones.
hypothesis.settings.register_profile("search", deadline=None)
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")

# A shell that starts the tests in the background has them, and so the commands that they start, ignore Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real music and tables that development machines keep beside the checkout."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    folder = Path(os.environ.get("GENRECLF_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip("the development data is not on this machine; set GENRECLF_SHARED_DATA to its folder")
    return folder


@pytest.fixture
def in_this_process(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without worker processes, whose start takes most of the time of small examples; not for the mark `workers`."""
    if request.node.get_closest_marker("workers") is None:
        without_workers(monkeypatch.setattr)


@pytest.fixture
def command_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command line in this process: exit code, standard output and standard error."""
    from genreclf import cli

    monkeypatch.setattr(cli, "_end_in_order", lambda: None)

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["genreclf", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        return ended.value.code or 0, *capsys.readouterr()

    return run


@pytest.fixture
def made_table() -> FeatureTable:
    """A small made-up table with three genres and twenty-four artists."""
    return made_up_table()


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """A folder with two genres, low and high, of three one-second notes each; the low ones carry tags."""
    import soundfile

    folder = tmp_path / "music"
    for genre, base, suffix in (("low", 110.0, ".flac"), ("high", 880.0, ".wav")):
        (folder / genre).mkdir(parents=True)
        for number in range(3):
            path = folder / genre / f"{number}{suffix}"
            with soundfile.SoundFile(path, "w", 22050, 1) as file:
                file.artist, file.title = f"{genre} artist {number % 2}", f"{genre} {number}"
                file.write(note(base * (1 + number / 10), seed=number))
    return folder


@pytest.fixture(scope="session")
def _musicnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with made-up weights of musicnn, of its true shapes."""
    pytest.importorskip("onnxruntime")
    from made_networks import musicnn_variables, wheel

    from genreclf import weights

    folder = tmp_path_factory.mktemp("weights")
    (folder / "made.whl").write_bytes(wheel(musicnn_variables()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GENRECLF_WEIGHTS", str(folder))
        patch.setattr("pooch.file_hash", lambda *_, **__: weights.SOURCES["musicnn:msd"].archives[0].checksum[7:])
        weights.convert("musicnn:msd", [folder / "made.whl"])
    return folder


@pytest.fixture
def made_weights(_musicnn: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same, as the place where weights are installed."""
    monkeypatch.setenv("GENRECLF_WEIGHTS", str(_musicnn))
    return _musicnn


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on loopback that is asked again at once."""
    from genreclf.datasets import fetch

    monkeypatch.setattr(fetch, "_WAIT", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as state:
        yield state


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of pages; skips where there is none."""
    window = Browser()
    yield window
    window.close()


@pytest.fixture(scope="session")
def notes_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that tells low notes from high ones."""
    import genreclf
    from genreclf.extraction import extract

    folder = tmp_path_factory.mktemp("notes")
    for genre, base in (("low", 110.0), ("high", 880.0)):
        (folder / genre).mkdir()
        for number in range(4):
            sound = note(base * (1 + number / 10), seed=number)
            soundfile.write(folder / genre / f"{number}.wav", sound, 22050)
    with pytest.MonkeyPatch.context() as patch:
        without_workers(patch.setattr)
        extract(folder, folder / "t.csv", jobs=1)
    genreclf.train(genreclf.FeatureTable.read(folder / "t.csv"), model="logreg").save(folder / "m.genreclf")
    return folder / "m.genreclf"
