from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from browser import Browser

import genreclf
from genreclf.errors import RequestError, TrackError
from genreclf.features import describe
from genreclf.features.rhythm import mean_autocorrelation, onset_strength
from genreclf.features.statistics import summarise
from genreclf.inspection import inspect_track, write_page, write_picture
from genreclf.inspection.drawings import probabilities_over_time
from genreclf.inspection.heatmap import SEQUENTIAL, narrowed, png, shades
from genreclf.inspection.inspection import feature_percentiles
from genreclf.inspection.series import series_of
from genreclf.inspection.timeline import timeline_of
from genreclf.tables.table import FeatureTable

RATE = 22050


@pytest.fixture(scope="module")
def sound() -> np.ndarray:
    """Six seconds of a chord with a click every half second."""
    time = np.arange(6 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * hertz * time) for hertz in (261.63, 329.63, 392.0)) / 10
    clicks = np.where(time % 0.5 < 0.01, 0.5, 0.0) * np.random.default_rng(0).normal(size=len(time))
    return (chord + clicks).astype(np.float32)


@pytest.fixture(scope="module")
def track(tmp_path_factory, sound) -> Path:
    path = tmp_path_factory.mktemp("tracks") / "<b>chord & clicks $x$.wav"
    soundfile.write(path, sound, RATE, subtype="FLOAT")
    return path


@pytest.fixture(scope="module")
def series(sound):
    return series_of(sound, RATE)


@pytest.fixture(scope="module")
def table(sound) -> FeatureTable:
    features = describe(sound, RATE, feature_set="study")
    rows = [{"track_id": f"t{i}", "genre": "g"} | {k: v + (i - 4) for k, v in features.items()} for i in range(10)]
    return FeatureTable(pd.DataFrame(rows), tuple(features), name="others")


def test_a_notebook_shows_the_track_in_a_card(track, table):
    inspection = genreclf.inspect_track(track, table=table)
    html = inspection._repr_html_()
    assert "\n" not in repr(inspection)
    assert len(html.encode()) < 150_000
    assert "&lt;b&gt;chord &amp; clicks $x$.wav" in html
    assert "Mel spectrogram" in html
    assert "Percentile" in html


def test_what_is_shown_is_what_the_features_are_computed_from(sound, series):
    features = describe(sound, RATE, feature_set="study")
    for family, rows in (("mfcc", series.mfcc), ("tonnetz", series.tonnetz)):
        shown = summarise(rows)
        known = [value for name, value in features.items() if name.startswith(f"{family}_")]
        assert shown == pytest.approx(known, rel=1e-12)
    np.testing.assert_array_equal(series.onset_strength, onset_strength(series.mel.T))


def test_the_tempogram_averages_to_what_the_tempo_is_read_from(series):
    mean = mean_autocorrelation(series.onset_strength, window=344)
    lags = 60 * RATE / (512 * series.tempi)
    np.testing.assert_allclose(series.tempogram.mean(axis=1), np.interp(lags, np.arange(344), mean), atol=1e-9)


def test_the_tempogram_is_bright_at_the_tempo_of_the_clicks(series):
    strength = series.tempogram.mean(axis=1)
    at = int(np.abs(series.tempi - 120).argmin())
    assert strength[at - 2 : at + 3].max() > 3 * np.median(strength)


def test_the_parts_add_up_and_each_holds_its_own(series):
    middle = slice(60, 200)
    steady = series.harmonic[:, middle].std(axis=1).mean()
    struck = series.percussive[:, middle].std(axis=1).mean()
    assert steady < struck
    assert series.harmonic.shape == series.percussive.shape == series.mel.shape


def test_chroma_shows_the_notes_of_the_chord(series):
    loudest = np.argsort(series.chroma.mean(axis=1))[-3:]
    assert sorted(loudest) == [0, 4, 7]


def test_percentiles_count_equal_tracks_by_half(sound, table):
    placed = feature_percentiles(describe(sound, RATE, feature_set="study"), table)
    # Four of ten tracks are below and one is equal, which counts by half.
    assert set(placed.values()) == {0.45}


