"""The lock: with `locked: true` in the system-wide configuration, the daemon uses this file and no other setting.

Only root can change the file. The lock binds this program. It cannot bind a user who may start programs of their own.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from driver_monitor.config import profiles, yaml_file
from driver_monitor.config.camera_program import camera_program
from driver_monitor.config.schema import Config
from driver_monitor.errors import ConfigError

FILE = Path("/etc/driver-monitor/config.yaml")
"""The system-wide configuration, which the installed service uses. No option and no variable names another one."""
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The PATH of a locked daemon: where the system's own programs are, such as `rpicam-vid`. Only root may change them."""
_OPEN = re.compile(r"locked:\s*(false|False|FALSE)\s*(#.*)?")


def locked_config() -> Config | None:
    """Return the system-wide configuration if it is locked; None if there is none, or if it is not locked.

    Raises `ConfigError` if it is there and locked, or nobody can tell, and it cannot be used: a damaged file must not
    unlock anything.
    """
    try:
        FILE.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        pass  # reading it says why
    text = yaml_file.read_text(FILE)
    try:
        config = yaml_file.parse(text, str(FILE), Config)
    except ConfigError:
        if all(_OPEN.fullmatch(line) for line in _mentions(text)):
            return None
        raise
    if config.locked:
        _refuse_relative(config)
    return config if config.locked else None


def _mentions(text: str) -> Iterator[str]:
    """Yield the lines that may be about the lock, also with a spelling mistake. A line that is a comment is not."""
    for line in map(str.strip, text.splitlines()):
        if "lock" in line.casefold() and not line.startswith("#"):
            yield line


def installed_config() -> Path | None:
    """Return the system-wide configuration, for a program that judges the installed service; None: there is none."""
    return FILE if os.path.lexists(FILE) else None


def is_file(path: Path | None) -> bool:
    """Return whether `path` is the system-wide configuration, also by another name. None: False."""
    try:
        return path is not None and path.samefile(FILE)
    except OSError:
        return path == FILE


def _refuse_relative(config: Config) -> None:
    """Raise `ConfigError` for a relative path: who starts the daemon chooses the folder that it starts in.

    So it is with the program of a command: who starts the daemon chooses the PATH, too.
    """
    program = camera_program(config.camera.source)
    paths = {
        "profile": None if config.profile in profiles.known() else config.profile,
        "models.folder": config.models.folder,
        "zmq.keys": config.zmq.keys,
        "camera.source": program.command[0] if program is not None and program.command else None,
        "face.detector": None if config.face.detector in ("auto", "hog") else config.face.detector,
    }
    for key, path in paths.items():
        if path is not None and not Path(path).is_absolute():
            raise ConfigError(f"{FILE}: {key}: locked: true needs a path that begins with /, found {str(path)!r:.60}")
