"""Writing that may hang, in a thread of its own: a terminal stopped by Ctrl-S, a full pipe, a journal that is stuck."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import IO, Generic, TypeVar

Item = TypeVar("Item")

QUEUE = 1000
"""Lines that wait; an alert a second, for a quarter of an hour in which nobody reads."""
FLUSH_S = 0.5
"""What every output may take to close (`Output`)."""


class BackgroundWriter(Generic[Item]):
    """Hands items to `write` one after another, in a thread of its own; whoever puts one never waits.

    When `QUEUE` of them wait, the oldest goes; `dropped` counts these, and the ones that `write` raised for.
    """

    def __init__(self, name: str, write: Callable[[Item], None]) -> None:
        self.dropped = 0
        self._write = write
        self._queue: deque[Item] = deque()
        self._changed = threading.Condition()
        self._busy = self._closing = False
        self._done = 0
        self._given_up_at: int | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Have `item` written; after `close` it is dropped."""
        with self._changed:
            if self._closing or len(self._queue) >= QUEUE:
                self.dropped += 1
            if self._closing:
                return
            if len(self._queue) >= QUEUE:
                self._queue.popleft()
            self._queue.append(item)
            self._changed.notify_all()

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until all is written, `timeout_s` at most, and not a second time for what has hung since the last."""
        with self._changed:
            if self._given_up_at == self._done and self._busy:
                return
            written = self._changed.wait_for(lambda: not self._queue and not self._busy, timeout_s)
            self._given_up_at = None if written else self._done

    def close(self, timeout_s: float = FLUSH_S) -> None:
        """Flush and end the thread; one that hangs is left behind. May be called twice."""
        self.flush(timeout_s)
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closing)
                if not self._queue:
                    return
                item, self._busy = self._queue.popleft(), True
            self._write_one(item)
            with self._changed:
                self._busy = False
                self._done += 1
                self._changed.notify_all()

    def _write_one(self, item: Item) -> None:
        try:
            self._write(item)
        except Exception:
            # there is nobody left to tell: this is where everything is told
            with self._changed:
                self.dropped += 1


def write_out(stream: IO[str], text: str) -> None:
    """Write `text` to `stream` at once, waiting as long as it takes. Raises `OSError` or `ValueError`.

    Past Python's own buffer where there is a file: a thread that hangs with its lock would make the interpreter abort
    when it flushes its streams at exit.
    """
    try:
        file = stream.fileno()
    except (OSError, AttributeError):
        stream.write(text)
        stream.flush()
        return
    data = memoryview(text.encode(getattr(stream, "encoding", None) or "utf-8", "backslashreplace"))
    while data:
        try:
            data = data[os.write(file, data) :]
        except BlockingIOError:
            select.select([], [file], [])


class Deadline:
    """Shares one time-out among several steps."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        """Seconds that remain, 0 when it has passed."""
        return max(0.0, self._end - time.monotonic())
