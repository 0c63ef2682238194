import time
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made_comparisons import GENRES, HOSTILE, MODELS, made_up_comparison
from pages import Page

from genreclf.reports import write_report


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(made_up_comparison(), folder)
    return folder


def test_page_is_well_formed_and_its_identities_are_unique(folder):
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert len(page.identities()) == len(set(page.identities()))


def test_page_refers_to_nothing_outside_itself(folder):
    page = Page((folder / "report.html").read_text(encoding="utf-8"))
    for tag, attributes in page.tags:
        assert tag not in ("link", "iframe", "object", "embed", "base")
        for name in ("src", "href", "xlink:href", "action", "data", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
        assert "style" not in attributes, "the page's policy forbids styles on elements"
        assert not any(name.startswith("on") for name in attributes)


def test_pictures_are_xml_with_a_name_and_stand_in_the_markdown(folder):
    markdown = (folder / "report.md").read_text(encoding="utf-8")
    pictures = sorted((folder / "pictures").glob("*.svg"))
    assert pictures
    for picture in pictures:
        root = ET.parse(picture).getroot()  # noqa: S314 - written by us
        assert root.attrib["role"] == "img"
        assert root[0].tag.endswith("title")
        assert f"(pictures/{picture.name})" in markdown


@pytest.mark.parametrize("full", [True, False])
def test_hostile_names_are_shown_and_change_nothing(tmp_path, full):
    comparison = made_up_comparison(genres=HOSTILE, models=MODELS[:3], titles=HOSTILE, full=full, name=HOSTILE[0])
    write_report(comparison, tmp_path)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert page.open == []
    assert "img" not in {tag for tag, _ in page.tags}
    text = "".join(page.text)
    for name in (HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[3], HOSTILE[6]):
        assert name in text
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown
    assert "<img" not in markdown
    assert "](http" not in markdown
    for picture in (tmp_path / "pictures").glob("*.svg"):
        ET.parse(picture)  # noqa: S314 - written by us


def test_sections_without_numbers_are_left_out(tmp_path):
    write_report(made_up_comparison(full=False), tmp_path)
    identities = Page((tmp_path / "report.html").read_text(encoding="utf-8")).identities()
    assert {"ranking", "genres", "models"} <= set(identities)
    assert not {"leak", "ablation", "importance", "map", "retrieval", "learning-curve", "tuning"} & set(identities)


def test_the_search_of_a_network_shows_its_trials_and_how_far_it_came(folder):
    text = (folder / "report.md").read_text(encoding="utf-8")
    assert "10 trials in 2 folds, of which 6 were given up by successive halving; 126 epochs in all." in text
    picture = (folder / "pictures" / "search-svc.svg").read_text(encoding="utf-8")
    assert "fold 1: 0.450; fold 2: 0.450" in picture
    assert picture.count("fold 1, trial ") == 5


def test_the_learning_curve_ends_in_an_open_mark_at_twice_the_artists(folder):
    picture = (folder / "pictures" / "learning-curve.svg").read_text(encoding="utf-8")
    assert "SVC, 80 artists (extrapolated): " in picture
    marks = ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}path")  # noqa: S314 - written by us
    classes = [path.attrib.get("class") for path in marks]
    assert classes.count("dot best") == 1 + 5  # of them one in the legend
    assert classes.count("dot open") == 1 + 1


@pytest.mark.parametrize("file", ["report.html", "report.md"])
def test_gains_are_shown_with_their_intervals(folder, file):
    text = (folder / file).read_text(encoding="utf-8")
    for shown in ("+4.5", "+1.0 to +8.0", "+3.0", "\u22121.0 to +7.0"):
        assert shown in text
    assert "no significant difference, +3.0 points (95 % interval \u22121.0 to 7.0)" in text


@pytest.mark.parametrize(("genres", "models"), [(2, 1), (8, 12), (21, 2)])
def test_any_number_of_genres_and_models_can_be_drawn(tmp_path, genres, models):
    names = tuple(f"{GENRES[i % 8]} {i}" for i in range(genres))
    write_report(made_up_comparison(genres=names, models=MODELS[:models]), tmp_path)
    assert Page((tmp_path / "report.html").read_text(encoding="utf-8")).open == []


def test_report_is_the_same_every_time(tmp_path, folder):
    write_report(made_up_comparison(), tmp_path)
    for path in folder.rglob("*.*"):
        if path.is_file():
            assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_eight_thousand_tracks_and_eight_models_stay_small_and_quick(tmp_path):
    titles = tuple(f"A song with a title of the usual length, number {i}" for i in range(8000))
    comparison = made_up_comparison(tracks=8000, genres=GENRES, models=MODELS[:8], titles=titles)
    before = time.perf_counter()
    write_report(comparison, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 3_000_000
    assert time.perf_counter() - before < 30


@pytest.mark.parametrize("column", ["macro_f1_low", "p_value", "fit_seconds"])
def test_scores_without_some_column_are_still_reported(tmp_path, column):
    comparison = made_up_comparison(full=False)
    write_report(replace(comparison, scores=comparison.scores.drop(columns=column)), tmp_path)
    assert Page((tmp_path / "report.html").read_text(encoding="utf-8")).open == []
