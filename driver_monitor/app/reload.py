"""Applies a new configuration to a running daemon: changes only the parts that are built from changed values."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from driver_monitor.app import lock
from driver_monitor.app.build import Plan, Request, state_dir
from driver_monitor.app.daemon import Daemon, ReloadError
from driver_monitor.app.law.operator import operator_line
from driver_monitor.app.part_table import TABLE, DaemonPart, Setup
from driver_monitor.app.parts import Parts
from driver_monitor.errors import AbsentError, DriverMonitorError
from driver_monitor.outputs.open_outputs import import_outputs
from driver_monitor.threads.worker import Worker

log = logging.getLogger(__name__)

REASON = "the configuration was read again"
"""The reason in the message of alerts that a reload ends."""
CLOSE_S = 0.3
"""Longest wait at the end for a thread that reads a configuration: the daemon stops within 2 s."""


class Reloader:
    """Reads the configuration of `request` again and changes the parts whose values differ from those in `setup`.

    A thread reads and checks the configuration and loads new models, while the daemon goes on watching. Then, between
    two frames: parts built beforehand, button and outputs, which can fail, and at last the other parts. A reload that
    fails at the outputs may have cleared the active alerts. `keep`: called with each plan that worked.
    """

    def __init__(
        self,
        request: Request,
        setup: Setup,
        table: tuple[DaemonPart, ...] = TABLE,
        keep: Callable[[Plan], object] = lambda _: None,
    ) -> None:
        self._request, self._setup, self._table, self._keep = request, setup, table, keep
        self._reading: Worker | None = None
        self._new, self._changed = setup, list[DaemonPart]()

    def __call__(self, daemon: Daemon) -> bool:
        """Begin to read the configuration; in a later call, change the parts of `daemon`. Call between two frames.

        Returns whether it must be called again. Raises `ReloadError` if the new configuration is wrong or cannot be
        used; the old one then stays active. Raises another `DriverMonitorError` if, in addition, the old outputs cannot
        be opened again.
        """
        if self._reading is None:
            self._reading = Worker("reload", self._read)
            self._reading.start()
        if self._reading.thread.is_alive():
            return True
        failure, self._reading = self._reading.failure, None
        if failure is not None:
            raise ReloadError(failure)
        self._apply(daemon, self._new, self._changed)
        line = operator_line(self._new.config)
        if line is not None and line != operator_line(self._setup.config):
            log.info("%s", line)
        for ignored in self._new.plan.ignored:
            log.warning("%s", lock.attempt(ignored))
        self._setup = self._new
        self._keep(self._new.plan)
        return False

    def close(self) -> None:
        """Wait at most `CLOSE_S` for a configuration that is being read."""
        if self._reading is not None:
            self._reading.close(CLOSE_S)

    def _read(self) -> None:
        """Read and check the new configuration, and load its models. Runs in the thread; changes no part."""
        new = replace(self._setup, plan=lock.load_plan(self._request), loaded=self._setup.models)
        changed = [part for part in self._table if part.changed(self._setup, new)]
        import_outputs(new.config, state_dir(new.config.service))
        for part in changed:
            try:
                part.check(new)
            except AbsentError:
                # Another camera that is absent may be a mistake. The same one is waited for, as at a start.
                if new.config.camera.source != self._setup.config.camera.source:
                    raise
        self._new, self._changed = new, changed

    def _apply(self, daemon: Daemon, new: Setup, changed: list[DaemonPart]) -> None:
        with ExitStack() as unused:
            try:
                prepared = _prepare(changed, new, unused)
            except DriverMonitorError as error:
                raise ReloadError(str(error)) from error
            if any(part.ends_alerts == "on old outputs" for part in changed):
                daemon.dismiss(REASON)
                # Alerts of an earlier run, by rules that are no longer known: the new filter cannot judge them.
                daemon.ended_by_restart = ()
            self._free_first(daemon, [part for part in changed if part.change == "free first"], new)
            unused.pop_all()
        if any(part.ends_alerts == "on new outputs" for part in changed):
            daemon.dismiss(REASON)
        for part in changed:
            if part.change in ("build first", "close first"):
                part.close_in(daemon.parts)
            if part.change == "build first":
                part.put(daemon.parts, prepared[part.name])
            elif part.change in ("close first", "in place"):
                part.reopen(daemon.parts, new)
            elif part.change == "at next start":
                log.warning("%s takes effect at the next start", part.needs[0].removeprefix("config."))

    def _free_first(self, daemon: Daemon, changed: list[DaemonPart], new: Setup) -> None:
        """Close and build `changed` from `new`, repeat alerts. On a fault, build as before, raise `ReloadError`."""
        outputs = daemon.parts.outputs
        try:
            _close_and_reopen(changed, daemon.parts, new)
        except DriverMonitorError as error:
            _close_and_reopen(changed, daemon.parts, self._setup)
            raise ReloadError(str(error)) from error
        finally:
            if daemon.parts.outputs is not outputs:
                daemon.repeat()


def _prepare(changed: list[DaemonPart], new: Setup, unused: ExitStack) -> dict[str, Any]:
    """Return the parts in `changed` of "build first", built. `unused` closes these if the reload fails."""
    prepared: dict[str, Any] = {}
    for part in changed:
        if part.change == "build first":
            prepared[part.name] = part.build(new)
            unused.callback(part.close, prepared[part.name])
    return prepared


def _close_and_reopen(changed: list[DaemonPart], parts: Parts, setup: Setup) -> None:
    for part in reversed(changed):
        part.close_in(parts)
    for part in changed:
        part.reopen(parts, setup)
