"""The metric network: gradients by differences, triplets by hand, and a space in which labels come together."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import made_up_table

import genreclf
from genreclf.errors import RequestError
from genreclf.similarity import network
from genreclf.similarity.metrics import fit_space
from genreclf.similarity.network import _alike, _backward, _pairs, _triplets, forward, learn, unit_length
from genreclf.tables.labels import Tags


def _squared(points):
    return ((points[:, None] - points) ** 2).sum(axis=2)


@pytest.mark.parametrize("unit", [False, True])
def test_the_gradient_of_the_contrastive_loss_is_that_of_differences(unit):
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(12, 5)), np.array(list("abc") * 4)
    weights = [rng.normal(size=(5, 7)) * 0.3, rng.normal(size=7) * 0.1, rng.normal(size=(7, 3)) * 0.3]
    same, other = _alike(labels)

    def loss(w):
        points = unit_length(forward(X, w)) if unit else forward(X, w)
        distances = np.sqrt(np.maximum(_squared(points), 1e-12))
        near = other & (distances < 1)
        return (same * _squared(points)).sum() / same.sum() + (near * (1 - distances) ** 2).sum() / near.sum()

    found = _backward(X, weights, unit, lambda squared: _pairs(squared, same, other, rng))
    for number, place in [(0, (2, 3)), (0, (4, 0)), (1, (5,)), (2, (1, 2)), (2, (6, 0))]:
        moved = [[w.copy() for w in weights] for _ in range(2)]
        moved[0][number][place] += 1e-6
        moved[1][number][place] -= 1e-6
        assert found[number][place] == pytest.approx((loss(moved[0]) - loss(moved[1])) / 2e-6, rel=1e-3, abs=1e-6)


def test_the_negative_is_the_nearest_that_is_farther_off_than_the_positive():
    points = np.array([[0.0], [1.0], [0.5], [1.05], [1.08]])  # the first two are of one label
    same, other = _alike(np.array(list("aabbb")))
    same[1:] = False  # so that the first is the only anchor
    G = _triplets(_squared(points), same, other, np.random.default_rng(0))
    assert {place: G[place] for place in zip(*map(list, np.nonzero(G)), strict=True)} == {(0, 1): 1.0, (0, 3): -1.0}


def test_tracks_are_alike_that_share_half_of_their_tags():
    tags = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]], dtype=bool)
    same, other = _alike(tags)
    assert same[0, 1]
    assert same[0, 3]
    assert not same[1, 3]
    assert not other[1, 3]
    assert other[0, 2]
    assert not same[4].any()
    assert not same.diagonal().any()


@pytest.mark.parametrize("loss", ["triplet", "siamese"])
def test_labels_that_no_line_divides_come_together_in_the_space(loss):
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(300, 4))
    labels = np.where(Z[:, 0] * Z[:, 1] > 0, "even", "odd")  # the sign of a product

    def hits(points):
        distances = _squared(points)[200:, :200]
        near = np.argsort(distances, axis=1)[:, :5]
        return np.mean(labels[:200][near] == labels[200:, None])

    weights = learn(Z[:200], labels[:200], loss=loss, unit=True, seed=0)
    lda = fit_space(Z[:200], labels[:200], metric="lda")
    assert hits(unit_length(forward(Z, weights))) > 0.75 > hits(lda(Z)) + 0.15
    again = learn(Z[:200], labels[:200], loss=loss, unit=True, seed=0)
    assert all(np.array_equal(a, b) for a, b in zip(weights, again, strict=True))


def test_many_tracks_are_drawn_in_batches_of_several_labels():
    rng = np.random.default_rng(0)
    labels = rng.integers(500, size=2000).astype(str)
    rows = network._batches(labels, rng)()
    _, counts = np.unique(labels[rows], return_counts=True)
    assert len(counts) == 32
    assert len(set(rows)) == len(rows)
    alone = network._batches(np.arange(300).astype(str), rng)()
    assert len(alone) == 256


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("by", ["artist", "tags"])
def test_an_index_is_learned_from_other_labels_and_read_back(tmp_path, by, distance):
    table = made_up_table()
    table = table.with_tags(Tags.of([[genre, "half"][: 1 + row % 2] for row, genre in enumerate(table.y)]))
    index = genreclf.build_index(table, metric="triplet", by=by, distance=distance)
    index.save(tmp_path / "index")
    read = genreclf.open_index(tmp_path / "index")
    assert read.distance == distance
    assert read.query(table.X[7], 3).equals(index.query(table.X[7], 3))
    lengths = np.linalg.norm(index.points, axis=1)
    assert np.allclose(lengths, 1, atol=1e-5) == (distance == "cosine")


def test_labels_that_are_not_there_are_refused_in_a_line():
    table = made_up_table()
    nameless = table.with_frame(table.frame.drop(columns="artist"), table.features)
    with pytest.raises(RequestError, match="no artist is known"):
        genreclf.build_index(nameless, metric="triplet", by="artist")
    with pytest.raises(RequestError, match="column of tags"):
        genreclf.build_index(table, metric="siamese", by="tags")
    with pytest.raises(RequestError, match="unknown distance 'manhattan'; choose from euclidean, cosine"):
        genreclf.build_index(table, distance="manhattan")
