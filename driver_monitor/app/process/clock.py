"""The time of day and the id of this boot, for alerts and status. No decision depends on them."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from pathlib import Path

from driver_monitor.spool.clock import SYNCED

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The file with the kernel's id of this boot."""


def wall_clock() -> tuple[datetime, bool]:
    """Return the time in UTC, and whether systemd-timesyncd has set the clock (`SYNCED`). Only people use this time."""
    return datetime.now(timezone.utc), SYNCED.exists()


def boot_id() -> str:
    """Return the id of this boot, or a random one if unknown. Monotonic times of two boots must not be compared."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())
