"""Notifies systemd: datagrams to `NOTIFY_SOCKET` as in sd_notify(3). Without systemd, nothing happens."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

log = logging.getLogger(__name__)

OUTCOME = "reload.json"
"""The file in RUNTIME_DIRECTORY with the outcome of the last reload: `{"pid": ..., "began_ns": ..., "fault": ...}`.

`began_ns`: CLOCK_MONOTONIC at its begin, nanoseconds. All processes of the computer have the same clock.
"""


class Notifier:
    """Tells systemd the state of the service. Never raises; only the first message that cannot be delivered is logged.

    Each method returns whether its message was delivered: without systemd, always False. `environment`: read once.
    One socket is opened for all messages, at the start: later there may be no free descriptor.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._failed = False
        folder = environment.get("RUNTIME_DIRECTORY", "").split(":")[0]
        self._outcome, self._began_ns = Path(folder) / OUTCOME if folder else None, 0
        self._socket = self._open()

    @property
    def active(self) -> bool:
        """Whether systemd started this process as a service that notifies it."""
        return bool(self._address)

    def ready(self, status: str = "") -> bool:
        """Tell that the service has started or has finished a reload."""
        return self._send("READY=1", status)

    def status(self, text: str) -> bool:
        """Set the line that `systemctl status` shows."""
        return self._send("", text)

    def watchdog(self) -> bool:
        """Tell that the service made progress. Never call this method from a timer that runs without that progress."""
        return self._send("WATCHDOG=1")

    def reloading(self) -> bool:
        """Tell that a reload begins; `reloaded` tells its end. Call this method before the configuration is read."""
        self._began_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={self._began_ns // 1000}")

    def reloaded(self, fault: str | None, status: str = "") -> bool:
        """Tell that a reload has ended. `fault`: why the old configuration stays, for `ask_reload`; None: it worked."""
        if self._outcome is not None:
            written = self._outcome.with_name(f"{OUTCOME}.new")
            try:
                # Made anew: a pipe that lies there would wait for a reader.
                written.unlink(missing_ok=True)
                with written.open("x") as file:
                    json.dump({"pid": os.getpid(), "began_ns": self._began_ns, "fault": fault}, file)
                written.replace(self._outcome)
            except OSError as error:
                log.warning("%s: cannot write it: %s; whoever asked waits in vain", self._outcome, error.strerror)
        return self.ready(status)

    def stopping(self) -> bool:
        """Tell that the service stops."""
        return self._send("STOPPING=1")

    def _send(self, assignment: str, status: str = "") -> bool:
        """Send `assignment`, and `status` as one line, unless empty. Returns whether they were delivered."""
        self._socket = self._socket or self._open()
        if self._socket is None:
            return False
        lines = [line for line in (assignment, f"STATUS={' '.join(status.split())}" if status else "") if line]
        # The name of an abstract socket begins with a zero byte, written as @.
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            # Not connected: the address is looked up each time, so a socket that vanished and came back is found.
            self._socket.sendto("\n".join(lines).encode(errors="replace"), address)
        except (OSError, ValueError) as error:
            self._report(error)
            return False
        return True

    def _open(self) -> socket.socket | None:
        """Return a socket that never waits: its queue is full only if systemd hangs. None: no systemd, or no socket."""
        if not self._address:
            return None
        try:
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        except OSError as error:
            self._report(error)
            return None
        channel.setblocking(False)
        return channel

    def _report(self, error: OSError | ValueError) -> None:
        if not self._failed:
            self._failed = True
            shown = self._address.encode("ascii", "backslashreplace").decode()
            log.warning("systemd does not listen at %s: %s", shown, error)
