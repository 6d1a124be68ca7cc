"""Makes the status of the daemon: the payload of the topic `status/`, and one line for systemd."""

from __future__ import annotations

import itertools
import os
import platform
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from driver_monitor import __version__
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.capture.grabber import Grabber
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import SCHEMA, Provenance
from driver_monitor.threads.worker import Worker

RATE_WINDOW_S = 2.0
"""Frame rate and latency are measured over this time: two status periods."""
THERMAL = Path("/sys/class/thermal")
"""The folder in which Linux shows the temperatures of the board."""
ZONES = 64
"""Most zones that are read (ours). Boards have up to about twenty."""
READING_BYTES = 16
"""A reading of so many bytes is no temperature (ours). A reading is a number of up to seven digits."""
FRESH_S = 5.0
"""Age from which a temperature is unknown (ours). It is read once for each status, every second."""


class Health:
    """Counts frames and alerts, and keeps the last result. `started`: monotonic seconds at the start of the daemon.

    `heat`: returns the board's temperature, degrees Celsius, or None, and must not wait.
    """

    def __init__(self, started: float, heat: Callable[[], float | None] = lambda: None) -> None:
        self.frames = self.alerts = 0
        self._heat = heat
        self._started = started
        self._processed: deque[tuple[float, float]] = deque()
        self._result: FrameResult | None = None

    def clear(self) -> None:
        """Forget the last result: its rules are no longer active."""
        self._result = None

    def count(self, result: FrameResult, frame: Frame | None, now: float) -> None:
        """Count `frame` and the alerts that `result` raises, and keep `result`. `frame` None: a moment without a frame.

        `now`: monotonic seconds at which the frame was processed. Local alerts are not counted.
        """
        self._result = result
        if result.verdict.events:
            self.alerts += sum(event.phase == "raised" and not event.local for event in result.verdict.events)
        if frame is not None:
            self.frames += 1
            self._processed.append((now, now - frame.t_mono if frame.t_mono is not None else 0.0))

    def status(
        self, camera: Grabber, counters: Mapping[str, int], provenance: Provenance, now: float
    ) -> dict[str, Any]:
        """Return the unfiltered payload of `status/` at `now`, monotonic seconds. `counters`: fault counts by name."""
        while self._processed and now - self._processed[0][0] > RATE_WINDOW_S:
            self._processed.popleft()
        latencies = sorted(latency for _, latency in self._processed)
        window = min(RATE_WINDOW_S, now - self._started)
        result = self._result
        return {
            "schema": SCHEMA,
            "vehicle": provenance.vehicle,
            "uptime_s": round(now - self._started, 1),
            "t_mono": now,
            "camera": {
                "source": camera.name,
                "state": camera.state,
                "fps": round(len(latencies) / window, 1) if window > 0 else 0.0,
                "captured": camera.captured,
                "dropped": camera.dropped,
                "reopened": camera.reopened,
            },
            "outputs": dict(counters),
            "latency_ms": {
                "median": round(latencies[len(latencies) // 2] * 1e3, 1) if latencies else None,
                "max": round(latencies[-1] * 1e3, 1) if latencies else None,
            },
            "face": result is not None and result.state.face is not None,
            "light": result.state.light if result else None,
            "degraded": result.state.degraded if result else None,
            "attention": result.verdict.attention if result else "unknown",
            "active": list(result.verdict.active) if result else [],
            "alerts": self.alerts,
            "heat_c": self._heat(),
            "versions": {
                "driver_monitor": __version__,
                "python": platform.python_version(),
                "models": provenance.models,
                "config": provenance.config,
                "profile": provenance.profile,
            },
        }


def status_line(status: Mapping[str, Any]) -> str:
    """Return the line of `systemctl status`, "no frame yet" without `light`. `status`: filtered; all users see it."""
    if status.get("light") is None:
        return "no frame yet"
    line = f"driver: {status['attention']}; camera: {status['camera']['state']}"
    if status["degraded"]:
        line += f"; degraded: {status['degraded']}"
    return f"{line}; active: {', '.join(status['active'])}" if status["active"] else line


class Thermometer:
    """Reads the board's temperature in a thread: a sensor that hangs must not delay a frame. `read`: reads it now."""

    def __init__(
        self, read: Callable[[], float | None] | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._clock = read or board_temperature, clock
        self._last: tuple[float | None, float] = None, 0.0
        self._worker = Worker("heat", self._read_until_closed)
        self._worker.start()

    def celsius(self) -> float | None:
        """Return the last reading and ask for the next one. None: unknown, or older than `FRESH_S`. Never waits."""
        self._worker.wake()
        value, at = self._last
        return value if self._clock() - at < FRESH_S else None

    def close(self) -> None:
        """End the thread. If it hangs in a sensor, it is left running at once."""
        self._worker.close(0.0)

    def _read_until_closed(self) -> None:
        while not self._worker.closing:
            self._last = self._read(), self._clock()
            self._worker.wait()


def board_temperature() -> float | None:
    """Return the temperature of the board's hottest zone, degrees Celsius, or None if no sensor can be read.

    Reads the first `ZONES` zones in the order of the folder. Waits only if the kernel does.
    """
    readings = []
    with suppress(OSError), os.scandir(THERMAL) as entries:
        zones = (entry for entry in entries if entry.name.startswith("thermal_zone"))
        for zone in itertools.islice(zones, ZONES):
            with suppress(OSError, ValueError):
                readings.append(_reading(Path(zone.path) / "temp"))
    return max(readings, default=None)


def _reading(path: Path) -> float:
    """Return the degrees Celsius in a sensor's file. Raises `OSError` or `ValueError`; does not wait for a pipe."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        text = os.read(file, READING_BYTES)
        if len(text) == READING_BYTES:
            raise ValueError(f"{path}: too long for a temperature")
        return int(text) / 1000.0
    finally:
        os.close(file)
