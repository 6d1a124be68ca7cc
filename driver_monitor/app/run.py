"""Runs the live loop in a process, with signals and clocks. `driver-monitor run` calls `run`."""

from __future__ import annotations

import logging
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.first_lines import first_line, next_step
from driver_monitor.app.part_table import Setup, open_parts
from driver_monitor.app.reload import Reloader
from driver_monitor.app.systemd import Notifier
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.outputs import journal

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
"""The file with the kernel's id of this boot."""
SYNCED = Path("/run/systemd/timesync/synchronized")
"""The file that exists once systemd-timesyncd has set the clock. A Raspberry Pi has no battery clock."""


def run(request: Request, trace: Path | None = None) -> None:
    """Run the daemon until its source ends or SIGTERM or SIGINT comes. SIGHUP reloads. `trace`: new trace file or None.

    Raises `DriverMonitorError` if a part cannot be opened or fails.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # no reload before there is a daemon
    started = time.monotonic()
    console = None if journal.is_journal(sys.stderr) else Console()
    plan = build.load_plan(request)
    setup = Setup(plan, console, started, trace)
    with open_parts(setup) as parts:
        # Not earlier: a start that fails is one line, the error.
        log.info("%s", first_line(plan, service=console is None))
        stamper = LiveStamper(parts.numbers.next, wall_clock, str(uuid.uuid4()), boot_id())
        daemon = Daemon(parts, stamper, Notifier(), time.monotonic, started, Reloader(request, setup))
        with _signals(daemon):
            daemon.run()
        health = daemon.health
    log.info("stopped: %d frames processed, %d alerts raised", health.frames, health.alerts)
    if console is not None:
        log.info("%s", next_step(plan))


@contextmanager
def _signals(daemon: Daemon) -> Iterator[None]:
    """In the `with` block, SIGTERM and SIGINT stop the daemon, SIGHUP requests a reload. Then restore the handlers."""
    handlers = {
        signal.SIGTERM: lambda *_: daemon.stop(),
        signal.SIGINT: lambda *_: daemon.stop(),
        signal.SIGHUP: lambda *_: daemon.request_reload(),
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wall_clock() -> tuple[datetime, bool]:
    """Return the time in UTC, and whether systemd-timesyncd has set the clock (`SYNCED`). Only people use this time."""
    return datetime.now(timezone.utc), SYNCED.exists()


def boot_id() -> str:
    """Return the id of this boot, or a random one if unknown. Monotonic times of two boots must not be compared."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())
