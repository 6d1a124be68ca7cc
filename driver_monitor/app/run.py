"""Runs the live loop in a process, with signals and clocks. `driver-monitor run` calls `run`."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path

from driver_monitor.app import build, lock
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.daemon import Daemon
from driver_monitor.app.first_lines import first_line, next_step
from driver_monitor.app.law.operator import operator_line
from driver_monitor.app.part_table import Setup
from driver_monitor.app.parts import Parts
from driver_monitor.app.process.clock import wall_clock
from driver_monitor.app.process.stop import Stop
from driver_monitor.app.process.systemd import Notifier
from driver_monitor.app.reload import Reloader
from driver_monitor.app.start import Keeper, Start, open_daemon
from driver_monitor.board.sensors import BoardReader
from driver_monitor.config.schema import ServiceConfig
from driver_monitor.messages.envelope import LiveStamper, ended_by_restart
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.messages.wire import Message
from driver_monitor.outputs import journal
from driver_monitor.outputs.active_alerts import left_active
from driver_monitor.outputs.journal import Show
from driver_monitor.outputs.output import Output
from driver_monitor.signals.table import held_rule

log = logging.getLogger(__name__)


def run(request: Request, trace: Path | None = None) -> None:
    """Run the daemon until its source ends or SIGTERM or SIGINT comes. SIGHUP reloads. `trace`: new trace file or None.

    A service with a wrong configuration starts with the last good one (`app.start`). Raises `DriverMonitorError` if a
    part cannot be opened or fails, and `SystemExit` if a signal comes before the loop.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # no reload before there is a daemon
    started = time.monotonic()
    console = None if journal.is_journal(sys.stderr) else _console()
    notifier = Notifier()
    folder = build.state_dir(ServiceConfig()) if notifier.active else None
    left: list[Message] = []

    def setup_of(plan: Plan) -> Setup:
        # Before the parts are opened: one of them keeps the file for itself.
        left[:] = left_active(build.state_dir(plan.config.service))
        return Setup(plan, console, started, trace)

    with Stop() as stop, closing(BoardReader()) as board, ExitStack() as opened:
        start = open_daemon(request, setup_of, opened, folder, stop.check)
        setup, parts, keep = start.setup, start.parts, _keeper(folder, opened)
        stop.silence = partial(_silence, parts)
        if start.fault is None:
            keep(setup.plan)
        stamper = LiveStamper(parts.numbers.next, wall_clock, setup.trip, setup.boot)
        # Not earlier: a start that fails is one line, the error.
        log.info("%s", first_line(setup.plan, service=console is None))
        if (line := operator_line(setup.plan.config)) is not None:
            log.info("%s", line)
        for ignored in setup.plan.ignored:
            log.warning("%s", lock.attempt(ignored))
        rules = {rule.id for rule in setup.plan.profile.rules}
        ended = end_by_restart(left, parts.outputs, _privacy(start), stamper, rules)
        reloader = Reloader(request, setup, keep=keep)
        opened.callback(reloader.close)
        daemon = Daemon(parts, stamper, notifier, time.monotonic, started, reloader, start.fault, board.latest)
        daemon.ended_by_restart = ended
        stop.calls(daemon.stop)
        # Now, and not in the middle of a frame. What is left mostly stays as long as the daemon.
        gc.collect()
        gc.freeze()
        with _reload_signal(daemon):
            daemon.run()
        health = daemon.health
    dropped = health.keep_up.total
    log.info("stopped: %d frames processed, %d dropped, %d alerts raised", health.frames, dropped, health.alerts)
    if console is not None:
        log.info("%s", next_step(setup.plan))


def _console() -> Show:
    """Return what shows alerts on stdout: in colour on a terminal, or if rich would be told to (`FORCE_COLOR`)."""
    if not (sys.stdout.isatty() or os.environ.get("FORCE_COLOR")):
        return journal.in_plain(sys.stdout)
    from rich.console import Console

    return journal.in_colour(Console())


def _silence(parts: Parts) -> None:
    """Switch buzzer, LED and infrared lamp off, without waiting."""
    parts.outputs.show(None)
    parts.lamp.off()


def _keeper(folder: Path | None, opened: ExitStack) -> Callable[[Plan], object]:
    """Return what keeps a plan that worked in `folder`; None: nothing does. `opened` closes it."""
    if folder is None:
        return lambda _: None
    keeper = Keeper(folder)
    opened.callback(keeper.close)
    return keeper.keep


def end_by_restart(
    left: Sequence[Message], outputs: Output, privacy: PrivacyFilter, stamper: LiveStamper, known: Collection[str]
) -> tuple[Message, ...]:
    """End the alerts in `left`, which an earlier run left active, at `outputs`. Return the messages.

    An alert that `privacy` hides now gets no number, so that others see no gap. While it is active, an alert of a rule
    that is not in `known`, the ids of the present rules, is hidden, too, and so is one that rests on such a rule: both
    may rest on an expression.
    """
    ended = []
    for alert in left:
        local = privacy.alert(alert) is None or (privacy.active and not _rules_of(alert) <= set(known))
        stamp = stamper.stamp_episode(alert["episode"], local, time.monotonic())
        ended.append(ended_by_restart(alert, stamp))
        outputs.alert(ended[-1])
    return tuple(ended)


def _rules_of(alert: Message) -> set[str]:
    """Return the ids of the rule of `alert`, and of those whose `held_s` is in its evidence."""
    measured = (alert.get("evidence") or {}).get("measured") or {}
    return {str(alert["rule"]), *filter(None, map(held_rule, measured))}


def _privacy(start: Start) -> PrivacyFilter:
    """Return the filter for alerts of an earlier run. With a wrong file, it may be that of a workplace."""
    plan = start.setup.plan
    return plan.privacy if start.fault is None else PrivacyFilter(plan.profile.local_rules)


@contextmanager
def _reload_signal(daemon: Daemon) -> Iterator[None]:
    """In the `with` block, SIGHUP requests a reload. Outside, it is ignored."""
    signal.signal(signal.SIGHUP, lambda *_: daemon.request_reload())
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
