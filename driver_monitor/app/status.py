"""Makes the status of the daemon: the payload of the topic `status/`, and one line for systemd."""

from __future__ import annotations

import platform
from collections import deque
from collections.abc import Mapping
from typing import Any

from driver_monitor import __version__
from driver_monitor.app.keep_up import KeepUp
from driver_monitor.app.pipeline import FrameResult
from driver_monitor.board.ladder import Ladder
from driver_monitor.capture.grabber import Grabber
from driver_monitor.config.secret import without_secrets
from driver_monitor.imaging.frame import Frame
from driver_monitor.messages.envelope import SCHEMA, Provenance
from driver_monitor.messages.lines import advice, board_words

RATE_WINDOW_S = 2.0
"""Frame rate and latency are measured over this time: two status periods."""
LONGEST_FAULT = 300
"""Characters of a fault of the configuration in `status/` and in systemd's line (ours). The log has the whole text."""


def fault_text(error: Exception, effect: str) -> str:
    """Return the fault of a configuration in one line, with its `effect`. A password in an address is left out."""
    first, *more = str(error).splitlines() or [""]
    first = without_secrets(first)
    first = first if len(first) <= LONGEST_FAULT else f"{first[: LONGEST_FAULT - 3]}..."
    return f"{first}{f' (and {len(more)} more lines)' if more else ''}; {effect}"


class Health:
    """Counts frames and alerts, and keeps the last result. `started`: monotonic seconds at the start of the daemon.

    `ladder`: what is known of the board, and what is given up because of it.
    """

    def __init__(self, started: float) -> None:
        self.frames = self.alerts = 0
        self.keep_up = KeepUp()
        self.ladder = Ladder()
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
                "fault": None if camera.fault is None else without_secrets(camera.fault),
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
            "heat_c": self.ladder.reading.temperature_c,
            "board": {
                "temperature_c": self.ladder.reading.temperature_c,
                "under_voltage": self.ladder.under_voltage.value,
                "throttled": self.ladder.throttled.value,
                "step": self.ladder.step,
            },
            "config_fault": config_fault,
            "locked": provenance.locked,
            "ignored": list(provenance.ignored),
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
    words += board_words(status)
    words += [f"configuration: {status['config_fault']}"] if status.get("config_fault") else []
    return "; ".join(words)
