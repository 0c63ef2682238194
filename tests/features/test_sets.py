import pytest

from genreclf.errors import RequestError
from genreclf.features import FEATURE_SETS, find_feature_set


def test_the_study_has_its_185_columns_in_the_order_of_the_design():
    columns = FEATURE_SETS["study"].columns
    assert len(columns) == len(set(columns)) == 185
    assert columns[:2] == ("mfcc_mean_01", "mfcc_mean_02")
    assert columns[139:141] == ("mfcc_max_20", "tonnetz_mean_01")
    assert columns[-4:] == ("tonnetz_max_06", "tempo", "harmonic_power", "percussive_power")
    assert FEATURE_SETS["study"].sample_rate == 22050


def test_the_fma_set_has_the_518_columns_of_its_table_in_their_order():
    chosen = FEATURE_SETS["fma"]
    assert len(chosen.columns) == len(set(chosen.columns)) == 518
    split = [tuple(column.rsplit("_", 2)) for column in chosen.columns]
    assert split == sorted(split)
    assert {"chroma_cens_kurtosis_01", "rmse_mean_01", "spectral_contrast_std_07", "zcr_skew_01"} <= set(chosen.columns)
    assert chosen.sample_rate is None


@pytest.mark.parametrize("name", FEATURE_SETS)
def test_families_part_the_columns(name):
    chosen = FEATURE_SETS[name]
    assert tuple(column for columns in chosen.families.values() for column in columns) == chosen.columns


def test_the_families_of_the_study_are_those_that_it_added_one_by_one():
    assert list(FEATURE_SETS["study"].families) == ["mfcc", "tonnetz", "tempo", "power"]


def test_an_unknown_set_names_those_there_are():
    with pytest.raises(RequestError, match=r"unknown feature set 'nice'; choose from study, texture, fma"):
        find_feature_set("nice")
