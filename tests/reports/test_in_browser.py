from pathlib import Path

import pytest
from browser import Browser
from made_comparisons import GENRES, HOSTILE, MODELS, made_up_comparison

from genreclf.reports import write_report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    write_report(made_up_comparison(), folder / "usual")
    write_report(made_up_comparison(genres=HOSTILE, models=MODELS[:3], titles=HOSTILE), folder / "hostile")
    many = tuple(f"{GENRES[i % 8]} {i}" for i in range(21))
    write_report(made_up_comparison(tracks=600, genres=many, models=MODELS[:6]), folder / "many")
    return {name: folder / name / "report.html" for name in ("usual", "hostile", "many")}


def test_nothing_is_wrong_on_the_console_and_nothing_is_asked_of_the_network(browser: Browser, pages):
    for page in pages.values():
        browser.open(page)
        browser.open_everything()
        assert browser.console() == []
        assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("name", ["usual", "hostile", "many"])
def test_no_text_lies_on_other_text_and_the_page_never_scrolls_sideways(browser: Browser, pages, name, width):
    browser.open(pages[name], width=width)
    browser.open_everything()
    number, overlapping = browser.overlaps()
    assert number > 100
    assert overlapping == []
    assert browser.run("return document.documentElement.scrollWidth") <= width


def test_text_on_text_would_be_seen(browser: Browser, pages):
    browser.open(pages["usual"])
    browser.run("document.querySelector('#ranking .wide text.value').setAttribute('y', '9999')")
    assert browser.overlaps()[1] == []
    browser.run("for (const t of document.querySelectorAll('#ranking .wide text.value')) t.setAttribute('y', '40')")
    assert browser.overlaps()[1] != []


def test_a_table_is_sorted_by_the_pointer_and_by_the_keyboard(browser: Browser, pages):
    browser.open(pages["usual"])
    rows = "[...document.querySelectorAll('#ranking > .scroll tbody tr')]"
    scores = f"return {rows}.map((row) => Number(row.cells[1].dataset.key))"
    head = "#ranking > .scroll thead th:nth-child(2)"
    browser.run(f"document.querySelector('{head} button').click()")
    assert browser.run(scores) == sorted(browser.run(scores), reverse=True)
    browser.run(f"document.querySelector('{head} button').focus()")
    browser.press("\ue007")
    assert browser.run(scores) == sorted(browser.run(scores))
    assert browser.run(f"return document.querySelector('{head}').getAttribute('aria-sort')") == "ascending"
    browser.run("document.querySelector('#ranking > .scroll thead th button').click()")
    names = browser.run("return [...document.querySelectorAll('#ranking > .scroll tbody th')].map((c) => c.innerText)")
    assert names == sorted(names, key=str.casefold)
    assert browser.run(f"return document.querySelector('{head}').getAttribute('aria-sort')") is None


def test_the_pointer_shows_what_a_mark_is(browser: Browser, pages):
    browser.open(pages["usual"])
    browser.move_to("#figure-ranking .wide .dot.best")
    hint = browser.run("const t = document.querySelector('.tooltip'); return [t.hidden, t.textContent]")
    assert hint[0] is False
    assert hint[1].startswith("SVC: macro-F1")


def test_the_map_says_what_a_track_is_by_pointer_and_by_arrow_keys(browser: Browser, pages):
    browser.open(pages["usual"])
    browser.move_to("#figure-map .sheet")
    browser.run("document.querySelector('#figure-map .sheet').focus()")
    browser.press("\ue014")
    first = browser.run("return document.querySelector('#figure-map .spoken').textContent")
    assert "Song number" in first
    assert "SVC says" in first
    browser.press("\ue014")
    assert browser.run("return document.querySelector('#figure-map .spoken').textContent") != first
    assert browser.run("return document.querySelector('.tooltip').hidden") is False
    browser.run("document.querySelector('#figure-map .legend button').click()")
    assert browser.run("return document.querySelectorAll('#figure-map .wide .faint').length") == 5


@pytest.mark.parametrize(("width", "dark"), [(400, True), (1400, False)])
def test_axe_finds_nothing_serious(browser: Browser, pages, width, dark):
    browser.open(pages["usual"], width=width, dark=dark)
    browser.open_everything()
    assert browser.axe() == []


def test_dark_mode_turns_the_page_dark(browser: Browser, pages):
    grounds = []
    for dark in (False, True):
        browser.open(pages["usual"], dark=dark)
        grounds.append(browser.run("return getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(18, 23, 29)"]
