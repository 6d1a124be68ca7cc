"""Reads the configuration as the daemon does, and who may change the files that a lock rests on."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from driver_monitor.config import lock
from driver_monitor.config.secret import without_secrets
from driver_monitor.doctor.gather.machine import user_name
from driver_monitor.doctor.verdicts.program import ConfigurationFacts, OwnedPath
from driver_monitor.errors import ConfigError
from driver_monitor.messages.lines import one_line

if TYPE_CHECKING:
    from driver_monitor.app.build import Plan

DEFAULTS = "the default configuration"


@dataclass(frozen=True, slots=True)
class Read:
    """What came of the reading: the plan, None if the file is wrong, and the facts."""

    plan: Plan | None
    facts: ConfigurationFacts


def read_configuration(file: Path | None) -> Read:
    """Return the plan of `file`; None: the system-wide one if it is there, else the defaults."""
    from driver_monitor.app.build import Request
    from driver_monitor.app.lock import load_plan

    file = file or lock.installed_config()
    name = str(file) if file is not None else DEFAULTS
    try:
        plan = load_plan(Request(file))
    except ConfigError as error:
        return Read(None, ConfigurationFacts(name, faults=tuple(map(without_secrets, str(error).splitlines()))))
    config = plan.config
    facts = ConfigurationFacts(name, plan.profile.name, len(plan.profile.rules), locked=config.locked)
    if config.locked:
        facts = replace(facts, file=str(lock.FILE), lock=tuple(_owned(config.profile)))
    if _is_recording(config.camera.source):
        facts = replace(facts, recording=one_line(config.camera.source))
    return Read(plan, facts)


def _owned(profile: str) -> Iterator[OwnedPath]:
    """Yield the owners of the locked file, its folder, and the file of `profile` if that is not a shipped one."""
    paths = [(lock.FILE, "file"), (lock.FILE.parent, "folder")]
    paths += [(Path(profile), "file")] if profile.startswith("/") else []
    for path, kind in paths:
        try:
            found = path.stat()
        except OSError:
            continue
        yield OwnedPath(str(path), user_name(found.st_uid), stat.S_IMODE(found.st_mode), kind)


def _is_recording(source: str) -> bool:
    from driver_monitor.capture.open_source import expected_source
    from driver_monitor.errors import SourceError

    try:
        return not expected_source(source).live
    except SourceError:
        return False
