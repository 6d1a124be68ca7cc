"""What a worker process does. Its import is light: what the jobs need is imported when their runner comes."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
import time
from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any, NoReturn

from driver_monitor.imaging.library_messages import hide_library_messages
from driver_monitor.outputs import journal

if TYPE_CHECKING:  # see above
    from driver_monitor.bench.batch.processes import Runner

hiding = ExitStack()
"""Holds `hide_library_messages` in a worker until its process ends."""
PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the kernel sends this process a signal when its parent dies."""
REPORT_S = 0.5
"""Shortest time between two messages of a worker about its frames (ours)."""
READY, FRAMES, ENDED = "ready", "frames", "ended"
"""What a message of a worker is about."""


def serve(pipe: Connection) -> None:
    """Do the jobs that come through `pipe`, one after the other, until None or the end of the parent.

    The first thing that comes is the runner of the jobs.
    """
    _begin()
    with suppress(EOFError, OSError):  # the parent has ended
        runner = _receive_runner(pipe)
        # Before, SIGTERM ends the process by itself: some imports catch every exception.
        signal.signal(signal.SIGTERM, _unwind)
        pipe.send((READY, None))
        while (job := pipe.recv()) is not None:
            report = _Reporter(pipe)
            try:
                outcome = runner.attempt(job, report)
            except SystemExit:
                runner.clean(job)
                os._exit(1)  # without waiting for anything
            report.last()
            pipe.send((ENDED, (outcome.result, outcome.error)))


def _receive_runner(pipe: Connection) -> Runner[Any, Any]:
    """Return the runner. This imports all that its work needs: most of the start of a process."""
    gc.disable()  # imports make no garbage; looking for it takes a fourteenth of the start
    runner: Runner[Any, Any] = pipe.recv()
    gc.freeze()  # nor do they later: a full search need not go through 250,000 objects that stay
    gc.enable()
    return runner


class _Reporter:
    """Sends the number of frames, each `REPORT_S` and at the end."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._next = time.monotonic() + REPORT_S
        self._frames: tuple[int, int | None] | None = None

    def __call__(self, done: int, total: int | None) -> None:
        unknown = self._frames is None
        self._frames = (done, total)
        # At once after the first frame: then the parent knows the length of the clip.
        if unknown or time.monotonic() >= self._next:
            self._next = time.monotonic() + REPORT_S
            self._pipe.send((FRAMES, self._frames))

    def last(self) -> None:
        """Send the last number."""
        if self._frames is not None:
            self._pipe.send((FRAMES, self._frames))


def _begin() -> None:
    """Prepare a worker: it hides messages of libraries, logs like its parent, and gets SIGTERM when its parent dies."""
    hiding.enter_context(hide_library_messages())
    journal.configure_command()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _unwind(*_: object) -> NoReturn:
    # A second SIGTERM would interrupt the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(1)
