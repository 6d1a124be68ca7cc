"""Reads whether Linux or a Jetson's hardware has lowered the clock, and whether an Orin's supply is too weak.

Sources: the kernel's Documentation/driver-api/thermal/sysfs-api.rst (read); NVIDIA, Jetson Linux Developer Guide r36,
"Platform Power and Performance", for the over-current events of the Orin (as reported).
"""

from __future__ import annotations

from pathlib import Path

from driver_monitor.board import sysfs

LOWER_CLOCK = ("cpufreq", "devfreq", "throttle-alert")
"""Parts of the names of cooling devices that lower a clock. Others are fans."""
WEAK_SUPPLY, OVER_CURRENT = "oc1_event_cnt", "oc2_event_cnt"
"""Counters of the Orin: the supply was too low, and the mean current too high. oc3 counts short peaks of the current,
several a second under load in its fastest mode, so it says nothing."""


class JetsonEvents:
    """Counts the events of a Jetson Orin since the last reading. `sys`: the folder of sysfs."""

    def __init__(self, sys: Path) -> None:
        self._sys = sys
        self._counts: dict[str, int] = {}

    def read(self) -> tuple[bool | None, bool | None]:
        """Return whether the supply was too low, and whether the mean current was too high, since the last call.

        None: there is no counter, or it was read for the first time.
        """
        monitors = list(sysfs.monitors(self._sys, "soctherm_oc"))
        weak, over = (self._grown(monitors, name) for name in (WEAK_SUPPLY, OVER_CURRENT))
        return weak, over

    def _grown(self, monitors: list[Path], name: str) -> bool | None:
        counts = [count for monitor in monitors if (count := sysfs.number(monitor / name)) is not None]
        if not counts:
            return None
        before = self._counts.get(name)
        self._counts[name] = sum(counts)
        return None if before is None else self._counts[name] > before


def clock_is_lowered(sys: Path) -> bool | None:
    """Return whether a cooling device has lowered a clock. None: there is no such device."""
    found = None
    for device in sysfs.folders(sys / "class" / "thermal", "cooling_device"):
        if any(part in sysfs.text(device / "type").lower() for part in LOWER_CLOCK):
            state = sysfs.number(device / "cur_state")
            if state is not None:
                found = bool(found) or state > 0
    return found
