"""Data sets of tags: MagnaTagATune, MTG-Jamendo and FMA's genres, from made files of the published formats."""

from __future__ import annotations

import pytest
from made_fma import write_fma
from made_tagged import HEADER, write_magnatagatune, write_mtg_jamendo

from genreclf.datasets import open_source, open_table
from genreclf.datasets.magnatagatune import SYNONYMS, TOP50
from genreclf.errors import RequestError


@pytest.fixture
def magna(tmp_path):
    write_magnatagatune(tmp_path)
    return tmp_path


@pytest.fixture
def jamendo(tmp_path):
    write_mtg_jamendo(tmp_path)
    return tmp_path


def test_magnatagatune_has_tags_artists_and_the_split_of_its_folders(magna):
    manifest = open_source(f"magnatagatune:{magna}")
    tracks = {track.track_id: track for track in manifest}
    assert [(number, track.split) for number, track in tracks.items()] == [
        ("00002", "training"), ("00003", "training"), ("00005", "validation"), ("00006", "test"), ("00007", "test"),
    ]  # fmt: skip
    assert tracks["00002"].tags == ("guitar", "slow")
    assert (tracks["00003"].artist, tracks["00003"].title) == ("Artist 1", 'The "Old" Song')
    assert tracks["00007"].path == magna / "f" / "ann-5-29-58.mp3"
    assert set(manifest.notes) == {
        "skipped, as these clips are empty files: 1",
        "left out, as they have none of the 50 tags: 1 clips",
    }


def test_all_tags_of_magnatagatune_and_synonyms_made_one(magna):
    every = {track.track_id: track.tags for track in open_source(f"magnatagatune:{magna}", subset="all")}
    merged = {track.track_id: track.tags for track in open_source(f"magnatagatune:{magna}", subset="merged")}
    assert (every["00004"], merged["00004"]) == (("jazzy",), ("jazz",))
    assert (every["00006"], merged["00006"]) == (("guitar", "electronic", "hard rock"), ("guitar", "electro", "hard"))
    assert len(TOP50) == len(set(TOP50)) == 50
    assert not set(SYNONYMS.values()) & set(SYNONYMS), "no synonym is itself renamed"


def test_magnatagatune_may_lie_in_a_folder_mp3(magna):
    (magna / "mp3").mkdir()
    for name in "04bcdf":
        (magna / name).rename(magna / "mp3" / name)
    assert open_source(f"magnatagatune:{magna}").tracks[0].path.parent == magna / "mp3" / "0"


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("annotations_final.csv", lambda text: text.replace('"cello"', '"celo"'), r"no column 'cello'$"),
        ("annotations_final.csv", lambda text: text.replace("\t", ","), "by tabs: no column 'clip_id'"),
        ("annotations_final.csv", lambda text: text.replace('"0"', '"2"', 1), "line 2, column .*: '2'; 0 or 1"),
        ("annotations_final.csv", lambda text: text.replace('"0/', '"../'), "line 2: '../.*no path such as f/NAME"),
        ("annotations_final.csv", lambda text: text[:-20], "line 8: .*no path such as f/NAME"),
        ("annotations_final.csv", lambda _: "", "no column 'clip_id'"),
        ("clip_info_final.csv", lambda text: text.replace("\tartist\t", "\tband\t"), "no column 'artist'"),
        ("clip_info_final.csv", None, r"looked for clip_info_final\.csv; get it with"),
    ],
)
def test_wrong_lists_of_magnatagatune_are_refused_in_one_line(magna, name, change, said):
    path = magna / name
    text = path.read_text()
    path.unlink() if change is None else path.write_text(change(text))
    with pytest.raises(RequestError, match=said) as error:
        open_source(f"magnatagatune:{magna}", subset="top50")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("low", [False, True])
def test_mtg_jamendo_has_tags_artists_and_splits(tmp_path, low):
    places = write_mtg_jamendo(tmp_path, subset="genre", split=3, low=low)
    places[0].touch()
    tracks = open_source(f"mtg-jamendo:{tmp_path}", subset="genre:3").tracks
    assert [track.split for track in tracks] == ["training", "validation", "test"] * 2
    assert {track.path for track in tracks} == set(places)
    assert tracks[1].tags == ("mood/theme---happy",)
    assert tracks[2].tags == ("mood/theme---happy", "mood/theme---film")
    assert (tracks[0].track_id, tracks[0].artist, tracks[0].album) == ("track_0000948", "artist_000009", "album_000149")


@pytest.mark.parametrize(
    ("subset", "said"),
    [
        ("moodtheme:5", "no split '5' of mtg-jamendo; choose 0 to 4, for example moodtheme:0"),
        ("moodtheme:", "no split '' of mtg-jamendo"),
        ("moods", "unknown subset of mtg-jamendo 'moods'; choose from moodtheme"),
        ("moodtheme:4", "looked for split-4 in data/splits"),
        ("genre", r"autotagging_genre-train\.tsv: cannot be read: No such file"),
    ],
)
def test_what_mtg_jamendo_does_not_have_is_refused_in_one_line(jamendo, subset, said):
    with pytest.raises(RequestError, match=said) as error:
        open_source(f"mtg-jamendo:{jamendo}", subset=subset)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEADER.replace("\t", ","), "not a list of MTG-Jamendo, whose first line is: TRACK_ID"),
        ("", "not a list of MTG-Jamendo"),
        (HEADER + "track_1\tartist_1\talbum_1\t01/1.mp3\t9.0\n", "line 2: .*tags such as genre---rock"),
        (HEADER + "track_1\tartist_1\talbum_1\t../1.mp3\t9.0\tgenre---a\n", "line 2: .*path such as"),
        (HEADER + 2 * "track_1\ta\tb\t01/1.mp3\t9.0\tgenre---a\n", "line 3: track_1 is listed already"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_wrong_lists_of_mtg_jamendo_are_refused_in_one_line(jamendo, text, said):
    path = jamendo / "data" / "splits" / "split-0" / "autotagging_moodtheme-train.tsv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RequestError, match=said) as error:
        open_source(f"mtg-jamendo:{jamendo}")
    assert "\n" not in str(error.value)


def test_fma_has_all_genres_of_a_track_as_tags_beside_its_root_genre(tmp_path):
    folder = write_fma(tmp_path)
    (folder / "fma_small").mkdir()
    track = open_source(f"fma:{folder}").tracks[1]
    assert (track.genre, track.tags) == ("Experimental", ("Experimental", "Odd/Experimental"))
    table = open_table(f"fma:{folder}", families=["tonnetz"])
    assert len(table.tags.names) == 12, "eight root genres, and four below them"
    assert table.frame["tags"][1] == "Experimental|Odd/Experimental"
    genres = folder / "fma_metadata" / "genres.csv"
    genres.write_text(genres.read_text().replace("\n102,", "\n902,"))
    with pytest.raises(RequestError, match=r"no genre 102, which tracks\.csv has"):
        open_source(f"fma:{folder}")
    genres.unlink()
    assert any("have no tags" in note for note in open_source(f"fma:{folder}").notes)
