"""Starts a camera program as a child process, keeps the end of what it writes to stderr, and ends it for certain."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import time
from contextlib import ExitStack, suppress

from driver_monitor.capture.child.commands import Command
from driver_monitor.errors import SourceError
from driver_monitor.threads.tied_child import tied_to_parent

PIPE_BYTES = 1 << 20
"""Size of the pipe for pictures: two of 640x480 in colour, so that the program never waits for a reader that is a
little late. It is the most that a user without privileges may ask for (`/proc/sys/fs/pipe-max-size`)."""
TAIL_BYTES = 400
"""So much of the end of stderr is kept: some four lines."""
MOST_BYTES = 1 << 16
"""With more in its file, all but the end is removed: a program may write for months."""
PATIENCE_S = 0.2
"""Time to end after the signal `Command.stop`, before SIGKILL. `Grabber.close` waits 0.4 s in all."""
REAP_S = 0.1
"""Longest wait for the end after SIGKILL. A process that a driver holds is reaped when the next child starts."""
EXIT_S = 0.3
"""Longest wait for the exit code of a program that has closed its pipe."""
POLL_S = 0.005
_STAMPS = re.compile(r"^(\[[\d:. ]+\]\s*)+")
"""Times and thread numbers with which libcamera begins a line. They would make each line a new one for the log."""


class ChildProcess:
    """A running camera program. `pictures`: descriptor to read its pictures from. `times`: for their times, or -1.

    Both do not block. The program has a session of its own, so that Ctrl-C in the terminal ends the daemon first. It is
    killed when the thread that made this object ends, so also when the daemon is killed (`tied_to_parent`). Raises
    `SourceError` if it cannot be started.
    """

    def __init__(self, command: Command) -> None:
        self._command = command
        with ExitStack() as undo:
            self._stderr = os.memfd_create("stderr", os.MFD_CLOEXEC)
            undo.callback(os.close, self._stderr)
            # Appending, so that it can be cut while the program writes.
            fcntl.fcntl(self._stderr, fcntl.F_SETFL, os.O_APPEND)
            self.pictures, pictures = _pipe(undo)
            self.times, times = _pipe(undo) if command.times else (-1, -1)
            with suppress(OSError):
                fcntl.fcntl(self.pictures, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
            try:
                self._process = self._started(pictures, times)
            except OSError as error:
                reason = error.strerror or type(error).__name__
                raise SourceError(f"{command.name}: {command.program} cannot be started: {reason}") from None
            undo.pop_all()
        for descriptor in {pictures, times} - {-1}:
            os.close(descriptor)

    def _started(self, pictures: int, times: int) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [*tied_to_parent(), *self._command.started(pictures, times)],
            stdin=subprocess.DEVNULL,
            stdout=self._stderr if self._command.own_pipe else pictures,
            stderr=self._stderr,
            pass_fds=[*([pictures] if self._command.own_pipe else []), *([times] if self._command.times else [])],
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def written(self) -> bytes:
        """Return what stderr holds: all of it at first, later at least its end."""
        return os.pread(self._stderr, MOST_BYTES, 0)

    def trim(self) -> None:
        """Remove all but the end of stderr if it is long. Call it several times a second."""
        size = os.fstat(self._stderr).st_size
        if size > MOST_BYTES:
            tail = os.pread(self._stderr, TAIL_BYTES, size - TAIL_BYTES)
            os.ftruncate(self._stderr, 0)
            os.write(self._stderr, tail)

    def said(self) -> str:
        """Return ": " and the last line of stderr that tells of an error, else the last line. Or nothing."""
        size = os.fstat(self._stderr).st_size
        tail = os.pread(self._stderr, TAIL_BYTES, max(0, size - TAIL_BYTES)).decode(errors="replace")
        lines = ["".join(char if char.isprintable() else " " for char in line).strip() for line in tail.splitlines()]
        lines = [line for line in (_STAMPS.sub("", line) for line in lines) if line and not line.startswith("INFO ")]
        errors = [line for line in lines if "error" in line.casefold()]
        return f": {self._command.hide_secrets((errors or lines)[-1])}" if lines else ""

    def end_text(self, where: str = "") -> str:
        """Return how the program ended, after it has closed its pipe, `where`, and what it said last."""
        end = self._ends_within(EXIT_S)
        if end is None:
            how = "has closed its pipe"
        elif end.si_code == os.CLD_EXITED:
            how = f"ended with exit code {end.si_status}"
        else:
            how = f"was killed by signal {end.si_status} ({_signal_name(end.si_status)})"
        return f"{how}{where}{self.said()}"

    def stop(self, patience_s: float = PATIENCE_S) -> None:
        """End the program and all that it has started, and free everything. `patience_s`: 0 for one that hangs."""
        for descriptor in {self.pictures, self.times, self._stderr} - {-1}:
            os.close(descriptor)
        if patience_s > 0 and self._ends_within(0.0) is None:
            self._signal(self._command.stop)
            self._ends_within(patience_s)
        self._signal(signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_S)

    def _signal(self, number: signal.Signals) -> None:
        """Send a signal to the program and to its children. Until it is reaped, no other process gets its number."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _ends_within(self, seconds: float) -> os.waitid_result | None:
        """Wait at most `seconds` for the end of the program, without reaping it. Return how it ended; None: it runs."""
        limit = time.monotonic() + seconds
        while (end := os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is None:
            if time.monotonic() >= limit:
                break
            time.sleep(POLL_S)
        return end


def _pipe(undo: ExitStack) -> tuple[int, int]:
    """Return the two ends of a new pipe, the first one for this process: it does not block."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    undo.callback(os.close, ours)
    undo.callback(os.close, theirs)
    os.set_blocking(ours, False)
    return ours, theirs


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "unknown"
