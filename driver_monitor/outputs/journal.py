"""Alerts as readable lines: in the systemd journal with their priority, on a terminal in colour."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import TextIO

from rich.console import Console
from rich.text import Text

from driver_monitor.outputs.lines import alert_line, alert_text, plain
from driver_monitor.outputs.output import Message
from driver_monitor.rules.alert import Level

PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""From Python's levels to syslog's (sd-daemon(3)); anything lower is 7, debug."""
SEVERITY = {"critical": logging.CRITICAL, "warning": logging.WARNING}

log = logging.getLogger(__name__)


class PriorityFormatter(logging.Formatter):
    """Puts `<4>` and the like before every line, which the journal takes as its priority; it knows the time itself."""

    def __init__(self) -> None:
        super().__init__("%(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """Format every line of `record` with its priority."""
        priority = next((number for level, number in PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def is_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether `stream` goes to the journal: `JOURNAL_STREAM` holds its device and inode, also for children that
    write elsewhere, so that its presence alone says nothing (systemd.exec(5))."""
    try:
        file = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{file.st_dev}:{file.st_ino}"


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (default stderr) from `level` on: "debug", "info", "warning" or "error"."""
    stream = stream or sys.stderr
    handler = logging.StreamHandler(stream)
    plain_format = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(PriorityFormatter() if is_journal(stream) else plain_format)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


class Journal:
    """One line an alert, and one when the daemon becomes partly blind or sees again.

    `console`: a rich console to print on in colour; None: stdlib logging, which `configure` leads to the journal.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.failure: str | None = None
        self._console = console
        self._degraded: object = None

    def alert(self, alert: Message) -> None:
        """Print the alert."""
        if self._console is not None:
            self._print(alert_text(alert))
            return
        cleared = alert.get("phase") == "cleared"
        severity = logging.INFO if cleared else SEVERITY.get(str(alert.get("level")), logging.INFO)
        log.log(severity, "%s", alert_line(alert))

    def level(self, level: Level | None) -> None:
        """Say nothing: the alerts say it."""

    def state(self, state: Message) -> None:
        """Say nothing: a few lines a second would drown the alerts."""

    def status(self, status: Message) -> None:
        """Say why the daemon is partly blind, when that changes."""
        degraded = status.get("degraded")
        if degraded == self._degraded:
            return
        self._degraded = degraded
        text = f"degraded: {plain(degraded)}" if degraded else "no longer degraded"
        if self._console is None:
            log.log(logging.WARNING if degraded else logging.INFO, "%s", text)
        else:
            self._print(Text(text, style="magenta"))

    def close(self) -> None:
        """Do nothing: every line is written when it is said."""

    def _print(self, line: Text) -> None:
        if self._console is None:
            return
        try:
            self._console.print(line, highlight=False, soft_wrap=True)
        except (OSError, ValueError):
            self._console = None  # whoever read it is gone; the alerts go on through logging
