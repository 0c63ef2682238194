"""The package's layers: no circle of imports, no import upward, and a picture that shows what is there."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
_SPEC = importlib.util.spec_from_file_location("layers", ROOT / "docs" / "layers.py")
layers = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(layers)


@pytest.fixture(scope="module")
def graph():
    return layers.imports()


def test_every_module_has_a_layer(graph):
    placed = {room for _, rooms in layers.LAYERS for room in rooms}
    assert {layers.room_of(name) for name in graph} <= placed


def test_no_modules_import_each_other_in_a_circle(graph):
    assert layers.circle(graph) == []


def test_no_folders_import_each_other_in_a_circle(graph):
    assert layers.circle(layers.rooms(graph)) == []


def test_no_module_imports_from_a_higher_layer(graph):
    assert layers.upward(graph) == []


def test_a_circle_and_an_upward_import_would_be_found():
    made_up = {"genreclf.tables.reader": {"genreclf.cli.extract"}, "genreclf.cli.extract": {"genreclf.tables.reader"}}
    assert layers.upward(made_up) == ["genreclf.tables.reader imports genreclf.cli.extract"]
    assert len(layers.circle(made_up)) == 3


def test_the_picture_shows_the_layers_as_they_are():
    assert layers.PICTURE.read_text(encoding="utf-8") == layers.draw(), "run: python docs/layers.py"
