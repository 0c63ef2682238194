"""The feature table: families, selection, groups, digest, and a round trip through its file."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_up import made_up_table

from genreclf.errors import RequestError
from genreclf.tables.table import IDENTITY, FeatureTable, family_of


@pytest.mark.parametrize(
    ("column", "family"),
    [
        ("mfcc_mean_01", "mfcc"),
        ("mfcc1_mean", "mfcc"),
        ("chroma_cens_kurtosis_12", "chroma_cens"),
        ("spectral_contrast_std_07", "spectral_contrast"),
        ("spectral_centroid_mean_01", "spectral_centroid"),
        ("tonnetz_max_06", "tonnetz"),
        ("zcr_median_01", "zcr"),
        ("rmse_min_01", "rmse"),
        ("tempo", "tempo"),
        ("harmonic_power", "power"),
        ("percussive_power", "power"),
        ("mfcc_var_3", "mfcc"),
        ("2024", "2024"),
    ],
)
def test_family_is_the_name_before_statistic_and_number(column, family):
    assert family_of(column) == family


def test_selection_keeps_rows_and_order_of_columns(made_table):
    chosen = made_table.select(["tonnetz"])
    assert chosen.features == made_table.families["tonnetz"]
    assert np.array_equal(chosen.X, made_table.X[:, 3:])
    assert list(chosen.ids) == list(made_table.ids)
    both = made_table.select(["tonnetz", "mfcc"])
    assert both.features == made_table.features


def test_selection_of_an_unknown_family_names_those_there_are(made_table):
    with pytest.raises(RequestError, match="no feature family 'chroma' in made-up; choose from mfcc, tonnetz"):
        made_table.select(["chroma"])


def test_rows_are_taken_by_position_and_by_mask(made_table):
    rows = np.array([5, 2, 7])
    taken = made_table.take(rows)
    assert list(taken.ids) == [made_table.ids[row] for row in rows]
    assert np.array_equal(taken.X, made_table.X[rows])
    mask = made_table.y == "genre1"
    assert set(made_table.take(mask).y) == {"genre1"}
    assert len(made_table.take(mask)) == mask.sum()


def test_track_without_an_artist_is_a_group_of_its_own(made_table):
    frame = made_table.frame.copy()
    frame.loc[[0, 1], "artist"] = ""
    groups = made_table.with_frame(frame, made_table.features).groups
    assert groups[0] != groups[1]
    assert len(set(groups)) == len(set(made_table.groups[2:])) + 2


def test_there_are_no_groups_where_no_artist_is_known(made_table):
    assert made_table.with_frame(made_table.frame.assign(artist=""), made_table.features).groups is None
    assert made_table.with_frame(made_table.frame.drop(columns="artist"), made_table.features).groups is None


def test_digest_tells_apart_values_labels_artists_and_ids():
    table = made_up_table()
    digests = {table.digest}
    for column, value in (("mfcc_mean_01", 0.5), ("genre", "x"), ("artist", "x"), ("track_id", "x")):
        frame = table.frame.copy()
        frame.loc[3, column] = value
        digests.add(table.with_frame(frame, table.features).digest)
    assert len(digests) == 5
    assert made_up_table().digest == table.digest


def test_table_reads_back_as_written_with_its_meta(tmp_path, made_table):
    meta = {"feature_set": "made-up", "columns": list(made_table.features)}
    dataclasses.replace(made_table, meta=meta).write(tmp_path / "t.csv")
    back = FeatureTable.read(tmp_path / "t.csv")
    assert back.digest == made_table.digest
    assert dict(back.meta) == meta
    assert back.notes == ()


def test_table_read_from_elsewhere_survives_being_written(tmp_path):
    (tmp_path / "a.csv").write_bytes(b'track_id,genre,artist,x\r\n" a","ro\rck"," ""A"", B ",0.1\r\nb,pop,,2\r\n')
    table = FeatureTable.read(tmp_path / "a.csv")
    table.write(tmp_path / "b.csv")
    back = FeatureTable.read(tmp_path / "b.csv")
    assert back.digest == table.digest
    assert list(back.frame["artist"]) == ['"A", B', ""]


_TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\n"), max_size=12
).map(str.strip)
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@st.composite
def tables(draw):
    rows = draw(st.integers(1, 6))
    ids = draw(st.lists(_TEXTS.filter(bool), min_size=rows, max_size=rows, unique=True))
    texts = {name: draw(st.lists(_TEXTS, min_size=rows, max_size=rows)) for name in IDENTITY[1:]}
    if not any(texts["genre"]):
        texts["genre"][0] = "rock"
    values = {f"f_mean_{i}": draw(st.lists(_NUMBERS, min_size=rows, max_size=rows)) for i in range(2)}
    identity = pd.DataFrame({"track_id": ids, **texts}, dtype="object")
    return FeatureTable(frame=pd.concat([identity, pd.DataFrame(values)], axis=1), features=tuple(values))


@given(tables())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_texts_and_values_read_back_as_written(tmp_path, table):
    table.write(tmp_path / "t.csv")
    back = FeatureTable.read(tmp_path / "t.csv")
    assert back.X.tobytes() == table.X.tobytes()
    for name in IDENTITY:
        assert list(back.frame[name]) == list(table.frame[name])
