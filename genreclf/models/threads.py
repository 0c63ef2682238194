"""Threads of the libraries' own: one is enough for models of this size, and several fight each other."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """A context in which BLAS and OpenMP use one thread."""
    limit: AbstractContextManager[Any] = _thread_pools(len(sys.modules)).limit(limits=1)
    return limit


@lru_cache(maxsize=1)
def _thread_pools(modules: int) -> ThreadpoolController:
    """The thread pools of the libraries that are loaded; looked for again where `modules`, their number, has changed.

    To look for them takes longer than many a fit.
    """
    from threadpoolctl import ThreadpoolController

    del modules
    return ThreadpoolController()
