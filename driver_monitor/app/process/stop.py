"""Ends the process in time after SIGTERM or SIGINT, whatever the process does at that moment.

Python runs a signal's handler in the main thread, between two steps of the program. A function in C can hang for ten
seconds, such as the opening of a network camera. Therefore the signal is also reported to a thread, through a pipe. The
thread gives the main thread `LIMIT_S` to close the parts in order. Then it ends the process.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType

from driver_monitor.errors import DriverMonitorError
from driver_monitor.threads.worker import Worker

LIMIT_S = 1.5
"""Time from the first signal until the process is ended by force. The process promises to end within 2 s (ours)."""
SILENCE_S = 0.1
"""Time that the thread of the pins gets to switch them off before an end by force. It takes milliseconds."""
STOPPING = (signal.SIGTERM, signal.SIGINT)

Handler = Callable[[int, FrameType | None], object] | int | None


class Stop:
    """In its `with` block, SIGTERM and SIGINT stop the daemon with exit code 0. Use it in the main thread.

    The first signal sets `requested`; more signals change nothing. The block must then end soon. If the process has not
    ended after `LIMIT_S`, `silence` is called in another thread, one line is written, and the process ends.
    `silence`: switches buzzer and LED off, and must not wait. `end`: ends the process, for tests.
    """

    def __init__(self, end: Callable[[int], object] = os._exit) -> None:
        self.requested = False
        self.silence: Callable[[], object] = lambda: None
        self._end = end
        self._call: Callable[[], object] = lambda: None
        self._main = threading.get_ident()
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        self._worker = Worker("stop", self._watch, wake=lambda: None)
        self._before: dict[int, Handler] = {}
        self._pipe_before = -1

    def __enter__(self) -> Stop:
        self._worker.start()
        self._pipe_before = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        self._before = {number: signal.signal(number, self._handle) for number in STOPPING}
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Restore the handlers. After a signal, the thread goes on to watch the end of the process.

        A fault that comes after a signal is only written: what is stopped half open may fail.
        """
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._pipe_before)
        os.close(self._write)
        if self.requested and isinstance(error, DriverMonitorError):
            self._say(str(error))
            sys.exit(0)

    def check(self) -> None:
        """Raise `SystemExit` with code 0 if a signal came."""
        if self.requested:
            sys.exit(0)

    def calls(self, call: Callable[[], object]) -> None:
        """From now on, a signal calls `call`, in the main thread. If one came already, call it now."""
        self._call = call
        if self.requested:
            call()

    def _handle(self, *_: object) -> None:
        self.requested = True
        self._call()

    def _watch(self) -> None:
        """Wait for the first signal; the end of the pipe means that none came. Then end the process in time."""
        signals = iter(lambda: os.read(self._read, 1), b"")
        stopped = any(number[0] in STOPPING for number in signals)
        if stopped:
            self.requested = True
            time.sleep(LIMIT_S)
            self._end_by_force()
        os.close(self._read)

    def _end_by_force(self) -> None:
        try:
            with suppress(Exception):
                self.silence()
            self._say(f"a part did not stop within {LIMIT_S} s{self._place()}; the process ends without it")
            time.sleep(SILENCE_S)
        finally:
            self._end(0)

    def _place(self) -> str:
        """Return where in this package the main thread is, such as " (capture/url.py, line 49)"; empty if unknown."""
        frame = sys._current_frames().get(self._main)
        while frame is not None:
            _, found, inside = frame.f_code.co_filename.rpartition("driver_monitor/")
            if found and not inside.startswith("threads/"):
                return f" ({inside}, line {frame.f_lineno})"
            frame = frame.f_back
        return ""

    @staticmethod
    def _say(text: str) -> None:
        """Write one line to stderr, unless that would wait. The log is not used: what hangs may hold its lock."""
        with suppress(OSError, ValueError):
            # Descriptor 2 may be hidden from the user (`imaging.library_messages`).
            stderr = sys.stderr.fileno()
            if select.select([], [stderr], [], 0)[1]:
                os.write(stderr, f"{text}\n".encode(errors="replace"))
