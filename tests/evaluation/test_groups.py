"""Recordings: what is the same music is found, and what only looks alike by chance is not."""

import dataclasses

import numpy as np
from made_up import made_up_table

from genreclf.evaluation.groups import find_groups, joined


def _with(table, **columns):
    return dataclasses.replace(table, frame=table.frame.assign(**columns))


def test_rows_tied_by_any_labeling_become_one_set():
    first = np.array([0, 0, 1, 2, -1, -1])
    second = np.array([-1, 5, 5, -1, -1, -1])
    np.testing.assert_array_equal(joined([first, second], 6), [0, 0, 0, 1, 2, 3])


def test_a_table_without_twins_has_as_many_recordings_as_tracks(made_table):
    groups = find_groups(made_table)
    assert len(np.unique(groups.recordings)) == len(made_table)
    assert groups.notes == ()


def test_equal_features_make_one_recording_and_are_listed(made_table):
    frame = made_table.frame.copy()
    frame.loc[7, list(made_table.features)] = frame.loc[3, list(made_table.features)]
    groups = find_groups(dataclasses.replace(made_table, frame=frame))
    assert groups.recordings[3] == groups.recordings[7]
    assert len(np.unique(groups.recordings)) == len(made_table) - 1
    assert "t00003 = t00007 (equal features, labelled genre0 and genre1)" in groups.notes[0]


def test_artist_and_title_make_one_recording_whatever_the_case_but_empty_titles_do_not(made_table):
    titles = [""] * len(made_table)
    titles[0], titles[3], titles[6] = "A Song", " a song ", "a song"
    artists = ["someone else", *list(made_table.frame["artist"][1:])]
    artists[0], artists[3], artists[6] = "The Band", "the band ", "another band"
    groups = find_groups(_with(made_table, title=titles, artist=artists))
    assert groups.recordings[0] == groups.recordings[3] != groups.recordings[6]
    assert len(np.unique(groups.recordings)) == len(made_table) - 1


def test_equal_digests_make_one_recording(made_table):
    digests = [f"d{i}" for i in range(len(made_table))]
    digests[5] = digests[9] = "same"
    groups = find_groups(_with(made_table, digest=digests))
    assert groups.recordings[5] == groups.recordings[9]
    assert "same audio" in groups.notes[0]


def test_few_coarse_columns_say_nothing_about_what_is_the_same_music():
    table = made_up_table(features=2)
    frame = table.frame.assign(**{name: table.frame[name].round() for name in table.features})
    groups = find_groups(dataclasses.replace(table, frame=frame))
    assert len(np.unique(groups.recordings)) == len(table)


def test_a_recording_by_two_artists_ties_the_artists(made_table):
    frame = made_table.frame.copy()
    other = int(np.flatnonzero(frame["artist"] != frame["artist"][0])[0])
    frame.loc[other, list(made_table.features)] = frame.loc[0, list(made_table.features)]
    groups = find_groups(dataclasses.replace(made_table, frame=frame))
    tied = frame["artist"].isin([frame["artist"][0], frame["artist"][other]])
    assert len(np.unique(groups.artists[tied])) == 1
    assert len(np.unique(groups.artists)) == frame["artist"].nunique() - 1


def test_artists_are_numbered_in_the_order_of_their_names(made_table):
    groups = find_groups(made_table)
    np.testing.assert_array_equal(groups.artists, np.unique(made_table.groups.astype(str), return_inverse=True)[1])


def test_albums_unite_the_artists_on_them_and_empty_ones_unite_nothing(made_table):
    artists = made_table.frame["artist"]
    first, second, third = sorted(set(artists))[:3]
    albums = artists.where(~artists.isin([first, second, third]), "A Compilation")
    albums = albums.mask(artists == third, "")
    table = dataclasses.replace(_with(made_table, album=albums), grouping=("album",))
    groups = find_groups(table)
    assert len(set(groups.artists[artists.isin([first, second])])) == 1
    assert set(groups.artists[artists == third]).isdisjoint(groups.artists[artists != third])
    assert len(set(groups.artists)) == artists.nunique() - 1
    assert "24 artists form 23 groups" in groups.notes[0]
    assert find_groups(_with(made_table, album=albums)).notes == ()
