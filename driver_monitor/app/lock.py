"""Loads what the daemon runs with. If the system-wide configuration is locked, that is this file alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from driver_monitor.app import build
from driver_monitor.app.build import Plan, Request
from driver_monitor.capture.open_source import plain_name
from driver_monitor.config import lock
from driver_monitor.config.schema import Config
from driver_monitor.config.secret import without_secrets
from driver_monitor.errors import ConfigError
from driver_monitor.messages.lines import one_line

PIN_FACTORY = "GPIOZERO_PIN_FACTORY"
"""The variable with which gpiozero replaces the pins, for example by pins in memory: buzzer and LED would be silent."""
LONGEST = 200
"""Characters of one thing that is ignored, in the journal and in `status/` (ours)."""


def load_plan(request: Request) -> Plan:
    """Do as `build.load_plan`, but ignore what a lock forbids: `Plan.ignored` names it. Raises `ConfigError`.

    A variable of the environment that is ignored is removed from it, also if the lock is damaged.
    """
    try:
        config = lock.locked_config()
    except ConfigError:
        os.environ.pop(PIN_FACTORY, None)  # a service goes on with other settings, and its buzzer must sound
        raise
    if config is None:
        plan = build.load_plan(request)
        if plan.config.locked:
            raise ConfigError(f"{request.config}: locked: only {lock.FILE} can lock the settings; remove this key")
        return plan
    ignored = tuple(one_line(without_secrets(text))[:LONGEST] for text in _forbidden(request, config))
    os.environ.pop(PIN_FACTORY, None)
    os.environ["PATH"] = lock.PROGRAMS  # a folder of the user could hold another rpicam-vid
    return replace(build.load_plan(Request(lock.FILE)), ignored=ignored)


def attempt(ignored: str) -> str:
    """Return the line for the journal about something that a lock forbids."""
    return f"locked: {ignored} is ignored: {lock.FILE} locks the settings; ask who looks after this vehicle"


def lock_line(file: Path | None, config: Config) -> str | None:
    """Return what `config check` says of the lock; None if nothing is locked. `file`: that of `config`, None: defaults.

    Raises `ConfigError` as `lock.locked_config`.
    """
    locked = lock.locked_config()
    if locked is not None and lock.is_file(file):
        return "locked: the daemon uses this file alone; options and other files are ignored"
    if locked is not None:
        return f"locked: the daemon uses {lock.FILE} alone (profile {locked.profile}), not this configuration"
    return f"locked: no effect; only {lock.FILE} can lock the settings" if config.locked else None


def _forbidden(request: Request, config: Config) -> Iterator[str]:
    """Yield what in `request` and in the environment differs from the locked `config`."""
    if request.config is not None and not lock.is_file(request.config):
        yield f"--config {request.config}"
    options = {
        "--profile": (request.profile, config.profile),
        "--source": (request.source, config.camera.source),
        "--track": (request.track, config.camera.track),
    }
    for name, (asked, locked) in options.items():
        if asked not in (None, locked):
            # Of a command only its program is shown: its arguments may hold a password.
            yield f"{name} {plain_name(asked) if isinstance(asked, str) and asked.startswith('pipe:') else asked}"
    if os.environ.get(PIN_FACTORY):
        yield f"{PIN_FACTORY}={os.environ[PIN_FACTORY]}"
