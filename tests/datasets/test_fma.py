"""FMA's own files: three header rows, nested subsets, known faults, published features."""

from __future__ import annotations

import csv
import subprocess
import sys

import numpy as np
import pytest
from made_fma import COLUMNS, FAULTY, SIZES, write_fma

from genreclf.datasets import open_source, open_table
from genreclf.datasets.fma import FMA, most_specific, read_genres, read_tracks
from genreclf.errors import RequestError
from genreclf.evaluation.benchmark import benchmark
from genreclf.tables.table import family_of


@pytest.fixture(scope="module")
def fma(tmp_path_factory):
    folder = write_fma(tmp_path_factory.mktemp("fma"), tracks=80, small=40, medium=20)
    (folder / "fma_small").mkdir()
    return folder


def published(folder):
    """Values as text by track number, read without the code under test."""
    with (folder / "fma_metadata" / "features.csv").open(newline="") as stream:
        rows = list(csv.reader(stream))
    return {row[0]: row[1:] for row in rows[4:]}


def test_manifest_tells_path_genre_artist_album_title_and_split(fma):
    track = next(iter(open_source(f"fma:{fma}")))
    assert track.track_id == "000002"
    assert track.path == fma / "fma_small" / "000" / "000002.mp3"
    assert track.name == "fma_small/000/000002.mp3"
    assert (track.genre, track.title, track.split) == ("Electronic", "Title 2", "training")
    assert track.album == "Album, 0"


def test_subsets_are_nested(fma):
    small = read_tracks(fma / "fma_metadata" / "tracks.csv", subset="small")
    medium = read_tracks(fma / "fma_metadata" / "tracks.csv", subset="medium")
    whole = read_tracks(fma / "fma_metadata" / "tracks.csv")
    assert (len(small), len(medium), len(whole)) == (40, 60, 80)
    assert set(small.index) < set(medium.index) < set(whole.index)


def test_artists_of_one_name_are_told_apart(fma):
    artists = {track.artist for track in open_source(f"fma:{fma}")}
    assert {"Silence (1)", "Silence (2)", "Artist 2"} <= artists
    assert "Silence" not in artists


def test_tracks_without_audio_are_skipped_and_short_ones_kept_with_a_reason(fma):
    manifest = open_source(f"fma:{fma}")
    ids = {int(track.track_id) for track in manifest}
    assert ids & set(FAULTY) == {98565, 98567, 98569}
    assert any("099134, 108925, 133297" in note and "no audio" in note for note in manifest.notes)
    assert any("098565, 098567, 098569" in note and "shorter than 30 s" in note for note in manifest.notes)


def test_untrimmed_audio_has_every_track(tmp_path):
    folder = write_fma(tmp_path)
    (folder / "fma_full").mkdir()
    manifest = open_source(f"fma:{folder}", subset="small")
    assert len(manifest) == 40
    assert manifest.notes == ()


@pytest.mark.parametrize("part", [".", "fma_metadata", "fma_small"])
def test_folder_may_be_either_of_its_parts(fma, part):
    assert len(open_source(f"fma:{fma / part}")) == 37


def test_audio_of_a_larger_subset_serves_a_smaller_one(tmp_path):
    folder = write_fma(tmp_path)
    (folder / "fma_large").mkdir()
    assert next(iter(open_source(f"fma:{folder}"))).name == "fma_large/000/000002.mp3"


def test_what_was_looked_for_is_said_when_it_is_absent(tmp_path, fma):
    with pytest.raises(RequestError, match=r"looked for .*fma_metadata/tracks\.csv.*datasets fetch fma"):
        open_source(f"fma:{tmp_path}")
    with pytest.raises(RequestError, match="looked for the folders fma_medium, fma_large, fma_full"):
        open_source(f"fma:{fma}", subset="medium")
    with pytest.raises(RequestError, match=r"unknown subset of fma 'tiny'.*small, medium, large, full"):
        open_source(f"fma:{fma}", subset="tiny")


def test_features_have_the_published_values_and_names(fma):
    table = open_table(f"fma:{fma}", subset="medium")
    texts = published(fma)
    assert len(table) == 60
    assert table.features == tuple("_".join(column) for column in COLUMNS)
    for track_id, row in zip(table.ids, table.X, strict=True):
        assert row.tolist() == [float(text) for text in texts[str(int(track_id))]]
    assert table.frame["split"].isin(["training", "validation", "test"]).all()
    assert set(table.groups) >= {"Silence (1)", "Silence (2)"}


def test_families_are_fmas_own(fma):
    table = open_table(f"fma:{fma}")
    assert {family: len(columns) for family, columns in table.families.items()} == {
        family: 7 * size for family, size in SIZES.items()
    }
    assert {family_of("_".join(column)) for column in COLUMNS} == set(SIZES)


def test_subgenres_bring_their_parents_and_the_hierarchical_score(fma):
    table = open_table(f"fma:{fma}", subset="medium", label="subgenre")
    assert table.parents == {"Odd-Experimental": ("Experimental",), "Odd-Hip-Hop": ("Hip-Hop",),
                             "Odd-International": ("International",), "Odd-Rock": ("Rock",)}  # fmt: skip
    assert {"Odd-Rock", "Electronic"} <= set(table.genres)
    assert "Rock" not in table.genres
    assert open_table(f"fma:{fma}", subset="medium").parents == {}
    found = benchmark(table, models=("logreg",), protocol="cv-random", folds=2, repeats=1, draws=20)
    assert 0 < found.ranking["hierarchical_f1"][0] < 1
    with pytest.raises(RequestError, match="unknown label of fma 'mood'"):
        open_table(f"fma:{fma}", label="mood")


