"""What an entry of the registry of tasks is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

from genreclf.errors import RequestError


@dataclass(frozen=True)
class Task:
    """One kind of label.

    Parameters
    ----------
    name : as manifests of models and ``run.json`` have it.
    labels : as the option ``labels`` has it.
    benchmark, train : give functions of a table and options; what these return has `as_json`, `notes` and `scores`, or
        is a `Bundle`. Which options there are is read from their signatures.
    report : gives a function of what the benchmark returned, a folder and options.
    columns : of the scores, that a terminal shows: titles and names, the one that ranks first; empty where the task's
        comparison is shown with its findings, as that of genres is.
    """

    name: str
    labels: str
    benchmark: Callable[[], Callable[..., Any]]
    train: Callable[[], Callable[..., Any]]
    report: Callable[[], Callable[..., None]]
    columns: Mapping[str, str] = field(default_factory=dict)

    def options(self, function: Callable[..., Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """The options that a function of the task takes.

        Parameters
        ----------
        given : all options of a command; None for those that were not given.

        Raises
        ------
        RequestError : an option was given that the task does not have.
        """
        known = signature(function).parameters
        for name, value in given.items():
            if name not in known and value is not None:
                raise RequestError(f"`{name}={value}` is not for `labels={self.labels}`; leave it out")
        return {name: value for name, value in given.items() if name in known and value is not None}
