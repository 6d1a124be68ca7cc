"""The clocks of the spool: how old an alert is, even if the clock of the car jumps or was never set.

An age is the greater one of two, and neither is ever too great:

- by running time: seconds for which the daemon has run since;
- by the wall clock, which also counts the time without power: only if it was known to be set at both ends.

A wall clock that leaves the running time by more than `JUMP_S` was wrong before or is wrong now. Until the next start
it counts for nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SYNCED = Path("/run/systemd/timesync/synchronized")
"""The file that exists once systemd-timesyncd has set the clock. A Raspberry Pi has no battery clock."""
MOST_S = 1e10
"""Running time, and wall clock in seconds since 1970, that no car reaches (ours): 317 years."""
JUMP_S = 60.0
"""Difference of wall clock and running time that counts as a jump (ours). Corrections of NTP are under a second."""
SETTLED_S = 600.0
"""Running time before anything is dropped by its age (ours). A clock that is wrong has time to be set right, and what
grew old in a parked car has time to be sent."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A time. `ran_s`: running time since the spool was opened. `wall_s`: seconds since 1970; None: not known.

    `jumped`: whether the wall clock has jumped since the spool was opened.
    """

    ran_s: float
    wall_s: float | None
    jumped: bool

    @property
    def settled(self) -> bool:
        """Whether things may be dropped by their age."""
        return self.ran_s >= SETTLED_S


class SpoolClock:
    """Reads both clocks. `monotonic`, `wall`: as of `Spool`."""

    def __init__(self, monotonic: Callable[[], float], wall: Callable[[], tuple[float, bool]]) -> None:
        self._monotonic, self._wall = monotonic, wall
        self._opened = monotonic()
        self._start_s: float | None = None  # wall clock at `_opened`, by the first known reading
        self._jumped = False

    def now(self) -> Moment:
        """Return the present time."""
        ran = self._monotonic() - self._opened
        wall, said = self._wall()
        known = said and 0 <= wall <= MOST_S
        if known and self._start_s is None:
            self._start_s = wall - ran
        if self._start_s is not None and abs(wall - ran - self._start_s) > JUMP_S:
            self._jumped = True
        return Moment(ran, wall if known and not self._jumped else None, self._jumped)


def wall_clock() -> tuple[float, bool]:
    """Return seconds since 1970, and whether the clock is known to be set (`SYNCED`)."""
    return time.time(), SYNCED.exists()


def running_clock() -> float:
    """Return monotonic seconds that go on while the computer sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
