"""Writes a trace of a running daemon, in a thread of its own, as far as the disk lets it."""

from __future__ import annotations

import gzip
import logging
import os
from pathlib import Path

from driver_monitor.data.observation import Observation
from driver_monitor.errors import OutputError
from driver_monitor.messages import trace
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.threads.background import BackgroundWriter

MAX_BYTES = 500_000_000
"""Packed; some five hours at 20 frames a second. A trace that was forgotten must not fill the card."""
FLUSH_EVERY = 100
"""Lines after which what was written is handed to the system."""

log = logging.getLogger(__name__)


class TraceWriter:
    """A new file at `path`, readable by its owner only. Raises `OutputError` when it cannot be made.

    A full disk ends the trace, not the daemon; `counters` tells how many frames are missing.
    """

    def __init__(self, path: Path, header: trace.Header, privacy: PrivacyFilter) -> None:
        if not trace.is_trace(path):
            raise OutputError(f"{path}: a trace's name ends in {trace.SUFFIX}; choose such a name")
        try:
            self._raw = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except FileExistsError:
            raise OutputError(f"{path}: is there already; move it or choose another name") from None
        except OSError as error:
            raise OutputError(f"{path}: cannot be made: {error.strerror}; choose another folder") from error
        self._path, self._privacy = path, privacy
        self._packed = gzip.GzipFile("", "wb", compresslevel=5, fileobj=self._raw)
        self._count, self._written, self._lost = 0, 0, 0
        self._full = False
        self._writer: BackgroundWriter[str] = BackgroundWriter("trace", self._write)
        self._writer.put(trace.line(header.to_json()))

    def record(self, seen: Observation) -> None:
        """Have one observation written."""
        self._writer.put(trace.line(trace.encode(self._count, self._privacy.observation(seen))))
        self._count += 1

    def set_privacy(self, privacy: PrivacyFilter) -> None:
        """Hide from now on what `privacy` hides."""
        self._privacy = privacy

    def counters(self) -> dict[str, int]:
        """Return how many frames could not be written."""
        return {"trace_dropped": self._writer.dropped + self._lost}

    def close(self) -> None:
        """Write what waits and close the file; may be called twice."""
        self._writer.close()
        try:
            self._packed.close()
            self._raw.close()
        except OSError as error:
            self._end(str(error.strerror))

    def _write(self, line: str) -> None:
        if self._full:
            self._lost += 1
            return
        try:
            self._packed.write(line.encode())
            self._written += 1
            if self._written % FLUSH_EVERY == 0:
                self._packed.flush()
                self._raw.flush()
            if self._raw.tell() > MAX_BYTES:
                self._end(f"more than {MAX_BYTES} bytes")
        except OSError as error:
            self._lost += 1
            self._end(str(error.strerror))

    def _end(self, why: str) -> None:
        if not self._full:
            self._full = True
            log.error("trace %s: ends here: %s; monitoring goes on", self._path, why)
