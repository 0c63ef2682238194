"""Series: what was written reads back, folds index them like arrays, and a damaged file names itself."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from made_series import write_series
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import cross_val_score

from genreclf.errors import RequestError, TrackError
from genreclf.series import Series, SeriesStore, as_frames, open_series, series_of_arrays
from genreclf.series.format import HEADER, INDEX, Header, read_header

LENGTHS = (5, 1, 9, 4, 7)


@pytest.fixture
def arrays() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=(length, 3)).astype(np.float16) for length in LENGTHS]


@pytest.fixture
def written(tmp_path: Path, arrays: list[np.ndarray]) -> Series:
    """Five tracks in shards of at most 60 bytes: the first two, and one each."""
    return write_series(tmp_path / "t.series", arrays, list("abcde"), shard_bytes=60)


def test_series_read_back_as_they_were_written(written: Series, arrays: list[np.ndarray], tmp_path: Path) -> None:
    assert (written.kind, written.bins, written.frame_rate) == ("made", 3, 1 / 3)
    assert written.track_ids == tuple("abcde")
    assert written.lengths.tolist() == list(LENGTHS)
    for found, array in zip(written, arrays, strict=True):
        assert found.dtype == np.float16
        assert not found.flags.writeable
        np.testing.assert_array_equal(found, array)
    assert len(list((tmp_path / "t.series" / "made").glob("*.f16"))) == 4
    assert open_series(tmp_path / "t.csv").track_ids == written.track_ids
    assert open_series(tmp_path / "t.series", kind="made").track_ids == written.track_ids


def test_series_are_indexed_like_arrays_and_pickle_small(written: Series, arrays: list[np.ndarray]) -> None:
    for key in (np.array([3, 1]), [3, 1], slice(1, 3), np.array([True, False, False, True, True])):
        chosen = np.arange(5)[key]
        part = written[key]
        assert part.track_ids == tuple(np.array(list("abcde"))[chosen])
        np.testing.assert_array_equal(part[-1], arrays[chosen[-1]])
        np.testing.assert_array_equal(written[key, ...][0], arrays[chosen[0]])
    assert written.shape == (5,)
    again = pickle.loads(pickle.dumps(written[[4, 2]]))  # noqa: S301
    np.testing.assert_array_equal(again[1], arrays[2])
    assert written.matching(["d", "a"]).track_ids == ("d", "a")
    with pytest.raises(RequestError, match="no made series of 1 of 2 tracks, 'z' the first"):
        written.matching(["a", "z"])


def test_scikit_learn_divides_series_into_folds() -> None:
    class Lengths(ClassifierMixin, BaseEstimator):
        """Predicts the parity of a track's number of frames."""

        def fit(self, X: Series, y: np.ndarray) -> Lengths:
            assert isinstance(X, Series)
            return self

        def score(self, X: Series, y: np.ndarray) -> float:
            return float((X.lengths % 2 == y).mean())

    series = series_of_arrays("made", [np.zeros((length, 2)) for length in range(1, 13)], frame_rate=1.0)
    assert cross_val_score(Lengths(), series, series.lengths % 2, cv=3).tolist() == [1.0, 1.0, 1.0]


def test_batches_are_padded_cut_and_bounded(arrays: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    series = series_of_arrays("made", arrays, frame_rate=1.0)
    values, lengths = series.batch([1, 0])
    assert values.shape == (2, 5, 3)
    assert values.dtype == np.float32
    assert lengths.tolist() == [1, 5]
    assert not values[0, 1:].any()
    np.testing.assert_array_equal(values[1], arrays[0])
    values, lengths = series.batch([2, 1], frames=3)
    np.testing.assert_array_equal(values[0], arrays[2][3:6])
    assert lengths.tolist() == [3, 1]
    np.testing.assert_array_equal(series.batch([2], frames=3, starts=[99])[0][0], arrays[2][6:])

    assert [tracks.tolist() for tracks, _, _ in series.batches(size=2)] == [[0, 1], [2, 3], [4]]
    shuffled = list(series.batches(size=2, frames=3, rng=np.random.default_rng(1)))
    assert sorted(np.concatenate([tracks for tracks, _, _ in shuffled])) == [0, 1, 2, 3, 4]
    assert max(lengths.max() for _, _, lengths in shuffled) == 3
    again = series.batches(size=2, frames=3, rng=np.random.default_rng(1))
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(shuffled, again, strict=True))
    monkeypatch.setattr("genreclf.series.series._MOST_BYTES", 10 * 3 * 4)
    assert [tracks.tolist() for tracks, _, _ in series.batches()] == [[0, 1], [2], [3], [4]]


