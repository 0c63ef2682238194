"""Neighbours are those of a plain sort, whatever the tracks: ties, duplicates, nothing but zeros, and filters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import genreclf
from genreclf.errors import RequestError
from genreclf.tables.table import FeatureTable

KINDS = {"exact": {"approximate": False}, "lists": {"approximate": True}, "16 bits": {"approximate": True, "bits": 16}}


def awkward_table(tracks: int, seed: int) -> FeatureTable:
    """Small whole numbers, so that many distances tie; a third of the rows are copies, and some are zero."""
    rng = np.random.default_rng(seed)
    X = rng.integers(-2, 3, size=(tracks, 4)).astype(float)
    X[rng.integers(tracks, size=tracks // 3)] = X[0]
    X[rng.integers(tracks, size=3)] = 0
    X[:2] = [[-3] * 4, [3] * 4]  # whatever is drawn, no column is constant
    names = [f"mfcc_mean_{i:02d}" for i in range(1, 5)]
    identity = {
        "track_id": [f"t{row}" for row in range(tracks)],
        "genre": rng.choice(["rock", "folk", "jazz"], size=tracks),
        "artist": rng.choice(["a", "b", "c", "d"], size=tracks),
    }
    frame = pd.concat([pd.DataFrame(identity, dtype="object"), pd.DataFrame(X, columns=names)], axis=1)
    return FeatureTable(frame, tuple(names), name="awkward")


@settings(max_examples=20)
@given(
    st.integers(9, 60),
    st.integers(0, 2**16),
    st.tuples(st.sampled_from(sorted(KINDS)), st.sampled_from(["euclidean", "cosine"])),
    st.integers(1, 70),
    st.fixed_dictionaries({}, optional={"genre": st.just("rock"), "exclude_artist": st.just("a")}),
)
def test_filtered_neighbours_are_those_of_a_plain_sort(tracks, seed, how, k, conditions):
    table, (kind, distance) = awkward_table(tracks, seed), how
    index = genreclf.build_index(table, distance=distance, **KINDS[kind])
    points = index.space(table.X)
    keep = np.ones(tracks, dtype=bool)
    if "genre" in conditions:
        keep &= (table.frame["genre"] == "rock").to_numpy()
    if "exclude_artist" in conditions:
        keep &= (table.frame["artist"] != "a").to_numpy()
    keep[5] = False  # the query
    right = np.linalg.norm(points - points[5], axis=1)
    if not keep.any():
        with pytest.raises(RequestError, match="no other track"):
            index.query("t5", k, **conditions, exact=True)
        return
    found = index.query("t5", k, **conditions, exact=True)
    rows = found["track_id"].str[1:].astype(int).to_numpy()
    assert len(set(rows)) == len(rows) == min(k, keep.sum())
    assert keep[rows].all()
    tolerance = 1e-3 if kind == "16 bits" else 1e-6
    np.testing.assert_allclose(found["distance"], np.sort(right[keep])[: len(rows)], atol=tolerance)
    np.testing.assert_allclose(found["distance"], right[rows], atol=tolerance)
    assert (found["distance"][right[rows] == 0] == 0).all()
    assert (np.diff(found["distance"]) >= 0).all()


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_not_a_number_is_refused_in_a_line(kind):
    table = awkward_table(60, 0)
    holey = table.frame.copy()
    holey.loc[3, table.features[1]] = np.nan
    with pytest.raises(RequestError, match="'mfcc_mean_02' has empty cells"):
        genreclf.build_index(table.with_frame(holey, table.features), **KINDS[kind])
    index = genreclf.build_index(table, **KINDS[kind])
    with pytest.raises(RequestError, match="'mfcc_mean_02' has empty cells"):
        index.extend(table.with_frame(holey, table.features))
    for value in (np.nan, np.inf, 1e300):
        with pytest.raises(RequestError) as refused:
            index.query(np.array([0, value, 0, 0]))
        assert "\n" not in str(refused.value)
