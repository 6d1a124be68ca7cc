"""Runs `driver-monitor aim`: page, source of pictures, time limit."""

from __future__ import annotations

import ipaddress
import logging
import os
import syslog
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from driver_monitor import PROGRAM
from driver_monitor.aim.buzzer import Buzzer
from driver_monitor.aim.daemon_socket import ROOT, DaemonSocket
from driver_monitor.aim.live import LIMIT_S, Live
from driver_monitor.aim.own_camera import OwnCamera
from driver_monitor.aim.web_app import web_app
from driver_monitor.app import lock
from driver_monitor.app.build import Plan, Request
from driver_monitor.config.addresses import SERVICE_FOLDER, runtime_folder
from driver_monitor.errors import DriverMonitorError, UsageError
from driver_monitor.web.access import Access, hosts_of, new_token, page_address
from driver_monitor.web.server import LOOPBACK, PageServer, bound

log = logging.getLogger(__name__)

DAEMON_WAIT_S = 3.0
"""Seconds to wait for a daemon before the camera is opened here. The daemon looks for us once a second."""


def run(request: Request, bind: str | None = None) -> None:
    """Show the page until its time is over, or an exception such as `KeyboardInterrupt` ends it.

    `request`: as of `run`; with a source, no daemon is asked. `bind`: the address of this machine; None: loopback.
    Raises `DriverMonitorError`: the user may not see pictures, or a part cannot be opened or has failed.
    """
    plan = lock.load_plan(request)
    for ignored in plan.ignored:
        log.warning("%s", lock.attempt(ignored))
    _check_user(plan, os.geteuid())
    listener = bound(bind or LOOPBACK)
    with ExitStack() as opened:
        opened.callback(listener.close)
        address, port = listener.getsockname()[:2]
        token, live = new_token(), Live(time.monotonic)
        folders = _folders() if request.source is None or plan.ignored else []
        daemon = DaemonSocket(live, folders)
        opened.callback(daemon.close)
        pictures = Pictures(plan, live, daemon, DAEMON_WAIT_S if folders else 0.0, _note)
        opened.callback(pictures.close)
        pictures.check()
        access = Access(token, hosts_of(address, port))
        page = PageServer(web_app(live, access, Buzzer(daemon.beep, plan.config.gpio)), listener, live, "aim")
        opened.callback(page.close)
        _greet(page_address(address, port, token), loopback=ipaddress.ip_address(address).is_loopback)
        page.run(pictures.check)
        print("The time is over: no picture is shown any more.", flush=True)


class Pictures:
    """Chooses where the pictures come from: a running daemon, or after `wait_s` without one the camera itself.

    A daemon that comes later gets the camera. One that has gone is waited for: systemd starts it again. `note`: takes a
    line for the log of the system, if the camera is ours; a daemon writes its own.
    """

    def __init__(
        self, plan: Plan, live: Live, daemon: DaemonSocket, wait_s: float, note: Callable[[str], object]
    ) -> None:
        self._plan, self._live, self._daemon, self._note = plan, live, daemon, note
        self._open_at = time.monotonic() + wait_s
        self._own: OwnCamera | None = None

    def check(self) -> None:
        """Open or close the own camera if necessary. Call it several times a second. Raises `DriverMonitorError`."""
        failure = self._daemon.failure or (self._own.failure if self._own is not None else None)
        if failure is not None:
            raise DriverMonitorError(f"aim: {failure}")
        if self._daemon.seen:
            self.close()
        elif self._own is None and time.monotonic() >= self._open_at:
            self._own = OwnCamera(self._plan, self._live)
            self._note(f"aim: pictures of the camera are being shown to the installer (user id {os.geteuid()})")

    def close(self) -> None:
        """Close the own camera, if it is open."""
        own, self._own = self._own, None
        if own is not None:
            own.close()
            self._note("aim: no picture is shown any more")


def _folders() -> list[Path]:
    """Return the runtime folders in which a daemon may look for us. Raises `UsageError` if the service's is closed."""
    own = runtime_folder()
    if own is not None and own != SERVICE_FOLDER and own.parent.is_dir():
        own.mkdir(mode=0o700, exist_ok=True)
    folders = [folder for folder in dict.fromkeys((own, SERVICE_FOLDER)) if folder is not None]
    for folder in folders:
        if folder.is_dir() and not os.access(folder, os.W_OK | os.X_OK):
            raise UsageError(f"{folder}: the service {PROGRAM} has the camera; use sudo {PROGRAM} aim")
    return folders


def _check_user(plan: Plan, uid: int) -> None:
    """Raise `UsageError` if only root may see pictures: the settings are locked, or the driver is at work."""
    if uid == ROOT:
        return
    if plan.config.locked:
        raise UsageError(f"{PROGRAM} aim: the settings are locked, so only root may see pictures; use sudo")
    if plan.profile.workplace:
        why = plan.config.operator or f"profile {plan.profile.name} is for drivers at work"
        reason = f"{why}, so only root may see pictures"
        raise UsageError(f"{PROGRAM} aim: {reason}; use sudo")


def _note(line: str) -> None:
    """Write `line` to the log of the system. Without such a log, nothing happens."""
    syslog.openlog(PROGRAM)
    syslog.syslog(syslog.LOG_WARNING, line)


def _greet(address: str, *, loopback: bool) -> None:
    print(f"Open this page: {address}")
    if not loopback:
        print("Whoever gets this address can see the pictures; the way to it is not encrypted.")
    print(f"It ends by itself in {LIMIT_S / 60:.0f} minutes, or with Ctrl-C. No picture is stored.", flush=True)
