"""Files are written whole or not at all, and nothing that is not ours is lost."""

from __future__ import annotations

import contextlib

import pytest
from made_up import made_up_table

from genreclf.errors import RequestError
from genreclf.files import set_aside, whole_file, write_whole


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    place = tmp_path / "new" / "a.txt"
    with whole_file(place) as stream:
        stream.write(b"whole")
        assert not place.exists()
    with contextlib.suppress(KeyboardInterrupt), whole_file(place) as stream:
        stream.write(b"half")
        raise KeyboardInterrupt
    assert place.read_bytes() == b"whole"
    assert [path.name for path in place.parent.iterdir()] == ["a.txt"]


def test_a_link_is_kept_and_what_it_leads_to_is_replaced(tmp_path):
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to("real.txt")
    write_whole(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_what_is_set_aside_replaces_nothing(tmp_path):
    for content in "abc":
        (tmp_path / "x.csv").write_text(content)
        set_aside(tmp_path / "x.csv")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "x.csv.old": "a",
        "x.csv.old2": "b",
        "x.csv.old3": "c",
    }


def test_a_table_does_not_replace_a_json_of_another_making(tmp_path):
    (tmp_path / "t.json").write_text('{"mine": 1}')
    with pytest.raises(RequestError, match=r"t\.json is there and was not written beside a table"):
        made_up_table().write(tmp_path / "t.csv")
    assert (tmp_path / "t.json").read_text() == '{"mine": 1}'
    assert not (tmp_path / "t.csv").exists()
    for _ in range(2):
        made_up_table().write(tmp_path / "other.csv")
