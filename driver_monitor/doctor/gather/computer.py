"""Reads clock, temperature, supply voltage and disk of the computer."""

from __future__ import annotations

import errno
import os
import tempfile
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.computer import HeatFacts
from driver_monitor.doctor.verdicts.disk import DiskFacts

SERVICE_FOLDER = "/var/lib/driver-monitor"
"""The StateDirectory of the unit."""
LOW_BEFORE = 1 << 16
"""Bit of `vcgencmd get_throttled` (Raspberry Pi documentation): under-voltage since the start."""
WORN = ("0x02", "0x03")
"""Values of an eMMC's `pre_eol_info` (JEDEC): 80 % of its reserve is used, or more."""


def now(machine: Machine) -> datetime:
    """Return the time of day, UTC; the year 1970 or 9999 for a clock that no date has."""
    try:
        return datetime.fromtimestamp(machine.wall(), timezone.utc)
    except (OverflowError, ValueError, OSError):
        return datetime(9999, 1, 1, tzinfo=timezone.utc)


def synchronised(machine: Machine) -> bool | None:
    """Return whether something has set the clock; None: nothing tells."""
    if machine.path("/run/systemd/timesync/synchronized").exists():
        return True
    shown = machine.printed("timedatectl", "show", "--property=NTPSynchronized", "--value")
    if shown is None or shown.code:
        return None
    return {"yes": True, "no": False}.get(shown.text.strip())


def gather_disk(machine: Machine, folder: Path) -> DiskFacts:
    """Return what is known of the disk with `folder`, which need not exist. A small file is written and removed."""
    there = machine.path(str(folder))
    while not os.path.lexists(there) and there != there.parent:
        there = there.parent
    try:
        room = machine.statvfs(there)
    except OSError as error:
        return DiskFacts(str(folder), reason=f"{folder} cannot be looked at: {error.strerror}; use sudo")
    free, read_only = room.f_bavail * room.f_frsize, bool(room.f_flag & os.ST_RDONLY)
    kind, worn = _kind(machine, there)
    if not machine.user().root and not os.access(there, os.W_OK) and str(folder) == SERVICE_FOLDER:
        return DiskFacts(str(folder), reason=f"{folder} belongs to the service; use sudo to check it")
    fault = None if read_only else _write_fault(there)
    full = fault is not None and fault.errno in (errno.ENOSPC, errno.EDQUOT)
    why = None if fault is None else fault.strerror
    return DiskFacts(str(folder), free, read_only, why, full, kind, worn)


def _write_fault(folder: Path) -> OSError | None:
    """Write 64 KB into a new file in `folder` and remove it. Return the error, None if it worked."""
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as file:
            file.write(bytes(65536))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return error
    return None


def _kind(machine: Machine, folder: Path) -> tuple[str, bool]:
    """Return the kind of disk of `folder` in words, empty if unknown, and whether it reports the end of its life."""
    try:
        device = folder.stat().st_dev
        block = machine.path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve(strict=True)
    except OSError:
        return "", False
    name = next((part for part in reversed(block.parts) if part.startswith("mmcblk")), None)
    if name is None:
        return "", False
    disk = next(part for part in block.parts if part.startswith("mmcblk"))
    info = machine.text(f"/sys/block/{disk}/device/pre_eol_info")
    removable = machine.text(f"/sys/block/{disk}/device/type") != "MMC"
    return "an SD card" if removable else "built-in flash memory", info in WORN


def gather_heat(machine: Machine) -> HeatFacts:
    """Return what the sensors of the board tell, and a Raspberry Pi's firmware of the time since the start."""
    from driver_monitor.board.sensors import Sensors

    told: list[bytes] = []

    def ask() -> bytes | None:
        shown = machine.printed("vcgencmd", "get_throttled")
        told.extend([shown.text.encode()] if shown is not None and not shown.code else [])
        return told[-1] if told else None

    reading = Sensors(machine.path("/sys"), machine.path("/proc/device-tree/model"), ask).read(machine.clock())
    flags = 0
    with suppress(ValueError):
        flags = int(told[-1].strip().partition(b"=")[2], 16) if told else 0
    return HeatFacts(
        reading.temperature_c,
        reading.slows_at_c,
        reading.throttled,
        reading.under_voltage,
        bool(flags & LOW_BEFORE),
        reading.supply,
    )
