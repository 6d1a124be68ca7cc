"""A computer in which everything is good, made of real files, programs and sockets. Each test breaks one thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from driver_monitor.app.build import Request, load_plan
from driver_monitor.capture.camera import Camera
from driver_monitor.capture.fake import FakeCamera
from driver_monitor.config import schema
from driver_monitor.config.schema import CameraConfig
from driver_monitor.doctor.examine import Options, examine
from driver_monitor.doctor.gather.machine import CANNOT_START, Machine, Printed, User, run_program
from driver_monitor.doctor.verdicts.finding import Finding
from driver_monitor.gpio.mock_pins import mock_factory
from driver_monitor.imaging.frame import Image
from tests.conftest import demo_frames
from tests.processes import free_port

DAY_2026 = 1_795_000_000.0
"""A moment in November 2026."""
SERVICE = {
    "LoadState": "loaded",
    "ActiveState": "inactive",
    "SubState": "dead",
    "UnitFileState": "enabled",
    "Result": "success",
    "NRestarts": "0",
}


@cache
def pictures() -> tuple[Image, ...]:
    """Some pictures of the demo, by day, with a face."""
    return tuple(demo_frames(20, 60))


@cache
def imported() -> Printed:
    """What the import of all packages prints: it takes a second, and is the same for all tests."""
    from driver_monitor.doctor.gather.packages import PACKAGES, SCRIPT

    shown = run_program([sys.executable, "-c", SCRIPT, json.dumps(sys.path), *PACKAGES], 120.0)
    assert shown is not None
    return shown


@dataclass
class Ticks:
    """A clock that goes on by `per_call` seconds at each look, and by hand."""

    now: float = 500.0
    per_call: float = 0.0

    def __call__(self) -> float:
        self.now += self.per_call
        return self.now


@dataclass
class Car:
    """A Raspberry Pi with a camera, buzzer and LED, no daemon running, in `root`. `fps`: what its camera gives."""

    root: Path
    config: dict[str, Any] = field(default_factory=dict)
    service: dict[str, str] | None = None
    fps: float = 30.0
    image: Callable[[int], Image] = lambda number: pictures()[number % 40]
    camera: Callable[[CameraConfig], Camera] | None = None
    clock: Ticks = field(default_factory=Ticks)
    faults: dict[int, Any] = field(default_factory=dict)
    damaged: int = 0
    live: bool = True
    machine: dict[str, Any] = field(default_factory=dict)
    pins: Any = field(default_factory=mock_factory)
    text: str = ""
    imports: bool = False

    def __post_init__(self) -> None:
        for name, text in {
            "dev/video0": "",
            "dev/gpiochip0": "",
            "proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.4\0",
            "sys/class/thermal/thermal_zone0/temp": "45123\n",
            "run/systemd/timesync/synchronized": "",
        }.items():
            self.write(name, text)
        for device in ("video0", "gpiochip0"):
            (self.root / "dev" / device).chmod(0o666)
        self.program("systemctl", "cat $(dirname $0)/service.txt")
        self.program("vcgencmd", "echo throttled=0x0")
        self.program("timedatectl", "echo yes")
        self.port = free_port()
        self.state = self.root / "state"
        self.state.mkdir()

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def program(self, name: str, script: str) -> None:
        """Put a shell script on the PATH of the car."""
        self.write(f"bin/{name}", f"#!/bin/sh\n{script}\n").chmod(0o755)

    @property
    def file(self) -> Path:
        return self.root / "config.yaml"

    def configure(self) -> None:
        """Write the configuration: what makes this car a good one, and what the test wants otherwise."""
        good: dict[str, Any] = {
            "camera": {"source": "/dev/video0"},
            "zmq": {"bind": f"tcp://127.0.0.1:{self.port}"},
            "gpio": {"backend": "gpiozero"},
            "service": {"state_dir": "/state"},
        }
        for section, values in self.config.items():
            good[section] = {**good.get(section, {}), **values} if isinstance(values, dict) else values
        self.file.write_text(self.text or yaml.safe_dump(good))

    def digest(self) -> str:
        """The hash of this configuration and its profile, as a daemon with it would tell."""
        self.configure()
        plan = load_plan(Request(self.file))
        return schema.digest(plan.config, plan.profile_text)

    def examine(self, *, beep: bool = False) -> list[Finding]:
        self.configure()
        service = {**SERVICE, **(self.service or {"LoadState": "not-found"})}
        self.write("bin/service.txt", "".join(f"{key}={value}\n" for key, value in service.items()))
        values: dict[str, Any] = {
            "root": self.root,
            "run": self.run,
            "wall": lambda: DAY_2026,
            "clock": self.clock,
            "open_source": self.camera or self.opened,
            "user": lambda: User("installer", root=False, groups={"video", "gpio"}, listed={"video", "gpio"}),
            "has_user": lambda _: True,
            "status_limit_s": 0.5,
            "watch_s": 0.3,
            "frames": 6,
        }
        return examine(Machine(**(values | self.machine)), Options(self.file, beep), pins=self.pins)

    def run(self, command: Sequence[str], limit_s: float) -> Printed | None:
        """Run a program of the car, or Python's imports."""
        if command[0] == sys.executable and not self.imports:
            return imported()
        if command[0] == sys.executable:
            return run_program(command, limit_s)
        if not (program := self.root / "bin" / command[0]).exists():
            return Printed(CANNOT_START, "No such file or directory")
        done = subprocess.run([str(program), *command[1:]], capture_output=True, text=True, check=False)
        return Printed(done.returncode, done.stdout)

    def opened(self, _: CameraConfig) -> Camera:
        def image(number: int) -> Image:
            self.clock.now += 1.0 / self.fps
            return self.image(number)

        camera = FakeCamera(
            image, name="camera 0", faults=self.faults, live=self.live, monotonic=lambda: self.clock.now
        )
        camera.damaged = self.damaged
        return camera


def troubles(findings: Sequence[Finding]) -> list[str | None]:
    """The names of the faults and warnings."""
    return [finding.fault for finding in findings if finding.state in ("fault", "warning")]


def noise(mean: float, spread: float, shape: tuple[int, int] = (480, 640)) -> Callable[[int], Image]:
    """Pictures of sensor noise: what a camera gives in the dark or with a covered lens."""

    def image(number: int) -> Image:
        values = np.random.default_rng(number).normal(mean, spread, shape)
        return np.clip(values, 0, 255).astype(np.uint8)

    return image


def full_disk(path: Path, **changed: int) -> os.statvfs_result:
    """What `os.statvfs` says, with other values for some fields."""
    names = ("f_bsize", "f_frsize", "f_blocks", "f_bfree", "f_bavail", "f_files", "f_ffree", "f_favail", "f_flag")
    real = os.statvfs(path)
    return os.statvfs_result([changed.get(name, getattr(real, name)) for name in (*names, "f_namemax")])
