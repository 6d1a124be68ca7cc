"""The process around the live loop: its log, signals, files and clocks. What `driver-monitor run` does."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timezone
from pathlib import Path

from rich.console import Console

from driver_monitor.app import build
from driver_monitor.app.build import Models, Plan, Request
from driver_monitor.app.daemon import Daemon, Parts
from driver_monitor.app.reload import Builders, Reloader
from driver_monitor.app.systemd import Notifier
from driver_monitor.config.schema import ServiceConfig
from driver_monitor.errors import OutputError
from driver_monitor.gpio.button import open_button
from driver_monitor.messages.envelope import LiveStamper
from driver_monitor.messages.trace import Header
from driver_monitor.outputs import journal
from driver_monitor.outputs.sequence import AlertSequence
from driver_monitor.outputs.trace_writer import TraceWriter

log = logging.getLogger(__name__)

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
SYNCED = Path("/run/systemd/timesync/synchronized")
"""systemd-timesyncd touches it once the clock has been set from the network; a Pi has no battery clock."""


def run(request: Request, trace: Path | None = None) -> None:
    """Run the daemon until its source ends or it is told to stop, and write a trace where that is asked for.

    Raises `DriverMonitorError`.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a daemon that could read its configuration again
    started = time.monotonic()
    plan = build.load_plan(request)
    journal.configure(plan.config.service.log_level)
    console = None if journal.is_journal(sys.stderr) else Console()
    models = build.load_models(plan.config)
    builders = Builders(
        outputs=lambda plan: build.build_outputs(plan, console),
        source=lambda plan: build.build_grabber(plan, started, eager=False),
    )
    with (
        AlertSequence(state_dir(plan.config.service)) as sequence,
        _parts(plan, models, sequence, console, started) as parts,
    ):
        stamper = LiveStamper(sequence.next, wall_clock, str(uuid.uuid4()), boot_id())
        reload = Reloader(request, plan, models, builders)
        daemon = Daemon(parts, stamper, Notifier(), time.monotonic, started, reload)
        with _signals(daemon), _traced(parts, plan, models, trace):
            daemon.run()
        health = daemon.health
    log.info("stopped after %d frames, %d alerts raised", health.frames, health.alerts)


@contextmanager
def _parts(
    plan: Plan, models: Models, sequence: AlertSequence, console: Console | None, started: float
) -> Iterator[Parts]:
    """Build the parts, and close whatever parts are in place at the end, in the order that loses nothing."""
    pipeline = build.build_pipeline(plan, models)
    # The camera comes first: of all faults at a start, one that is not there is the most likely.
    source = build.build_grabber(plan, started, eager=True)
    with ExitStack() as unfinished:
        unfinished.callback(source.close)
        vehicle = build.build_vehicle(plan)
        unfinished.callback(vehicle.close)
        button = open_button(plan.config.gpio)
        unfinished.callback(button.close)
        outputs = build.build_outputs(plan, console)
        unfinished.pop_all()
    origin = build.provenance(plan, models)
    parts = Parts(source, pipeline, outputs, sequence, origin, 1.0 / plan.config.zmq.state_hz, vehicle, button)
    try:
        yield parts
    finally:
        # Pins low and the last alerts out first; a camera that hangs must not delay them.
        parts.outputs.close()
        parts.button.close()
        parts.vehicle.close()
        parts.source.close()


@contextmanager
def _traced(parts: Parts, plan: Plan, models: Models, path: Path | None) -> Iterator[None]:
    """Have what is seen written to `path`, if there is one."""
    if path is None:
        yield
        return
    writer = TraceWriter(path, Header(str(uuid.uuid4()), models.digest), plan.privacy)
    parts.trace = writer
    try:
        yield
    finally:
        writer.close()


@contextmanager
def _signals(daemon: Daemon) -> Iterator[None]:
    """Let SIGTERM and SIGINT stop the daemon and SIGHUP reload it, while it runs."""
    handlers = {
        signal.SIGTERM: lambda *_: daemon.stop(),
        signal.SIGINT: lambda *_: daemon.stop(),
        signal.SIGHUP: lambda *_: daemon.ask_reload(),
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def state_dir(config: ServiceConfig) -> Path:
    """Return where the daemon keeps what must survive it: configured, systemd's, or the user's own place.

    Raises `OutputError` for a user without any.
    """
    if config.state_dir is not None:
        return config.state_dir
    given = os.environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    base = os.environ.get("XDG_STATE_HOME")
    try:
        return (Path(base) if base else Path.home() / ".local" / "state") / "driver-monitor"
    except RuntimeError as error:
        raise OutputError("this user has no home folder to keep the alert number in; set service.state_dir") from error


def wall_clock() -> tuple[datetime, bool]:
    """Return the time of day, UTC, and whether the clock is known to be set; a label only, never logic."""
    return datetime.now(timezone.utc), SYNCED.exists()


def boot_id() -> str:
    """Return the kernel's id of this boot, so that monotonic times of two boots are never compared."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())
