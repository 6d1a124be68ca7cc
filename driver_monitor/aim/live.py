"""Holds what the page shows now. Threads of the source put sightings in; the web server takes the newest."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from driver_monitor.aim.page_message import page_message, waiting_message
from driver_monitor.data.observation import Observation
from driver_monitor.installer.aiming import SteadyGood
from driver_monitor.messages.sighting import Sighting
from driver_monitor.web.server import End

WINDOW_S = 1.5
"""Seconds of observations that a verdict rests on. The light on the face is measured twice a second. Ours."""
STALE_S = 2.0
"""Seconds without a sighting after which the page says that there is no picture. Ours."""
LIMIT_S = 15 * 60.0
"""Seconds after which the page ends by itself: nobody must be shown on a page that was forgotten. Ours."""


class Live:
    """The newest picture and verdicts, and how long the page still lives. `clock`: returns monotonic seconds.

    `waiting`: why there is no picture yet, and what to do; shown while no sighting comes. `ended`: why the page has
    ended; None: it lives.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.waiting = "Waiting for the camera."
        self.ended: End | None = None
        self._clock, self._started = clock, clock()
        self._lock = threading.Lock()
        self._window: deque[tuple[float, Observation]] = deque()
        self._steady = SteadyGood()
        self._number = 0
        self._shown: tuple[float, dict[str, Any], bytes | None] | None = None

    def show(self, sighting: Sighting) -> None:
        """Show `sighting` from now on. Safe in every thread."""
        with self._lock:
            now = self._clock()
            self._window.append((now, sighting.seen))
            while now - self._window[0][0] > WINDOW_S:
                self._window.popleft()
            window = [seen for _, seen in self._window]
            message = page_message(sighting, window, lambda good: self._steady.update(now, good))
            self._number += 1
            self._shown = now, message, sighting.jpeg

    def newest(self) -> tuple[dict[str, Any], bytes | None]:
        """Return the newest message and its picture, JPEG or None. `number`: differs for each sighting.

        `left_s`: whole seconds until the page ends. `ended`: see there.
        """
        with self._lock:
            now = self._clock()
            own = {"number": self._number, "left_s": max(0, round(self._started + LIMIT_S - now)), "ended": self.ended}
            if self._shown is None or now - self._shown[0] > STALE_S:
                return {**waiting_message(self.waiting), **own}, None
            return {**self._shown[1], **own}, self._shown[2]

    def time_is_over(self) -> bool:
        """Return whether the page has lived for `LIMIT_S`."""
        return self._clock() - self._started >= LIMIT_S
