"""Families and sets from outside the package take part in everything by one call."""

import importlib.metadata
import subprocess
import sys
import warnings

import cloudpickle
import numpy as np
import pytest
import soundfile
from made_sounds import RATE, music, noise

from genreclf.errors import RequestError
from genreclf.features import (
    FEATURE_SETS,
    Family,
    FeatureSet,
    describe,
    describe_plainly,
    extract_features,
    find_feature_set,
    register,
    registry,
)


def loudness(spectra):
    return np.array([np.abs(spectra.samples).max(), np.sqrt(np.mean(spectra.samples**2))])


LOUDNESS = Family("loudness", ("loudness_peak_01", "loudness_rms_01"), loudness, plain=loudness)
SLOW = Family("slow", ("slow_samples_01",), lambda spectra: np.array([len(spectra.samples)]), sample_rate=11025)


@pytest.fixture
def own_registry(monkeypatch):
    """What a test registers is forgotten after it."""
    monkeypatch.setattr(registry._REGISTERED, "sets", dict(registry._REGISTERED.sets))
    monkeypatch.setattr(registry._REGISTERED, "families", dict(registry._REGISTERED.families))


@pytest.fixture
def installed(monkeypatch, own_registry):
    """Pretend that packages name these entry points."""

    def pretend(**values):
        points = [importlib.metadata.EntryPoint(name, value, "genreclf.features") for name, value in values.items()]
        monkeypatch.setattr("genreclf.plugins.entry_points", lambda group: points)
        registry._load_installed.cache_clear()

    yield pretend
    registry._load_installed.cache_clear()


@pytest.mark.usefixtures("own_registry")
def test_a_registered_family_is_described_verified_and_joined(tmp_path):
    register(LOUDNESS)
    sound = music(1.0)
    row = describe(sound, RATE, feature_set="loudness")
    assert row == describe_plainly(sound, RATE, feature_set="loudness")
    assert row["loudness_peak_01"] == np.abs(sound).max()
    joined = describe(sound, RATE, feature_set="tempo+loudness")
    assert joined == describe(sound, RATE, feature_set="tempo") | row
    soundfile.write(tmp_path / "sound.wav", sound, RATE, subtype="FLOAT")
    assert extract_features(tmp_path / "sound.wav", feature_set="loudness") == row


@pytest.mark.usefixtures("own_registry")
def test_a_registered_set_is_listed():
    register(FeatureSet("small", "tempo and loudness", (*find_feature_set("tempo").parts, LOUDNESS)))
    assert "small" in list(FEATURE_SETS)
    assert find_feature_set("small").columns == ("tempo", "loudness_peak_01", "loudness_rms_01")


def test_a_set_can_be_given_as_itself_and_be_sent_to_a_worker():
    chosen = FeatureSet("small", "loudness", (LOUDNESS,))
    sent = cloudpickle.loads(cloudpickle.dumps(chosen))
    assert describe(noise(0.5), RATE, feature_set=sent) == describe(noise(0.5), RATE, feature_set=chosen)


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_sets_of_the_package_travel_by_plain_pickle(name):
    import pickle

    assert pickle.loads(pickle.dumps(FEATURE_SETS[name])).columns == FEATURE_SETS[name].columns  # noqa: S301


def test_a_sum_has_each_family_once_and_its_name():
    assert find_feature_set("study+mfcc").columns == FEATURE_SETS["study"].columns
    assert find_feature_set("tempo+power").name == "tempo+power"
    assert find_feature_set("tempo+power").sample_rate == RATE


@pytest.mark.usefixtures("own_registry")
def test_families_of_different_rates_are_described_each_at_its_own():
    register(SLOW)
    chosen = find_feature_set("tempo+slow")
    assert chosen.sample_rate is None
    sound = music(1.0, rate=44100)
    row = describe(sound, 44100, feature_set="tempo+slow")
    assert row["slow_samples_01"] == 11025
    assert row["tempo"] == describe(sound, 44100, feature_set="tempo")["tempo"]
    assert describe_plainly(sound, 44100, feature_set="slow+tempo") == pytest.approx({"tempo": row["tempo"]})


def test_parts_with_columns_in_common_cannot_be_joined():
    with pytest.raises(RequestError, match=r"study\+fma: the column 'mfcc_mean_01' occurs more than once"):
        find_feature_set("study+fma")


@pytest.mark.usefixtures("own_registry")
@pytest.mark.parametrize("name", ["study", "mfcc", "Loud", "a+b", ""])
def test_a_name_that_is_taken_or_none_is_refused(name):
    with pytest.raises(RequestError):
        register(Family(name, ("x_mean_01",), loudness))


def test_a_family_with_the_wrong_number_of_values_is_named():
    wrong = FeatureSet("wrong", "", (Family("wrong", ("wrong_mean_01",), loudness),))
    with pytest.raises(RequestError, match=r"'wrong' gave values of shape \(2,\); .* shape \(1,\)"):
        describe(noise(0.5), RATE, feature_set=wrong)


@pytest.mark.parametrize("name", ["nice", "study+nice"])
def test_an_unknown_name_is_told_with_those_there_are(name):
    with pytest.raises(RequestError, match=r"unknown feature set 'nice'; choose from study, texture, fma.*mfcc"):
        find_feature_set(name)


def test_families_of_installed_packages_are_found(installed):
    installed(loudness=f"{__name__}:LOUDNESS")
    assert find_feature_set("tempo+loudness").columns[-1] == "loudness_rms_01"


def test_a_broken_package_is_a_warning_and_no_more(installed):
    installed(broken="no_such_module:FAMILY", other="os:sep", loudness=f"{__name__}:LOUDNESS")
    with (
        pytest.warns(UserWarning, match="'other' is left out: '/' is neither a feature family nor"),
        pytest.warns(UserWarning, match="the entry point 'broken' is left out: ModuleNotFoundError"),
    ):
        assert find_feature_set("loudness").parts == (LOUDNESS,)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "study" in list(FEATURE_SETS)


def test_installed_packages_are_not_looked_for_until_they_are_needed():
    code = (
        "import genreclf.plugins as p; p.entry_points = lambda **_: 1 / 0\n"
        "from genreclf.features import find_feature_set; find_feature_set('study'); find_feature_set('tempo+power')"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own code
