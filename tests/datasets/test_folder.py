"""Folders of music: what is taken, under which name, and what is said of the rest."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from genreclf.datasets import folder as scanning
from genreclf.datasets import open_source
from genreclf.datasets.folder import scan

if TYPE_CHECKING:
    import pytest


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def genres(*sources: Path) -> dict[str, str]:
    return {track.track_id: track.genre for track in scan(sources)}


def test_the_first_level_names_the_genre(tmp_path: Path) -> None:
    music = filled(tmp_path, "rock/live/a.mp3", "rock/.b.mp3", ".git/c.mp3", "d.MP3", "notes.txt", "x.mp3/e.wav")
    assert genres(music) == {"rock/live/a.mp3": "rock", "d.MP3": "", "x.mp3/e.wav": "x.mp3"}
    assert scan([music]).notes == (f"{music}: files whose names are not those of audio files, passed over: 1",)


def test_a_file_that_is_named_twice_is_taken_once_and_that_is_said(tmp_path: Path) -> None:
    music = filled(tmp_path, "rock/a.mp3", "pop/b.mp3")
    manifest = scan([music, music / "rock", music / "pop" / "b.mp3"])
    assert {track.track_id: track.genre for track in manifest} == {"rock/a.mp3": "rock", "pop/b.mp3": "pop"}
    assert manifest.notes == ("2 files are named more than once and taken once",)


def test_a_folder_keeps_its_name_where_a_link_leads_there_too(tmp_path: Path) -> None:
    music = filled(tmp_path, "rock/a.mp3")
    (music / "all").symlink_to(music / "rock", target_is_directory=True)
    (music / "round").symlink_to(music, target_is_directory=True)
    assert genres(music) == {"rock/a.mp3": "rock"}


def test_a_link_in_a_circle_is_a_track_that_will_fail(tmp_path: Path) -> None:
    (tmp_path / "loop.mp3").symlink_to("loop.mp3")
    assert len(scan([tmp_path / "loop.mp3"])) == 1


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    music = filled(tmp_path, "rock/a.mp3", "pop/b.mp3")
    walk = scanning.os.walk

    def closed(top: Path, *, followlinks: bool, onerror: object) -> object:
        onerror(PermissionError(13, "Permission denied", str(music / "pop")))
        return (step for step in walk(top, followlinks=followlinks) if not step[0].endswith("pop"))

    monkeypatch.setattr(scanning.os, "walk", closed)
    manifest = scan([music])
    assert [track.track_id for track in manifest] == ["rock/a.mp3"]
    assert manifest.notes == (
        f"{music / 'pop'}: this folder cannot be read: Permission denied; nothing of it is taken",
    )


def test_a_pattern_says_what_it_passes_over(tmp_path: Path) -> None:
    music = filled(tmp_path, "a.mp3", "notes.txt", "rock/b.mp3")
    manifest = scan([music / "*"])
    assert [track.path.name for track in manifest] == ["a.mp3"]
    assert manifest.notes == (f"{music / '*'}: 2 folders and other files passed over; name folders themselves",)


def test_a_folder_named_like_a_manifest_is_a_folder(tmp_path: Path) -> None:
    filled(tmp_path / "music.csv", "rock/a.mp3")
    assert [track.genre for track in open_source(tmp_path / "music.csv")] == ["rock"]


def test_what_cannot_be_looked_up_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path of more than 4,096 characters, and a folder that may be listed but not entered."""
    music = filled(tmp_path, "rock/a.mp3")
    monkeypatch.chdir(music / "rock")
    for _ in range(20):
        os.mkdir("d" * 240)  # noqa: PTH102 - relative, as no absolute path reaches so far
        os.chdir("d" * 240)
    filled(Path(), "b.mp3", "c/d.mp3")
    monkeypatch.chdir(tmp_path)
    locked = filled(tmp_path, "pop/in/c.mp3") / "pop"
    locked.chmod(0o644)
    try:
        manifest = scan([music])
    finally:
        locked.chmod(0o755)
    assert [track.track_id for track in manifest if len(track.track_id) < 100][-1] == "rock/a.mp3"
    assert any("File name too long; nothing of it is taken" in note for note in manifest.notes)
