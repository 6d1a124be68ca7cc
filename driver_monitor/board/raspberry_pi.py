"""Reads what the firmware of a Raspberry Pi says of its supply and of its clock.

Sources: Raspberry Pi documentation, "Frequency management and thermal control" and `vcgencmd get_throttled`; the
kernel's drivers/hwmon/raspberrypi-hwmon.c and, in Raspberry Pi's kernel, drivers/firmware/raspberrypi.c. All read.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from driver_monitor.board import sysfs

SLOWS_AT_C = 80.0
"""The processor is progressively slowed between 80 and 85 degrees; at 85 the graphics, too (documentation). A 3B+ goes
from 1.4 to 1.2 GHz at its soft limit, 60 degrees; that is no lack of speed here."""
SUPPLY = "a power supply of 5 V and 3 A or more (Raspberry Pi 5: 5 A), and a short cable"
UNDER_VOLTAGE = 0x1
"""The flag of an under-voltage now: less than 4.63 V (documentation)."""
SLOWER = 0x2 | 0x4
"""The flags "frequency capped" and "throttled" now. 0x8 is the soft limit; 0x10000 and more are of the past."""
ASK_S = 10.0
"""Least time between two starts of `vcgencmd`. It starts a process, and the firmware answers slowly (ours)."""
ANSWER_S = 2.0
"""Longest wait for its answer (ours). It takes about 10 ms."""
_ANSWER = re.compile(rb"throttled=0x([0-9a-fA-F]{1,8})\s*")


class PiFlags:
    """Reads the flags. `sys`: the folder of sysfs. `ask`: runs `vcgencmd get_throttled`, returns its output or None.

    `read` may wait for the kernel and for `vcgencmd`: call it in a thread of its own.
    """

    def __init__(self, sys: Path, ask: Callable[[], bytes | None] | None = None) -> None:
        self._sys, self._ask = sys, ask or ask_vcgencmd
        self._asked: float | None = None
        self._answer: int | None = None

    def read(self, now: float) -> tuple[bool | None, bool | None]:
        """Return whether there is an under-voltage, and whether the clock is lower. None: unknown. `now`: seconds."""
        flags = self._flags(now)
        under_voltage = None if flags is None else bool(flags & UNDER_VOLTAGE)
        for monitor in sysfs.monitors(self._sys, "rpi_volt"):
            if (alarm := sysfs.number(monitor / "in0_lcrit_alarm")) is not None:
                under_voltage = bool(alarm) or bool(under_voltage)
        return under_voltage, None if flags is None else bool(flags & SLOWER)

    def _flags(self, now: float) -> int | None:
        for soc in sysfs.folders(self._sys / "devices" / "platform", "soc"):
            for firmware in sysfs.folders(soc, "soc"):
                if (flags := sysfs.number(firmware / "get_throttled", 16)) is not None:
                    return flags
        if self._asked is None or now - self._asked >= ASK_S:
            self._asked, found = now, _ANSWER.fullmatch(self._ask() or b"")
            self._answer = int(found[1], 16) if found else None
        return self._answer


def ask_vcgencmd() -> bytes | None:
    """Return the answer of `vcgencmd get_throttled`; None: no such program, no permission, or no answer in time."""
    try:
        done = subprocess.run(
            ["vcgencmd", "get_throttled"], stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWER_S, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout if done.returncode == 0 else None
