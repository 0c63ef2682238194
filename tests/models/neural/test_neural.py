"""Neural heads: trained to the bit alike, stopped and taken up, stored as numbers, asked without torch."""

import importlib
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from made_series import made_up_series
from made_up import made_up_table

from genreclf import benchmark, train
from genreclf.archive import read_container, write_container
from genreclf.errors import RequestError
from genreclf.models import MODELS
from genreclf.models.bundle.bundle import KIND, TENSORS, Bundle
from genreclf.models.bundle.tensors import dump_tensors, load_tensors
from genreclf.models.neural import watching
from genreclf.models.neural.classifier import NeuralClassifier
from genreclf.models.neural.graphs import GRAPHS
from genreclf.progress import SILENT

pytest.importorskip("onnxruntime")


def quick(**parameters):
    return NeuralClassifier(**{"hidden": 8, "epochs": 12, "patience": 4, "learning_rate": 1e-2} | parameters)


@pytest.fixture(scope="module")
def table():
    return made_up_table(tracks=90)


@pytest.fixture(scope="module")
def small():
    """The entry of the fully connected network, with few units and epochs."""
    pytest.importorskip("torch")
    entry = MODELS["fcnn"]
    return replace(entry, factory=partial(_small, entry.factory))


def _small(factory, seed):
    return factory(seed).set_params(hidden=8, epochs=12, patience=4, learning_rate=1e-2)


@pytest.fixture(scope="module")
def bundle(small, table, tmp_path_factory):
    path = tmp_path_factory.mktemp("neural") / "model.genreclf"
    train(table, model=small, calibrate=False).save(path)
    return path


class Killed(BaseException):
    """What ends a process in the middle."""


class Deadly:
    """Progress that stops the work at the end of an epoch, or records the losses."""

    def __init__(self, steps=None):
        self.left, self.seen, self.titles = steps, [], []

    def begin(self, title, total):
        self.titles.append(title)

    def advance(self, detail=""):
        self.seen.append(detail)
        if self.left is not None and len(self.seen) >= self.left:
            raise Killed

    def message(self, line):
        pass

    def end(self):
        pass


def test_networks_learn_what_a_table_and_series_hold(small, table):
    options = {"protocol": "cv-artist", "folds": 2, "jobs": 1}
    cnn = replace(MODELS["cnn"], factory=partial(_small, MODELS["cnn"].factory))
    models = [small, cnn, "most_frequent"]
    comparison = benchmark(table, models=models, series=made_up_series(table), **options, repeats=1, draws=50)
    scores = comparison.ranking.set_index("model")["macro_f1"]
    assert scores["fcnn"] > 0.6
    assert scores["cnn"] > 0.6
    assert scores["most_frequent"] < 0.3


def test_the_same_seed_gives_the_same_weights_and_leaves_torch_as_it_was(table):
    torch = pytest.importorskip("torch")
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first, again, other = (quick(random_state=seed).fit(table.X, table.y) for seed in (1, 1, 2))
    for name, weights in first.weights_.items():
        np.testing.assert_array_equal(weights, again.weights_[name])
    assert not np.array_equal(first.weights_["head.weight"], other.weights_["head.weight"])
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads


def test_macro_f1_is_that_of_scikit_learn():
    pytest.importorskip("torch")
    from sklearn.metrics import f1_score

    from genreclf.models.neural.training import _macro_f1

    rng = np.random.default_rng(0)
    for classes in (2, 3, 6):
        y, y_pred = rng.integers(classes, size=(2, 12))
        assert _macro_f1(y, y_pred, classes) == pytest.approx(f1_score(y, y_pred, average="macro"))


def test_the_part_that_stops_training_shares_no_group_with_the_rest_and_every_class_is_trained_on():
    pytest.importorskip("torch")
    from genreclf.models.neural.training import divided

    rng = np.random.default_rng(0)
    for seed in range(20):
        codes = rng.integers(4, size=60)
        groups = codes * 100 + rng.integers(1 + codes * 4, size=60)  # the first class has a single artist
        rows, held_out = divided(codes, groups, seed=seed)
        assert not set(groups[rows]) & set(groups[held_out])
        assert set(codes[rows]) == set(codes)
        assert sorted([*rows, *held_out]) == list(range(60))
        assert 3 <= len(held_out) <= 25
    assert divided(codes[:4], None, seed=0)[1] is None


