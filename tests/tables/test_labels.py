"""Tags: read from cells and columns, merged, left out where rare, and carried from a manifest into a table."""

from __future__ import annotations

import numpy as np
import pytest

from genreclf.datasets.manifest import read_manifest
from genreclf.errors import RequestError
from genreclf.extraction import extract
from genreclf.tables.labels import Tags, choose_tags, join_tags, read_synonyms, split_tags
from genreclf.tables.table import FeatureTable


def read(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return FeatureTable.read(path)


@pytest.mark.parametrize(
    "text",
    [
        "track_id,genre,tags,tempo\na,rock,sad|guitar,1\nb,pop,,2\nc,pop,guitar,3\n",
        "track_id,genre,tags,tempo\na,rock,guitar; sad ;guitar,1\nb,pop,;,2\nc,pop,guitar,3\n",
        "track_id,genre,tag:sad,tag:guitar,tempo\na,rock,1,1,1\nb,pop,0,0,2\nc,pop,,true,3\n",
        "track_id,genre,tag:sad,tags,tempo\na,rock,1,guitar,1\nb,pop,0,,2\nc,pop,0,guitar,3\n",
    ],
)
def test_ways_to_write_tags_read_the_same_and_are_no_features(tmp_path, text):
    table = read(tmp_path, text)
    assert table.features == ("tempo",)
    assert table.tags.names == ("guitar", "sad")
    assert table.tags.matrix.tolist() == [[True, True], [False, False], [True, False]]
    table.write(tmp_path / "again.csv")
    again = FeatureTable.read(tmp_path / "again.csv")
    assert again.tags.matrix.tolist() == table.tags.matrix.tolist()
    assert again.take(np.array([2])).tags.names == ("guitar",)


def test_a_table_may_have_tags_and_no_genre_or_a_genre_and_no_tags(tmp_path):
    assert set(read(tmp_path, "track_id,tags,tempo\na,sad,1\nb,,2\n").y) == {""}
    plain = read(tmp_path, "track_id,genre,tempo\na,sad,1\nb,pop,2\n")
    assert plain.tags.matrix.shape == (2, 0)
    assert "tags" not in plain.frame


def test_a_column_of_tags_can_be_the_genre(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("track_id,tags,tempo\na,sad,1\nb,glad,2\n", encoding="utf-8")
    table = FeatureTable.read(path, label="tags")
    assert table.genres == ("glad", "sad")
    assert table.tags.names == ()


def test_a_cell_that_is_neither_0_nor_1_is_named(tmp_path):
    with pytest.raises(RequestError, match=r"line 3, column 'tag:sad': '0\.4'; write 0 or 1"):
        read(tmp_path, "track_id,tag:sad,tempo\na,1,1\nb,0.4,2\n")
    with pytest.raises(RequestError, match="a column 'tag:' without a name"):
        read(tmp_path, "track_id,tag:,tempo\na,1,1\nb,0,2\n")


def test_a_tag_cannot_hold_a_separator():
    assert split_tags(join_tags(["drum & bass", "hip hop"])) == ("drum & bass", "hip hop")
    with pytest.raises(RequestError, match="rename it"):
        join_tags(["a|b"])


def test_rare_tags_are_left_out_and_named():
    tags = Tags.of([["a", "b"]] * 4 + [["a"]] * 4 + [["c"]])
    artists = np.array(["x"] * 4 + ["y"] * 5, dtype=object)
    chosen, (note,) = choose_tags(tags, artists, min_tracks=2, min_artists=2)
    assert chosen.names == ("a",)
    assert chosen.matrix[:, 0].sum() == 8
    assert note == (
        "tags on fewer than 2 tracks or by fewer than 2 artists are left out: b (4 tracks, 1 artists), "
        "c (1 tracks, 1 artists)"
    )
    assert choose_tags(tags, None, min_tracks=2, min_artists=2)[0].names == ("a", "b")
    with pytest.raises(RequestError, match="min_artists=0"):
        choose_tags(tags, None, min_artists=0)


def test_synonyms_are_merged_before_tags_are_counted(tmp_path):
    path = tmp_path / "synonyms.csv"
    path.write_text("tag,name\nbeats,beat\nfast beat,beat\nnoise,\nunheard,x\n", encoding="utf-8")
    tags = Tags.of([["beats"], ["beat", "fast beat"], ["noise"]])
    chosen, notes = choose_tags(tags, None, min_tracks=2, synonyms=read_synonyms(path))
    assert chosen.names == ("beat",)
    assert chosen.matrix[:, 0].tolist() == [True, True, False]
    assert "unheard" in notes[1]


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("a,b\nx,y\n", "begins with the line tag,name"),
        ("tag,name\nx,y\nx,z\n", "line 3: 'x' is mapped already"),
        ("tag,name\nx,y\ny,z\n", "line 2: 'x' becomes 'y', which becomes 'z'"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(tmp_path, text, match):
    path = tmp_path / "synonyms.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError, match=match):
        read_synonyms(path)


@pytest.mark.usefixtures("in_this_process")
def test_tags_go_from_the_manifest_into_the_table_which_stays_as_it_was_without(music, tmp_path):
    manifest, out = music / "m.csv", tmp_path / "t.csv"
    manifest.write_text("path,genre\nlow/0.flac,rock\nhigh/0.wav,pop\n", encoding="utf-8")
    extract(manifest, out, jobs=1)
    plain = out.read_bytes()
    assert plain.startswith(b"track_id,genre,artist,album,title,split,path,digest,mfcc_mean_01,")
    manifest.write_text("path,genre,tag:sad,tags\nlow/0.flac,rock,1,slow;old\nhigh/0.wav,pop,0,\n", encoding="utf-8")
    assert read_manifest(manifest).notes == ()
    assert extract(manifest, out, jobs=1).computed == 0, "a table without tags gets the column"
    table = FeatureTable.read(out)
    assert table.tags.names == ("old", "sad", "slow")
    assert table.frame.drop(columns="tags").to_csv(index=False, lineterminator="\n").encode() == plain
    manifest.write_text("path,genre\nlow/0.flac,rock\nhigh/0.wav,jazz\n", encoding="utf-8")
    extract(manifest, out, jobs=1)
    table = FeatureTable.read(out)
    assert table.tags.names == ("old", "sad", "slow"), "a source without tags leaves those there"
    assert set(table.y) == {"rock", "jazz"}
