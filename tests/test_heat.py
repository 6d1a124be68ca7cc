"""The board's temperature: whatever the sensors do, it delays no frame and ends nothing."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.board import thermometer
from driver_monitor.board.thermometer import FRESH_S, ZONES, Thermometer, board_temperature

PATIENCE_S = 30.0


@pytest.fixture
def sensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(thermometer, "THERMAL", tmp_path)
    return tmp_path


def sensor(folder: Path, content: bytes | None = None) -> Path:
    zone = folder / f"thermal_zone{len(list(folder.iterdir()))}"
    zone.mkdir()
    if content is not None:
        (zone / "temp").write_bytes(content)
    return zone / "temp"


def test_ok__the_hottest_zone_counts(sensors: Path) -> None:
    for content in (b"45000\n", b"61500\n", b"-3000\n"):
        sensor(sensors, content)
    (sensors / "cooling_device0").mkdir()
    assert board_temperature() == 61.5


@pytest.mark.parametrize("content", [b"", b"\xff\x00\x80", b"warm\n", b"9" * 1_000_000, b"\n" * 40, b"nan\n", b"4_5.0"])
def test_fail__a_sensor_that_gives_no_number_is_left_out(sensors: Path, content: bytes) -> None:
    sensor(sensors, content)
    assert board_temperature() is None
    sensor(sensors, b"40000\n")
    assert board_temperature() == 40.0


def test_fail__sensors_that_are_no_files_are_left_out(sensors: Path) -> None:
    os.mkfifo(sensor(sensors))
    sensor(sensors).mkdir()
    sensor(sensors).symlink_to("temp")
    sensor(sensors).symlink_to("/dev/zero")
    sensor(sensors)
    assert board_temperature() is None


def test_fail__without_a_folder_the_temperature_is_unknown(sensors: Path) -> None:
    sensors.rmdir()
    assert board_temperature() is None


def test_ok__a_million_zones_cost_no_more_than_the_first(sensors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3 * ZONES):
        sensor(sensors, b"40000\n")
    read: list[Path] = []

    def reading(path: Path) -> float:
        read.append(path)
        return 40.0

    monkeypatch.setattr(thermometer, "_reading", reading)
    assert board_temperature() == 40.0
    assert len(read) == ZONES


def test_fail__a_sensor_that_hangs_delays_nobody_and_its_old_value_becomes_unknown() -> None:
    now, reading, release = [100.0], threading.Event(), threading.Event()
    values = iter([50.0])

    def read() -> float | None:
        value = next(values, None)
        if value is None:
            reading.set()
            release.wait(PATIENCE_S)
        return value

    with closing(Thermometer(read, lambda: now[0])) as heat:
        while heat.celsius() is None:
            pass
        assert reading.wait(PATIENCE_S)
        assert heat.celsius() == 50.0
        now[0] += FRESH_S
        assert heat.celsius() is None
    assert heat._worker.thread.is_alive(), "the close does not wait for it"
    release.set()
    heat._worker.thread.join(PATIENCE_S)


def test_ok__the_disk_is_read_once_for_each_status() -> None:
    asked = threading.Semaphore(0)

    def read() -> float:
        asked.release()
        return 50.0

    with closing(Thermometer(read)) as heat:
        for _ in range(3):
            assert asked.acquire(timeout=PATIENCE_S)
            assert not asked.acquire(timeout=0.05)
            heat.celsius()
