"""Reads who may open the devices that the daemon needs."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from driver_monitor.config.camera_device import camera_device
from driver_monitor.config.schema import Config
from driver_monitor.doctor.gather.machine import Machine, group_name, user_name
from driver_monitor.doctor.verdicts.permissions import SERVICE_USER, DeviceFacts, PermissionFacts
from driver_monitor.doctor.verdicts.pins import NO_PINS
from driver_monitor.gpio.expected_pins import expected


def gather_permissions(machine: Machine, config: Config, *, service: bool) -> PermissionFacts:
    """Return the rights of this user, or of the service if it is installed."""
    user = machine.user()
    devices = tuple(_facts(machine, path) for path in _needed(machine, config))
    return PermissionFacts(
        user.name, user.root, user.groups, user.listed, devices, service, machine.has_user(SERVICE_USER)
    )


def _needed(machine: Machine, config: Config) -> Iterator[Path]:
    """Yield the devices that are there and that the configuration needs: the camera, and the pins of a board."""
    source = config.camera.source
    if (device := camera_device(source)) is not None and (camera := machine.path(device)).exists():
        yield camera
    if source.partition(":")[0] == "rpicam":
        yield from _first(machine, "media*")
        yield from _first(machine, "dma_heap/*")
    pins = (config.gpio.buzzer_pin, config.gpio.led_pin, config.gpio.button_pin)
    # Computers without a header have chips too, which belong to root: nobody needs them.
    wanted = any(pin is not None for pin in pins) and expected(config.gpio, machine.path("/proc/device-tree/model"))
    if wanted and config.gpio.backend not in NO_PINS:
        yield from _first(machine, "gpiochip*")


def _first(machine: Machine, pattern: str) -> list[Path]:
    """Return the first device of a kind: all of them have the same group."""
    return sorted(machine.path("/dev").glob(pattern))[:1]


def _facts(machine: Machine, path: Path) -> DeviceFacts:
    found = path.stat()
    name = f"/{path.relative_to(machine.root)}"
    owner, group = user_name(found.st_uid), group_name(found.st_gid)
    return DeviceFacts(name, owner, group, stat.S_IMODE(found.st_mode), machine.openable(path))
