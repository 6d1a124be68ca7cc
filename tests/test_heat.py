"""The board's temperature: whatever the sensors do, it delays no frame and ends nothing."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest

from driver_monitor.board import sysfs
from driver_monitor.board.reading import BoardReading
from driver_monitor.board.sensors import FRESH_S, BoardReader
from driver_monitor.board.sysfs import MOST
from driver_monitor.board.thermometer import board_temperature, lowers_clock_at

PATIENCE_S = 30.0


@pytest.fixture
def sensors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sysfs, "SYS", tmp_path)
    (tmp_path / "class" / "thermal").mkdir(parents=True)
    return tmp_path / "class" / "thermal"


def sensor(folder: Path, content: bytes | None = None, kind: str | None = None, **trips: str) -> Path:
    zone = folder / f"thermal_zone{len(list(folder.iterdir()))}"
    zone.mkdir()
    if content is not None:
        (zone / "temp").write_bytes(content)
    if kind is not None:
        (zone / "type").write_text(f"{kind}\n")
    for number, (name, temperature) in enumerate(trips.items()):
        (zone / f"trip_point_{number}_type").write_text(f"{name}\n")
        (zone / f"trip_point_{number}_temp").write_text(f"{temperature}\n")
    return zone / "temp"


def test_ok__the_hottest_zone_counts(sensors: Path) -> None:
    for content in (b"45000\n", b"61500\n", b"-3000\n"):
        sensor(sensors, content)
    (sensors / "cooling_device0").mkdir()
    assert board_temperature() == 61.5


def test_ok__on_a_jetson_the_hottest_zone_in_the_chip_counts(sensors: Path) -> None:
    for kind, content in {
        "CPU-therm": b"52000\n",
        "GPU-therm": b"57500\n",
        "PMIC-Die": b"100000\n",
        "thermal-fan-est": b"99000\n",
        "Tboard_tegra": b"70000\n",
    }.items():
        sensor(sensors, content, kind)
    sensor(sensors, None, "cv0-thermal")
    assert board_temperature() == 57.5


def test_ok__without_a_zone_in_the_chip_the_others_count_but_for_those_that_tell_nothing(sensors: Path) -> None:
    sensor(sensors, b"100000\n", "PMIC-Die")
    assert board_temperature() is None
    sensor(sensors, b"48000\n", "acpitz")
    assert board_temperature() == 48.0


@pytest.mark.parametrize("content", [b"-274000\n", b"1000000\n", b"9" * 40])
def test_fail__a_temperature_that_cannot_be_is_left_out(sensors: Path, content: bytes) -> None:
    sensor(sensors, content)
    assert board_temperature() is None


def test_ok__the_lowest_trip_point_that_lowers_a_clock_counts(sensors: Path) -> None:
    sensor(sensors, b"50000\n", "cpu-thermal", active="46000", passive="99000", critical="104500")
    sensor(sensors, b"50000\n", "tj-thermal", passive="97000")
    sensor(sensors, b"50000\n", "soc0-thermal", passive="70000")
    sensor(sensors, b"50000\n", "x86_pkg_temp", passive="0")
    assert lowers_clock_at() == 97.0


def test_ok__a_raspberry_pi_has_no_such_trip_point(sensors: Path) -> None:
    sensor(sensors, b"50000\n", "cpu-thermal", critical="110000", active="50000")
    assert lowers_clock_at() is None


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
    for _ in range(3 * MOST):
        sensor(sensors, b"40000\n")
    read: list[Path] = []

    def reading(path: Path) -> int:
        read.append(path)
        return 40_000

    monkeypatch.setattr(sysfs, "number", reading)
    assert board_temperature() == 40.0
    assert len(read) == MOST


def test_fail__a_sensor_that_hangs_delays_nobody_and_its_old_value_becomes_unknown() -> None:
    now, reading, release = [100.0], threading.Event(), threading.Event()
    values = iter([50.0])

    def read(_: float) -> BoardReading:
        value = next(values, None)
        if value is None:
            reading.set()
            release.wait(PATIENCE_S)
        return BoardReading(value)

    with closing(BoardReader(read, lambda: now[0])) as heat:
        while heat.latest().temperature_c is None:
            pass
        assert reading.wait(PATIENCE_S)
        assert heat.latest().temperature_c == 50.0
        now[0] += FRESH_S
        assert heat.latest() == BoardReading()
    assert heat._worker.thread.is_alive(), "the close does not wait for it"
    release.set()
    heat._worker.thread.join(PATIENCE_S)


def test_ok__the_disk_is_read_once_for_each_status() -> None:
    asked = threading.Semaphore(0)

    def read(_: float) -> BoardReading:
        asked.release()
        return BoardReading(50.0)

    with closing(BoardReader(read)) as heat:
        for _ in range(3):
            assert asked.acquire(timeout=PATIENCE_S)
            assert not asked.acquire(timeout=0.05)
            heat.latest()
