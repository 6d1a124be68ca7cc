"""The camera of the aiming page itself, where no daemon runs: its infrared lamp is on meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from driver_monitor.app import build
from driver_monitor.app.build import Plan
from driver_monitor.errors import OutputError
from driver_monitor.gpio.lamp import Lamp
from tests.aim.stage import staged, watching_camera


class Spy(Lamp):
    """A lamp that notes when it is switched."""

    def __init__(self, noted: list[str]) -> None:
        self._noted = noted
        noted.append("on")

    def close(self) -> None:
        self._noted.append("off")


def test_ok__the_infrared_lamp_is_on_while_the_page_has_the_camera(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noted: list[str] = []
    monkeypatch.setattr(build, "build_lamp", lambda plan: Spy(noted))
    with staged() as stage, watching_camera(stage, "demo", tmp_path):
        assert noted == ["on"]
    assert noted == ["on", "off"]


def test_ok__a_lamp_that_cannot_be_switched_is_a_warning(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(plan: Plan) -> Lamp:
        raise OutputError("gpio: infrared_pin 22 cannot be used")

    monkeypatch.setattr(build, "build_lamp", fail)
    with staged() as stage, watching_camera(stage, "demo", tmp_path):
        pass
    assert "infrared_pin 22 cannot be used" in caplog.text
