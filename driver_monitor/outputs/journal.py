"""Writes alerts as readable lines to a terminal (in colour) or to the log. Writes the log, normally to stderr.

A terminal can be stopped with Ctrl-S, a pipe can be full, and the journal can hang. Therefore workers write the lines,
and monitoring and the other outputs continue.
"""

from __future__ import annotations

import logging
import os
import select
import sys
import time
from collections.abc import Callable, Mapping
from typing import IO, TYPE_CHECKING, NamedTuple, TextIO

from driver_monitor.messages.lines import advice, alert_line, alert_style, plain
from driver_monitor.messages.wire import Message
from driver_monitor.outputs.output import Output
from driver_monitor.threads.worker import QueueWorker

if TYPE_CHECKING:  # only a terminal needs rich, which takes a twentieth of the start
    from rich.console import Console

FLUSH_S = 0.5
"""Time limit for writing the queued lines in `flush` and `close`. `Output.close` may take about a second."""
PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
"""Lowest log level of Python for each priority of syslog (sd-daemon(3)). Levels below INFO have priority 7, debug."""
LINE, TIME = "%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"
"""A line of the log, and the time in it."""
SEVERITY = {"critical": logging.CRITICAL, "warning": logging.WARNING}
Show = Callable[[str, str], object]
"""Shows a text in a style of rich, as one line. May wait, and raise any exception."""

log = logging.getLogger(__name__)


class _Line(NamedTuple):
    """What to write, with a log level of Python for the log, and a style of rich for the console."""

    severity: int
    text: str
    style: str


class PriorityFormatter(logging.Formatter):
    """Formats records for the journal: each line starts with syslog's priority (`<4>`). The journal adds the time."""

    def format(self, record: logging.LogRecord) -> str:
        """Format every line of `record` with its priority."""
        priority = next((number for level, number in PRIORITIES if record.levelno >= level), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())


def formatter(stream: TextIO) -> logging.Formatter:
    """Return the one format of log lines: time, level, text; for the systemd journal `PriorityFormatter`."""
    return PriorityFormatter() if is_journal(stream) else logging.Formatter(LINE, TIME)


def is_journal(stream: TextIO, environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether `stream` goes to the systemd journal.

    `JOURNAL_STREAM` in `environment` holds the journal's device and inode (systemd.exec(5)). `stream` must have the
    same two, because child processes that write elsewhere inherit the variable. A stream without a file gives False.
    """
    try:
        file = os.fstat(stream.fileno())
    except (OSError, ValueError, AttributeError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{file.st_dev}:{file.st_ino}"


def write_out(stream: IO[str], text: str) -> None:
    """Write `text` to `stream`, without a time limit. Raises `OSError`, or `ValueError` if `stream` is closed.

    If `stream` has a file descriptor, Python's buffer is not used. A hanging thread could hold the buffer's lock, and
    then Python aborts at exit. Characters that the encoding lacks become escapes, such as `\\xe9`.
    """
    try:
        file = stream.fileno()
    except (OSError, AttributeError):
        stream.write(text)
        stream.flush()
        return
    data = memoryview(text.encode(getattr(stream, "encoding", None) or "utf-8", "backslashreplace"))
    while data:
        try:
            data = data[os.write(file, data) :]
        except BlockingIOError:
            select.select([], [file], [])


def in_colour(console: Console) -> Show:
    """Return what shows lines on `console`, a terminal."""
    from rich.text import Text

    def show(text: str, style: str) -> None:
        with console.capture() as printed:
            console.print(Text(text, style=style), highlight=False, soft_wrap=True)
        write_out(console.file, printed.get())

    return show


def in_plain(stream: TextIO) -> Show:
    """Return what shows lines in `stream`, a file or a pipe: without colours."""
    return lambda text, _: write_out(stream, f"{text}\n")


class QueuedHandler(logging.Handler):
    """Writes log records to `stream`, in order, in its own thread. Logging never waits: a full queue drops the oldest.

    `flush` and `close` wait for the queue, `close` at most `FLUSH_S`. `logging` calls both when Python exits.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream
        self._lost = 0
        self._worker: QueueWorker[str] = QueueWorker("log", self._write)
        self._worker.start()

    @property
    def dropped(self) -> int:
        """Number of records lost: the queue was full, the handler was closed, or `stream` failed."""
        return self._worker.dropped + self._lost

    def emit(self, record: logging.LogRecord) -> None:
        """Queue one record as text. The record is formatted here, because its arguments may change later."""
        try:
            self._worker.put(self.format(record) + "\n")
        except Exception:
            self.handleError(record)

    def flush(self, timeout_s: float = FLUSH_S) -> None:
        """Wait at most `timeout_s` until everything is written."""
        self._worker.flush(timeout_s)

    def close(self) -> None:
        """Flush and end the thread."""
        self._worker.close(FLUSH_S)
        super().close()

    def _write(self, text: str) -> None:
        try:
            write_out(self.stream, text)
        except Exception:  # the log itself is broken: there is nowhere to report it
            self._lost += 1


def configure(level: str, stream: TextIO | None = None) -> None:
    """Write log records of at least `level` ("debug", "info", "warning" or "error") to `stream`; None: stderr.

    May be called again. With the same stream only the level changes. Another stream replaces all root handlers.
    """
    stream = stream or sys.stderr
    if [handler.stream for handler in _handlers()] == [stream]:
        logging.root.setLevel(level.upper())
        return
    handler = QueuedHandler(stream)
    handler.setFormatter(formatter(stream))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def configure_command() -> None:
    """Write the warnings of a command that is no daemon to stderr, without a thread. Its workers do the same."""
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(sys.stderr))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)


