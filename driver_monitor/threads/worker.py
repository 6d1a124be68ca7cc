"""The one kind of thread: it has a name, can be woken, closes within a time limit, and reports its own death."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from driver_monitor.errors import DriverMonitorError
from driver_monitor.threads.bounded_queue import BoundedQueue
from driver_monitor.threads.stall_timer import StallTimer

Call = Callable[[], object]
Item = TypeVar("Item")

CLOSE_S = 1.0
"""Default time limit of `close`: half of the 2 s in which everything is closed after SIGTERM (ours)."""
QUEUE = 1000
"""Default length of a queue. With one alert a second it is full after a quarter of an hour without progress."""

log = logging.getLogger(__name__)


class Worker:
    """Runs `work` once, in a daemon thread, from `start` until `work` returns.

    `work` must return soon after `closing` has become true. `wake` ends `wait`; if `work` waits for something else,
    such as a socket, pass a `wake` that ends that wait. `ended` is called in the thread after `work`, even after an
    error. `failure` is one line of text if an exception left `work`, else None.
    """

    def __init__(self, name: str, work: Call, wake: Call | None = None, ended: Call = lambda: None) -> None:
        self.failure: str | None = None
        self.closing = False
        self.woken = threading.Event()
        self.wake = wake or self.woken.set
        self._work, self._ended = work, ended
        self.thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self.thread.start()

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait until `woken` is set (by default: `wake`), at most `timeout_s` (None: no limit). For use in `work`."""
        self.woken.wait(timeout_s)
        self.woken.clear()

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """End the thread; may be called twice. Returns False if it did not end in `timeout_s` and was left running."""
        self.closing = True
        self.wake()
        if self.thread.is_alive() and self.thread is not threading.current_thread():
            self.thread.join(timeout_s)
        return not self.thread.is_alive()

    def _run(self) -> None:
        try:
            self._work()
        except DriverMonitorError as error:
            self.failure = str(error)
        except Exception as error:
            cause = f"{type(error).__name__}: {error}"
            self.failure = f"{self.thread.name}: the thread failed: {cause}; this is a bug, please report it"
            log.exception("%s: the thread failed", self.thread.name)
        finally:
            self._ended()


class QueueWorker(Worker, Generic[Item]):
    """Calls `handle` with one item after another, until an exception. `put` never waits: a full queue drops an item.

    `limit`: number of items that may wait. `rank`: the oldest of the items with the lowest rank is dropped first.
    `lost`: called with each item that is lost: the queue was full, or the worker was closed or has failed.
    `dropped`: number of these items. `wait`: waits in the thread for new items; may return early. `wake`: ends this
    wait. Both None: an event is used. `clock`: returns monotonic seconds.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Item], None],
        limit: int = QUEUE,
        rank: Callable[[Item], int] = lambda _: 0,
        lost: Callable[[Item], object] = lambda _: None,
        wait: Call | None = None,
        wake: Call | None = None,
        ended: Call = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name, self._handle_all, wake, ended)
        self.dropped = 0
        self.queue = BoundedQueue(limit, rank)
        self._handle, self._lost = handle, lost
        self._wait = wait or self.wait
        self._changed = threading.Condition()
        self._current: list[Item] = []  # the item that is being handled, if any
        self._gave_up = False
        self._handled = 0
        self._stall = StallTimer(clock)

    def put(self, item: Item) -> None:
        """Queue `item`. If the queue is full, an item is dropped by `rank`. If closed or failed, `item` is dropped."""
        with self._changed:
            if self.closing or self.failure is not None:
                self._drop(item)
                return
            if (dropped := self.queue.put(item)) is not None:
                self._drop(dropped)
            first = len(self.queue) == 1
        if first:
            self.wake()

    def count_lost(self, item: Item) -> None:
        """Count `item` as dropped. For `handle`, if it can do nothing with it."""
        with self._changed:
            self._drop(item)

    def stalled_s(self) -> float:
        """Return for how many seconds items have waited while none was finished. Call it several times a second."""
        with self._changed:
            return self._stall.update(self._handled, bool(self.queue or self._current))

    def flush(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` until no item waits or is being handled; return whether this was reached.

        Returns False at once if an earlier call gave up and `handle` still hangs with the same item.
        """
        with self._changed:
            if self._current and self._gave_up:
                return False
            self._gave_up = not self._changed.wait_for(lambda: not self.queue and not self._current, timeout_s)
            return not self._gave_up

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Flush, then end the thread, both within `timeout_s`. Returns False if the thread was left running."""
        end = time.monotonic() + timeout_s
        done = self.flush(timeout_s)
        return super().close(max(0.0, end - time.monotonic()) if done else 0.0)

    def _handle_all(self) -> None:
        closing = False
        while not closing:
            self._wait()
            with self._changed:
                closing = self.closing  # read before the queue is emptied: after this, `put` adds nothing
            while self._handle_one():
                pass

    def _handle_one(self) -> bool:
        """Handle the oldest item; return False if there is none. After an exception the item counts as not handled."""
        with self._changed:
            item = self.queue.pop()
            if item is None:
                return False
            self._current.append(item)
        self._handle(item)
        with self._changed:
            self._current.clear()
            self._gave_up = False
            self._handled += 1
            self._changed.notify_all()
        return True

    def _drop(self, item: Item) -> None:
        self.dropped += 1
        self._lost(item)

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            with self._changed:
                for item in self._current:
                    self._drop(item)
                while (waiting := self.queue.pop()) is not None:
                    self._drop(waiting)
                self._current.clear()
                self._changed.notify_all()
