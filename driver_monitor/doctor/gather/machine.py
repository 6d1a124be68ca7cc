"""Defines what `doctor` asks: this machine, or the doubles of a test."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from driver_monitor.errors import OutputError

if TYPE_CHECKING:
    from driver_monitor.capture.camera import Camera
    from driver_monitor.config.schema import CameraConfig

PROGRAM_LIMIT_S = 5.0
"""Longest wait for a program such as systemctl (ours). It answers in 0.1 s; on a busy board in 1 s."""
CANNOT_START = 127
"""The exit code of a shell for a program that is not there."""


class Printed(NamedTuple):
    """What a program printed on stdout and stderr together, and its exit code; below 0 the signal that ended it."""

    code: int
    text: str


class User(NamedTuple):
    """Who runs `doctor`. `groups`: names of the groups of the login. `listed`: those that /etc/group lists now."""

    name: str
    root: bool
    groups: Collection[str]
    listed: Collection[str]


def run_program(command: Sequence[str], limit_s: float) -> Printed | None:
    """Run `command` and return what it printed; None: it took longer than `limit_s`.

    A program that cannot be started has the code `CANNOT_START`, and the reason as its text.
    """
    try:
        done = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    except OSError as error:
        return Printed(CANNOT_START, error.strerror or "")
    return Printed(done.returncode, done.stdout.decode("utf-8", "replace"))


def open_source(config: CameraConfig) -> Camera:
    """Open the configured camera or recording as the daemon does. Raises `SourceError`."""
    from driver_monitor.capture.open_source import open_camera

    return open_camera(config, config.source, real_time=True)


def this_user() -> User:
    """Return who runs this process."""
    number = os.geteuid()
    try:
        name = pwd.getpwuid(number).pw_name
    except KeyError:
        name = str(number)
    groups = {group_name(group) for group in (*os.getgroups(), os.getegid())}
    return User(name, number == 0, groups, {group.gr_name for group in grp.getgrall() if name in group.gr_mem})


def group_name(number: int) -> str:
    """Return the name of a group, or its number as text if it has none."""
    with suppress(KeyError):
        return grp.getgrgid(number).gr_name
    return str(number)


def user_name(number: int) -> str:
    """Return the name of a user, or its number as text if it has none."""
    with suppress(KeyError):
        return pwd.getpwuid(number).pw_name
    return str(number)


def user_exists(name: str) -> bool:
    """Return whether this machine has a user of this name."""
    with suppress(KeyError):
        pwd.getpwnam(name)
        return True
    return False


@dataclass(frozen=True)
class Machine:
    """Where the facts come from. Each field has a double in the tests.

    `root`: the folder that stands for /. `run`: see `run_program`. `wall`, `clock`: seconds since 1970, and of a clock
    that measures times. `open_source`: opens the camera. `statvfs`, `openable`: as `os.statvfs`, and whether this user
    may read and write a path. `user`: who asks. `has_user`: whether a user exists. `status_limit_s`: longest wait for a
    daemon. `watch_s`: for how long the camera is watched. `frames`: how many of the demo are measured. `stopped`: set
    when the user has ended the program.
    """

    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    run: Callable[[Sequence[str], float], Printed | None] = run_program
    wall: Callable[[], float] = time.time
    clock: Callable[[], float] = time.perf_counter
    open_source: Callable[[CameraConfig], Camera] = open_source
    statvfs: Callable[[Path], os.statvfs_result] = os.statvfs
    openable: Callable[[Path], bool] = lambda path: os.access(path, os.R_OK | os.W_OK)
    user: Callable[[], User] = this_user
    has_user: Callable[[str], bool] = user_exists
    status_limit_s: float = 2.5
    watch_s: float = 3.0
    frames: int = 60
    stopped: threading.Event = field(default_factory=threading.Event)

    def printed(self, *command: str, limit_s: float = PROGRAM_LIMIT_S) -> Printed | None:
        """Run a program and return what it printed; None: it took longer than `limit_s`."""
        return self.run(command, limit_s)

    def wait(self, seconds: float) -> None:
        """Wait, at most until the user ends the program; then raise `OutputError`, so that pins are released."""
        if self.stopped.wait(seconds):
            raise OutputError("stopped")

    def path(self, name: str) -> Path:
        """Return the place of the absolute path `name` on this machine."""
        return self.root / name.lstrip("/")

    def closed_device(self, pattern: str) -> str | None:
        """Return the first device /dev/`pattern` that this user may not open; None: there is none, or it is open."""
        for path in sorted(self.path("/dev").glob(pattern)):
            if not self.openable(path):
                return f"/{path.relative_to(self.root)}"
        return None

    def text(self, name: str) -> str | None:
        """Return the text of a small file, such as one in /sys, without its line break; None: it cannot be read."""
        try:
            with self.path(name).open("rb") as file:
                return file.read(4096).decode("utf-8", "replace").strip()
        except OSError:
            return None
