"""Whole rows: their values beside librosa's, and what becomes of sounds that are awkward to describe."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
import soundfile
from made_sounds import AWKWARD, RATE, music, noise

import genreclf
from genreclf import audio
from genreclf.errors import RequestError, TrackError
from genreclf.features import FEATURE_SETS, describe, describe_plainly, extract_features, plain_librosa


def printed(code):
    """What a fresh interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout  # noqa: S603 - our own code


def largest_difference(own, theirs, spread=None):
    """The largest difference, in standard deviations of librosa's values over the tracks."""
    names = list(own[0])
    a, b = (np.array([[row[name] for name in names] for row in rows]) for rows in (own, theirs))
    spread = b.std(axis=0) if spread is None else spread
    return float((np.abs(a - b).max(axis=0) / np.where(spread > 0, spread, 1)).max())


def test_rows_of_the_study_are_librosas():
    sounds = [music(3.0, seed=seed) for seed in range(4)] + [noise(2.0)]
    own = [describe(sound, RATE) for sound in sounds]
    with warnings.catch_warnings():
        # librosa warns of frames that are longer than what is left of a sound six octaves down.
        warnings.simplefilter("ignore", UserWarning)
        theirs = [describe_plainly(sound, RATE) for sound in sounds]
    assert list(own[0]) == list(theirs[0])
    assert largest_difference(own, theirs) < 0.001
    assert [row["tempo"] for row in own] == [row["tempo"] for row in theirs]


def test_rows_of_the_fma_set_are_librosas():
    sounds = [music(3.0, seed=seed, rate=44100) for seed in range(4)] + [noise(2.0, rate=44100)]
    own = [describe(sound, 44100, feature_set="fma") for sound in sounds]
    theirs = [describe_plainly(sound, 44100, feature_set="fma") for sound in sounds]
    assert list(own[0]) == list(theirs[0]) == list(FEATURE_SETS["fma"].columns)
    assert largest_difference(own, theirs) < 0.01


@pytest.mark.parametrize("feature_set", FEATURE_SETS)
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_sounds_have_finite_features(name, feature_set):
    row = describe(AWKWARD[name], RATE, feature_set=feature_set)
    assert tuple(row) == FEATURE_SETS[feature_set].columns
    assert np.isfinite(list(row.values())).all()


@pytest.mark.parametrize(
    "name", ["constant", "clipped", "offset", "silence, then sound", "sound, then silence", "one impulse"]
)
def test_awkward_sounds_have_librosas_features(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = describe_plainly(AWKWARD[name], RATE)
    own = describe(AWKWARD[name], RATE)
    for column, value in theirs.items():
        if np.isfinite(value):
            assert own[column] == pytest.approx(value, rel=2e-3, abs=2e-3), column


def test_silence_has_no_power_no_harmony_and_the_tempo_that_is_preferred():
    row = describe(AWKWARD["silence"], RATE)
    assert row["harmonic_power"] == row["percussive_power"] == 0
    assert all(value == 0 for name, value in row.items() if name.startswith("tonnetz"))
    assert row["tempo"] == pytest.approx(120, abs=3)
    assert row["mfcc_mean_01"] == pytest.approx(-100 * np.sqrt(128), rel=1e-5)
    assert row["mfcc_skew_01"] == row["mfcc_kurtosis_01"] == 0


@pytest.mark.parametrize("rate", [1000, 4000, 8000])
def test_a_rate_too_low_for_the_constant_q_transform_is_a_reason(rate):
    with pytest.raises(TrackError, match="seven octaves") as caught:
        describe(noise(1.0, rate=rate), rate, feature_set="fma")
    assert caught.value.code == "rate-too-low"
    assert len(describe(noise(1.0, rate=rate), rate, feature_set="study")) == 185


@pytest.mark.parametrize(
    ("samples", "code"),
    [
        (np.zeros(0), "empty"),
        (np.zeros(2204), "too-short"),
        (np.full(RATE, np.nan), "not-finite"),
        (np.append(noise(1.0), np.inf), "not-finite"),
        (np.full(RATE, 1e11), "out-of-range"),
        (np.full(RATE, 1e300), "not-finite"),
    ],
)
def test_sounds_that_cannot_be_described_have_a_code(samples, code):
    with pytest.raises(TrackError) as caught:
        describe(samples, RATE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(RATE, dtype=np.int16), RATE),
        (np.zeros((2, 2, RATE)), RATE),
        (np.zeros((0, RATE)), RATE),
        (noise(1.0), 0),
        (noise(1.0), 200),
        (noise(1.0), 10**7),
        (noise(1.0), float("nan")),
    ],
)
@pytest.mark.parametrize("feature_set", FEATURE_SETS)
def test_a_request_without_sense_is_refused(samples, rate, feature_set):
    with pytest.raises(RequestError):
        describe(samples, rate, feature_set=feature_set)


