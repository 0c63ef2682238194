"""Errors of the library as the command line tells them."""

from __future__ import annotations

import pytest

from genreclf.cli.options import as_options


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("jobs=0: at least one worker", "--jobs 0: at least one worker"),
        ("choose to=FOLDER or in_place=True for it", "choose --to FOLDER or --in-place for it"),
        ("a table (jobs=2)", "a table (--jobs 2)"),
        ("`folds` is 1; `group=False` makes random folds", "--folds is 1; --no-group makes random folds"),
        ("choose `protocol='cv-random'`", "choose --protocol cv-random"),
        ("music/jobs=3.wav: x=3, no such file", "music/jobs=3.wav: x=3, no such file"),
    ],
)
def test_parameters_are_written_as_options_and_nothing_else_is(line, shown):
    assert as_options(line, {"jobs", "to", "in_place"}) == shown
