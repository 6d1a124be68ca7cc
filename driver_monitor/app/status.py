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
from driver_monitor.config.secret import without_secrets
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import SCHEMA, Provenance
from driver_monitor.messages.lines import advice
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


KEEP_UP_S = 5.0
"""Dropped frames are judged over this time (ours). A reload, or another program for a moment, is shorter."""
TOO_MANY, FEW = 0.1, 0.02
"""Shares of the captured frames. With the first dropped, the daemon cannot keep up; with the second, it can again."""
MOST_DROPS = 5
"""Fewer dropped frames in `KEEP_UP_S` are never too many: at one frame a second a single one is a share of 20 %."""
LONGEST_FAULT = 300
"""Characters of a fault of the configuration in `status/` and in systemd's line (ours). The log has the whole text."""


def fault_text(error: Exception, effect: str) -> str:
    """Return the fault of a configuration in one line, with its `effect`. A password in an address is left out."""
    first, *more = str(error).splitlines() or [""]
    first = without_secrets(first)
    first = first if len(first) <= LONGEST_FAULT else f"{first[: LONGEST_FAULT - 3]}..."
    return f"{first}{f' (and {len(more)} more lines)' if more else ''}; {effect}"


class KeepUp:
    """Tells whether the daemon uses the frames that the camera gives, or drops too many because it is too slow.

    `total`: dropped frames of all sources. `share`: share of the frames of the last `KEEP_UP_S` that were dropped.
    """

    def __init__(self) -> None:
        self.total, self.share = 0, 0.0
        self._captured = 0
        self._last = (0, 0)
        self._samples: deque[tuple[float, int, int]] = deque()
        self._slow_since: tuple[float, int] | None = None

    @property
    def slow(self) -> bool:
        """Whether the daemon cannot keep up."""
        return self._slow_since is not None

    def update(self, captured: int, dropped: int, now: float) -> str | None:
        """Take the counts of the source at `now`, monotonic seconds; they begin at 0 again with another source.

        Returns what to log when `slow` changes, else None.
        """
        before = self._last if captured >= self._last[0] and dropped >= self._last[1] else (0, 0)
        self._captured += captured - before[0]
        self.total += dropped - before[1]
        self._last = captured, dropped
        self._samples.append((now, self._captured, self.total))
        while len(self._samples) > 1 and now - self._samples[1][0] >= KEEP_UP_S:
            self._samples.popleft()
        first, captured_then, dropped_then = self._samples[0]
        frames, drops = self._captured - captured_then, self.total - dropped_then
        self.share = drops / frames if frames else 0.0
        if self._slow_since is None and self.share >= TOO_MANY and drops >= MOST_DROPS:
            self._slow_since = now, self.total
            used = (frames - drops) / (now - first)
            return (
                f"cannot keep up: {self.share:.0%} of the camera's frames are dropped, {used:.1f} a second are used; "
                "lower camera.fps or stop other programs"
            )
        if self._slow_since is not None and self.share <= FEW and frames:
            since, dropped_since = self._slow_since
            self._slow_since = None
            return f"keeps up again: {self.total - dropped_since} frames were dropped in {now - since:.0f} s"
        return None


class Health:
    """Counts frames and alerts, and keeps the last result. `started`: monotonic seconds at the start of the daemon.

    `heat`: returns the board's temperature, degrees Celsius, or None, and must not wait.
    """

    def __init__(self, started: float, heat: Callable[[], float | None] = lambda: None) -> None:
        self.frames = self.alerts = 0
        self.keep_up = KeepUp()
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
        self,
        camera: Grabber,
        counters: Mapping[str, int],
        provenance: Provenance,
        now: float,
        config_fault: str | None = None,
    ) -> dict[str, Any]:
        """Return the unfiltered payload of `status/` at `now`, monotonic seconds. `counters`: fault counts by name.

        `config_fault`: why the configuration in use is not that of the file; None: it is.
        """
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
                "state": result.state.camera if result and camera.state == "ok" else camera.state,
                "fps": round(len(latencies) / window, 1) if window > 0 else 0.0,
                "captured": camera.captured,
                "dropped": camera.dropped,
                "damaged": camera.damaged,
                "reopened": camera.reopened,
                "drop_share": round(self.keep_up.share, 3),
                "keeps_up": not self.keep_up.slow,
            },
            "outputs": dict(counters),
            "latency_ms": {
                "median": round(latencies[len(latencies) // 2] * 1e3, 1) if latencies else None,
                "max": round(latencies[-1] * 1e3, 1) if latencies else None,
            },
            "face": result is not None and result.state.face is not None,
            "light": result.state.light if result else None,
            "degraded": result.state.degraded if result else None,
            "rotate_to": result.state.rotate_to if result else None,
            "attention": result.verdict.attention if result else "unknown",
            "active": list(result.verdict.active) if result else [],
            "alerts": self.alerts,
            "heat_c": self._heat(),
            "config_fault": config_fault,
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
    words = ["no frame yet"]
    if status.get("light") is not None:
        words = [f"driver: {status['attention']}", f"camera: {status['camera']['state']}"]
        words += [f"degraded: {status['degraded']}{advice(status)}"] if status["degraded"] else []
        words += [f"active: {', '.join(status['active'])}"] if status["active"] else []
    camera = status.get("camera") or {}
    words += [] if camera.get("keeps_up", True) else [f"cannot keep up: {camera['drop_share']:.0%} of frames dropped"]
    words += [f"configuration: {status['config_fault']}"] if status.get("config_fault") else []
    return "; ".join(words)


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