def flush(timeout_s: float = FLUSH_S) -> None:
    """Wait at most `timeout_s` until the log is written. Call it before printing to stderr."""
    end = time.monotonic() + timeout_s
    for handler in _handlers():
        handler.flush(max(0.0, end - time.monotonic()))


def _handlers() -> list[QueuedHandler]:
    return [handler for handler in logging.root.handlers if isinstance(handler, QueuedHandler)]


class Journal(Output):
    """Writes one line for each alert, and one when `degraded` in the status changes.

    `show`: shows them to people. None: the lines go to the log (see `configure`). After an error of `show`, too.
    """

    name = "journal"
    local = True

    def __init__(self, show: Show | None = None) -> None:
        self._show = show
        self._degraded: object = None
        self._worker: QueueWorker[_Line] = QueueWorker("console", self._print)
        self._write: Callable[[_Line], object] = self._log
        if show is not None:
            self._worker.start()
            self._write = self._worker.put

    def alert(self, alert: Message) -> None:
        """Write the alert."""
        cleared = alert.get("phase") == "cleared"
        severity = logging.INFO if cleared else SEVERITY.get(str(alert.get("level")), logging.INFO)
        self._write(_Line(severity, alert_line(alert), alert_style(alert)))

    def status(self, status: Message) -> None:
        """Write `degraded` when it changes."""
        degraded = status.get("degraded")
        if degraded == self._degraded:
            return
        self._degraded = degraded
        text = f"degraded: {plain(degraded)}{advice(status)}" if degraded else "no longer degraded"
        self._write(_Line(logging.WARNING if degraded else logging.INFO, text, "magenta"))

    def counters(self) -> dict[str, int]:
        """Return `journal_dropped`: the number of lines lost on the console plus all records lost by the log."""
        return {"journal_dropped": self._worker.dropped + sum(handler.dropped for handler in _handlers())}

    def close(self) -> None:
        """Write the queued lines to the console and the log, in at most `FLUSH_S` together. Then end the worker."""
        end = time.monotonic() + FLUSH_S
        self._worker.close(FLUSH_S)
        flush(max(0.0, end - time.monotonic()))

    def _print(self, line: _Line) -> None:
        if self._show is not None:
            try:
                self._show(line.text, line.style)
                return
            except Exception:  # the terminal was closed: from now on alerts go to the log
                self._show = None
        self._log(line)

    @staticmethod
    def _log(line: _Line) -> None:
        log.log(line.severity, "%s", line.text)
