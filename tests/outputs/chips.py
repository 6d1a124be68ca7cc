"""GPIO chips for tests: files that the stand-in for `gpiod` (`tests/fake_gpiod`) reads and writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from driver_monitor.config.schema import GpioConfig
from driver_monitor.gpio.jetson import chip as chip_module
from tests.fake_gpiod import gpiod as fake_gpiod
from tests.processes import PATIENCE_S

FAKE = Path(fake_gpiod.__file__).parent
BUZZER, LED, BUTTON = "PQ.05", "PQ.06", "PN.01"
NAMES = {BUZZER: 1, LED: 2, BUTTON: 3}


class FakeChip:
    """One GPIO chip with five lines, in the file `path`."""

    def __init__(self, path: Path, label: str = "tegra234-gpio", names: dict[str, int] = NAMES) -> None:
        self.path = path
        path.write_text(json.dumps({"label": label, "names": names, "level": [0] * 5, "holder": {}}))

    @property
    def state(self) -> dict[str, Any]:
        with fake_gpiod.opened(str(self.path)) as state:
            return state

    def put(self, **values: Any) -> None:
        """Set values of the chip, also of one with a fault."""
        self.path.write_text(json.dumps({**json.loads(self.path.read_text()), **values}))

    def levels(self) -> tuple[int, int]:
        """The levels of buzzer and LED."""
        _, buzzer, led, *_ = self.state["level"]
        return buzzer, led

    def held(self) -> list[str]:
        """The offsets of the lines that a living program has."""
        return [offset for offset, holder in self.state["holder"].items() if fake_gpiod._alive(holder)]

    def config(self, **values: Any) -> GpioConfig:
        """A configuration of buzzer and LED on this chip."""
        return GpioConfig(
            **{"backend": "gpiod", "chip": str(self.path), "buzzer_pin": BUZZER, "led_pin": LED, **values}
        )

    def written(self, folder: Path, **values: Any) -> Path:
        """The same as a file for the daemon."""
        path = folder / "pins.yaml"
        path.write_text(json.dumps({"gpio": self.config(**values).model_dump(mode="json")}))
        return path


def use_fake(monkeypatch: pytest.MonkeyPatch, devices: Path) -> None:
    """Let this process, and those that it starts, import the stand-in. `devices`: the folder of the chips."""
    monkeypatch.setitem(sys.modules, "gpiod", fake_gpiod)
    monkeypatch.setattr(chip_module, "DEVICES", devices)
    more = os.environ.get("PYTHONPATH")
    monkeypatch.setenv("PYTHONPATH", f"{FAKE}{os.pathsep}{more}" if more else str(FAKE))


def switch_off(config: Path) -> subprocess.CompletedProcess[str]:
    """Run what the unit runs after the daemon (ExecStopPost)."""
    command = [sys.executable, "-m", "driver_monitor.gpio.off", "--config", str(config)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def await_true(condition: Callable[[], object]) -> None:
    """Wait until `condition` holds; only a failure takes long."""
    end, never = time.monotonic() + PATIENCE_S, threading.Event()
    while not condition():
        assert time.monotonic() < end
        never.wait(0.01)  # leaves the processor to the process that is waited for
