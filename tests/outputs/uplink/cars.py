"""A car with an uplink, and what its daemon gives it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from driver_monitor.config.sections.uplink import UplinkConfig
from driver_monitor.outputs.uplink.link import Clocks
from driver_monitor.outputs.uplink.output import UplinkOutput
from driver_monitor.outputs.uplink.status import DrivingTime, VehicleRun
from driver_monitor.spool.clock import wall_clock

RUN = VehicleRun("van-12", "trip-1", "boot-1")
SOON = Clocks(time.monotonic, wall_clock, lambda: 0.0)
"""The shortest waits between attempts."""


def alert(seq: int, level: str = "warning", vehicle: str = "van-12", **more: Any) -> dict[str, Any]:
    wall = {"t_wall": "2026-11-29T12:00:00.000Z", "wall_synced": True}
    named = {"schema": 1, "id": f"{vehicle}-{seq}", "seq": seq, "vehicle": vehicle, "rule": "microsleep"}
    return {**named, **wall, "level": level, "phase": "raised", "message": "Augen zu: über 1 s", **more}


def status(**more: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "camera": {"state": "ok"},
        "attention": "attentive",
        "degraded": None,
        "active": [],
        "alerts": 0,
    }
    return {"schema": 1, "vehicle": "van-12", "uptime_s": 7.0, "config_fault": None, "versions": {}, **known, **more}


def config(*ports: int, **more: Any) -> UplinkConfig:
    return UplinkConfig(brokers=tuple(f"mqtt://127.0.0.1:{port}" for port in ports), **more)


@contextmanager
def uplink(folder: Path, *ports: int, run: VehicleRun = RUN, **more: Any) -> Iterator[UplinkOutput]:
    output = UplinkOutput(config(*ports, **more), folder / "car", run, DrivingTime(), SOON)
    output.state({})  # the daemon runs
    try:
        yield output
    finally:
        output.close()


def count(output: UplinkOutput, name: str) -> int:
    return output.counters()[f"uplink_{name}"]
