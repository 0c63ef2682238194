import re
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser
from made_comparisons import GENRES, HOSTILE, MODELS, made_up_comparison

from genreclf.cli.ranking import show_comparison
from genreclf.evaluation.run_comparison import compare_runs
from genreclf.reports import write_report
from genreclf.reports.run_comparison_page import write_run_comparison

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    write_report(made_up_comparison(), folder / "usual")
    write_report(made_up_comparison(genres=HOSTILE, models=MODELS[:3], titles=HOSTILE), folder / "hostile")
    many = tuple(f"{GENRES[i % 8]} {i}" for i in range(21))
    write_report(made_up_comparison(tracks=600, genres=many, models=MODELS[:6]), folder / "many")
    return {name: folder / name / "report.html" for name in ("usual", "hostile", "many")}


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("compared")
    run, hostile = made_up_comparison(), made_up_comparison(genres=HOSTILE, models=MODELS[:3], titles=HOSTILE)
    other = replace(run, run=dict(run.run) | {"seed": 7})
    write_run_comparison(compare_runs({"first": run, "other": other}), folder / "usual.html")
    names = dict(zip(HOSTILE, [hostile] * 4, strict=False))
    write_run_comparison(compare_runs(names), folder / "hostile.html")
    return {name: folder / f"{name}.html" for name in ("usual", "hostile")}


@pytest.mark.parametrize(("width", "dark"), [(400, True), (800, False), (1400, False)])
@pytest.mark.parametrize("name", ["usual", "hostile"])
def test_a_page_of_runs_side_by_side_holds_in_a_browser(browser: Browser, compared, name, width, dark):
    browser.open(compared[name], width=width, dark=dark)
    browser.open_everything()
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []
    number, overlapping = browser.overlaps()
    assert number > 60
    assert overlapping == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.axe() == []


def test_a_page_of_runs_side_by_side_is_sorted_and_says_what_its_marks_are(browser: Browser, compared):
    browser.open(compared["usual"])
    head = "#scores thead th:nth-child(3)"
    browser.run(f"document.querySelector('{head} button').click()")
    scores = browser.run(
        "return [...document.querySelectorAll('#scores tbody tr')].map((r) => +r.cells[2].dataset.key)"
    )
    assert len(scores) > 4
    assert scores == sorted(scores, reverse=True)
    browser.move_to("#figure-versus .wide .points", index=2)  # two stand in the legend
    assert browser.run("return document.querySelector('.tooltip').textContent").startswith("SVC in first: ")


def test_nothing_is_wrong_on_the_console_and_nothing_is_asked_of_the_network(browser: Browser, pages):
    for page in pages.values():
        browser.open(page)
        browser.open_everything()
        assert browser.console() == []
        assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []


@pytest.mark.parametrize(
    ("name", "width"),
    [("usual", 400), ("usual", 800), ("usual", 1400), ("usual", 2000), ("hostile", 400), ("hostile", 1400),
     ("many", 400), ("many", 1400)],
)  # fmt: skip
def test_no_text_is_cut_or_lies_on_other_text_and_the_page_never_scrolls_sideways(browser, pages, name, width):
    browser.open(pages[name], width=width)
    browser.open_everything()
    number, overlapping = browser.overlaps()
    assert number > 100
    assert overlapping == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    if name == "usual":
        assert browser.cut() == []
        visible = browser.run(
            "return [...document.querySelectorAll('.chart text')].filter((t) => t.getClientRects().length)"
            ".map((t) => t.textContent)"
        )
        assert [text for text in visible if "\u2026" in text] == []


@pytest.mark.parametrize("width", [400, 800, 1400, 2000])
def test_every_number_of_the_terminals_table_is_on_the_screen(browser: Browser, pages, capsys, width):
    comparison = made_up_comparison()
    show_comparison(comparison, "folder")
    rows = [line for line in capsys.readouterr().out.splitlines() if re.search(r"\d to \d", line) and line[:2] == "  "]
    assert len(rows) == len(comparison.ranking)
    browser.open(pages["usual"], width=width)
    browser.open_everything()
    shown = browser.run(
        "return [...document.querySelectorAll('#ranking tbody tr')].filter((e) => e.getClientRects().length)"
        ".map((e) => e.textContent).join(' ')"
    )
    for line in rows:
        scores = re.findall(r"(?<![\d.])\d+\.\d(?!\d)", line)  # seconds have two decimals there
        assert len(scores) >= 4
        assert [score for score in scores if score not in shown] == []


