"""What a user may name as a source or a table."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from genreclf.cli import app
from genreclf.datasets import DATASETS, open_source, open_table
from genreclf.errors import RequestError
from genreclf.references import references


def test_csv_is_a_manifest_and_a_folder_is_scanned(tmp_path):
    (tmp_path / "rock").mkdir()
    (tmp_path / "rock" / "a.wav").touch()
    (tmp_path / "tracks.csv").write_text("path,genre\nrock/a.wav,pop\n")
    assert [track.genre for track in open_source(tmp_path / "tracks.csv")] == ["pop"]
    assert [track.genre for track in open_source([tmp_path])] == ["rock"]


def test_lists_join_any_source(tmp_path):
    (tmp_path / "tracks.csv").write_text("path,genre\na.wav,pop\nb.wav,rock\n")
    (tmp_path / "split.txt").write_text("a.wav\ttrain\nb.wav\ttest\n")
    (tmp_path / "artists.txt").write_text("a.wav ::: Ann\nb.wav ::: Bob\n")
    manifest = open_source(tmp_path / "tracks.csv", artists=tmp_path / "artists.txt", split=tmp_path / "split.txt")
    assert [(track.artist, track.split) for track in manifest] == [("Ann", "training"), ("Bob", "test")]


@pytest.mark.parametrize(
    ("sources", "options", "said"),
    [
        ([], {}, "no source named"),
        ([""], {}, "no source named"),
        (["a" * 5000], {}, "cannot be read: File name too long"),
        (["fma:"], {}, "write fma:FOLDER"),
        (["fma:a", "b"], {}, "fma:a stands alone"),
        (["a.csv", "b.csv"], {}, "a.csv stands alone"),
        (["a.csv"], {"subset": "small"}, "subset=small needs a data set"),
    ],
)
def test_sources_that_make_no_sense_are_refused(sources, options, said):
    with pytest.raises(RequestError, match=said):
        open_source(sources, **options)


def test_tables_of_data_sets_take_no_column_options(tmp_path):
    with pytest.raises(RequestError, match=r"gtzan publishes no features.*genreclf extract gtzan:"):
        open_table(f"gtzan:{tmp_path}")
    with pytest.raises(RequestError, match="id=name is for tables"):
        open_table(f"fma:{tmp_path}", id="name")
    with pytest.raises(RequestError, match="subset=small needs a data set"):
        open_table(tmp_path / "x.csv", subset="small")


def test_csv_table_keeps_the_chosen_families(tmp_path):
    (tmp_path / "t.csv").write_text("track_id,genre,mfcc_mean_01,tempo\na,x,1,2\nb,y,3,4\n")
    assert open_table(tmp_path / "t.csv", families=["tempo"]).features == ("tempo",)


def test_command_lists_and_describes_as_json():
    listed = CliRunner().invoke(app, ["datasets", "list", "--json"])
    assert [entry["name"] for entry in json.loads(listed.stdout)] == list(DATASETS)
    info = json.loads(CliRunner().invoke(app, ["datasets", "info", "fma", "--json"]).stdout)
    assert {archive["name"]: archive["checksum"] for archive in info["archives"]}["fma_small.zip"] == (
        "sha1:ade154f733639d52e35e32f5593efe5be76c6d70"
    )


@pytest.mark.parametrize("name", list(DATASETS))
def test_description_names_every_archive(name):
    text = CliRunner().invoke(app, ["datasets", "info", name]).stdout
    if "--json lists them" in text:
        text = CliRunner().invoke(app, ["datasets", "info", name, "--json"]).stdout
    pieces = [piece for archive in DATASETS[name].archives for piece in archive.parts or (archive,)]
    assert all(piece.name in text and piece.checksum in text for piece in pieces)


@pytest.mark.parametrize("name", list(DATASETS))
def test_references_of_data_sets_are_known(name):
    assert DATASETS[name].references
    assert set(DATASETS[name].references) <= set(references())


def test_unknown_names_are_refused_with_the_known_ones(tmp_path):
    done = CliRunner().invoke(app, ["datasets", "info", "gtzn"])
    assert str(done.exception) == f"unknown data set 'gtzn'; choose from {', '.join(DATASETS)}; did you mean 'gtzan'?"
    done = CliRunner().invoke(app, ["datasets", "fetch", "fma", "--to", str(tmp_path), "--subset", "tiny"])
    assert "unknown subset of fma 'tiny'; choose from small" in str(done.exception)
