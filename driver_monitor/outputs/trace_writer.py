"""Writes a trace of a running daemon, in its own thread, until the disk is full or the file has `MAX_BYTES`."""

from __future__ import annotations

import gzip
import logging
import os
from pathlib import Path

from driver_monitor.data.observation import Observation
from driver_monitor.errors import OutputError
from driver_monitor.messages import trace
from driver_monitor.messages.privacy import PrivacyFilter
from driver_monitor.outputs.output import Output
from driver_monitor.threads.worker import QueueWorker

MAX_BYTES = 500_000_000
"""Compressed size that ends a trace: about 5 hours at 20 frames a second. A forgotten trace must not fill the disk."""
FLUSH_EVERY = 100
"""Number of lines after which the written data is passed to the operating system."""
CLOSE_S = 0.5
"""Time limit for writing the queued lines at the end."""

log = logging.getLogger(__name__)


class TraceWriter(Output):
    """Writes `header` and each recorded observation to a new file at `path`, which only its owner can read.

    `privacy` filters each observation. Raises `OutputError` if the file exists, cannot be created, or its name does not
    end in `trace.SUFFIX`. A full disk or `MAX_BYTES` ends the trace, not the daemon. `counters` counts missing frames.
    """

    name = "trace"

    def __init__(self, path: Path, header: trace.Header, privacy: PrivacyFilter) -> None:
        if not trace.is_trace(path):
            raise OutputError(f"{path}: the name of a trace ends in {trace.SUFFIX}; choose such a name")
        try:
            self._raw = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        except FileExistsError:
            raise OutputError(f"{path}: the file exists already; move it or choose another name") from None
        except OSError as error:
            raise OutputError(f"{path}: cannot create it: {error.strerror}; choose another folder") from error
        self._path, self._privacy = path, privacy
        self._gzip = gzip.GzipFile("", "wb", compresslevel=5, fileobj=self._raw)
        self._queued = self._written = self._lost = 0
        self._ended = False
        self._worker: QueueWorker[str] = QueueWorker("trace", self._write)
        self._worker.start()
        self._worker.put(trace.line(header.to_json()))

    def record(self, observation: Observation) -> None:
        """Queue one observation, without what the privacy filter removes."""
        self._worker.put(trace.line(trace.encode(self._queued, self._privacy.observation(observation))))
        self._queued += 1

    def set_privacy(self, privacy: PrivacyFilter) -> None:
        """Use `privacy` for all later observations."""
        self._privacy = privacy

    def counters(self) -> dict[str, int]:
        """Return the number of frames that were not written."""
        return {"trace_dropped": self._worker.dropped + self._lost}

    def close(self) -> None:
        """Write what is queued and close the file."""
        self._worker.close(CLOSE_S)
        try:
            self._gzip.close()
            self._raw.close()
        except OSError as error:
            self._end(str(error.strerror))

    def _write(self, line: str) -> None:
        if self._ended:
            self._lost += 1
            return
        try:
            self._gzip.write(line.encode())
            self._written += 1
            if self._written % FLUSH_EVERY == 0:
                self._gzip.flush()
                self._raw.flush()
            if self._raw.tell() > MAX_BYTES:
                self._end(f"it has reached {MAX_BYTES} bytes")
        except OSError as error:
            self._lost += 1
            self._end(str(error.strerror))
        except ValueError:  # the file was closed while this write was hanging
            self._lost += 1

    def _end(self, why: str) -> None:
        if not self._ended:
            self._ended = True
            log.error("trace %s: no more frames are written: %s; monitoring continues", self._path, why)
