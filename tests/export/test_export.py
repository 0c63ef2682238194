import csv
import re
import shutil
import subprocess
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from made_comparisons import known_comparison
from PIL import Image

from genreclf.errors import RequestError
from genreclf.export import export_report, parse_width
from genreclf.export.latex import escaped, tabular
from genreclf.export.methods import as_latex, cited_keys, methods
from genreclf.pages import theme
from genreclf.pages.blocks import Cell, Table
from genreclf.references import references


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("paper")
    comparison = known_comparison()
    named = comparison.scores.replace({"logreg": "50 % of a_b & c"})
    export_report(replace(comparison, scores=named), folder, width=3.3)
    return folder


def test_every_chart_is_a_pdf_an_svg_and_a_png_of_the_width_asked(folder):
    figures = folder / "figures"
    names = {path.stem for path in figures.iterdir()}
    assert {"ranking", "cost", "confusion-1"} <= names
    assert {path.name for path in figures.iterdir()} == {f"{n}.{e}" for n in names for e in ("pdf", "svg", "png")}
    with Image.open(figures / "ranking.png") as picture:
        assert picture.width == pytest.approx(3.3 * 300, abs=1)
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    with Image.open(figures / "confusion-1.png") as picture:
        assert picture.width <= 3.3 * 300


def test_an_exported_svg_needs_no_font_and_knows_no_variables(folder):
    for path in (folder / "figures").glob("*.svg"):
        text = path.read_text(encoding="utf-8")
        assert "var(" not in text
        assert [e for e in ET.fromstring(text).iter() if e.tag.endswith("}text")] == []  # noqa: S314 - written by us


def test_fonts_are_embedded_in_the_pdf(folder):
    content = (folder / "figures" / "ranking.pdf").read_bytes()
    assert b"/Subtype /Type3" not in content
    fonts = content.count(b"/Type /FontDescriptor")
    assert fonts == content.count(b"/FontFile2") > 0


def test_colours_of_print_differ_in_lightness():
    def lightness(colour: str) -> float:
        linear = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return sum(w * c**2.2 for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True)) ** (1 / 2.2)

    known = theme.colours("print")
    marks = sorted(lightness(known[name]) for name in ("--accent", "--second", "--line", "--ground", "--ink"))
    assert min(b - a for a, b in pairwise(marks)) > 0.1
    assert all(lightness(known[f"--c{i}"]) < 0.85 for i in range(10))


def test_a_table_has_columns_of_numbers_with_intervals_and_ties_in_bold(folder):
    text = (folder / "tables" / "ranking.tex").read_text(encoding="utf-8")
    assert r"S[table-format=2.1] c" in text
    assert "\\bfseries 71.2 & 65.4\u201376.1" in text
    assert r"\bfseries 70.0" in text
    assert re.search(r"50\\,\\% of a\\_b \\& c & 65.0 &", text)
    rows = list(csv.reader((folder / "tables" / "ranking.csv").read_text(encoding="utf-8").splitlines()))
    assert rows[0][:3] == ["Model", "Macro-F1", "Macro-F1, 95 % interval"]
    assert rows[1][:3] == ["SVC", "71.2", "65.4 to 76.1"]


def test_numbers_keep_their_signs_and_words_stand_in_braces():
    cells = [[Cell("\u22121,234.5", -1234.5)], [Cell("< 0.001", 0.0001)], [Cell("best", -1.0)], [Cell("", 0.0)]]
    text = tabular(Table("caption", ["p & q"], cells))
    assert "S[table-format=<+4.3]" in text
    assert all(line in text for line in ("\n-1234.5 \\\\", "\n< 0.001 \\\\", "\n{best} \\\\", "{p \\& q}"))


def test_the_paragraph_cites_only_what_is_in_the_references(folder):
    text = (folder / "evaluation.md").read_text(encoding="utf-8")
    keys = cited_keys(text)
    assert {"hansen2011", "pampalk2005", "efron1993"} <= set(keys) <= set(references())
    assert "artist-disjoint cross-validation" in text
    assert "1 genres" not in text
    source = (folder / "references.bib").read_text(encoding="utf-8")
    assert re.findall(r"^@\w+\{(.+),$", source, re.MULTILINE) == keys
    assert "[@" not in as_latex(text)
    assert r"~\cite{pampalk2005,flexer2007}" in as_latex(text)


def test_the_paragraph_follows_the_run():
    run = {
        "table": {"name": "fma_small", "rows": 30, "artists": 1, "genres": {"a": 1, "b": 2}, "features": 2,
                  "families": {"mfcc": 1, "tempo": 1}, "duration": 30.0, "sample_rate": 22050},
        "folds": {"cv-artist": 5}, "seed": 7, "parameters": {"draws": 1000},
        "versions": {"genreclf": "9", "numpy": "2"},
    }  # fmt: skip
    text = methods(known_comparison(run=run))
    assert "30 tracks of FMA [@fma] by 1 artist in 2 genres" in text
    assert "2 features, computed from 30 s of each track at 22,050 Hz [@librosa]: 1 mfcc [@davis1980] and" in text
    assert "with 5 folds" in text
    assert "with 1,000 draws" in text
    assert text.endswith("genreclf 9 [@genreclf] and numpy 2, with the seed 7.\n")
    unknown = methods(known_comparison(run={"table": {"name": "x", "artists": None}}))
    assert "whose artists are not known" in unknown
    assert "jackknife over recordings" in unknown


def test_an_export_is_replaced_and_nothing_else_is(folder, tmp_path):
    (tmp_path / "tables").mkdir()
    with pytest.raises(RequestError, match="tables: is there already"):
        export_report(known_comparison(), tmp_path)
    with pytest.raises(RequestError, match=r"no scores\.csv there"):
        export_report(tmp_path, tmp_path / "new")
    (tmp_path / "article.tex").write_text("mine")
    with pytest.raises(RequestError, match=r"article\.tex"):
        export_report(known_comparison(), tmp_path)


@pytest.mark.parametrize("text", ["3.3", "wide", "-3in", "1in", "99cm", "nanin"])
def test_a_width_is_a_length_with_a_unit(text):
    with pytest.raises(RequestError, match="width"):
        parse_width(text)
    assert parse_width("84mm") == pytest.approx(3.307, abs=0.001)
    assert parse_width("240 pt") == pytest.approx(3.321, abs=0.001)


def test_latex_sets_every_character_as_it_is():
    assert escaped("a_b{50 %} <x> \\ ~^$#&|") == (
        r"a\_b\{50\,\%\} $<$x$>$ \textbackslash{} \textasciitilde{}\textasciicircum{}\$\#\&\textbar{}"
    )


def test_the_article_compiles(folder, tmp_path):
    if not shutil.which("pdflatex"):
        pytest.skip("no pdflatex on this machine")
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "article"]
    done = subprocess.run(  # noqa: S603 - of our own making
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout[-1500:]
    assert (tmp_path / "article.pdf").stat().st_size > 10_000
    assert "Overfull" not in done.stdout