def test_what_is_cut_would_be_seen(browser: Browser, pages):
    browser.open(pages["usual"])
    browser.run("document.querySelector('.scroll').style.width = '20px'")
    assert browser.cut() != []


def test_names_of_genres_on_the_map_cover_no_marks(browser: Browser, pages):
    browser.open(pages["usual"])
    covered = browser.run("""
        const svg = document.querySelector('#figure-map .wide svg'), names = [...svg.querySelectorAll('text')];
        const boxes = names.map((t) => t.getBBox());
        const points = [...svg.querySelectorAll('path[data-genre]')].flatMap((p) =>
          [...p.getAttribute('d').matchAll(/M([\\d.]+) ([\\d.]+)/g)].map((m) => [Number(m[1]), Number(m[2])]));
        return [names.length, points.length, boxes.filter((b) => points.some(([x, y]) =>
          x > b.x && x < b.x + b.width && y > b.y && y < b.y + b.height)).length];
    """)
    assert covered[0] >= 3
    assert covered[1] == 240
    assert covered[2] == 0


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


@pytest.mark.parametrize("width", [400, 1400])
def test_arrow_keys_go_from_mark_to_mark_of_a_chart(browser: Browser, pages, width):
    browser.open(pages["usual"], width=width)
    shown = "const t = document.querySelector('.tooltip'); return t.hidden ? null : t.textContent"
    canvas = "#figure-ranking .canvas" + (".narrow" if width == 400 else ".wide")
    browser.run(f"document.querySelector('{canvas}').focus()")
    assert "arrow keys" in browser.run(f"return document.querySelector('{canvas}').getAttribute('aria-label')")
    said = []
    for key in ("\ue014", "\ue014", "\ue012"):
        browser.press(key)
        browser.driver.execute_async_script("const done = arguments[0]; setTimeout(done, 120);")
        said.append(browser.run(shown))
    assert said[0].startswith("SVC: macro-F1")
    assert said[1] not in (None, said[0])
    assert said[2] == said[0]
    assert browser.run("return document.querySelectorAll('.current').length") == 1
    browser.press("\ue00c")
    assert browser.run(shown) is None
    browser.press("\ue004")
    assert browser.run("return document.querySelectorAll('.current').length") == 0


def test_a_finger_that_taps_a_mark_is_told_what_it_is(browser: Browser, pages):
    browser.open(pages["usual"], width=400)
    x, y = browser.run(
        "const m = document.querySelector('#figure-ranking .narrow .dot.best'); m.scrollIntoView({ block: 'center' });"
        "const b = m.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2];"
    )
    browser.driver.execute_async_script("const done = arguments[0]; setTimeout(done, 120);")
    for kind, points in (("touchStart", [{"x": x, "y": y}]), ("touchEnd", [])):
        browser.driver.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    assert browser.run("return document.querySelector('.tooltip').textContent").startswith("SVC: macro-F1")


def test_names_of_models_are_whole_on_a_telephone(browser: Browser, pages):
    browser.open(pages["usual"], width=400)
    labels = "return [...document.querySelectorAll('#figure-ranking .narrow text')].map((t) => t.textContent)"
    assert [text for text in browser.run(labels) if "\u2026" in text] == []


def test_the_map_says_what_a_track_is_by_pointer_and_by_arrow_keys(browser: Browser, pages):
    browser.open(pages["usual"])
    browser.move_to("#figure-map .sheet")
    browser.run("document.querySelector('#figure-map .sheet').focus()")
    browser.press("\ue014")
    first = browser.run("return document.querySelector('#figure-map .spoken').textContent")
    assert "Song number" in first
    assert first.endswith(" by SVC")
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
