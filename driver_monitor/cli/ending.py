"""How the program ends. This module is imported first, so it must import nothing that takes long."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from contextlib import suppress


def is_daemon() -> bool:
    """Return whether the command line asks for the daemon (`run`), which SIGTERM and SIGINT end with code 0."""
    return sys.argv[1:2] == ["run"]


def end_at_once() -> None:
    """Let SIGTERM and SIGINT end the daemon at once until `app.run` takes over: before that, nothing must be closed.

    Other verbs are not changed; `program.main` sets their handlers.
    """
    if is_daemon():
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _end)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # no reload before there is a daemon


def end_with_threads(code: object) -> None:
    """If daemon or `doctor` left threads running, write log and output and end the process with `SystemExit.code`.

    A thread that hangs in a function in C, such as a camera's, could let Python's own end wait or crash.
    """
    if sys.argv[1:2] in (["run"], ["doctor"]) and threading.active_count() > 1:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code if isinstance(code, int) else int(code is not None))


def _end(*_: object) -> None:
    # An exception could be lost: some imports catch all of them, and one in a destructor is only printed.
    os._exit(0)
