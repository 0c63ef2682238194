"""A fork waits for the calls that are under way, and holds up those to come."""

from __future__ import annotations

import os
import threading
import time

import pytest

from genreclf.forks import unforked

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of forking with threads
]


def child_status(work=lambda: None):
    """Fork, call `work` in the child, and return the child's exit status."""
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def test_a_fork_waits_for_another_threads_call():
    inside, ended = threading.Event(), []

    def call():
        with unforked():
            inside.set()
            time.sleep(0.3)
            ended.append(True)

    thread = threading.Thread(target=call)
    thread.start()
    inside.wait()
    status = child_status(lambda: os._exit(0 if ended else 1))
    thread.join()
    assert status == 0


def test_a_child_can_call_again():
    def call():
        with unforked(), unforked():
            pass

    assert child_status(call) == 0
    call()


def test_a_thread_can_fork_within_its_own_call():
    with unforked():
        assert child_status() == 0
    assert child_status() == 0
