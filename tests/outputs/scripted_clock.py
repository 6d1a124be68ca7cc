"""A clock for outputs with a thread: it jumps to the thread's next turn, and shows signs at given times."""

from __future__ import annotations

import threading
from collections.abc import Callable

from driver_monitor.data.alert import Sign


class ScriptedClock:
    """Runs an output to `until`, seconds. `script`: signs and the times at which they are shown, in order.

    Give `now` and `wait` to the output. `each_turn`: called at the beginning of each wait of its thread.
    """

    def __init__(self, script: list[tuple[float, Sign | None]], until: float, each_turn: Callable[[], object]) -> None:
        self.now = 0.0
        self._script, self._until, self._each_turn = list(script), until, each_turn
        self._show: Callable[[Sign | None], object] | None = None
        self._built, self._over = threading.Event(), threading.Event()

    def run(self, show: Callable[[Sign | None], object], patience_s: float) -> None:
        """Let the thread go on, and wait at most `patience_s` real seconds for `until`. `show`: shows a sign."""
        self._show = show
        self._built.set()
        assert self._over.wait(patience_s)

    def wait(self, wake: threading.Event, timeout: float | None) -> None:
        """Wait in place of the thread: go on to the next sign of the script, or to the end of its `timeout`."""
        assert self._built.wait(10)
        assert self._show is not None
        self._each_turn()
        due = self.now + timeout if timeout is not None else float("inf")
        if self._script and self._script[0][0] <= due:
            self.now, sign = self._script.pop(0)
            self._show(sign)
        elif due > self._until:
            self._over.set()
            wake.wait(10)
        else:
            self.now = due
