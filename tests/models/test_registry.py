"""The registry: a model from outside goes the whole way, and an own classifier is compared as it is given."""

from __future__ import annotations

import numpy as np
import pytest
from made_up import made_up_table
from sklearn.dummy import DummyClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

import genreclf
from genreclf.errors import RequestError
from genreclf.models import MODELS, ModelSpec, Storage, is_baseline, register, resolve, resolve_all, title_of
from genreclf.models.bundle import structure
from genreclf.models.registry import ENTRIES
from genreclf.plugins import Registry
from genreclf.reports import write_report


def _naive_bayes(seed):
    return GaussianNB()


def _check(model, features, genres):
    structure.check_array(model.theta_, "theta_", (genres, features))
    structure.check_array(model.var_, "var_", (genres, features))
    structure.check_array(model.class_prior_, "class_prior_", (genres,))


NAIVE_BAYES = ModelSpec(
    name="nb",
    title="Naive Bayes",
    factory=_naive_bayes,
    space={"var_smoothing": (1e-9, 1e-3)},
    storage=Storage("sklearn.naive_bayes.GaussianNB", _check),
)


@pytest.fixture
def entries(monkeypatch):
    """A registry that is as it was afterwards."""
    monkeypatch.setattr(MODELS, "_entries", dict(MODELS._entries))


def test_a_model_from_outside_is_compared_tuned_reported_stored_and_loaded(entries, tmp_path):
    register(NAIVE_BAYES)
    table = made_up_table()
    comparison = genreclf.benchmark(table, models=["nb", "most_frequent"], tune=True, draws=20, jobs=1)
    assert comparison.best == "nb"
    assert set(comparison.tuning["model"]) == {"nb"}
    write_report(comparison, tmp_path / "report")
    assert "Naive Bayes" in (tmp_path / "report" / "report.html").read_text()
    bundle = genreclf.train(table, model="nb", tune=True)
    bundle.save(tmp_path / "nb.genreclf")
    found = genreclf.load(tmp_path / "nb.genreclf").predict_table(table)
    np.testing.assert_array_equal(found[list(table.genres)], bundle.estimator.predict_proba(table.X))


def test_a_stored_model_is_refused_where_its_package_is_missing_or_its_check_fails(entries, tmp_path, monkeypatch):
    register(NAIVE_BAYES)
    genreclf.train(made_up_table(), model="nb").save(tmp_path / "nb")

    def picky(model, features, genres):
        raise ValueError("has odd variances")

    register(
        ModelSpec("nb", "Naive Bayes", _naive_bayes, storage=Storage("sklearn.naive_bayes.GaussianNB", picky)),
        replace=True,
    )
    with pytest.raises(RequestError, match="the estimator has odd variances"):
        genreclf.load(tmp_path / "nb")
    del MODELS._entries["nb"]
    with pytest.raises(RequestError, match=r"holds sklearn\.naive_bayes\.GaussianNB.*packages that register"):
        genreclf.load(tmp_path / "nb")


def test_own_classifiers_are_compared_by_the_name_of_their_class():
    given = SVC(C=1)
    models = [given, SVC(C=10), "svc", DummyClassifier()]
    found = genreclf.benchmark(made_up_table(), models=models, protocol="cv-random", draws=20, jobs=1)
    scores = found.scores.set_index("model")["macro_f1"]
    assert set(scores.index) == {"SVC", "SVC-2", "svc", "DummyClassifier"}
    same = genreclf.benchmark(made_up_table(), models=[SVC(C=3)], protocol="cv-random", draws=20, jobs=1)
    assert same.scores["macro_f1"][0] == scores["svc"]
    assert not hasattr(given, "classes_")


def test_an_own_classifier_is_fitted_in_worker_processes(monkeypatch):
    from genreclf.evaluation import fitting

    monkeypatch.setattr(fitting, "_WORTH_WORKERS", 0.0)
    one, two = (
        genreclf.benchmark(made_up_table(), models=[GaussianNB()], protocol="cv-random", draws=20, jobs=jobs)
        for jobs in (1, 2)
    )
    assert one.scores["macro_f1"].equals(two.scores["macro_f1"])


def test_an_own_classifier_is_seeded_unless_it_has_a_seed():
    assert resolve(DummyClassifier()).factory(7).random_state == 7
    assert resolve(DummyClassifier(random_state=3)).factory(7).random_state == 3


def test_an_own_classifier_is_stored_where_a_registered_model_stores_its_type(tmp_path):
    table = made_up_table()
    genreclf.train(table, model=SVC(C=1)).save(tmp_path / "svc")
    assert genreclf.load(tmp_path / "svc").manifest.parameters["C"] == 1
    with pytest.raises(RequestError, match=r"cannot be stored: it holds .*KNeighborsClassifier.*Storage"):
        genreclf.train(table, model=KNeighborsClassifier()).save(tmp_path / "knn")
    with pytest.raises(RequestError, match="has an unknown kernel"):
        genreclf.train(table, model=SVC(kernel="sigmoid")).save(tmp_path / "sigmoid")
    assert [path.name for path in tmp_path.iterdir()] == ["svc"]


@pytest.mark.parametrize("model", [3, SVC, object(), np.arange(3)])
def test_what_is_no_model_is_refused_in_a_line(model):
    with pytest.raises(RequestError, match="is not a model; give a name or a scikit-learn classifier"):
        resolve_all([model])


def test_models_of_installed_packages_are_found_when_the_registry_is_first_read(monkeypatch):
    from genreclf import plugins

    monkeypatch.setattr(
        plugins, "entries", lambda group: iter([(None, NAIVE_BAYES)] if group == "genreclf.models" else [])
    )
    assert tuple(Registry("model", ModelSpec, ENTRIES, group="genreclf.models"))[-2:] == (ENTRIES[-1].name, "nb")


def test_models_that_are_not_registered_here_have_a_title_and_are_no_baselines():
    assert (title_of("svc"), title_of("nb")) == ("SVC", "nb")
    assert not is_baseline("nb")
