"""The one kind of thread: it has a name, can be woken, closes within a time limit, and reports its own death."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from driver_monitor.errors import DriverMonitorError

Item = TypeVar("Item")
_Worker = TypeVar("_Worker", bound="Worker")

CLOSE_S = 1.0
"""Default time limit of `close`: half of the 2 s in which everything is closed after SIGTERM (ours)."""
QUEUE = 1000
"""Default length of a queue. With one alert a second it is full after a quarter of an hour without progress."""

log = logging.getLogger(__name__)


class Worker:
    """Runs `work` once, in a daemon thread, from `start` until `work` returns.

    `work` must return soon after `closing` has become true. `wake` ends its `wait`; a worker that waits for something
    else, such as a socket, brings its own `wake`. `ended` is called in the thread after `work`, also after an error.
    `failure` is one line of text if an exception left `work`, else None.
    """

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        *,
        wake: Callable[[], None] | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
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
        """Wait until `wake` is called, at most `timeout_s`. For use in `work`."""
        self.woken.wait(timeout_s)
        self.woken.clear()

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """End the thread; may be called twice. Returns False if it did not end in `timeout_s` and was left running."""
        self.closing = True
        self.wake()
        if self.thread.is_alive() and self.thread is not threading.current_thread():
            self.thread.join(timeout_s)
        return not self.thread.is_alive()

    def __enter__(self: _Worker) -> _Worker:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

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
            if self._ended is not None:
                self._ended()


class QueueWorker(Worker, Generic[Item]):
    """Calls `handle` with one item after another. `put` never waits: a full queue drops an item.

    `limit`: number of items that may wait. `rank`: the oldest of the items with the lowest rank is dropped first.
    `dropped`: number of items that were lost, because the queue was full or the worker was closed or dead.
    `wait`, `wake`: replace the event that the thread waits for. `wait` may return early.
    """

    def __init__(
        self,
        name: str,
        handle: Callable[[Item], None],
        *,
        limit: int = QUEUE,
        rank: Callable[[Item], int] = lambda _: 0,
        wait: Callable[[], None] | None = None,
        wake: Callable[[], None] | None = None,
        ended: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(name, self._handle_all, wake=wake, ended=ended)
        self.limit, self.dropped = limit, 0
        self._handle, self._rank = handle, rank
        self._wait = wait or self.wait
        self._items: deque[Item] = deque()
        self._changed = threading.Condition()
        self._busy = False
        self._handled = 0
        self._gave_up_at: int | None = None

    def put(self, item: Item) -> Item | None:
        """Queue `item`. Returns the item that was dropped: an older one, `item` itself after `close`, or None."""
        with self._changed:
            if self.closing or self.failure is not None:
                self.dropped += 1
                return item
            self._items.append(item)
            dropped = self._drop() if len(self._items) > self.limit else None
            first = len(self._items) == 1
        if first:
            self.wake()
        return dropped

    def flush(self, timeout_s: float) -> bool:
        """Wait at most `timeout_s` until every item is handled; return whether that is so.

        Returns at once if an earlier call gave up and `handle` still hangs with the same item.
        """
        with self._changed:
            if self._busy and self._gave_up_at == self._handled:
                return False
            done = self._changed.wait_for(lambda: not self._items and not self._busy, timeout_s)
            self._gave_up_at = None if done else self._handled
            return done

    def close(self, timeout_s: float = CLOSE_S) -> bool:
        """Flush, then end the thread; both within `timeout_s`."""
        end = time.monotonic() + timeout_s
        done = self.flush(timeout_s)
        return super().close(max(0.0, end - time.monotonic()) if done else 0.0)

    def _drop(self) -> Item:
        index = min(range(len(self._items)), key=lambda index: self._rank(self._items[index]))
        dropped = self._items[index]
        del self._items[index]
        self.dropped += 1
        return dropped

    def _handle_all(self) -> None:
        while self._more_to_come():
            self._wait()
            while self._items:
                with self._changed:
                    item, self._busy = self._items.popleft(), True
                self._handle(item)
                with self._changed:
                    self._busy = False
                    self._handled += 1
                    self._changed.notify_all()

    def _more_to_come(self) -> bool:
        with self._changed:  # `put` holds it, too: it either sees that the worker is closing or adds its item in time
            return bool(self._items) or not self.closing

    def _run(self) -> None:
        super()._run()
        with self._changed:
            self.dropped += len(self._items) + self._busy
            self._items.clear()
            self._busy = False
            self._changed.notify_all()
