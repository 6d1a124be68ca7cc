"""Alerts as readable lines: in the systemd journal with their priority, on a terminal in colour.

A terminal can be stopped and a journal can hang: both are written by threads of their own (see `background`), so that
the daemon goes on watching and warning through its other outputs.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Mapping
from typing import Literal, NamedTuple, TextIO

from rich.console import Console
from rich.text import Text

from driver_monitor.data.alert import Level
from driver_monitor.messages.lines import alert_text, plain
from driver_monitor.messages.wire import Message
from driver_monitor.threads.background import (
    FLUSH_S,
    BackgroundWriter,
    Deadline,
    write_out,
)

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


class QueuedHandler(logging.Handler):
    """Writes records to `stream` in the background, in their order; whoever logs never waits for the reader.

    Flushed within half a second by `flush`, by `close`, and by `logging` itself when the interpreter ends.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self._writer: BackgroundWriter[str] = BackgroundWriter("log", lambda text: write_out(stream, text))

    @property
    def dropped(self) -> int:
        """Lines that were lost because nobody read them."""
        return self._writer.dropped

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record, formatted: what it is about may have changed when it is written."""
        try:
            self._writer.put(self.format(record) + "\n")
        except Exception:
            self.handleError(record)

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait until all is written, `timeout_s` at most."""
        self._writer.flush(timeout_s)

    def close(self) -> None:
        """Flush and end the thread."""
        self._writer.close()
        super().close()


def configure(level: str, stream: TextIO | None = None) -> None:
    """Send all logging to `stream` (default stderr) from `level` on: "debug", "info", "warning" or "error".

    May be called again for another level; what waits to be written stays in its place.
    """
    stream = stream or sys.stderr
    if [handler.stream for handler in _handlers()] == [stream]:
        logging.root.setLevel(level.upper())
        return
    handler = QueuedHandler(stream)
    plain_format = logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    handler.setFormatter(PriorityFormatter() if is_journal(stream) else plain_format)
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def flush(timeout_s: float = FLUSH_S) -> None:
    """Wait until what was logged is written, `timeout_s` at most: before anything else is printed to stderr."""
    deadline = Deadline(timeout_s)
    for handler in _handlers():
        handler.flush(deadline.left_s)


def _handlers() -> list[QueuedHandler]:
    return [handler for handler in logging.root.handlers if isinstance(handler, QueuedHandler)]


class _Line(NamedTuple):
    severity: int
    text: Text


class Journal:
    """One line an alert, and one when the daemon becomes partly blind or sees again.

    `console`: a rich console to print on in colour; None: stdlib logging, which `configure` leads to the journal.
    """

    local: Literal[True] = True

    def __init__(self, console: Console | None = None) -> None:
        self.failure: str | None = None
        self._console = console
        self._degraded: object = None
        self._writer = BackgroundWriter("console", self._print) if console is not None else None

    def alert(self, alert: Message) -> None:
        """Print the alert."""
        cleared = alert.get("phase") == "cleared"
        severity = logging.INFO if cleared else SEVERITY.get(str(alert.get("level")), logging.INFO)
        self._say(_Line(severity, alert_text(alert)))

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
        self._say(_Line(logging.WARNING if degraded else logging.INFO, Text(text, style="magenta")))

    def counters(self) -> dict[str, int]:
        """Return the lines that nobody read in time, on the console and in the log."""
        dropped = sum(handler.dropped for handler in _handlers())
        return {"journal_dropped": dropped + (self._writer.dropped if self._writer is not None else 0)}

    def close(self) -> None:
        """Wait until all is written, on the console and in the log, half a second at most."""
        deadline = Deadline(FLUSH_S)
        if self._writer is not None:
            self._writer.close(deadline.left_s)
        flush(deadline.left_s)

    def _say(self, line: _Line) -> None:
        if self._writer is not None:
            self._writer.put(line)
        else:
            log.log(line.severity, "%s", line.text.plain)

    def _print(self, line: _Line) -> None:
        try:
            if self._console is not None:
                with self._console.capture() as printed:
                    self._console.print(line.text, highlight=False, soft_wrap=True)
                write_out(self._console.file, printed.get())
                return
        except (OSError, ValueError):
            self._console = None  # whoever read it is gone; the alerts go on through logging
        log.log(line.severity, "%s", line.text.plain)
