"""AudioFeatures: a scikit-learn transformer from paths to features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import soundfile
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from genreclf import AudioFeatures, extract_features
from genreclf.errors import RequestError, TrackError


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sounds")
    rng = np.random.default_rng(0)
    found = []
    for number in range(6):
        time = np.arange(15000) / 22050
        sound = np.sin(2 * np.pi * (200 + 30 * number) * time) if number % 2 else rng.normal(size=time.size)
        found.append(folder / f"{number}.wav")
        soundfile.write(found[-1], 0.2 * sound, 22050)
    return found


def test_rows_are_those_of_extract_features(paths):
    X = AudioFeatures().fit_transform(paths)
    assert X.shape == (6, 856)
    np.testing.assert_array_equal(X[2], list(extract_features(paths[2]).values()))


@pytest.mark.parametrize("form", [list, np.array, pd.Series, lambda p: np.array([str(x) for x in p])[:, None]])
def test_a_pipeline_fits_on_paths_of_any_form(paths, form):
    model = make_pipeline(AudioFeatures(), StandardScaler(), SVC())
    X, y = form(paths), ["noise", "tone"] * 3
    assert list(model.fit(X, y).predict(X)) == y


def test_it_clones_with_all_its_parameters():
    made = AudioFeatures(feature_set="fma", offset=1.0, duration=2.0, n_jobs=2, memory="x", on_error="nan")
    assert clone(made).get_params() == made.get_params()
    assert set(made.get_params()) == {"feature_set", "offset", "duration", "n_jobs", "memory", "on_error"}


def test_it_gives_frames_with_names_where_asked(paths):
    frame = AudioFeatures().set_output(transform="pandas").fit_transform(paths[:2])
    assert list(frame.columns) == list(AudioFeatures().get_feature_names_out())
    assert frame.columns[0] == "mfcc_mean_01"
    assert frame.shape == (2, 856)


def test_workers_give_the_same_rows(paths):
    np.testing.assert_array_equal(AudioFeatures(n_jobs=2).transform(paths), AudioFeatures().transform(paths))


def test_memory_keeps_rows_by_the_bytes_of_the_file(paths, tmp_path, monkeypatch):
    import shutil

    path = tmp_path / "a.wav"
    shutil.copy(paths[0], path)
    remembered = AudioFeatures(memory=tmp_path / "cache")
    first = remembered.transform([path])
    path.rename(tmp_path / "b.wav")
    monkeypatch.setattr("genreclf.features.extract_features", lambda *_, **__: pytest.fail("computed again"))
    np.testing.assert_array_equal(remembered.transform([tmp_path / "b.wav"]), first)
    monkeypatch.setattr("genreclf.features.extract_features", lambda *_, **__: dict.fromkeys(range(856), 1.0))
    monkeypatch.setattr("genreclf.transformer.__version__", "99.0")
    assert not np.array_equal(remembered.transform([tmp_path / "b.wav"]), first)
    monkeypatch.undo()
    shutil.copy(paths[1], path)
    assert not np.array_equal(remembered.transform([path]), first)


def test_a_bad_file_is_raised_by_name_or_becomes_a_row_of_nan(paths, tmp_path):
    bad = tmp_path / "bad.wav"
    bad.write_bytes(b"no sound")
    with pytest.raises(TrackError, match=r"bad\.wav"):
        AudioFeatures().transform([paths[0], bad])
    X = AudioFeatures(on_error="nan").transform([paths[0], bad])
    assert np.isfinite(X[0]).all()
    assert np.isnan(X[1]).all()


@pytest.mark.parametrize(
    "asked",
    [
        lambda paths: AudioFeatures(feature_set="best").fit(paths),
        lambda paths: AudioFeatures(on_error="ignore").fit(paths),
        lambda paths: AudioFeatures().fit(str(paths[0])),
        lambda paths: AudioFeatures().fit(np.zeros((3, 4))),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(paths, asked):
    with pytest.raises(RequestError):
        asked(paths)


def test_its_source_is_not_fitted(paths):
    from sklearn.utils import get_tags

    assert get_tags(AudioFeatures()).requires_fit is False
    assert AudioFeatures().transform(paths[:1]).shape == (1, 856)
