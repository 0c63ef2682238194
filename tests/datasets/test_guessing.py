"""Guessing artists: only what a path says, listed, and never instead of what is known."""

import pytest

from genreclf.datasets import open_source, open_table
from genreclf.datasets.guessing import artist_of, guess
from genreclf.datasets.manifest import Manifest, Track
from genreclf.errors import RequestError


@pytest.mark.parametrize(
    ("name", "way", "artist"),
    [
        ("rock/The Band/First Album/01 Song.mp3", "folders", "The Band"),
        ("rock/The Band/Song.mp3", "folders", "The Band"),
        ("rock/Song.mp3", "folders", ""),
        ("rock/Various Artists/Hits/Song.mp3", "folders", ""),
        ("rock/The Band - Song.mp3", "names", "The Band"),
        ("rock/03 The Band - Song - Live.mp3", "names", "The Band"),
        ("rock/03 - The Band - Song.mp3", "names", "The Band"),
        ("rock/12. The_Band_-_Song.mp3", "names", "The Band"),
        ("rock/The Band \u2013 Song.mp3", "names", "The Band"),
        ("rock/1984 Tour - Song.mp3", "names", "1984 Tour"),
        ("rock/Anti-Hero.mp3", "names", ""),
        ("rock/VA - Song.mp3", "names", ""),
    ],
)
def test_an_artist_is_what_the_path_says(name, way, artist):
    assert artist_of(name, way) == artist


def test_guesses_leave_known_artists_and_are_listed(tmp_path):
    for name in ("rock/Ann/a.wav", "rock/Ann/b.wav", "pop/Bob/LP/c.wav", "pop/d.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    manifest = open_source(tmp_path, artists="folders")
    artists = {track.name: track.artist for track in manifest}
    assert artists == {"rock/Ann/a.wav": "Ann", "rock/Ann/b.wav": "Ann", "pop/Bob/LP/c.wav": "Bob", "pop/d.wav": ""}
    note = manifest.notes[-1]
    assert "artists guessed from folders for 3 of 4 tracks, 2 artists: Ann (2), Bob (1)" in note
    assert "for example 'pop/Bob/LP/c.wav': Bob" in note
    known = Manifest(
        "m", (Track("1", tmp_path, "rock/Ann/a.wav", artist="Cid"), Track("2", tmp_path, "rock/Ann/b.wav"))
    )
    assert [track.artist for track in guess(known, "folders")] == ["Cid", "Ann"]


def test_artists_of_a_table_are_guessed_from_its_paths_below_the_folder_of_the_genre(tmp_path):
    rows = "music/rock/Ann/a.wav,rock,", "music/rock/Bob/LP/b.wav,rock,", "pop/Cid/c.wav,pop,Known", "d.wav,pop,"
    lines = ["path,genre,artist,mfcc_mean_01", *(f"{row},{k}.5" for k, row in enumerate(rows))]
    (tmp_path / "t.csv").write_text("\n".join(lines) + "\n")
    table = open_table(tmp_path / "t.csv", artists="folders")
    assert table.frame["artist"].tolist() == ["Ann", "Bob", "Known", ""]
    assert "artists guessed from folders for 2 of 4 tracks, 2 artists: Ann (1), Bob (1)" in table.notes[-1]
    with pytest.raises(RequestError, match="artists=tags: a table has neither files nor lists of artists"):
        open_table(tmp_path / "t.csv", artists="tags")
    with pytest.raises(RequestError, match="looks like Artist - Title"):
        open_table(tmp_path / "t.csv", artists="names")


def test_paths_that_name_no_artist_are_refused_and_tags_are_asked_for(tmp_path):
    (tmp_path / "rock").mkdir()
    (tmp_path / "rock" / "a.wav").touch()
    with pytest.raises(
        RequestError, match=r"artists=names: no path in .* looks like Artist - Title; the first is 'rock/a.wav'"
    ):
        open_source(tmp_path, artists="names")
    (tmp_path / "tracks.csv").write_text("path,genre\nrock/a.wav,rock\n")
    assert [track.tagged for track in open_source(tmp_path / "tracks.csv", artists="tags")] == [True]
