"""Watches the camera for some seconds: its rate, its format, and its pictures."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from driver_monitor.config.camera_device import camera_device
from driver_monitor.doctor.gather.machine import Machine
from driver_monitor.doctor.verdicts.picture import CameraFacts
from driver_monitor.errors import AbsentError, OutputError, SourceError

if TYPE_CHECKING:
    from driver_monitor.app.build import Models, Plan
    from driver_monitor.capture.camera import Camera
    from driver_monitor.data.observation import Observation
    from driver_monitor.gpio.lamp import Lamp
    from driver_monitor.imaging.frame import Frame

MOST_FRAMES = 1000
"""Most pictures that are read (ours): more than 3 s of the fastest camera."""
SKIPPED = 5
"""First pictures that do not count for the rate (ours): a camera sets its exposure, and a stream its buffers."""
KEPT = 30
"""Pictures that are kept and judged, evenly spread (ours): 10 MB at 640x480 in grey, 180 MB at 1920x1080 in colour."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What the camera gave: facts for the verdict, and the pictures."""

    facts: CameraFacts
    frames: Sequence[Frame] = ()


def switch_lamp_on(plan: Plan, factory: Any = None) -> Lamp:
    """Return the infrared lamp, switched on: at night the camera needs it. `factory`: see `open_lamp`."""
    from driver_monitor.gpio.lamp import NoLamp, open_lamp

    with suppress(OutputError):  # the check of the pins tells it
        return open_lamp(plan.config.gpio, factory)
    return NoLamp()


def watch_camera(machine: Machine, plan: Plan) -> Watched:
    """Open the configured camera and read it for `machine.watch_s`. The pictures stay in memory, and are let go."""
    config = plan.config.camera
    facts = CameraFacts(config.source, config.fps)
    try:
        camera = machine.open_source(config)
    except AbsentError as error:
        return Watched(replace(facts, fault=str(error), absent=True))
    except SourceError as error:
        return Watched(replace(facts, fault=str(error)))
    with camera:
        facts = replace(facts, name=camera.name, wanted=config.fps if camera.live else None)
        try:
            frames, count, rate = _read(camera, machine)
        except SourceError as error:
            return Watched(replace(facts, fault=str(error)))
        height, width = frames[-1].grey.shape if frames else (0, 0)
        facts = replace(facts, frames=count, rate=rate, size=(width, height), damaged=camera.damaged)
        return Watched(replace(facts, format=_format(machine, config.source)), frames)


def _read(camera: Camera, machine: Machine) -> tuple[list[Frame], int, float | None]:
    """Return some frames, the number of all, and their rate; None: the source ended too soon. Raises `SourceError`."""
    kept: list[Frame] = []
    times: list[float] = []
    due = 0.0
    while not machine.stopped.is_set() and len(times) < MOST_FRAMES and _elapsed(times) < machine.watch_s:
        frame = camera.read()
        if frame is None:
            break
        times.append(machine.clock())
        if times[-1] >= due:
            kept.append(frame)
            due = times[-1] + machine.watch_s / KEPT
    counted = times[min(SKIPPED, max(0, len(times) - 2)) :]
    rate = (len(counted) - 1) / (counted[-1] - counted[0]) if len(counted) > 1 and counted[-1] > counted[0] else None
    return kept, len(times), rate


def _elapsed(times: Sequence[float]) -> float:
    """Return the seconds from the first frame that counts to the last one."""
    return times[-1] - times[SKIPPED] if len(times) > SKIPPED else 0.0


def observe(plan: Plan, models: Models, frames: Sequence[Frame]) -> list[Observation]:
    """Return what each of `frames` shows."""
    from driver_monitor.app.build import build_pipeline

    pipeline = build_pipeline(plan, models)
    return [pipeline.step(frame).observation for frame in frames]


def _format(machine: Machine, source: str) -> str | None:
    """Return the pixel format that a V4L2 camera gives at present; None: another source, or it does not tell."""
    from driver_monitor.capture.listing.v4l2_query import current_format
    from driver_monitor.capture.v4l2 import device_number

    if camera_device(source) is None:
        return None
    try:
        path = machine.path(f"/dev/video{device_number(source, machine.root)}")
        device = os.open(Path(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, SourceError):
        return None
    try:
        found = current_format(device, fcntl.ioctl)
    finally:
        os.close(device)
    return found[0] if found is not None else None