def test_a_table_of_other_features_is_refused(sound):
    other = FeatureTable(pd.DataFrame({"track_id": ["a"], "genre": ["g"], "loudness": [1.0]}), ("loudness",))
    with pytest.raises(RequestError, match="none of the 185 features"):
        feature_percentiles(describe(sound, RATE, feature_set="study"), other)


def test_the_png_holds_the_values_top_row_first():
    from io import BytesIO

    from matplotlib import image

    indices = shades(np.array([[0.0, 1.0], [0.5, 2.0]]), 0.0, 1.0)
    assert indices.tolist() == [[0, 255], [128, 255]]
    pixels = (image.imread(BytesIO(png(indices, SEQUENTIAL))) * 255).round().astype(int)
    assert pixels[0, 0, :3].tolist() == [0x0B, 0x09, 0x24]
    assert pixels[0, 1, :3].tolist() == [0xFC, 0xFD, 0xBF]


def test_fewer_columns_are_means_of_frames():
    assert narrowed(np.arange(6.0)[None, :], 3).tolist() == [[0.5, 2.5, 4.5]]
    assert narrowed(np.arange(6.0)[None, :], 9).shape == (1, 6)


def test_the_page_shows_all_185_numbers_and_escapes_the_name(track, table, tmp_path):
    inspection = inspect_track(track, table=table)
    write_page(inspection, tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<b>chord" not in text
    assert text.count('class="place') == 185
    assert "default-src 'none'" in unescape(text)
    HTMLParser().feed(text)
    assert len(text) < 1_500_000


def test_the_picture_is_a_png_and_without_a_table_there_are_no_percentiles(track, tmp_path):
    inspection = inspect_track(track)
    write_picture(inspection, tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert {shown["percentile"] for shown in inspection.as_json()["features"].values()} == {None}


def test_a_stretch_is_shown_from_its_offset(track):
    inspection = inspect_track(track, offset=1.0, duration=2.0)
    assert inspection.series.seconds == pytest.approx(2.0)
    assert inspection.start == 1.0


def test_a_file_that_is_not_there_is_said_so(tmp_path):
    with pytest.raises(TrackError, match="missing"):
        inspect_track(tmp_path / "none.wav")


def test_genres_over_time_are_ordered_by_their_mean_and_drawn_by_window():
    predicted = {"genre": ["<rock>", "<rock>"], "jazz": [0.2, 0.4], "<rock>": [0.8, 0.6]}
    timeline = timeline_of(pd.DataFrame({"start": [0.0, 30.0]} | predicted), length=30.0)
    assert timeline.ends == (30.0, 60.0)
    assert timeline.y_pred == "<rock>"
    assert timeline.genres == ("<rock>", "jazz")
    document = timeline.as_json()
    assert document["probabilities"] == pytest.approx({"<rock>": 0.7, "jazz": 0.3})
    assert document["windows"][1] == {"start": 30.0, "end": 60.0, "probabilities": {"<rock>": 0.6, "jazz": 0.4}}
    drawing = probabilities_over_time(timeline, width=600)
    assert sum("chance" in mark for mark in drawing.marks) == 4
    assert not any("<rock>" in mark for mark in drawing.marks)


def test_with_one_window_the_prediction_is_the_models_own():
    timeline = timeline_of(pd.DataFrame({"start": [0.0], "genre": ["jazz"], "jazz": [0.4], "rock": [0.6]}), length=12.0)
    assert (timeline.y_pred, timeline.genres[0], timeline.ends[-1]) == ("jazz", "rock", 12.0)


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 800, 1400])
def test_the_page_holds_in_a_browser(browser: Browser, track, table, tmp_path, width):
    write_page(inspect_track(track, table=table), tmp_path / "page.html")
    browser.open(tmp_path / "page.html", width=width, dark=width == 400)
    browser.open_everything()
    assert browser.console() == []
    assert [url for url in browser.requests() if not url.startswith(("file:", "data:"))] == []
    number, overlapping = browser.overlaps()
    assert number > (50 if width == 400 else 200)
    assert overlapping == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    if width > 736:
        cut = "return [...document.querySelectorAll('.canvas')].filter((c) => c.scrollWidth > c.clientWidth + 1).length"
        assert browser.run(cut) == 0
    assert browser.axe() == []
