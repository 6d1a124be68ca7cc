"""How the daemon itself is doing: the payload of the topic `status/`."""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from driver_monitor import __version__
from driver_monitor.app.parts import FrameSource
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import SCHEMA, Provenance

RATE_WINDOW_S = 2.0
"""Frame rate and latency are of the frames of so many seconds: two status periods."""
THERMAL = Path("/sys/class/thermal")


class Health:
    """Counts frames and remembers the last step; `started`: monotonic seconds at which the daemon did."""

    def __init__(self, started: float) -> None:
        self._started = started
        self._done: deque[tuple[float, float]] = deque()
        self._frames = 0
        self._alerts = 0
        self._step: FrameResult | None = None

    @property
    def frames(self) -> int:
        """Frames seen since the start."""
        return self._frames

    @property
    def alerts(self) -> int:
        """Alerts raised since the start, those left out that must not leave the machine."""
        return self._alerts

    def forget(self) -> None:
        """Forget the last step: the rules that judged it are no longer in force."""
        self._step = None

    def seen(self, step: FrameResult) -> None:
        """Remember what the last frame led to."""
        self._step = step
        self._alerts += sum(event.phase == "raised" and not event.local for event in step.verdict.events)

    def frame_done(self, frame: Frame, now: float) -> None:
        """Count a frame that was dealt with at `now`, monotonic seconds."""
        self._frames += 1
        self._done.append((now, now - frame.t_mono if frame.t_mono is not None else 0.0))

    def status(
        self, camera: FrameSource, lost: Mapping[str, int], provenance: Provenance, now: float
    ) -> dict[str, Any]:
        """Return the payload of `status/` at `now`, monotonic seconds; `lost`: what outputs lost or did wrong."""
        while self._done and now - self._done[0][0] > RATE_WINDOW_S:
            self._done.popleft()
        latencies = sorted(latency for _, latency in self._done)
        window = min(RATE_WINDOW_S, now - self._started)
        step = self._step
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
            "outputs": dict(lost),
            "latency_ms": {
                "median": round(latencies[len(latencies) // 2] * 1e3, 1) if latencies else None,
                "max": round(latencies[-1] * 1e3, 1) if latencies else None,
            },
            "face": step is not None and step.state.face is not None,
            "light": step.state.light if step else None,
            "degraded": step.state.degraded if step else None,
            "attention": step.verdict.attention if step else "unknown",
            "active": list(step.verdict.active) if step else [],
            "alerts": self._alerts,
            "heat_c": heat(),
            "versions": {
                "driver_monitor": __version__,
                "python": platform.python_version(),
                "models": provenance.models,
                "config": provenance.config,
                "profile": provenance.profile,
            },
        }


def sentence(status: Mapping[str, Any]) -> str:
    """Return a payload of `status/` as one line for `systemctl status`, which other users may read, too."""
    if status.get("light") is None:
        return "no frame yet"
    return ", ".join([f"driver {status['attention']}", status["degraded"] or "sees well", *status["active"]])


def heat(root: Path = THERMAL) -> float | None:
    """Return the hottest zone of the board, degrees Celsius, or None where the board does not tell."""
    readings = []
    for zone in root.glob("thermal_zone*/temp"):
        try:
            readings.append(int(zone.read_text()) / 1000.0)
        except (OSError, ValueError):
            continue
    return max(readings, default=None)
