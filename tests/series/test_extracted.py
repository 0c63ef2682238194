"""Series beside a table: those of librosa, shared spectra, resumed like the table, and nothing lost to a kill."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from made_series import made_up_series
from made_up import made_up_table, note

import genreclf
from genreclf import FeatureTable, extract_features
from genreclf.audio import load
from genreclf.errors import RequestError
from genreclf.extraction import extract
from genreclf.features import SERIES, SeriesKind, find_feature_set
from genreclf.features.description import describe_file
from genreclf.series import open_series, series_of

pytestmark = pytest.mark.usefixtures("in_this_process")
QUICK = "zcr"  # a family that costs next to nothing


@pytest.fixture(scope="module", autouse=True)
def quick_family() -> None:
    """Registers a feature family of one column."""
    from genreclf.features import Family, register
    from genreclf.features.registry import _REGISTERED

    register(Family(QUICK, (f"{QUICK}_rms_01",), lambda spectra: np.array([spectra.samples.std()]), phases=False))
    yield
    del _REGISTERED.families[QUICK]


def test_kinds_are_librosas_and_share_the_spectra_of_the_row(tmp_path: Path) -> None:
    import librosa

    path = tmp_path / "a.wav"
    soundfile.write(path, note(440.0) + note(659.3), 22050)
    kinds = [SERIES[name] for name in ("mel", "mfcc", "chroma", "cqt")]
    row, series = describe_file(path, feature_set=find_feature_set("study"), series=kinds)
    assert row == extract_features(path, feature_set="study")
    y, rate = load(path)
    mel = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=rate))
    tuning = librosa.estimate_tuning(y=y, sr=rate)
    plain = {
        "mel": mel,
        "mfcc": librosa.feature.mfcc(S=mel, n_mfcc=20),
        "chroma": librosa.feature.chroma_cqt(y=y, sr=rate, bins_per_octave=12, tuning=tuning),
        "cqt": librosa.amplitude_to_db(np.abs(librosa.cqt(y, sr=rate, tuning=tuning)), amin=1e-5),
    }
    for kind in kinds:
        found = series[kind.name]
        assert found.shape == (1 + len(y) // 512, kind.bins)
        tolerance = {"mel": 0.1, "mfcc": 0.3, "chroma": 0.03, "cqt": 0.5}[kind.name]
        np.testing.assert_allclose(found.astype(float), plain[kind.name].T, atol=tolerance, rtol=1e-3)


def test_a_kind_at_another_rate_leaves_the_row_as_it_is(tmp_path: Path) -> None:
    """A file of 44.1 kHz is then resampled once for each rate."""
    soundfile.write(tmp_path / "a.wav", note(440.0, rate=44100), 44100)
    kind = SeriesKind("samples", "", 1, lambda spectra: spectra.samples[:, None], frame_rate=8000, sample_rate=8000)
    row, series = describe_file(tmp_path / "a.wav", feature_set=find_feature_set("study"), series=[kind])
    assert row == extract_features(tmp_path / "a.wav", feature_set="study")
    assert series["samples"].shape == (8000, 1)


def test_series_are_kept_beside_the_table_and_only_what_is_new_is_computed(music: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    done = extract(music, table, feature_set=QUICK, series="mfcc", jobs=1)
    assert (done.computed, done.series) == (6, ("mfcc",))
    series = open_series(table)
    assert series.track_ids == tuple(FeatureTable.read(table).ids)
    sound = load(music / "low" / "1.flac")[0]
    assert series.lengths.tolist() == [1 + len(sound) // 512] * 6
    shard = tmp_path / "t.series" / "mfcc" / "00000.f16"
    before = shard.read_bytes()

    assert extract(music, table, jobs=1).computed == 0  # a table goes on with its series
    soundfile.write(music / "low" / "1.flac", note(330.0), 22050)
    shutil.copy(music / "high" / "0.wav", music / "high" / "9.wav")
    assert extract(music, table, feature_set=QUICK, jobs=1).computed == 2
    series = open_series(table)
    assert series.track_ids == tuple(FeatureTable.read(table).ids)
    np.testing.assert_array_equal(series[0], series[3])  # the copy
    assert len(shard.read_bytes()) == len(before) * 7 // 6

    rows = table.read_bytes()
    done = extract(music, table, feature_set=QUICK, series=["mel"], jobs=1)
    assert (done.computed, done.reused, done.series) == (7, 0, ("mfcc", "mel"))
    assert open_series(table, kind="mel").bins == 128
    assert table.read_bytes() == rows
    assert series_of(FeatureTable.read(table), "mel")[[6, 0]].track_ids == ("low/2.flac", "high/0.wav")


def test_a_track_without_series_has_no_row_unless_its_file_is_not_at_hand(music: Path, tmp_path: Path) -> None:
    def frames(spectra: object) -> np.ndarray:
        found = spectra.samples[:2, None]  # type: ignore[attr-defined]
        return found[:0] if 200 < np.abs(np.fft.rfft(spectra.samples)).argmax() < 1000 else found  # type: ignore[attr-defined]

    SERIES.register(SeriesKind("odd", "", 1, frames), replace=True)
    table = tmp_path / "t.csv"
    extract(music, table, feature_set=QUICK, jobs=1)
    (music / "low" / "0.flac").unlink()
    done = extract(music, table, feature_set=QUICK, series="odd", jobs=1)
    assert {failure.track_id: failure.code for failure in done.failed}.keys() == {"high/0.wav", "high/1.wav"}
    table_ids = set(FeatureTable.read(table).ids)
    assert "low/0.flac" in table_ids  # a track that is no longer in the source
    assert not {"high/0.wav", "high/1.wav"} & table_ids
    with pytest.raises(RequestError, match=r"no odd series of 1 of 4 tracks, 'low/0.flac' the first"):
        series_of(FeatureTable.read(table), "odd")
    again = extract(music, table, feature_set=QUICK, jobs=1)
    assert (again.computed, len(again.failed)) == (0, 2)


def test_unknown_kinds_and_other_parameters_are_refused(music: Path, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"unknown kind of series 'mels'; choose from mel, .*did you mean 'mel'"):
        extract(music, tmp_path / "t.csv", series="mels")
    extract(music, tmp_path / "t.csv", feature_set=QUICK, series="mfcc", jobs=1)
    (tmp_path / "t.csv").unlink()
    with pytest.raises(RequestError, match=r"t.series/mfcc: was made with parameters .*duration.*delete this folder"):
        extract(music, tmp_path / "t.csv", feature_set=QUICK, duration=10.0, jobs=1)


def test_a_run_killed_between_series_and_row_loses_nothing_and_doubles_nothing(music: Path, tmp_path: Path) -> None:
    """The second append of a row kills one run, and the second of a line of the index the next."""
    extract(music, tmp_path / "whole.csv", feature_set=QUICK, series="mel", jobs=1)
    whole, table = open_series(tmp_path / "whole.csv"), tmp_path / "t.csv"
    for victim, torn in (("genreclf.tables.store.TableStore.append", 2), ("genreclf.series.store.SeriesStore._add", 4)):
        child = os.fork()
        if not child:
            _die_at(victim, 2)
            extract(music, table, feature_set=QUICK, series="mel", jobs=1)
            os._exit(1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        shard = tmp_path / "t.series" / "mel" / "00000.f16"
        assert shard.stat().st_size == torn * whole[0].nbytes
    extract(music, table, jobs=1)
    assert table.read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert open_series(table).digest == whole.digest
    assert shard.stat().st_size == 6 * whole[0].nbytes


def _die_at(name: str, call: int) -> None:
    """Replace a method by one that kills this process, and no worker, the so-maniest time it is called."""
    from pkgutil import resolve_name

    owner, _, method = name.rpartition(".")
    calls: list[None] = []

    def kill(*arguments: object) -> object:
        calls.append(None)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments)

    kind = resolve_name(owner)
    original = getattr(kind, method)
    setattr(kind, method, kill)


def test_tracks_are_compared_by_their_series_from_a_table_and_from_files(music: Path, tmp_path: Path) -> None:
    table, few = tmp_path / "t.csv", tmp_path / "few.csv"
    extract(music, table, feature_set=QUICK, series="mfcc", jobs=1)
    read = FeatureTable.read(table)
    index = genreclf.build_index(read, series="mfcc")
    means = np.stack([frames.astype(np.float32).mean(axis=0) for frames in open_series(table)])
    assert index.features[:20] == tuple(f"mfcc_mean_{i:02d}" for i in range(1, 21))
    stds = np.stack([frames.astype(np.float32).std(axis=0) for frames in open_series(table)])
    X = np.concatenate([means, stds], axis=1).astype(float)
    Z = (X - X.mean(axis=0)) / np.where(X.std(axis=0) > 0, X.std(axis=0), 1)
    for row, name in enumerate(read.ids):
        distances = np.linalg.norm(Z - Z[row], axis=1)
        found = index.query(str(name), 5)
        assert list(found["distance"]) == pytest.approx(np.sort(distances)[1:], rel=1e-3, abs=1e-3)
        assert index.query(music / str(name), 1)["distance"].iloc[0] == pytest.approx(0, abs=1e-3)
    index = genreclf.build_index(read.take([0, 1, 2, 4]), series="mfcc")
    index.save(few)
    made = genreclf.make_index(table, few, append=True)
    assert (made.added, len(made.index)) == (2, 6)
    with pytest.raises(RequestError, match="no chroma series"):
        genreclf.build_index(read, series="chroma")
    narrow = replace(genreclf.build_index(read, series="mfcc"), feature_set="series:chroma")
    with pytest.raises(RequestError, match="chroma series of 20 bins, which this genreclf makes with 12"):
        narrow.query(music / str(read.ids[0]))


def test_metrics_are_compared_on_series() -> None:
    table = made_up_table(tracks=60)
    series = made_up_series(table)
    found = genreclf.compare_metrics(table, ["euclidean", "cosine"], series=series)
    assert found.scores["precision_at_10"].min() > 0.8
    index = genreclf.build_index(table, series=series)
    with pytest.raises(RequestError, match="does not extract"):
        index.query(__file__)
