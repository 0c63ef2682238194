"""Columns of report tables: each function takes the name of a value and gives what makes a cell of a row."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from genreclf.pages.blocks import Cell
from genreclf.pages.wording import model_title, points
from genreclf.reports.outcome import value_of

Column = Callable[[Mapping[str, Any]], Cell]


def text(name: str) -> Column:
    """A name or a word."""
    return lambda row: Cell(str(row[name]))


def model(name: str = "model") -> Column:
    """The display name of a model."""
    return lambda row: Cell(model_title(str(row[name])))


def number(name: str, write: Callable[[float], str] = points) -> Column:
    """A number as `write` shows it: a score, a duration, a p-value."""
    return lambda row: Cell(write(value_of(row, name)), value_of(row, name))


def ends(name: str, write: Callable[[float], str] = points) -> Column:
    """The interval of a score, sorted by its lower end; empty where there is none."""

    def cell(row: Mapping[str, Any]) -> Cell:
        low, high = value_of(row, f"{name}_low"), value_of(row, f"{name}_high")
        known = math.isfinite(low) and math.isfinite(high)
        return Cell(f"{write(low)} to {write(high)}" if known else "", low)

    return cell


def scored(name: str, write: Callable[[float], str] = points) -> Column:
    """A score with its interval below it."""
    return lambda row: replace(number(name, write)(row), note=ends(name, write)(row).text)


def signed(value: float) -> str:
    """A difference in points, with its sign; empty where there is none."""
    return points(value, sign=True) if math.isfinite(value) else ""


def tracks(name: str) -> Column:
    """A number of tracks."""
    return number(name, "{:,.0f}".format)
