"""A data set of one's own: one entry from outside the package goes the whole way."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_up import made_up_table, note
from typer.testing import CliRunner

import genreclf
from genreclf.cli import app
from genreclf.datasets import DATASETS, Dataset, Manifest, Track, open_source, open_table, register
from genreclf.errors import RequestError


def toy_manifest(folder: Path, *, subset: str | None = None) -> Manifest:
    """Files such as ``rock-Ann-3.wav``: genre, artist, number."""
    names = [path.stem.split("-") for path in sorted(folder.glob("*.wav"))]
    tracks = [
        Track(track_id=number, path=folder / f"{genre}-{artist}-{number}.wav", name=number, genre=genre, artist=artist)
        for genre, artist, number in names
    ]
    return Manifest.of("toy", tracks[: 2 if subset == "few" else None])


TOY = Dataset(
    name="toy",
    title="Toys that sing",
    home="https://example.org/toys",
    licence="CC0",
    citation="nobody",
    archives=(),
    subsets=("few", "all"),
    portions=("all",),
    by_hand=(),
    manifest=toy_manifest,
    features=lambda folder, *, subset=None, families=None: made_up_table(),
)


@pytest.fixture
def toys(tmp_path, in_this_process):
    assert register(TOY) is TOY
    for number in range(4):
        name = f"{'rock' if number % 2 else 'folk'}-Artist{number}-{number}.wav"
        soundfile.write(tmp_path / name, note(220.0 * (1 + number), seed=number), 22050)
    yield tmp_path
    del DATASETS._entries["toy"]


def test_a_registered_data_set_is_listed_read_and_extracted(toys):
    assert [track.artist for track in open_source(f"toy:{toys}")] == ["Artist0", "Artist1", "Artist2", "Artist3"]
    assert len(open_source(f"toy:{toys}", subset="few")) == 2
    assert open_table(f"toy:{toys}").digest == made_up_table().digest
    genreclf.extract(f"toy:{toys}", toys / "t.csv", jobs=1)
    table = genreclf.FeatureTable.read(toys / "t.csv")
    assert table.genres == ("folk", "rock")
    assert table.groups.tolist() == ["Artist0", "Artist1", "Artist2", "Artist3"]
    assert np.isfinite(table.X).all()


def test_the_commands_know_a_registered_data_set(toys):
    listed = CliRunner().invoke(app, ["datasets", "list", "--json"])
    assert [entry["name"] for entry in json.loads(listed.stdout)] == [
        "fma",
        "gtzan",
        "magnatagatune",
        "mtg-jamendo",
        "toy",
    ]
    assert "Toys that sing" in CliRunner().invoke(app, ["datasets", "info", "toy"]).stdout
    done = CliRunner().invoke(
        app, ["extract", f"toy:{toys}", "--subset", "few", "-o", str(toys / "t.csv"), "--jobs", "1", "--json"]
    )
    assert json.loads(done.stdout)["computed"] == 2


def test_a_taken_name_is_refused():
    with pytest.raises(RequestError, match="there is a data set 'fma' already"):
        register(Dataset(**{**TOY.__dict__, "name": "fma"}))
