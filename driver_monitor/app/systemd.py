"""Talks to systemd: a datagram to `NOTIFY_SOCKET`, as sd_notify(3) describes it; without systemd, nothing happens."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping

log = logging.getLogger(__name__)


class Notifier:
    """Tells systemd how the service is. Never raises; a message that cannot be delivered is logged once.

    `environment`: read once; defaults to the process's.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._watchdog_s = _watchdog_s(environment)
        self._failed = False

    @property
    def watchdog_s(self) -> float | None:
        """Within so many seconds `watchdog` must be called each time, or None when nobody waits for it.

        Call it twice as often (sd_watchdog_enabled(3)).
        """
        return self._watchdog_s

    def ready(self, status: str = "") -> bool:
        """Say that the service has started or has reloaded."""
        return self._send("READY=1", status)

    def status(self, text: str) -> bool:
        """Set the line that `systemctl status` shows."""
        return self._send("", text)

    def watchdog(self) -> bool:
        """Say that there was progress; never call it from a free-running timer."""
        return self._send("WATCHDOG=1")

    def reloading(self) -> bool:
        """Say that the configuration is being read again; `ready` says that this is over."""
        now_us = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={now_us}")

    def stopping(self, status: str = "") -> bool:
        """Say that the service is going down."""
        return self._send("STOPPING=1", status)

    def _send(self, assignment: str, status: str = "") -> bool:
        """Send assignments and return whether they were delivered; a status is one line."""
        if not self._address:
            return False
        lines = [line for line in (assignment, f"STATUS={' '.join(status.split())}" if status else "") if line]
        # a leading @ stands for the zero byte of an abstract socket
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel:
                # The socket's queue is only ever full when systemd itself hangs; the pipeline must not wait with it.
                channel.setblocking(False)
                channel.sendto("\n".join(lines).encode(), address)
        except OSError as error:
            if not self._failed:
                self._failed = True
                log.warning("systemd at %s does not listen: %s", self._address, error)
            return False
        return True


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return the watchdog's time; None if it is not for this process (`WATCHDOG_PID`) or makes no sense."""
    try:
        if int(environment.get("WATCHDOG_PID") or os.getpid()) != os.getpid():
            return None
        microseconds = int(environment.get("WATCHDOG_USEC", ""))
    except ValueError:
        return None
    return microseconds / 1e6 if microseconds > 0 else None
