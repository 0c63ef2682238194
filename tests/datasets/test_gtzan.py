"""GTZAN's folders, its fault-filtered split and its artist index."""

from __future__ import annotations

import pytest

from genreclf.datasets import open_source
from genreclf.datasets.gtzan import GENRES
from genreclf.datasets.lists import read_artists, read_split
from genreclf.errors import RequestError


def make_gtzan(folder, *, home="genres", ending="wav", each=4):
    for genre in GENRES:
        place = folder / home / genre
        place.mkdir(parents=True)
        for number in range(each):
            (place / f"{genre}.{number:05d}.{ending}").touch()
    (folder / home / "blues" / "bextract_single.mf").touch()
    return folder


def test_a_byte_that_windows_means_as_dots_ends_no_line(tmp_path):
    (tmp_path / "index.txt").write_bytes(b"blues.00002.wav ::: Andr\xe9 ::: Think Twice\x85\n")
    assert read_artists(tmp_path / "index.txt") == {"blues.00002": ("Andr\xe9", "Think Twice")}


def write_lists(folder, *, ending=".wav"):
    folder.mkdir(exist_ok=True)
    for name, number in (("train", 0), ("valid", 1), ("test", 2)):
        lines = [f"{genre}/{genre}.{number:05d}{ending}\n" for genre in GENRES]
        (folder / f"{name}_filtered.txt").write_text("".join(lines))
    return folder


@pytest.mark.parametrize("home", ["", "genres", "genres_original"])
@pytest.mark.parametrize("ending", ["wav", "au"])
def test_genre_folders_are_found_and_other_files_passed_over(tmp_path, home, ending):
    manifest = open_source(f"gtzan:{make_gtzan(tmp_path, home=home, ending=ending)}")
    assert len(manifest) == 40
    first = next(iter(manifest))
    assert (first.track_id, first.genre, first.name) == ("blues.00000", "blues", f"blues/blues.00000.{ending}")
    assert first.path.is_file()


def test_a_recording_in_two_encodings_is_taken_once(tmp_path):
    make_gtzan(tmp_path)
    (tmp_path / "genres" / "rock" / "rock.00001.au").touch()
    manifest = open_source(f"gtzan:{tmp_path}")
    assert len(manifest) == 40
    assert {track.path.suffix for track in manifest} == {".wav"}
    assert any("1 recordings are there as .au and as .wav" in note for note in manifest.notes)


def test_known_faulty_file_is_noted_and_kept(tmp_path):
    manifest = open_source(f"gtzan:{make_gtzan(tmp_path, each=55)}")
    assert any(note.startswith("jazz.00054 ") for note in manifest.notes)
    assert "jazz.00054" in {track.track_id for track in manifest}


def test_lists_beside_the_audio_are_used_and_leave_out_what_they_do_not_name(tmp_path):
    write_lists(make_gtzan(tmp_path))
    manifest = open_source(f"gtzan:{tmp_path}")
    assert {track.split for track in manifest} == {"training", "validation", "test"}
    assert len(manifest) == 30
    assert any("10 of 40 tracks stand in no list: left out" in note for note in manifest.notes)
    assert len(open_source(f"gtzan:{tmp_path}", subset="all")) == 40


@pytest.mark.parametrize("ending", [".wav", ".au", ""])
def test_lists_match_whatever_the_ending_of_the_audio(tmp_path, ending):
    make_gtzan(tmp_path / "set", ending="au")
    lists = write_lists(tmp_path / "lists", ending=ending)
    manifest = open_source(f"gtzan:{tmp_path / 'set'}", split=lists)
    assert {t.track_id: t.split for t in manifest}["pop.00002"] == "test"


def test_artist_index_gives_artist_and_title(tmp_path):
    index = tmp_path / "GTZANindex.txt"
    index.write_bytes(
        b"# made up\nblues.00000.wav ::: Ann ::: One ::: Two\n"
        b"blues.00001.wav ::: B\xe9la ::: \nblues.00002.wav ::: :::\n"
    )
    manifest = open_source(f"gtzan:{make_gtzan(tmp_path)}", artists=index)
    by_id = {track.track_id: track for track in manifest}
    assert by_id["blues.00000"].artist == "Ann"
    assert by_id["blues.00001"].artist == "Béla"
    assert by_id["blues.00002"].artist == ""
    assert any("38 of 40 tracks have no artist there" in note for note in manifest.notes)


def test_groups_apart_by_a_tab_are_an_artist_index_too(tmp_path):
    path = tmp_path / "groups.txt"
    path.write_text("blues/blues.00000.wav\t17\n")
    assert read_artists(path) == {"blues.00000": ("17", "")}


def test_split_may_be_one_file(tmp_path):
    path = tmp_path / "split.txt"
    path.write_text("blues/blues.00000.wav\ttrain\npop.00001\tTEST\njazz.00001.au\tvalidation\n")
    assert read_split(path) == {"blues.00000": "training", "pop.00001": "test", "jazz.00001": "validation"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("blues.00000.wav\ttrain\nblues.00000.au\ttest\n", "line 2: 'blues.00000' is listed already"),
        ("blues.00000.wav\tdev\n", "line 1: .* train, valid or test"),
        ("blues.00000.wav\n", "line 1: .* a name, a tab and train"),
        ("other.wav\ttrain\n", "names none of the 40 tracks"),
    ],
)
def test_wrong_split_is_refused_in_one_line(tmp_path, text, said):
    path = tmp_path / "split.txt"
    path.write_text(text)
    with pytest.raises(RequestError, match=said):
        open_source(f"gtzan:{make_gtzan(tmp_path)}", split=path)


def test_what_was_looked_for_is_said_when_it_is_absent(tmp_path):
    with pytest.raises(RequestError, match="looked for the folders blues to rock"):
        open_source(f"gtzan:{tmp_path}")
    make_gtzan(tmp_path)
    with pytest.raises(RequestError, match=r"looked for train_filtered\.txt.*--subset lists"):
        open_source(f"gtzan:{tmp_path}", subset="filtered")
    with pytest.raises(RequestError, match=r"one list train\*\.txt belongs there, found none"):
        open_source(f"gtzan:{tmp_path}", split=tmp_path)
    with pytest.raises(RequestError, match="cannot be read: No such file"):
        open_source(f"gtzan:{tmp_path}", artists=tmp_path / "none.txt")
