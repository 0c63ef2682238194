"""Texts in cells of tables: one line each, and no two the same that were not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from genreclf.tables.cells import cell, escape, for_spreadsheet, path_name

ODD = st.text(st.sampled_from("a b/\t\n\r\x1b\x85\u2028\u3000\udcff\\xud5c0\N{VIOLIN}"), max_size=12)


@given(ODD)
def test_an_escaped_text_is_one_line_that_a_table_keeps_as_it_is(text):
    label = escape(text)
    assert label == label.strip()
    assert len(label.splitlines()) == (label != "")
    assert label.encode().decode() == label
    assert "\x1b" not in label
    assert not text.strip() or escape(f" {text}") != label, "two names, two labels"


@given(ODD, ODD)
@example("a\udcff", r"a\udcff")
@example("a\n", r"a\x0a")
@example(r"a\x5cx0a", r"a\x0a")
@example(r"a\x5cx5cx0a", r"a\x5cx0a")
def test_two_texts_are_two_labels(one, other):
    assert (escape(one) == escape(other)) == (one == other)


def test_a_plain_name_stays_as_it_is():
    for name in ("rock/01 Title.mp3", "Björk/Jóga.flac", "AC\\DC", "C:\\new\\music"):
        assert escape(name) == name
    assert path_name(Path("rock") / "a.mp3") == "rock/a.mp3"
    assert path_name(Path(os.fsdecode(b"\xff.wav"))) == r"\udcff.wav"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-x", "@SUM(A1)", "\t=1"])
def test_what_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe(text):
    assert for_spreadsheet(text) == f"'{text}"
    assert for_spreadsheet(f"a{text}") == f"a{text}"


def test_cells_hold_no_control_characters():
    assert cell("a\x1b[31m b\0\n c") == "a[31m b c"
