"""The car that the tests of `doctor` examine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.doctor.cars import Car


@pytest.fixture
def car(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Car:
    monkeypatch.setattr("driver_monitor.config.lock.FILE", tmp_path / "etc/driver-monitor/config.yaml")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin", prepend=os.pathsep)
    return Car(tmp_path)
