"""Lists the cameras of this machine, and tells which one the daemon would take with a configuration."""

from __future__ import annotations

import fcntl
from dataclasses import dataclass, replace
from pathlib import Path

from driver_monitor.capture.listing.csi_cameras import RunProgram, csi_cameras, run_program
from driver_monitor.capture.listing.found_camera import FoundCamera
from driver_monitor.capture.listing.v4l2_cameras import v4l2_cameras
from driver_monitor.capture.listing.v4l2_query import Ioctl
from driver_monitor.capture.open_source import check_source
from driver_monitor.capture.v4l2 import device_number
from driver_monitor.config.camera_device import camera_device
from driver_monitor.config.camera_program import camera_program
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError

CHECKS = (
    "check its cable and power, and whether this user is in the group video; a camera on the board's own connector "
    "(CSI) needs camera.source: rpicam on a Raspberry Pi, nvargus on a Jetson"
)
CSI_CHECKS = {
    "rpicam": "check both ends of its flat cable with the power off; `rpicam-hello --list-cameras` must list it "
    "(`sudo apt install rpicam-apps`)",
    "nvargus": "check both ends of its flat cable with the power off, and choose it in "
    "`sudo /opt/nvidia/jetson-io/jetson-io.py`",
}
"""What to do if a camera is not found, by the kind of source."""


@dataclass(frozen=True, slots=True)
class CameraList:
    """The cameras, which of them the configuration names (None: none), and what to say of that choice.

    `advice`: what to do about it; None: nothing. `usable`: whether the daemon would have a source of pictures.
    """

    cameras: tuple[FoundCamera, ...]
    taken: FoundCamera | None
    words: str
    advice: str | None
    usable: bool


def list_cameras(
    config: CameraConfig, root: Path = Path("/"), ioctl: Ioctl = fcntl.ioctl, run: RunProgram = run_program
) -> CameraList:
    """Return the cameras of this machine and the one of `config`. A daemon that runs is not disturbed.

    `root`: /, in tests a folder. `ioctl`, `run`: what asks devices and programs.
    """
    csi, devices = csi_cameras(run), v4l2_cameras(root, ioctl)
    # The raw node of a CSI camera is the same camera once more.
    cameras = (*(one for one in devices if not csi or one.csi != "rpicam"), *csi)
    if (device := camera_device(config.source)) is not None:
        return _of_device(config, device, cameras, root)
    program = camera_program(config.source)
    if program is not None and program.kind in ("rpicam", "nvargus"):
        wanted = program.number or 0
        same = [one for one in cameras if one.csi == program.kind]
        taken = next((replace(one, source=program.name, fault=None) for one in same if one.number == wanted), None)
        why = f"there is no CSI camera {wanted}" if same else "no CSI camera is found"
        return _chosen(config, cameras, taken, why, CSI_CHECKS[program.kind])
    try:
        name = check_source(config.source).name
    except SourceError as error:
        what, _, advice = str(error).partition("; ")
        return CameraList(cameras, None, f"camera.source: {what}", advice or CHECKS, usable=False)
    words = f"the daemon takes {name}, none of these cameras"
    return CameraList(cameras, None, words, None, usable=True)


def _of_device(config: CameraConfig, device: str, cameras: tuple[FoundCamera, ...], root: Path) -> CameraList:
    try:
        number = device_number(config.source, root)
    except SourceError as error:
        path = root / device[1:]
        # One that this user may not open is in the list, with what to do.
        taken = next((one for one in cameras if one.source == f"/dev/{path.resolve().name}"), None)
        why = str(error).partition("; ")[0].partition(": ")[2]
    else:
        devices = (camera for camera in cameras if camera.source == f"/dev/video{number}")
        taken, why = next(devices, None), f"/dev/video{number} is not a camera"
    return _chosen(config, cameras, taken, why)


def _chosen(
    config: CameraConfig, cameras: tuple[FoundCamera, ...], taken: FoundCamera | None, why: str, checks: str = CHECKS
) -> CameraList:
    """Return the list with the camera that `config` names. `why`, `checks`: what is said and to be done without it."""
    source = f"camera.source: {config.source}"
    if taken is None:
        others = [camera.source for camera in cameras if camera.fault is None]
        advice = f"set camera.source: {others[0]}" if others else checks
        return CameraList(cameras, None, f"{source}: {why}", advice, usable=False)
    if taken.fault is not None:
        what, _, advice = taken.fault.partition("; ")
        found = "" if config.source == taken.source else f"{taken.source}: "
        return CameraList(cameras, taken, f"{source}: {found}{what}", advice, usable=False)
    formats = {form.name for form in taken.formats}
    if config.pixel_format != "auto" and formats and config.pixel_format not in formats:
        words = f"{source}: {taken.name} does not give camera.pixel_format: {config.pixel_format}"
        return CameraList(cameras, taken, words, "set camera.pixel_format: auto", usable=False)
    words = f"the daemon takes {taken.source}, {taken.name}"
    return CameraList(cameras, taken, words, None, usable=True)