def test_training_stops_when_tracks_held_out_gain_no_more(table):
    pytest.importorskip("torch")
    noise = np.random.default_rng(0).integers(3, size=len(table))
    assert quick(epochs=500).fit(table.X, noise, groups=table.groups).epochs_ < 50
    assert quick(epochs=7, patience=100, refit=False, schedule="cosine").fit(table.X, table.y).epochs_ <= 7


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"learning_rate": 1e30}, "the loss is not a finite number in epoch 1; a learning_rate below 1e.30 may help"),
        ({"network": "transformer"}, "unknown network 'transformer'; choose from dense, lstm, gru, conv1d, conv2d"),
        ({"schedule": "none"}, "unknown schedule 'none'; choose from plateau, cosine, constant"),
        ({"class_weight": "equal"}, "class_weight='equal'; choose 'balanced' or None"),
        ({"epochs": 0}, "epochs=0; choose at least 1"),
        ({"dropout": 1.0}, "dropout=1.0; choose a share from 0 to below 1"),
        ({"learning_rate": 0}, "learning_rate=0, weight_decay=0.01; choose a rate above 0"),
    ],
)
def test_what_makes_no_sense_is_one_line(table, parameters, line):
    pytest.importorskip("torch")
    with pytest.raises(ValueError, match=line):
        quick(**parameters).fit(table.X, table.y)


def test_a_training_that_is_stopped_after_every_epoch_ends_with_the_same_weights(table, tmp_path):
    pytest.importorskip("torch")
    whole, kills, fitted = quick(epochs=6).fit(table.X, table.y, groups=table.groups).weights_, 0, None
    while fitted is None:
        try:
            with watching.resumable(tmp_path / "m"), watching.watched(Deadly(1)):
                fitted = quick(epochs=6).fit(table.X, table.y, groups=table.groups).weights_
        except Killed:
            kills += 1
            assert list((tmp_path / "m.checkpoints").glob("*.pt"))
    assert kills >= 8
    assert not (tmp_path / "m.checkpoints").exists()
    for name, weights in whole.items():
        np.testing.assert_array_equal(weights, fitted[name])


def test_a_checkpoint_of_another_training_or_a_damaged_one_is_not_taken_up(table, tmp_path):
    pytest.importorskip("torch")
    with pytest.raises(Killed), watching.resumable(tmp_path / "m"), watching.watched(Deadly(3)):
        quick().fit(table.X, table.y)
    [path] = (tmp_path / "m.checkpoints").glob("*.pt")
    with pytest.raises(Killed), watching.resumable(tmp_path / "m"), watching.watched(Deadly(1)):
        quick().fit(table.X[::-1], table.y)
    assert len(list((tmp_path / "m.checkpoints").glob("*.pt"))) == 2
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.warns(UserWarning, match="not a checkpoint"), watching.resumable(tmp_path / "m"):
        fitted = quick().fit(table.X, table.y)
    np.testing.assert_array_equal(fitted.predict(table.X), quick().fit(table.X, table.y).predict(table.X))


def test_progress_shows_the_loss(small, table):
    seen = Deadly()
    train(table, model=small, calibrate=False, progress=seen)
    assert "training" in seen.titles
    assert seen.seen[0].startswith("loss 1.")
    assert ", held out " in seen.seen[0]


@pytest.mark.parametrize("network", ["lstm", "gru", "conv1d", "conv2d"])
def test_networks_of_series_hear_the_order_of_frames_in_tracks_of_any_length(network):
    pytest.importorskip("torch")
    table = made_up_table(tracks=40, genres=2)
    series = made_up_series(table, ordered=True, frames=(3, 9))
    model = quick(network=network, layers=2, head_dropout=0.0, dropout=0.0, seconds=18.0, batch_size=8)
    # The fit itself compares onnxruntime with torch on tracks of several lengths.
    assert (model.fit(series, table.y, groups=table.groups).predict(series) == table.y).mean() > 0.9
    alone = np.concatenate([model.predict_proba(series[[track]]) for track in range(5)])
    np.testing.assert_allclose(alone, model.predict_proba(series[:5]), atol=1e-6)
    with pytest.raises(ValueError, match=r"a series of 5 bins; the network was trained on 4"):
        model.predict(made_up_series(table, bins=5))
    with pytest.raises(ValueError, match="takes series, not a table of features"):
        model.predict(table.X)


