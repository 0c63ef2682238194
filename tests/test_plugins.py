"""Registries and entry points of installed packages."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from genreclf.errors import RequestError
from genreclf.plugins import Registry, entries


@dataclass(frozen=True)
class Toy:
    name: str
    weight: int = 0


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *, points: str, code: str) -> None:
    """Install a package of one module with entry points, as pip leaves it on the path."""
    (folder / "toys.py").write_text(code)
    info = folder / "toys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[genreclf.toys]\n{points}\n")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "toys", raising=False)


TOY_MODULE = """
from dataclasses import dataclass
import tests_toy_kind
CAR = tests_toy_kind.Toy("car")
FMA = tests_toy_kind.Toy("ball")
"""


@pytest.fixture
def toy_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tests_toy_kind", sys.modules[__name__])


def test_registry_finds_its_own_entries_first_and_names_choices_for_a_wrong_name():
    registry = Registry("toy", Toy, [Toy("ball"), Toy("kite")])
    registry.register(Toy("car"))

    assert list(registry) == ["ball", "kite", "car"]
    assert registry.find("kite").name == "kite"
    with pytest.raises(RequestError, match=r"unknown toy 'bal'; choose from ball, kite, car; did you mean 'ball'\?"):
        registry.find("bal")


def test_registry_refuses_a_taken_name_another_type_and_a_name_that_nobody_can_type():
    registry = Registry("toy", Toy, [Toy("ball")])

    with pytest.raises(RequestError, match="already"):
        registry.register(Toy("ball", weight=3))
    assert registry.register(Toy("ball", weight=3), replace=True) is registry["ball"]
    with pytest.raises(RequestError, match="register a Toy"):
        registry.register("ball")  # type: ignore[type-var]
    with pytest.raises(RequestError, match="no name for a toy"):
        registry.register(Toy("two words"))


def test_entry_points_of_an_installed_package_join_the_registry_when_it_is_first_read(tmp_path, monkeypatch, toy_kind):
    install(tmp_path, monkeypatch, points="car = toys:CAR", code=TOY_MODULE)
    registry = Registry("toy", Toy, [Toy("ball")], group="genreclf.toys")

    assert "toys" not in sys.modules
    assert list(registry) == ["ball", "car"]


@pytest.mark.parametrize(
    ("points", "reason"),
    [
        ("car = toys:TRUCK", "AttributeError: .*TRUCK"),
        ("car = toyz:CAR", "ModuleNotFoundError: .*toyz"),
        ("car = toys:dataclass", "register a Toy"),
        ("ball = toys:FMA", "there is a toy 'ball' already"),
    ],
)
def test_a_broken_entry_point_is_one_warning_line_and_the_rest_is_there(
    tmp_path, monkeypatch, toy_kind, points, reason
):
    install(tmp_path, monkeypatch, points=points, code=TOY_MODULE)
    registry = Registry("toy", Toy, [Toy("ball")], group="genreclf.toys")

    with pytest.warns(UserWarning, match=f"genreclf.toys: the entry point .* of toys 1.0 .*{reason}") as caught:
        assert list(registry) == ["ball"]
    assert len(caught) == 1
    assert "\n" not in str(caught[0].message)


def test_entries_of_a_group_that_nobody_uses_are_none():
    assert list(entries("genreclf.nothing-of-the-kind")) == []
