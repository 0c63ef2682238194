"""The demo: the committed table and report are what it makes, within what another machine's arithmetic may change."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genreclf import Comparison, FeatureTable, benchmark, describe
from genreclf.datasets.synthetic import ARTISTS_PER_STYLE, CLIPS_PER_ARTIST, SAMPLE_RATE, STYLES, collection, play
from genreclf.demo import FOLDS, NOTE, demonstrate

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "features" / "demo.csv"
REPORT = ROOT / "reports" / "demo"
# A row may differ by a hundredth of a feature's spread over the tracks, a macro-F1 by three of 192 tracks.
LARGEST_DIFFERENCE = 0.01
LARGEST_SCORE_DIFFERENCE = 3 / 192


def test_the_collection_has_artists_of_one_style_and_clips_of_its_own() -> None:
    clips = collection()
    assert len(clips) == len(STYLES) * ARTISTS_PER_STYLE * CLIPS_PER_ARTIST >= 8 * 24
    assert len({clip.name for clip in clips}) == len(clips)
    styles_of_artists = {clip.artist: clip.style for clip in clips}
    assert all(styles_of_artists[clip.artist] == clip.style for clip in clips)
    assert collection(seed=1) != clips


def test_a_clip_is_ten_seconds_within_full_scale_and_the_same_each_time() -> None:
    clip = collection()[100]
    samples = play(clip)
    assert samples.shape == (10 * SAMPLE_RATE,)
    assert 0.4 < np.abs(samples).max() < 1.0
    np.testing.assert_array_equal(samples, play(clip))


def test_the_committed_table_is_what_the_demo_computes() -> None:
    table = FeatureTable.read(TABLE)
    rows = {track_id: row for row, track_id in enumerate(table.ids)}
    clips = collection()
    assert rows.keys() == {clip.name for clip in clips}
    for clip in clips[::24]:
        steps = np.round(play(clip) * 32767) / 32768
        sound = steps.astype(np.float32)
        row = list(describe(sound, SAMPLE_RATE, feature_set=table.meta["feature_set"]).values())
        apart = np.abs(table.X[rows[clip.name]] - row) / table.X.std(axis=0)
        assert apart.max() < LARGEST_DIFFERENCE, clip.name


def test_the_committed_report_is_what_the_table_gives() -> None:
    committed = Comparison.read(REPORT).scores.set_index(["protocol", "model"])["macro_f1"]
    assert committed["cv-artist"].between(0.6, 0.97).any()
    assert committed["cv-artist"].max() < 0.97
    again = benchmark(FeatureTable.read(TABLE), models=("svc", "logreg"), folds=FOLDS)
    scores = again.scores.set_index(["protocol", "model"])["macro_f1"]
    for place, score in scores.items():
        assert committed[place] == pytest.approx(score, abs=LARGEST_SCORE_DIFFERENCE), place


def test_the_whole_way_on_part_of_the_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = [clip for clip in collection() if clip.style in ("ambient", "rock")][::4]
    monkeypatch.setattr("genreclf.datasets.synthetic.collection", lambda *, seed: some)
    comparison = demonstrate(
        music=tmp_path / "music",
        table=tmp_path / "features" / "demo.csv",
        report=tmp_path / "report",
        models=("logreg",),
        jobs=1,
    )
    assert len(comparison.tracks) == len(some)
    assert set(comparison.leak["model"]) == {"logreg"}
    assert FeatureTable.read(tmp_path / "features" / "demo.csv").groups is not None
    assert (tmp_path / "report" / "report.html").stat().st_size > 10_000
    assert comparison.notes[0] == NOTE