@pytest.mark.parametrize("network", ["lstm", "gru", "conv1d", "conv2d"])
@pytest.mark.parametrize("change", [lambda w: w[1:], lambda w: w[:0], lambda w: w[..., :-1], lambda w: w * np.inf])
def test_weights_of_other_shapes_make_no_graph(network, change):
    torch = pytest.importorskip("torch")
    from genreclf.models.neural.networks import NETWORKS

    settings = quick(network=network, layers=2).settings
    with torch.random.fork_rng():
        state = NETWORKS[network](4, 3, settings).state_dict()
    weights = {name: value.numpy() for name, value in state.items() if value.is_floating_point()}
    GRAPHS[network](weights, 4, 3)
    for name, value in weights.items():
        with pytest.raises(ValueError, match="has "), np.errstate(invalid="ignore"):
            GRAPHS[network](weights | {name: change(value)}, 4, 3)


_ABSENT = ("torch", "onnx", "safetensors")


class _Absent:
    """Finds some packages missing, whether they are installed or not."""

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in _ABSENT:
            raise ModuleNotFoundError(name, name=name)


def test_a_bundle_holds_safetensors_and_predicts_without_torch(bundle, table, monkeypatch):
    members = read_container(bundle, KIND)
    safetensors = pytest.importorskip("safetensors.numpy")
    arrays = safetensors.load(members[TENSORS])
    assert {name: array.shape for name, array in arrays.items()} == {
        "0.dense.0.weight": (8, 6),
        "0.dense.0.bias": (8,),
        "0.head.weight": (3, 8),
        "0.head.bias": (3,),
    }
    assert dump_tensors(arrays) == members[TENSORS]
    expected = Bundle.load(bundle).estimator.predict_proba(table.X)
    for name in [name for name in sys.modules if name.split(".")[0] in _ABSENT]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Absent(), *sys.meta_path])
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("torch")
    np.testing.assert_array_equal(Bundle.load(bundle).estimator.predict_proba(table.X), expected)


def test_a_stored_network_is_part_of_what_its_model_is_known_by(bundle, small, table, tmp_path):
    again, other = tmp_path / "again", tmp_path / "other"
    train(table, model=small, calibrate=False).save(again)
    train(table, model=small, calibrate=False, seed=7).save(other)
    digests = [Bundle.load(path).manifest.estimator_sha256 for path in (bundle, again, other)]
    assert digests[0] == digests[1] != digests[2]
    assert {"torch", "onnxruntime"} <= set(Bundle.load(bundle).manifest.versions)


def _changed(name, change):
    def hostile(data):
        arrays = load_tensors(data)
        return dump_tensors(arrays | {name: change(arrays[name])})

    return hostile


@pytest.mark.parametrize(
    ("hostile", "line"),
    [
        (lambda data: b"", "without tensors"),
        (lambda data: data[:-4], "tensors of"),
        (lambda data: data + b"0000", "tensors of"),
        (lambda data: b"\xff" * 8 + data[8:], "."),
        (lambda data: data.replace(b'"F32"', b'"F64"'), "."),
        (lambda data: dump_tensors(load_tensors(data) | {"0.more": np.zeros(3)}), "'more' that do not belong"),
        (lambda data: dump_tensors(load_tensors(data) | {"1.more": np.zeros(3)}), "no part of it takes"),
        (_changed("0.head.weight", lambda weights: weights[:, 1:]), r"'head.weight' of shape \(3, 7\)"),
        (_changed("0.head.weight", lambda weights: weights * np.nan), "not finite"),
        (_changed("0.dense.0.bias", lambda bias: bias[None]), "of 1 dimensions"),
        (_changed("0.head.bias", lambda bias: bias + np.arange(3)), "does not predict as it did"),
    ],
)
def test_hostile_tensors_are_refused_in_one_line(bundle, tmp_path, hostile, line):
    members = read_container(bundle, KIND)
    write_container(tmp_path / "m", KIND, members | {TENSORS: hostile(members[TENSORS])})
    with pytest.raises(RequestError, match=line) as caught:
        Bundle.load(tmp_path / "m")
    assert len(str(caught.value).splitlines()) == 1


def test_without_torch_the_error_names_the_line_that_installs_it(table, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "genreclf.models.neural.training", raising=False)
    monkeypatch.delitem(sys.modules, "genreclf.models.neural.networks", raising=False)
    with pytest.raises(RequestError, match=r"pip install torch --index-url https://download.pytorch.org/whl/cpu"):
        train(table, model="fcnn", progress=SILENT)


def test_a_comparison_of_all_models_leaves_out_those_that_need_an_extra():
    from genreclf.models import resolve_all

    assert "fcnn" in MODELS
    assert not [entry.name for entry in resolve_all(None) if entry.extra]
