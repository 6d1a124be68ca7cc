"""Says what computer this is, and what may make a measurement on it wrong."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from driver_monitor.board.reading import BoardReading
from driver_monitor.board.sensors import MODEL, Sensors

PACKAGES = {"numpy": "numpy", "opencv": "opencv-python-headless", "onnxruntime": "onnxruntime", "av": "av"}
BUSY = 0.05
"""Share of the time for which this program waited for a processor, from which the computer is called busy (ours)."""
_CPU_NAME = re.compile(r"(?m)^(?:model name|Hardware|Model)\s*:\s*(.+)$")
_MIB = 1024.0


def board_name(model: Path = MODEL) -> str | None:
    """Return the name of the board; None: Linux does not know it, as on a PC."""
    with suppress(OSError):
        return model.read_text(errors="replace").strip("\0 \n") or None
    return None


def cpu_facts(info: Path = Path("/proc/cpuinfo")) -> dict[str, Any]:
    """Return `name` (None: unknown), `machine`, the number of `cores` for this program and the `load` average."""
    text = ""
    with suppress(OSError):
        text = info.read_text(errors="replace")
    found = _CPU_NAME.search(text)
    return {
        "name": found[1].strip() if found else None,
        "machine": platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
    }


def versions() -> dict[str, str | None]:
    """Return the versions of Python, of the packages that do the work, and of Linux. None: no package of that name."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for name, package in PACKAGES.items():
        found[name] = None
        with suppress(PackageNotFoundError):
            found[name] = version(package)
    return {**found, "linux": platform.release()}


def rss_mb(key: str = "VmRSS", process: int | None = None, file: str = "status") -> float | None:
    """Return the memory of `process` in MB (2**20 bytes), `VmHWM` its peak. None: this Linux does not say.

    `process`: its number; None: this one. If it has ended, its memory is None, too. `file`: where /proc holds the key.
    """
    with suppress(OSError):
        text = Path(f"/proc/{'self' if process is None else process}/{file}").read_text()
        found = re.search(rf"(?m)^{key}:\s+(\d+) kB$", text)
        return round(int(found[1]) / _MIB, 1) if found else None
    return None


def waited_s() -> float | None:
    """Return for how long this thread has waited for a processor, seconds. None: this kernel does not count it."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/thread-self/schedstat").read_text().split()[1]) / 1e9
    return None


@dataclass
class MeasuredComputer:
    """Watches the computer during a measurement: its load, its clock and its supply.

    `cpu`: as JSON shows it; `waited` is the share of the time for which this program waited for a processor, None
    before `judge`, or if the kernel does not count it.
    """

    sensors: Sensors = field(default_factory=Sensors)

    def __post_init__(self) -> None:
        self.cpu: dict[str, Any] = {**cpu_facts(), "waited": None}
        self.before = self.sensors.read(time.monotonic())
        self._begun, self._waited = time.monotonic(), waited_s()

    def judge(self) -> tuple[dict[str, Any], list[str]]:
        """Return the board as JSON shows it, and a text for each reason why the times may be wrong."""
        after, passed, waited = self.sensors.read(time.monotonic()), time.monotonic() - self._begun, waited_s()
        share = None if waited is None or self._waited is None else (waited - self._waited) / max(passed, 1e-9)
        board = {
            "name": board_name(),
            "temperature_c": after.temperature_c,
            "throttled": _either(self.before.throttled, after.throttled),
            "under_voltage": _either(self.before.under_voltage, after.under_voltage),
        }
        self.cpu["waited"] = None if share is None else round(share, 4)
        return board, warnings(board, after, self.cpu)


def warnings(board: Mapping[str, Any], after: BoardReading, cpu: Mapping[str, Any]) -> list[str]:
    """Return a text for each reason why the times may be wrong. `after`: a reading at the end."""
    found = []
    if is_busy(cpu):
        why = f"load {cpu['load']:.1f} on {cpu['cores']} cores"
        if cpu["waited"] is not None:
            why = f"this program waited {cpu['waited']:.0%} of the time for a processor"
        found.append(f"the computer is busy: {why}; end other programs and measure again")
    if board["throttled"]:
        heat = "" if after.temperature_c is None else f" at {after.temperature_c:.0f} °C"
        found.append(f"the board has lowered its clock{heat}: give it air, a heat sink or a fan, and measure again")
    if board["under_voltage"]:
        found.append(f"the supply of the board is too weak: use {after.supply}, and measure again")
    return found


def is_busy(cpu: Mapping[str, Any]) -> bool:
    """Return whether other programs took so much time that times of the clock say little."""
    waited = cpu["waited"]
    return bool(cpu["load"] > cpu["cores"] / 2 if waited is None else waited > BUSY)


def _either(one: bool | None, other: bool | None) -> bool | None:
    return None if one is None and other is None else bool(one) or bool(other)
