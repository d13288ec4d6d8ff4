"""Threads that are kept: the same ones again, each by itself, none for a child process."""

import os
import threading
from contextvars import ContextVar

import pytest

from export_pipelines.run.threads import kept_threads
from export_pipelines_tests.run.at_work import at_work

VARIABLE = ContextVar("VARIABLE", default="")


def test_threads_serve_again_and_no_two_at_once() -> None:
    with kept_threads(2) as (first, second), kept_threads(1) as (third,):
        names = {thread.submit(threading.current_thread).result().name for thread in (first, second, third)}
    assert len(names) == 3
    with kept_threads(3) as threads:
        assert {thread.submit(threading.current_thread).result().name for thread in threads} == names


def test_what_is_submitted_knows_the_context_of_the_caller() -> None:
    token = VARIABLE.set("caller")
    try:
        with kept_threads(1) as (thread,):
            assert thread.submit(VARIABLE.get).result() == "caller"
    finally:
        VARIABLE.reset(token)


def test_what_was_begun_ends_with_the_block_and_what_was_not_is_left() -> None:
    begun, goes_on, done = threading.Event(), threading.Event(), list[str]()

    def long() -> None:
        begun.set()
        goes_on.wait()
        done.append("long")

    with pytest.raises(RuntimeError), kept_threads(1) as (thread,):
        thread.submit(long)
        never = thread.submit(done.append, "never")
        begun.wait()
        threading.Timer(0.05, goes_on.set).start()
        raise RuntimeError
    assert done == ["long"] and never.cancelled() and at_work() == []


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_threads_of_its_own() -> None:
    """Those of its parent are not there."""
    with kept_threads(1) as (thread,):
        thread.submit(int).result()
    child = os.fork()
    if not child:
        with kept_threads(1) as (thread,):
            os._exit(thread.submit(lambda: 7).result(timeout=60))
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 7
