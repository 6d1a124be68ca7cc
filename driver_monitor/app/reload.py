"""Applies a new configuration to a running daemon: changes only the parts that are built from changed values."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from driver_monitor.app import build
from driver_monitor.app.build import Request
from driver_monitor.app.daemon import Daemon, ReloadError
from driver_monitor.app.part_table import TABLE, DaemonPart, Setup
from driver_monitor.app.parts import Parts
from driver_monitor.errors import DriverMonitorError

log = logging.getLogger(__name__)

REASON = "the configuration was read again"
"""The reason in the message of alerts that a reload ends."""


class Reloader:
    """Reads the configuration of `request` again and changes the parts whose values differ from those in `setup`.

    What can fail comes first: checks, parts built beforehand, button and outputs. Only then the other parts change.
    A reload that fails at the outputs may have cleared the active alerts.
    """

    def __init__(self, request: Request, setup: Setup, table: tuple[DaemonPart, ...] = TABLE) -> None:
        self._request, self._setup, self._table = request, setup, table

    def __call__(self, daemon: Daemon) -> None:
        """Change the parts of `daemon` between two frames.

        Raises `ReloadError` if the new configuration is wrong or cannot be used; the old one then stays active.
        Raises another `DriverMonitorError` if, in addition, the old outputs cannot be opened again.
        """
        with ExitStack() as unused:
            try:
                new = replace(self._setup, plan=build.load_plan(self._request), loaded=self._setup.models)
                changed = [part for part in self._table if part.changed(self._setup, new)]
                prepared = _prepare(changed, new, unused)
            except DriverMonitorError as error:
                raise ReloadError(str(error)) from error
            if any(part.ends_alerts == "on old outputs" for part in changed):
                daemon.dismiss(REASON)
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
        self._setup = new

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
    """Check all parts in `changed`; return those of "build first", built. `unused` closes these if the reload fails."""
    prepared: dict[str, Any] = {}
    for part in changed:
        part.check(new)
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
