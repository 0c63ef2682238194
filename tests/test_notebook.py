"""Results in notebooks: one line as text, a card within its size as HTML, nothing that runs, light and dark."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from made_comparisons import known_comparison
from made_up import made_up_table

import genreclf
from genreclf import progress
from genreclf.extraction import Extraction
from genreclf.pages.card import LARGEST
from genreclf.progress import AUTOMATIC
from genreclf.tables.store import Failure


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    table = made_up_table()
    bundle = genreclf.train(table, model="logreg", notes="<b>&</b>")
    bundle.save(folder / "model")
    return {
        "comparison": known_comparison(),
        "table": table,
        "bundle": bundle,
        "predictor": genreclf.load(folder / "model", min_confidence=0.5),
        "index": genreclf.build_index(table),
        "extraction": extraction(),
    }


def extraction(*, failed=2):
    failures = tuple(Failure(f"{n}", f"rock/{n}<i>.mp3", "unreadable", "not audio") for n in range(failed))
    return Extraction(Path("t.csv"), 9 + failed, 4, 5, failures, 0, 856, (), 1.5, interrupted=False, notes=("a note",))


def text_of(html):
    return " ".join(re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL).split())


KINDS = ("comparison", "table", "bundle", "predictor", "index", "extraction")


@pytest.mark.parametrize("kind", KINDS)
def test_a_result_is_a_line_as_text_and_a_card_without_scripts_as_html(results, kind):
    line, html = repr(results[kind]), results[kind]._repr_html_()
    assert "\n" not in line
    assert len(line) < 200
    assert len(html.encode()) < LARGEST
    assert html.startswith('<div class="genreclf-card">')
    assert not re.search(r"<script|<link|javascript:|https?://(?!www\.w3\.org/)|<b>|<i>", html)


def test_cards_show_what_a_person_wants_at_a_glance(results):
    html = {kind: text_of(results[kind]._repr_html_()) for kind in KINDS}
    ranking = results["comparison"].ranking
    assert f"{100 * ranking['macro_f1'].iloc[0]:.1f}" in html["comparison"]
    assert "<svg" in results["comparison"]._repr_html_()
    for fact in ("120 tracks", "3 genres", "24 artists", "features"):
        assert fact in html["table"]
    assert "held-out macro-F1" in html["bundle"]
    assert "min_confidence 0.5" in html["predictor"]
    assert "genre0 40" in html["index"]
    assert "2 failed" in html["extraction"]
    assert "rock/0&lt;i&gt;.mp3 unreadable not audio" in html["extraction"]


def test_a_card_stays_small_and_says_what_it_leaves_out(results):
    assert "… 4,970 more" in extraction(failed=5000)._repr_html_()
    notes = tuple("n" * 10_000 for _ in range(300))
    html = replace(results["comparison"], notes=notes)._repr_html_()
    assert "… 288 more notes" in html
    assert len(html.encode()) < LARGEST


class Shell:
    """A notebook's kernel, as far as progress asks."""

    kernel = True


def test_progress_is_a_bar_below_a_notebooks_cell_and_nothing_elsewhere(monkeypatch):
    formatting = pytest.importorskip("IPython.display")
    shown = []

    class Handle:
        update = staticmethod(lambda data, **_: shown.append(data))

    def display(data, **_):
        shown.append(data)
        return Handle

    def work():
        AUTOMATIC.begin("outer", 2)
        AUTOMATIC.begin("extract <i>", 4)
        for _ in range(3):
            AUTOMATIC.advance("a.wav")
        AUTOMATIC.message("one <b> failed")
        AUTOMATIC.end()

    monkeypatch.setattr(formatting, "display", display)
    work()
    assert shown == []
    monkeypatch.setattr(progress, "_REFRESH", -1.0)
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    monkeypatch.setattr("IPython.get_ipython", Shell)
    work()
    outer, outer_ended, begun, *_, last, message, ended = shown
    assert "outer" in outer["text/plain"]
    assert outer_ended == ended
    assert begun["text/html"] == '<progress max="4" value="0"></progress> extract &lt;i&gt; \u00b7 0/4'
    assert 'value="3"' in last["text/html"]
    assert message == {"text/plain": "one <b> failed"}
    assert set(ended.values()) == {""}


def test_scikit_learn_does_not_speak_for_a_predictor(results):
    formatters = pytest.importorskip("IPython.core.formatters")
    data, _ = formatters.DisplayFormatter().format(results["predictor"])
    assert "genreclf-card" in data["text/html"]


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True])
def test_cards_read_well_in_light_and_dark_on_a_telephone(results, browser, tmp_path, dark):
    cards = "".join(results[kind]._repr_html_() for kind in KINDS)
    page = tmp_path / "cards.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><body style="margin:0">{cards}', encoding="utf-8")
    browser.open(page, width=400, dark=dark)
    texts, overlaps = browser.overlaps()
    assert texts > 50
    assert overlaps == []
    assert browser.run("return document.documentElement.scrollWidth") <= 400
    ground, ink = browser.run(
        "const s = getComputedStyle(document.querySelector('.genreclf-card')); return [s.backgroundColor, s.color];"
    )
    light = [sum(map(int, re.findall(r"\d+", colour))) for colour in (ground, ink)]
    assert (light[0] < light[1]) == dark
    assert browser.requests()[1:] == []
    assert browser.console() == []
