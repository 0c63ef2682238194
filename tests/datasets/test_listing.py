"""What a batch may be given: everything that names tracks, and what names none is an entry among others."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from listener import Listener

from genreclf.datasets.playlists import GenrePlaylists
from genreclf.datasets.sources import root_of, tracks_of
from genreclf.errors import RequestError, TrackError
from genreclf.workers import PENDING


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("rock/a.mp3", "rock/.hidden.mp3", "jazz/日本 🎷.flac", "jazz/b#1 50%.mp3", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def listed(*sources: str, notes: list[str] | None = None, **options: object) -> list[str]:
    """Paths of the tracks, and ``code: path`` of what is none."""
    entries = (e for e in tracks_of(list(sources), progress=Listener(notes), **options) if e is not PENDING)
    return [f"{e.code}: {e.path}" if isinstance(e, TrackError) else str(e.path) for e in entries]


def test_sources_of_all_kinds_may_be_mixed_and_a_file_is_taken_once(library: Path) -> None:
    (library / "m.csv").write_text("path,genre\nrock/a.mp3,rock\nrock/gone.mp3,rock\n")
    notes: list[str] = []
    found = listed("jazz", "rock/*.mp3", "./rock/a.mp3", "m.csv", "none.mp3", "x*.mp3", notes=notes)
    assert found == [
        "jazz/b#1 50%.mp3", "jazz/日本 🎷.flac", "rock/a.mp3", "rock/gone.mp3", "missing: none.mp3", "missing: x*.mp3",
    ]  # fmt: skip
    assert notes == ["2 files are named more than once and taken once"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.m3u8", "#EXTM3U\n#EXTINF:1,A\nrock/a.mp3\n\njazz/日本 🎷.flac\njazz/b#1 50%.mp3\n"),
        ("p.m3u", "\ufeffrock\\a.mp3\r\n./jazz/日本 🎷.flac\r\njazz/b#1 50%.mp3"),
        (
            "p.pls",
            "[playlist]\nFile1=rock/a.mp3\nTitle1=x\nfile2=jazz/日本 🎷.flac\nFile3=jazz/b#1 50%.mp3\nLength1=3\n",
        ),
        (
            "p.xspf",
            """<?xml version="1.0"?><playlist xmlns="http://xspf.org/ns/0/" version="1"><trackList>
            <track><location>rock/a.mp3</location><title>x</title></track>
            <track><location>file://FOLDER/jazz/%E6%97%A5%E6%9C%AC%20%F0%9F%8E%B7.flac</location></track>
            <track><location>jazz/b%231%2050%25.mp3</location></track></trackList></playlist>""",
        ),
    ],
)
def test_a_playlist_names_files_from_where_it_lies(library: Path, name: str, text: str) -> None:
    (library / name).write_text(text.replace("FOLDER", str(library)), encoding="utf-8")
    found = [Path(path).name for path in listed(str(library / name))]
    assert found == ["a.mp3", "日本 🎷.flac", "b#1 50%.mp3"]
    assert all(Path(path).exists() for path in listed(str(library / name)))


def test_what_a_playlist_cannot_give_is_an_entry(library: Path) -> None:
    (library / "p.m3u").write_bytes(b"rock/a.mp3\nhttps://host//x.mp3\ngone.mp3\n")
    assert listed("p.m3u") == ["rock/a.mp3", "https://host//x.mp3", "missing: gone.mp3"]
    (library / "bomb.xspf").write_text('<!DOCTYPE x [<!ENTITY a "aaa">]><playlist><location>&a;</location></playlist>')
    (library / "no.xspf").write_text("<playlist>")
    assert listed("bomb.xspf", "no.xspf", "gone.m3u") == [
        "unreadable: bomb.xspf", "unreadable: no.xspf", "missing: gone.m3u",
    ]  # fmt: skip
    (library / "latin.m3u").write_bytes("rock/é.mp3\n".encode("latin-1"))
    assert listed("latin.m3u") == [f"missing: {'rock/é.mp3'}"]
    (library / os.fsdecode(b"\xe9.mp3")).touch()
    (library / "bytes.m3u").write_bytes(b"\xe9.mp3\n")
    assert os.fsencode(listed("bytes.m3u")[0]) == b"\xe9.mp3"


@pytest.mark.parametrize(("null", "end"), [(False, "\n"), (False, "\r\n"), (True, "\0")])
def test_a_list_on_standard_input(library: Path, null: bool, end: str) -> None:
    text = end.join(["rock", "jazz/日本 🎷.flac", "x*.mp3", ""])
    found = listed("-", stdin=io.BytesIO(text.encode()), null=null)
    assert found == ["rock/a.mp3", "jazz/日本 🎷.flac", "missing: x*.mp3"]


def test_tracks_of_a_list_come_while_it_is_still_open(library: Path) -> None:
    reading, writing = os.pipe()
    with open(reading, "rb") as stream, open(writing, "wb", buffering=0) as pen:  # noqa: PTH123 - descriptors
        entries = tracks_of(["-"], stdin=stream)
        assert next(entries) is PENDING
        pen.write(b"rock/a.mp3\nja")
        assert next(e for e in entries if e is not PENDING).path == Path("rock/a.mp3")
        assert next(entries) is PENDING
        pen.write(b"zz.mp3\n")
        pen.close()
        assert [e.path for e in entries if e is not PENDING] == ["jazz.mp3"]


def test_copies_lie_below_the_folder_that_all_sources_share(library: Path) -> None:
    assert root_of(["rock"]) == library / "rock"
    assert root_of(["rock", "jazz/*.mp3"]) == library
    assert root_of(["rock/a.mp3"]) == library / "rock"
    assert root_of(["-", "/"]) == Path("/")


def test_a_playlist_a_genre_is_gone_on_with_or_written_anew(library: Path) -> None:
    out = library / "lists"
    for _ in range(2):
        lists = GenrePlaylists(out, keep=True)
        for genre, name in (
            ("R&B/Soul", "rock/a.mp3"),
            ("r&b:soul", "jazz/b#1 50%.mp3"),
            ("日本", "jazz/日本 🎷.flac"),
        ):
            lists.add(genre, Path(name))
        with (out / "日本.m3u8").open("a") as torn:
            torn.write("../jazz/to")
    assert sorted(path.name for path in out.iterdir()) == ["R&B_Soul.m3u8", "r&b_soul 2.m3u8", "日本.m3u8"]
    assert GenrePlaylists(out, keep=True).add("日本", Path("rock/a.mp3"))
    assert not GenrePlaylists(out, keep=True).add("日本", Path("rock/two\nlines.mp3"))
    assert listed(str(out / "日本.m3u8")) == [str(out / "../jazz/日本 🎷.flac"), str(out / "../rock/a.mp3")]
    (out / "mine.m3u8").write_text("#EXTM3U\n")
    with pytest.raises(RequestError, match="was not made here"):
        GenrePlaylists(out).add("mine", Path("rock/a.mp3"))
    assert [path.name for path in out.iterdir()] == ["mine.m3u8"]
