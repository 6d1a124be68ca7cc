"""The limits of the spool, as they are configured."""

from __future__ import annotations

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.spool.entry import SpoolLimits


def limits_of(config: UplinkConfig) -> SpoolLimits:
    """Return the limits in `config`, in bytes and days."""
    return SpoolLimits(config.spool_mb * 1_000_000, config.spool_days, config.sent_days)
