"""Information: each kind of file says what it is, in lines, JSON and Markdown; old models say what they lack."""

import json
from dataclasses import replace

import msgspec
import pytest
from made_comparisons import known_comparison
from made_up import made_up_table

import genreclf
from genreclf.errors import RequestError
from genreclf.information import information


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("information")
    table = made_up_table()
    table.write(place / "table.csv")
    genreclf.train(table, model="logreg", licence="CC: BY", notes="a *note*").save(place / "model")
    genreclf.build_index(table).save(place / "index")
    known_comparison().write(place / "report")
    return place


@pytest.mark.parametrize("name", ["model", "index", "table.csv", "report"])
def test_each_kind_is_told_in_lines_json_and_markdown(folder, name):
    found = information(folder / name)
    assert found.kind == name.removesuffix(".csv")
    told = json.loads(json.dumps(found.as_json()))
    assert list(told)[:2] == ["kind", "path"]
    assert found.as_text().startswith(f"{folder / name}: {found.kind}\n")
    for section in found.sections:
        assert f"## {section.capitalize()}" in found.as_markdown()


def test_a_model_says_what_it_learnt_from_and_how_good_it_is(folder):
    told = information(folder / "model").as_json()
    assert told["training"]["genres"]["genre0"] == {"tracks": 40, "artists": 8}
    low, high = told["evaluation"]["macro f1"]["95 % interval"]
    assert low < told["evaluation"]["macro f1"]["value"] < high
    answered = [row["confidence"] for row in told["calibration"]["tracks answered"].values()]
    assert answered == sorted(answered, reverse=True)
    assert told["model"]["licence"] == "CC: BY"
    assert told["use"]["limits"]


def test_a_card_begins_with_metadata_and_names_cannot_change_its_structure(folder):
    card = information(folder / "model").as_markdown()
    _, front, text = card.split("---\n", 2)
    assert "library_name: genreclf\n" in front
    assert 'license_name: "CC: BY"\n' in front
    assert "metrics: [{type: f1" in front
    assert "a *note*" not in text


def test_a_model_without_held_out_predictions_says_so(folder, tmp_path):
    bundle = genreclf.Bundle.load(folder / "model")
    old = msgspec.structs.replace(bundle.manifest, held_out=None, novelty=None, genre_counts={}, format=1)
    genreclf.Bundle(bundle.estimator, old).save(tmp_path / "old")
    assert "confidence only" in information(tmp_path / "old").as_text()
    with pytest.raises(RequestError, match="train it again"):
        genreclf.load(tmp_path / "old", coverage=0.8)
    table = made_up_table()
    assert len(genreclf.load(tmp_path / "old", min_confidence=0.5).predict_table(table)) == len(table)


def test_what_is_none_of_them_gets_one_line(folder, tmp_path):
    (tmp_path / "notes.txt").write_text("nothing of ours")
    for path in (tmp_path, tmp_path / "notes.txt", tmp_path / "missing"):
        with pytest.raises(RequestError):
            information(path)


def test_models_tables_and_indexes_show_themselves_in_a_line(folder):
    for value in (
        genreclf.load(folder / "model", min_confidence=0.5),
        genreclf.load(folder / "model").bundle,
        genreclf.FeatureTable.read(folder / "table.csv"),
        genreclf.Index.load(folder / "index"),
    ):
        line = repr(value)
        assert "\n" not in line
        assert len(line) < 160
        assert "features" in line


def test_a_table_or_model_in_the_wrong_place_gets_one_clear_line(folder):
    from sklearn.svm import SVC

    with pytest.raises(RequestError, match="models go into"):
        genreclf.benchmark(SVC(), models="svc")
    path = folder / "table.csv"
    one = genreclf.benchmark(path, models=SVC(), protocol="cv-random", repeats=1, draws=50)
    other = genreclf.benchmark(str(path), models="svc", protocol="cv-random", repeats=1, draws=50)
    assert (one.best, other.best) == ("SVC", "svc")
    with pytest.raises(RequestError, match="feature table"):
        genreclf.train(replace)
