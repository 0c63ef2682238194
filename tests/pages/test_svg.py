from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreclf.pages.svg import Drawing, Scale, shorten, text_width
from genreclf.pages.wording import clean


@given(st.text(), st.text())
def test_any_text_makes_well_formed_xml_and_is_read_back(title, text):
    drawing = Drawing(100, 50, title, text)
    drawing.text(1, 2, text, class_=title)
    root = ET.fromstring(drawing.standalone().encode("utf-8"))  # noqa: S314 - written by us
    assert (root[0].text or "") == clean(title)
    assert (root[-1].text or "") == clean(text)


@pytest.mark.parametrize("text", ["short", "a rather long name for a genre", "音楽" * 9, ""])
def test_shortened_text_fits_its_room(text):
    assert text_width(shorten(text, 60, 13), 13) <= 60
    assert shorten(text, 1000, 13) == text


def test_scales_hold_values_at_their_ends_and_tick_at_round_numbers():
    scale = Scale(0.57, 0.83, 0, 100)
    assert (scale(0.57), scale(0.83), scale(2), scale(-1)) == (0, 100, 100, 0)
    assert [round(tick, 3) for tick in scale.ticks(5)] == [0.6, 0.7, 0.8]
    assert Scale(0.01, 100, 0, 40, logarithmic=True)(1) == pytest.approx(20)
