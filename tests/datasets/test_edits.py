"""Edits: what a file of them means for a table and a manifest, and which files are refused."""

from pathlib import Path

import pandas as pd
import pytest

import genreclf
from genreclf.datasets.edits import Edit, Edits, edit_manifest, edit_tables
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError
from genreclf.tables.table import FeatureTable

ODD = 'a, "b"/ü\\x0a c.mp3'


@pytest.fixture
def table() -> FeatureTable:
    frame = pd.DataFrame(
        {
            "track_id": ["1", "2", "3", "4"],
            "genre": ["rock", "rock", "pop", "pop"],
            "artist": ["Ann", "ann", "Bob", "Cid"],
            "path": ["r/1.mp3", ODD, "p/3.mp3", "p/4.mp3"],
            "digest": ["d1", "d2", "d3", "d3"],
            "parent_genre": ["loud", "loud", "soft", "soft"],
            "tempo": [1.0, 2.0, 3.0, 4.0],
        },
        dtype=object,
    ).astype({"tempo": float})
    return FeatureTable(frame, ("tempo",))


def edited(table: FeatureTable, *lines: tuple[str, ...]) -> FeatureTable:
    return edit_tables([table], Edits(tuple(Edit(*line) for line in lines)))[0]


def test_tracks_are_named_by_id_path_or_digest_and_the_last_label_holds(table) -> None:
    done = edited(
        table, ("label", "1", "folk"), ("label", "r/1.mp3", "pop"), ("label", ODD, "pop"), ("leave-out", "d3")
    )
    assert done.y.tolist() == ["pop", "pop"]
    assert done.ids.tolist() == ["1", "2"]
    assert done.parents == {"pop": ("soft",)}
    assert table.y.tolist() == ["rock", "rock", "pop", "pop"]
    assert done.notes == ("edits: 2 labels changed, 2 tracks left out, 0 artists merged",)


def test_artists_are_merged_one_after_another_and_back_without_end(table) -> None:
    chain = edited(table, ("artist", "ann", "Ann"), ("artist", "Ann", "Cid"), ("artist", "Cid", "Ann"))
    assert chain.frame["artist"].tolist() == ["Ann", "Ann", "Bob", "Ann"]


def test_an_undo_takes_back_the_last_edit_of_its_name(table) -> None:
    lines = (("label", "1", "pop"), ("label", "1", "folk"), ("leave-out", "3"), ("undo", "1"), ("undo", "3"))
    assert edited(table, *lines).y.tolist() == ["pop", "rock", "pop", "pop"]
    assert edited(table, *lines, ("undo", "1")).y.tolist() == table.y.tolist()


def test_what_matches_nothing_and_new_genres_are_reported(table) -> None:
    notes = edited(table, ("label", "9", "pop"), ("artist", "Zed", "Ann"), ("label", "1", "rokc")).notes
    assert notes[1:] == (
        "edits: 2 edits matched nothing: label of '9', artist of 'Zed'",
        "edits: no track had the genre 'rokc' before",
    )


def test_edits_are_appended_and_read_back_also_after_a_hand_wrote_there(tmp_path) -> None:
    path = tmp_path / "library.edits.csv"
    one, two, three = Edit("label", ODD, "=1+1, pop"), Edit("leave-out", "x"), Edit("undo", "x")
    edits = Edits(name=str(path)).append(one, path)
    path.write_text(path.read_text().rstrip("\n"))
    edits = edits.append(two, path).append(three, path)
    assert Edits.read(path) == edits
    assert edits.standing == (one,)
    assert path.read_text().splitlines()[0] == "edit,name,value"
    before = path.read_bytes()
    for edit in (Edit("undo", "x"), Edit("label", "x", "a\nundo,x,"), Edit("label", "x"), Edit("drop", "x")):
        with pytest.raises(RequestError):
            edits.append(edit, path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "begins with ''; a file of edits begins with edit,name,value"),
        ("track_id,genre\n1,rock\n", "begins with 'track_id,genre'; a file of edits begins with edit,name,value"),
        ("edit,name,value\n\nlable,1,rock\n", "line 3: unknown edit 'lable'; choose from label,"),
        ("edit,name,value\nlabel,1\n", "line 2: 2 cells where the header has 3 columns"),
        ("edit,name,value\nlabel,1,\n", "line 2: label of '1': no value; give the new label"),
        ("edit,name,value\nleave-out,1,rock\n", "line 2: leave-out of '1': a value of 'rock'; leave-out takes none"),
        ("edit,name,value\nlabel,,rock\n", "line 2: label: no name; name the track or the artist"),
        ("edit,name,value\nundo,1,\n", "undo of '1': there is no edit of that name to undo"),
        ('edit,name,value\nlabel,"1\n2",rock\n', "line 2: label of '1\\n2': 'rock'; write both on one line"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_in_one_line(tmp_path, text, reason) -> None:
    path = tmp_path / "e.csv"
    path.write_text(text)
    with pytest.raises(RequestError) as refused:
        Edits.read(path)
    assert str(refused.value).startswith(f"{path}: {reason}")
    assert "\n" not in str(refused.value)


def test_leaving_out_everything_is_refused(table) -> None:
    with pytest.raises(RequestError, match="edits: leaves out every track of table"):
        edited(table, *(("leave-out", name) for name in "1234"))


def test_a_manifest_is_edited_by_id_or_name() -> None:
    tracks = [Track(name, Path(name), name, genre="rock", artist="Ann") for name in ("a.mp3", "b.mp3")]
    lines = (Edit("label", "a.mp3", "pop"), Edit("leave-out", "b.mp3"), Edit("artist", "Ann", "Bob"))
    done, left_out = edit_manifest(Manifest.of("m", tracks), Edits(lines))
    assert [(track.genre, track.artist) for track in done] == [("pop", "Bob")]
    assert left_out == {"b.mp3"}


@pytest.mark.usefixtures("in_this_process")
def test_extract_benchmark_and_train_apply_them_and_the_music_stays(music, tmp_path) -> None:
    path = tmp_path / "e.csv"
    path.write_text("edit,name,value\nlabel,low/0.flac,high\nleave-out,high/2.wav,\n")
    before = {file: file.read_bytes() for file in music.rglob("*.*")}
    genreclf.extract(music, tmp_path / "t.csv", jobs=1)
    done = genreclf.extract(music, tmp_path / "t.csv", edits=path, jobs=1)
    assert (done.computed, done.others) == (0, 0)
    assert done.notes == (f"{path}: 1 label changed, 1 track left out, 0 artists merged",)
    table = FeatureTable.read(tmp_path / "t.csv")
    assert table.frame.set_index("track_id")["genre"].to_dict() == {
        "high/0.wav": "high",
        "high/1.wav": "high",
        "low/0.flac": "high",
        "low/1.flac": "low",
        "low/2.flac": "low",
    }
    assert {file: file.read_bytes() for file in music.rglob("*.*")} == before
    path.write_text("edit,name,value\nleave-out,high/0.wav,\n")
    bundle = genreclf.train(table, model="logreg", calibrate=False, edits=path)
    assert bundle.manifest.table["rows"] == 4
    comparison = genreclf.benchmark(
        table, models="logreg", folds=2, protocol="cv-random", repeats=1, draws=50, edits=path
    )
    assert f"{path}: 0 labels changed, 1 track left out, 0 artists merged" in comparison.notes
    assert comparison.run["edits"] == str(path)