def test_values_are_finite_and_within_float16() -> None:
    frames = as_frames([[1e6, -1e6, 0.1]], bins=3, kind="made")
    assert frames.tolist() == [[65504.0, -65504.0, np.float16(0.1)]]
    with pytest.raises(TrackError, match="its made series is not finite"):
        as_frames([[np.nan, 0, 0]], bins=3, kind="made")
    with pytest.raises(TrackError, match="too short for one frame of made"):
        as_frames(np.empty((0, 3)), bins=3, kind="made")
    with pytest.raises(RequestError, match=r"made: values of shape \(3,\)"):
        as_frames([1.0, 2.0, 3.0], bins=3, kind="made")


def test_equal_files_share_their_values_and_nothing_is_written_twice(tmp_path: Path, arrays: list[np.ndarray]) -> None:
    with SeriesStore(tmp_path / "made", Header("made", 3, 1.0)) as store:
        for track_id, digest, array in (("a", "x", arrays[0]), ("b", "x", arrays[0]), ("a", "x", arrays[0])):
            store.append(track_id, digest, as_frames(array, bins=3, kind="made"))
        assert (store.has("b", "x"), store.has("b", "y")) == (True, False)
        store.append("b", "y", as_frames(arrays[1], bins=3, kind="made"))
        store.finish({"b": "y", "a": "x"})
    assert (tmp_path / "made" / "00000.f16").stat().st_size == (5 + 1) * 3 * 2
    series = open_series(tmp_path / "made")
    assert series.track_ids == ("a", "b")
    np.testing.assert_array_equal(series[1], arrays[1])
    assert len((tmp_path / "made" / INDEX).read_text().splitlines()) == 2


def test_what_a_kill_leaves_behind_is_cut_off(tmp_path: Path, arrays: list[np.ndarray]) -> None:
    folder = tmp_path / "t.series" / "made"
    write_series(folder.parent, arrays[:3], list("abc"), shard_bytes=60)
    whole = {path.name: path.read_bytes() for path in folder.iterdir()}
    with (folder / "00001.f16").open("ab") as shard:
        shard.write(b"torn")  # a kill while values were written
    (folder / "00002.f16").write_bytes(b"a new shard")
    with (folder / INDEX).open("ab") as index:
        index.write(b'{"track_id":"d","dig')  # and one while a line was
    assert open_series(folder).track_ids == tuple("abc")
    write_series(folder.parent, arrays[:3], list("abc"), shard_bytes=60)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == whole
    (folder / "00001.f16").unlink()  # what was in it is missing then, and can be written again
    with SeriesStore(folder, read_header(folder)) as store:
        assert [store.has(name, name) for name in "abc"] == [True, True, False]
        store.append("c", "c", as_frames(arrays[2], bins=3, kind="made"))
    np.testing.assert_array_equal(open_series(folder)[2], arrays[2])


def test_a_damaged_file_names_itself_in_one_line(written: Series, tmp_path: Path) -> None:
    folder = tmp_path / "t.series" / "made"
    shard = folder / "00001.f16"
    data = bytearray(shard.read_bytes())
    data[7] ^= 1
    shard.write_bytes(data)
    assert written[[0]][0].shape == (5, 3)
    with pytest.raises(RequestError, match=r"00001.f16: the values of 'c' have changed; delete this file"):
        open_series(folder)[2]
    os.truncate(shard, 11)
    for read in (lambda: open_series(folder), lambda: written[2]):
        with pytest.raises(RequestError, match=r"00001.f16: shorter than its index says; delete this file and extract"):
            read()
    shard.unlink()
    with pytest.raises(RequestError, match=r"00001.f16: no longer there"):
        written[2]
    (folder / HEADER).write_text('{"kind": "made", "bins": 0, "frame_rate": 1}')
    with pytest.raises(RequestError, match=r"series.json: damaged: Expected `int` >= 1"):
        open_series(folder)


def test_what_is_not_there_or_not_ours_is_refused(tmp_path: Path, arrays: list[np.ndarray]) -> None:
    with pytest.raises(RequestError, match=r"t.series: no series; make them with: genreclf extract --series KIND"):
        open_series(tmp_path / "t.csv")
    for kind in ("made", "other"):
        write_series(tmp_path / "t.series", arrays, list("abcde"), kind=kind)
    with pytest.raises(RequestError, match="series of several kinds; choose one of made, other"):
        open_series(tmp_path / "t.csv")
    with pytest.raises(RequestError, match="no mel series; there are made, other"):
        open_series(tmp_path / "t.csv", kind="mel")
    with (
        pytest.raises(RequestError, match=r"was made with bins 3, this run asks for 4"),
        SeriesStore(tmp_path / "t.series" / "made", Header("made", 4, 1 / 3)),
    ):
        pass
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").touch()
    with (
        pytest.raises(RequestError, match="is there already and does not hold series"),
        SeriesStore(tmp_path / "notes", Header("made", 4, 1.0)),
    ):
        pass
