"""The one kind of thread: how it ends, how it fails, and what its queue drops. No test sleeps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from driver_monitor.errors import SourceError
from driver_monitor.threads.stall_timer import LONGEST_STEP_S, StallTimer
from driver_monitor.threads.worker import QueueWorker, Worker

LONG_S = 10.0
"""Only a failing test waits so long."""
W = TypeVar("W", bound=Worker)


@contextmanager
def running(worker: W) -> Iterator[W]:
    worker.start()
    try:
        yield worker
    finally:
        worker.close()


def raising(error: Exception) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


class Gate:
    """A handler that holds each item until the test opens the gate."""

    def __init__(self) -> None:
        self.handled: list[int] = []
        self.entered, self.open = threading.Event(), threading.Event()

    def __call__(self, item: int) -> None:
        self.entered.set()
        assert self.open.wait(LONG_S)
        self.handled.append(item)


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (ZeroDivisionError("oops"), "w: the thread failed: ZeroDivisionError: oops; this is a bug, please report it"),
        (SourceError("trip.mp4: is damaged"), "trip.mp4: is damaged"),
    ],
)
def test_fail__an_exception_that_leaves_the_work_is_a_failure_in_one_line(error: Exception, failure: str) -> None:
    known: list[str | None] = []
    worker = Worker("w", raising(error), ended=lambda: known.append(worker.failure))
    with running(worker):
        worker.thread.join(LONG_S)
        assert worker.failure == failure
    assert known == [failure], "`ended` is called after the failure is known"


def test_ok__closing_wakes_the_work_and_ends_the_thread_and_may_be_done_twice() -> None:
    ended: list[str] = []

    def work() -> None:
        while not worker.closing:
            worker.wait()

    worker = Worker("w", work, ended=lambda: ended.append("ended"))
    worker.start()
    assert worker.close(LONG_S)
    assert worker.close(LONG_S)
    assert not worker.thread.is_alive()
    assert worker.failure is None
    assert ended == ["ended"]


def test_ok__work_that_hangs_does_not_hold_up_the_close() -> None:
    hang = threading.Event()
    worker = Worker("w", lambda: assert_waits(hang))
    worker.start()
    assert not worker.close(0.01)
    assert worker.thread.daemon, "it does not hold up the end of the process either"
    hang.set()
    assert worker.close(LONG_S)


def assert_waits(event: threading.Event) -> None:
    assert event.wait(LONG_S)


def test_ok__work_may_close_its_own_worker_and_one_that_never_started_closes_too() -> None:
    closed: list[bool] = []
    worker = Worker("w", lambda: closed.append(worker.close(LONG_S)))
    with running(worker):
        worker.thread.join(LONG_S)
    assert closed == [False], "the thread cannot wait for itself"
    assert Worker("w", lambda: None).close(LONG_S)


def test_ok__work_that_waits_for_something_else_is_woken_by_its_own_wake() -> None:
    bell = threading.Event()
    with running(Worker("w", lambda: assert_waits(bell), wake=bell.set)) as worker:
        assert worker.close(LONG_S)


def test_ok__all_items_are_handled_in_order_and_closing_handles_what_is_queued() -> None:
    gate = Gate()
    with running(QueueWorker("w", gate)) as worker:
        for item in range(100):
            worker.put(item)
        gate.open.set()
        assert worker.close(LONG_S)
    assert gate.handled == list(range(100))
    assert worker.dropped == 0


def test_ok__a_full_queue_drops_the_oldest_item_of_the_lowest_rank() -> None:
    gate, lost = Gate(), list[int]()
    with running(QueueWorker("w", gate, limit=3, rank=lambda item: item % 2, lost=lost.append)) as worker:
        worker.put(0)
        assert gate.entered.wait(LONG_S)
        # While 0 is handled, three may wait: odd numbers outrank even ones.
        for item in (1, 2, 4, 3, 5, 7):
            worker.put(item)
        assert lost == [2, 4, 1]
        gate.open.set()
        assert worker.flush(LONG_S)
    assert gate.handled == [0, 3, 5, 7]
    assert worker.dropped == 3


def test_ok__after_close_nothing_is_handled_and_every_item_is_counted() -> None:
    handled, lost = list[int](), list[int]()
    with running(QueueWorker("w", handled.append, lost=lost.append)) as worker:
        worker.put(1)
        assert worker.close(LONG_S)
        worker.put(2)
    assert handled == [1]
    assert lost == [2]
    assert worker.dropped == 1


def test_fail__a_handler_that_raises_ends_the_thread_and_the_rest_is_counted() -> None:
    entered, go = threading.Event(), threading.Event()

    def handle(item: int) -> None:
        entered.set()
        assert go.wait(LONG_S)
        raise ZeroDivisionError("oops")

    lost: list[int] = []
    with running(QueueWorker("w", handle, lost=lost.append)) as worker:
        for item in (1, 2, 3):
            worker.put(item)
        assert entered.wait(LONG_S)
        go.set()
        assert worker.flush(LONG_S), "nobody waits for items of a dead worker"
        worker.thread.join(LONG_S)
        assert worker.failure is not None
        assert "ZeroDivisionError: oops" in worker.failure
        worker.put(4)
    assert worker.dropped == 4
    assert lost == [1, 2, 3, 4]


def test_ok__a_handler_that_hangs_is_waited_for_once_and_not_again_at_the_close() -> None:
    gate = Gate()
    with running(QueueWorker("w", gate)) as worker:
        worker.put(1)
        assert gate.entered.wait(LONG_S)
        assert not worker.flush(0.01)
        assert not worker.flush(LONG_S), "returns at once"
        assert not worker.close(LONG_S), "returns at once"
        gate.open.set()
        worker.thread.join(LONG_S)
    assert gate.handled == [1]


def test_ok__threads_that_put_together_lose_nothing_uncounted() -> None:
    handled: list[int] = []
    with running(QueueWorker("w", handled.append, limit=5)) as worker:

        def put_all() -> None:
            for number in range(500):
                worker.put(number)

        threads = [threading.Thread(target=put_all) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert worker.close(LONG_S)
        for thread in threads:
            thread.join(LONG_S)
    assert len(handled) + worker.dropped == 2000


def test_ok__a_worker_that_finishes_nothing_is_stalled_and_one_without_work_is_not() -> None:
    gate, now = Gate(), [0.0]
    with running(QueueWorker("w", gate, clock=lambda: now[0])) as worker:

        def seen_after(seconds: float) -> float:
            for _ in range(round(seconds / 0.25)):
                now[0] += 0.25
                stalled_s = worker.stalled_s()
            return stalled_s

        assert seen_after(10.0) == 0.0
        worker.put(1)
        worker.put(2)
        assert gate.entered.wait(LONG_S)
        assert seen_after(2.0) == 2.0
        gate.open.set()
        assert worker.flush(LONG_S)
        assert seen_after(10.0) == 0.0


def test_ok__a_worker_is_not_stalled_for_the_time_in_which_nobody_looked() -> None:
    """The whole process was stopped or overloaded: the thread had no time to work either."""
    gate, now = Gate(), [0.0]
    with running(QueueWorker("w", gate, clock=lambda: now[0])) as worker:
        worker.put(1)
        assert gate.entered.wait(LONG_S)
        assert worker.stalled_s() == 0.0
        now[0] = 3600.0
        assert worker.stalled_s() == LONGEST_STEP_S
        gate.open.set()


def test_ok__handling_one_item_after_another_is_progress_even_if_the_queue_never_becomes_empty() -> None:
    timer = StallTimer(iter(number / 4 for number in range(100)).__next__)
    assert max(timer.update(finished, True) for finished in range(100)) == 0.0
