"""Manifests: what a CSV of tracks may look like, and the one line for each that it may not."""

from __future__ import annotations

import csv
import io
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from genreclf.datasets.manifest import Manifest, Track, read_manifest
from genreclf.errors import GenreclfError, RequestError

same_folder = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(folder: Path, text: str, *, encoding: str = "utf-8") -> Path:
    path = folder / "m.csv"
    path.write_bytes(text.encode(encoding))
    return path


def read_or_refused(path: Path) -> Manifest:
    """The manifest, or an empty one where it is refused as it should be."""
    try:
        return read_manifest(path)
    except GenreclfError as refused:
        line = str(refused)
    assert len(line.splitlines()) == 1
    return Manifest.of("refused", [])


def test_paths_are_relative_to_the_manifest_and_name_the_tracks(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, "path,genre,artist\nrock/b.mp3,rock,Ann\nrock/a.mp3,rock,Bob\n"))
    assert [track.track_id for track in manifest] == ["rock/a.mp3", "rock/b.mp3"]
    assert manifest.tracks[0] == Track(
        track_id="rock/a.mp3", path=tmp_path / "rock/a.mp3", name="rock/a.mp3", genre="rock", artist="Bob"
    )
    assert not manifest.notes


def test_ids_of_the_manifest_are_kept(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, "track_id,path,genre\n7,x.mp3,rock\n"))
    assert [(track.track_id, track.name) for track in manifest] == [("7", "x.mp3")]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffpath,genre\na.mp3,rock\n",
        "path;genre\r\na.mp3;rock\r\n",
        "path\tgenre\na.mp3\trock",
        'path,genre\n"a.mp3","rock"\n\n',
        "path|genre\n a.mp3 | rock \n",
    ],
)
def test_other_dialects_are_understood(tmp_path: Path, text: str) -> None:
    [track] = read_manifest(written(tmp_path, text))
    assert (track.name, track.genre) == ("a.mp3", "rock")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("file,genre\na.mp3,rock\n", "no column 'path' but 'file', 'genre'"),
        ("path,genre\n", "a header and no rows"),
        ('path,genre\na.mp3,"rock\nb.mp3,rock\n', "line 2: unexpected end of data; is a quote left open"),
        ('path,genre\n"a.mp3","in two\nlines"\nb.mp3\n', "line 4: 1 cell where the header has 2 columns"),
        (f"path,genre\na.mp3,{'x' * 200_000}\n", "line 2: field larger than field limit"),
        ("path,genre,genre\na.mp3,rock,pop\n", "line 1: two columns are called 'genre'"),
        ("path,genre\na.mp3,rock\n,pop\n", "line 3, column 'path': no path"),
        ("path,genre\na.mp3,rock\na.mp3,pop\n", "line 3: 'a.mp3' is on line 2 already"),
        ("path,genre\na.mp3,rock,more\n", "line 2: 3 cells where the header has 2 columns"),
        ("path,genre\na\0.mp3,rock\n", "zero byte"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_that_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_manifest(written(tmp_path, text))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_manifest_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="line 2: not UTF-8"):
        read_manifest(written(tmp_path, "path,genre\nbl\u00fc.mp3,rock\n", encoding="latin-1"))
    with pytest.raises(RequestError, match="no such file"):
        read_manifest(tmp_path / "none.csv")


def test_what_the_user_must_know_is_noted(tmp_path: Path) -> None:
    manifest = read_manifest(written(tmp_path, "path,genre,mood\n../a.mp3,rock,sad\nb.mp3,,\n"))
    assert [note.partition(": ")[2] for note in manifest.notes] == [
        "columns that a manifest has no use for: 'mood'",
        "tracks outside its folder: 1, the first is ../a.mp3",
        "1 of 2 tracks have no genre",
    ]
    table = read_manifest(written(tmp_path, "track_id,genre,path,digest\n1,rock,a.mp3,d\n"))
    assert "a feature table; its files are read again, and their paths count from its folder" in table.notes[1]


def test_names_are_found_whatever_the_slash_and_the_composition_of_accents(tmp_path: Path) -> None:
    decomposed = unicodedata.normalize("NFD", "caf\u00e9.mp3")
    (tmp_path / "pop").mkdir()
    (tmp_path / "pop" / decomposed).touch()
    [track] = read_manifest(written(tmp_path, "path,genre\npop\\caf\u00e9.mp3,pop\n"))
    assert track.name == "pop/caf\u00e9.mp3"
    assert track.path.exists()


def test_an_id_that_stands_twice_gets_a_number() -> None:
    twice = [Track(track_id="x", path=Path(name)) for name in ("b", "a")]
    manifest = Manifest.of("made up", twice)
    assert [(track.track_id, track.path.name) for track in manifest] == [("x", "a"), ("x#2", "b")]


@same_folder
@given(rows=st.lists(st.tuples(*[st.text(min_size=1, max_size=12)] * 3), min_size=1, max_size=6))
def test_any_texts_are_read_or_refused_in_one_line(tmp_path: Path, rows: list[tuple[str, str, str]]) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([("path", "genre", "artist"), *rows])
    manifest = read_or_refused(written(tmp_path, text.getvalue().encode("utf-8", "replace").decode()))
    assert len({track.track_id for track in manifest}) == len(manifest)
    for track in manifest:
        for cell in (track.track_id, track.name, track.genre, track.artist):
            assert len(cell.splitlines()) <= 1
            cell.encode("utf-8")


@same_folder
@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(b"path,genre\n" + data)
    read_or_refused(path)


def test_links_in_a_circle_and_names_too_long_are_tracks_like_others(tmp_path: Path) -> None:
    (tmp_path / "loop.mp3").symlink_to("loop.mp3")
    manifest = read_manifest(written(tmp_path, f"path,genre\nloop.mp3,rock\n{'a' * 5000}.mp3,rock\n"))
    assert len(manifest) == 2
    assert not manifest.notes


def test_a_link_that_leads_out_of_the_folder_is_noted(tmp_path: Path) -> None:
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.mp3").symlink_to(tmp_path / "a.mp3")
    manifest = read_manifest(written(tmp_path / "music", "path,genre\na.mp3,rock\n"))
    assert any("tracks outside its folder: 1, the first is a.mp3" in note for note in manifest.notes)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes with a name are those of POSIX")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "m.csv")
    with pytest.raises(RequestError, match="a pipe or a device"):
        read_manifest(tmp_path / "m.csv")