def test_channels_are_averaged_and_other_rates_resampled():
    sound = music(1.0, rate=44100)
    stereo = np.stack([1.5 * sound, 0.5 * sound])
    expected = describe(audio.resample(sound, 44100, RATE), RATE)
    assert describe(stereo, 44100) == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_samples_in_half_precision_are_averaged_in_single():
    sound = np.stack([noise(1.0), noise(1.0, seed=1)]).astype(np.float16)
    assert describe(sound, RATE) == describe(sound.astype(np.float32), RATE)


@pytest.mark.parametrize("feature_set", FEATURE_SETS)
def test_a_file_has_the_features_of_its_samples(tmp_path, feature_set):
    path = tmp_path / "sound.wav"
    soundfile.write(path, music(3.0, rate=44100), 44100)
    samples, rate = audio.load(path, sample_rate=FEATURE_SETS[feature_set].sample_rate)
    expected = describe(samples, rate, feature_set=feature_set)
    assert extract_features(path, feature_set=feature_set) == expected
    assert genreclf.extract_features(path, feature_set=feature_set, offset=1.0, duration=1.5) != expected


def test_the_same_sound_has_the_same_row_whatever_came_before():
    expected = describe(music(), RATE)
    describe(noise(1.0), RATE, feature_set="fma")
    assert describe(music(), RATE) == expected


def test_importing_the_features_is_quick():
    heavy = ["numba", "librosa", "scipy", "soundfile", "soxr", "pandas", "sklearn", "matplotlib"]
    assert printed(f"import sys, genreclf.features; print([name for name in {heavy} if name in sys.modules])") == "[]\n"


def test_describing_a_track_needs_no_librosa():
    found = printed(
        "import sys, numpy as np, genreclf\n"
        "for name in ('study', 'fma'): genreclf.describe(np.ones(22050), 22050, feature_set=name)\n"
        "print([name for name in ('librosa', 'pandas', 'sklearn', 'scipy.signal') if name in sys.modules])"
    )
    assert found == "[]\n"


@pytest.mark.realdata
def test_real_music_has_librosas_values(shared_data):
    import pandas as pd

    expected = pd.read_csv(shared_data / "emotify200_librosa.csv", index_col="path")
    chosen = expected.iloc[::25]
    own = [
        extract_features(shared_data / "emotify200" / path, feature_set="study", offset=0.0) for path in chosen.index
    ]
    assert largest_difference(own, chosen.to_dict("records"), spread=expected.std().to_numpy()) < 0.01
    assert [row["tempo"] for row in own] == list(chosen["tempo"])


@pytest.mark.realdata
def test_the_fma_set_of_real_music_has_librosas_values(shared_data):
    own, theirs = [], []
    for path in sorted((shared_data / "fma_mp3").glob("*.mp3"))[::5]:
        own.append(extract_features(path, feature_set="fma", offset=0.0))
        sound, rate = plain_librosa.load(path, sample_rate=None, offset=0.0, duration=30.0)
        theirs.append(describe_plainly(sound, rate, feature_set="fma"))
    assert largest_difference(own, theirs) < 0.01
