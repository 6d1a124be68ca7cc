"""The clocks of the spool: how old an alert is, if the clock of the car jumps, or was never set."""

from __future__ import annotations

import time
from pathlib import Path

SYNCED = Path("/run/systemd/timesync/synchronized")
"""The file that exists once systemd-timesyncd has set the clock. A Raspberry Pi has no battery clock."""


def wall_clock() -> tuple[float, bool]:
    """Return seconds since 1970, and whether the clock is known to be set (`SYNCED`)."""
    return time.time(), SYNCED.exists()
