"""Chooses the configuration that a daemon starts with, and keeps the last one that worked.

A service has nobody who reads an error message: with a wrong file it starts with the last good configuration or with
the defaults, and says so until a reload puts it right. In a terminal a wrong file is an error.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from driver_monitor.app import build, lock
from driver_monitor.app.build import Plan, Request
from driver_monitor.app.part_table import TABLE, DaemonPart, Setup, open_parts
from driver_monitor.app.parts import Parts
from driver_monitor.app.status import fault_text
from driver_monitor.config import last_good
from driver_monitor.config import lock as config_lock
from driver_monitor.config.last_good import LastGood
from driver_monitor.config.secret import without_secrets
from driver_monitor.errors import DriverMonitorError, OutputError
from driver_monitor.threads.worker import QueueWorker

log = logging.getLogger(__name__)

CLOSE_S = 0.3
"""Longest wait at the end for a configuration that is being written."""


@dataclass(frozen=True, slots=True)
class Start:
    """An open daemon: what its parts are built from, and the parts. `fault`: why not from its file, or None."""

    setup: Setup
    parts: Parts
    fault: str | None = None


class Keeper:
    """Writes the last good configuration to `folder` in its own thread. A fault of the disk is logged once."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._reported = folder, False
        self._worker: QueueWorker[Plan] = QueueWorker("last-good", self._save, limit=1)
        self._worker.start()

    def keep(self, plan: Plan) -> None:
        """Keep `plan`, which worked. Never waits."""
        self._worker.put(plan)

    def close(self) -> None:
        """Write what is queued, in at most `CLOSE_S`."""
        self._worker.close(CLOSE_S)

    def _save(self, plan: Plan) -> None:
        try:
            last_good.save(self._folder, LastGood(plan.config, plan.own_text))
        except OSError as error:
            if not self._reported:
                log.warning("%s: the last good configuration cannot be kept: %s", self._folder, error.strerror)
            self._reported = True


def open_daemon(
    request: Request,
    setup_of: Callable[[Plan], Setup],
    opened: ExitStack,
    folder: Path | None,
    before_each: Callable[[], object] = lambda: None,
    table: tuple[DaemonPart, ...] = TABLE,
) -> Start:
    """Open the parts of a daemon; `opened` closes them.

    `setup_of`: returns what the parts are built from. `folder`: where a service keeps its last good configuration, with
    which it starts if its file cannot be used; None: not a service. `before_each`: see `open_parts`.
    Raises the `DriverMonitorError` of the file.
    """
    plan = None
    try:
        plan = lock.load_plan(request)
        setup = setup_of(plan)
        return Start(setup, opened.enter_context(open_parts(setup, table, before_each)))
    except DriverMonitorError as error:
        if folder is None:
            raise
        first = error
        request = _allowed(request, plan)
    refused = []
    for name, plan_of in _others(request, folder, plan, first):
        try:
            setup = setup_of(plan_of())
            parts = opened.enter_context(open_parts(setup, table, before_each))
        except DriverMonitorError as error:
            refused.append(without_secrets(f"{name}: {error}"))
            continue
        for line in refused:
            log.warning("%s", line)
        log.error("%s; started with %s until a reload puts it right", without_secrets(str(first)), name)
        return Start(setup, parts, fault_text(first, f"running with {name}"))
    raise first


def _allowed(request: Request, plan: Plan | None) -> Request:
    """Return `request` without the options if the settings are locked, or may be: a damaged file unlocks nothing."""
    try:
        locked = plan.config.locked if plan is not None else config_lock.locked_config() is not None
    except DriverMonitorError:
        locked = True
    return Request(request.config) if locked else request


def _others(
    request: Request, folder: Path, plan: Plan | None, fault: DriverMonitorError
) -> Iterator[tuple[str, Callable[[], Plan]]]:
    """Yield the configurations to try when `plan` (None: not readable) failed with `fault`, each with its name."""
    try:
        good = build.last_good_plan(request, folder)
    except DriverMonitorError as error:
        log.warning("%s", error)
        good = None
    if plan is not None and plan.config.locked and good is not None and not good.config.locked:
        good = None  # it is from before the lock
    # What has worked before and fails at an output is a fault of the machine: the next start may mend it.
    if isinstance(fault, OutputError) and good is not None and good == plan:
        return
    if good is not None:
        yield "the last good configuration", partial(_careful, good)
    yield "the default configuration", lambda: _careful(build.load_plan(replace(request, config=None)))


def _careful(plan: Plan) -> Plan:
    """Return `plan` without expressions unless they stay on this machine: the wrong file may be a workplace's."""
    if plan.profile.workplace:
        return plan
    off = plan.config.emotion.model_copy(update={"enabled": False})
    return replace(plan, config=plan.config.model_copy(update={"emotion": off}))
