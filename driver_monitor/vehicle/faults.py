"""Reports what is wrong with the vehicle input: faults by kind, and silence."""

from __future__ import annotations

import logging
import math

from driver_monitor.data.observation import UNKNOWN_VEHICLE, VehicleData

LOG_EVERY_S = 60.0
"""Shortest time between two lines about faults of one kind (ours)."""
SILENT_S = 5.0
"""Time without any value after which the input is silent (ours). A value is unknown after 2 s already."""

log = logging.getLogger(__name__)


class FaultLog:
    """Logs the first fault of each kind, and later ones of this kind at most every `LOG_EVERY_S` with their number.

    `where`: the input, as each line begins.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._kinds: dict[str, tuple[float, int]] = {}

    def report(self, t: float, kind: str, text: str) -> bool:
        """Log the fault `text` at `t`, monotonic seconds, if a line is due. Return whether it was.

        There must be few different `kind`s.
        """
        logged_t, others = self._kinds.get(kind, (-math.inf, 0))
        if t - logged_t < LOG_EVERY_S:
            self._kinds[kind] = logged_t, others + 1
            return False
        self._kinds[kind] = t, 0
        more = f"; {others} more like this in the last {t - logged_t:.0f} s" if others else ""
        log.warning("%s: %s%s", self._where, text, more)
        return True


class SilenceWatch:
    """Notices that no value has come for `SILENT_S`, logs it once, and counts it.

    `where`: the input. `advice`: what to check. `count`: how often the input has become silent.
    """

    def __init__(self, where: str, advice: str) -> None:
        self.count = 0
        self._where, self._advice = where, advice
        self._silent = False
        self._known_t: float | None = None

    def check(self, t: float, vehicle: VehicleData) -> None:
        """Take what is known at `t`, seconds. Before the first call nothing is expected."""
        if self._known_t is None or vehicle != UNKNOWN_VEHICLE:
            if self._silent:
                log.info("%s: there are values again", self._where)
            self._known_t, self._silent = t, False
        elif not self._silent and t - self._known_t >= SILENT_S:
            self._silent = True
            self.count += 1
            log.warning("%s: no value for %g s, the speed is unknown; %s", self._where, SILENT_S, self._advice)
