"""Without an uplink: forgets what an earlier one left in the spool, when it is old enough."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.outputs.output import Output
from driver_monitor.outputs.uplink.limits import limits_of
from driver_monitor.spool.clock import running_clock, wall_clock
from driver_monitor.spool.spool import Spool
from driver_monitor.threads.worker import Worker

LOOK_S = 60.0
"""Time between two looks at what is too old (ours)."""
CLOSE_S = 0.3
"""Longest wait at the end for the disk (ours)."""

Clocks = tuple[Callable[[], float], Callable[[], tuple[float, bool]]]


class OldSpool(Output):
    """Keeps `uplink.spool_days` and `uplink.sent_days` of the spool in `folder`, which nobody fills any more.

    A thread opens it, because a disk may hang. `clocks`: monotonic and wall clock, as `Spool` takes them.
    """

    name = "spool"
    local = True

    def __init__(
        self, config: UplinkConfig, folder: Path, look_s: float = LOOK_S, clocks: Clocks = (running_clock, wall_clock)
    ) -> None:
        self._folder, self._look_s, self._clocks = folder, look_s, clocks
        self._limits = limits_of(config)
        self._worker: Worker = Worker("old-spool", self._tend_until_closed)
        self._worker.start()

    def close(self) -> None:
        """End the thread and close the file."""
        self._worker.close(CLOSE_S)

    def _tend_until_closed(self) -> None:
        spool = Spool(self._folder, self._limits, *self._clocks)
        try:
            while not self._worker.closing:
                spool.tend()
                self._worker.wait(self._look_s)
        finally:
            spool.close()