def test_the_most_specific_genre_is_the_deepest_and_a_circle_ends(tmp_path):
    lines = "genre_id,#tracks,parent,title,top_level", "1,1,0,A,1", "2,1,1,B,1", "3,1,2,C,1", "4,1,4,D,4"
    (tmp_path / "g.csv").write_text("\n".join(lines))
    tree = read_genres(tmp_path / "g.csv")
    assert (tree["3"], tree["4"]) == (("A", "B", "C"), ("D",))
    assert most_specific("[4, 2, 3]", tree) == ("A", "B", "C")
    assert most_specific("[]", tree) == ("",)


def test_chosen_families_are_the_same_as_selected_ones(fma):
    chosen = open_table(f"fma:{fma}", families=["mfcc", "spectral_contrast"])
    selected = open_table(f"fma:{fma}").select(["mfcc", "spectral_contrast"])
    assert chosen.features == selected.features
    assert np.array_equal(chosen.X, selected.X)
    with pytest.raises(RequestError, match=r"no feature family 'mfc'.*choose from chroma_cens"):
        open_table(f"fma:{fma}", families=["mfc"])


def test_header_without_the_row_of_the_index_name_is_read_too(tmp_path, fma):
    folder = write_fma(tmp_path, tracks=80, small=40, medium=20)
    path = folder / "fma_metadata" / "features.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3] + lines[4:]))
    assert np.array_equal(open_table(f"fma:{folder}").X, open_table(f"fma:{fma}").X)


def test_rows_in_any_order_and_many_chunks_read_the_same(tmp_path, fma, monkeypatch):
    from genreclf.datasets import fma_features

    monkeypatch.setattr(fma_features, "_ROWS_AT_ONCE", 3)
    folder = write_fma(tmp_path, tracks=80, small=40, medium=20)
    path = folder / "fma_metadata" / "features.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:4] + lines[:3:-1]))
    assert open_table(f"fma:{folder}").digest == open_table(f"fma:{fma}").digest


def broken(tmp_path, change):
    folder = write_fma(tmp_path)
    path = folder / "fma_metadata" / "features.csv"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(change(lines)))
    return folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda lines: [*lines[:-1], lines[-1][:500]], r"line 64: \d+ values where 518 belong"),
        (lambda lines: [*lines[:6], lines[6].replace("\n", ",1\n"), *lines[7:]], "line 7: 519 values"),
        (lambda lines: [*lines, lines[5]], "line 65: a second row of track 3"),
        (lambda lines: [*lines[:4], "two" + lines[4][1:], *lines[5:]], "line 5: .*'two' is not a track number"),
        (lambda lines: [*lines[:4], lines[4].replace(",", ",x", 1), *lines[5:]], "at or after line 5 is not a number"),
        (lambda lines: lines[1:], "not FMA's features.csv"),
        (lambda lines: [], "not FMA's features.csv"),
    ],
)
def test_damaged_features_are_refused_in_one_line_that_says_where(tmp_path, change, said):
    with pytest.raises(RequestError, match=said) as error:
        open_table(f"fma:{broken(tmp_path, change)}")
    assert "\n" not in str(error.value)


def test_tracks_with_a_missing_value_are_left_out_and_named(tmp_path):
    def empty_a_cell(lines):
        number, _, rest = lines[6].split(",", 2)
        return [*lines[:6], f"{number},,{rest}", *lines[7:]]

    table = open_table(f"fma:{broken(tmp_path, empty_a_cell)}")
    assert len(table) == 39
    assert any("000004" in note for note in table.notes)
    assert np.isfinite(table.X).all()


def test_a_number_that_no_clip_can_have_is_refused(tmp_path):
    folder = write_fma(tmp_path, tracks=40, small=20, medium=10)
    path = folder / "fma_metadata" / "tracks.csv"
    path.write_text(path.read_text().replace("\n2,", "\n1e300,", 1))
    with pytest.raises(RequestError, match="row 1 after the header: no track number"):
        open_table(f"fma:{folder}")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", ",album\n,title\ntrack_id,\n2,x\n", ",set\n,split\n" + "x" * 100])
def test_other_tables_named_tracks_csv_are_refused_in_one_line(tmp_path, text):
    (tmp_path / "tracks.csv").write_text(text)
    with pytest.raises(RequestError, match=r"FMA's tracks\.csv") as error:
        open_table(f"fma:{tmp_path}")
    assert "\n" not in str(error.value)


def test_import_of_the_registry_is_light():
    heavy = ("pandas", "numpy", "pooch", "requests")
    code = f"import sys, genreclf.datasets; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - our own interpreter
    assert done.stdout.strip() == "[]"


def test_checksums_are_sha1_of_the_published_archives():
    assert all(archive.checksum.startswith("sha1:") and len(archive.checksum) == 45 for archive in FMA.archives)


@pytest.mark.realdata
def test_head_of_the_real_metadata_is_read(shared_data):
    frame = read_tracks(shared_data / "fma_metadata_head" / "tracks.csv")
    assert len(frame) == 682
    first = frame.loc[2]
    assert first[["artist", "album", "title", "genre", "split", "subset"]].tolist() == [
        "AWOL", "AWOL - A Way Of Life", "Food", "Hip-Hop", "training", "small",
    ]  # fmt: skip
    assert set(frame["split"]) == {"training", "validation", "test"}
    assert set(read_tracks(shared_data / "fma_metadata_head" / "tracks.csv", subset="medium")["subset"]) == {
        "small",
        "medium",
    }
    assert not frame.groupby("artist")["artist_id"].nunique().gt(1).any()
