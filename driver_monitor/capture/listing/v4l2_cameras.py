"""Finds the V4L2 cameras of this machine. Metadata nodes, codecs and image processors are left out."""

from __future__ import annotations

import errno
import fcntl
import os
import re
from pathlib import Path

from driver_monitor.capture.listing import v4l2_query
from driver_monitor.capture.listing.found_camera import FoundCamera
from driver_monitor.capture.listing.v4l2_query import Ioctl

MOST_DEVICES = 64
"""Most devices that are asked (ours). A Raspberry Pi 5 has about 35 without a camera."""
PROCESSORS = ("bcm2835-isp", "pispbe", "rpi-hevc-dec", "rpivid")
"""Drivers of image processors and decoders of a Raspberry Pi. Some of their nodes give pictures, but see nothing."""
CSI_DRIVERS = {"unicam": "rpicam", "rp1-cfe": "rpicam", "tegra-video": "nvargus"}
"""Drivers of CSI receivers, and the `camera.source` that uses them. Through V4L2 they give raw sensor values only."""


def v4l2_cameras(root: Path = Path("/"), ioctl: Ioctl = fcntl.ioctl) -> list[FoundCamera]:
    """Return the V4L2 cameras in the order of their numbers. `root`: /, in tests a folder."""
    numbers = []
    for path in (root / "dev").glob("video*"):
        if match := re.fullmatch(r"video(\d{1,5})", path.name):
            numbers.append(int(match[1]))
    found = (_camera(root, number, ioctl) for number in sorted(numbers)[:MOST_DEVICES])
    return [camera for camera in found if camera is not None]


def _camera(root: Path, number: int, ioctl: Ioctl) -> FoundCamera | None:
    """Return the camera /dev/video`number`; None: this node is no camera."""
    source, label = f"/dev/video{number}", _label(root, number) or "unknown"
    try:
        # Not for writing: a query must not need more than the right to look.
        device = os.open(root / source[1:], os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        fault = "this user may not open it; `sudo usermod -aG video $USER`, then log in again"
        return FoundCamera(source, label, fault=fault, number=number)
    except OSError as error:
        fault = f"it cannot be opened ({error.strerror}); check its cable, or restart the computer"
        return None if error.errno == errno.ENOENT else FoundCamera(source, label, fault=fault, number=number)
    try:
        return _asked(device, source, number, ioctl)
    finally:
        os.close(device)


def _asked(device: int, source: str, number: int, ioctl: Ioctl) -> FoundCamera | None:
    try:
        what = v4l2_query.capability(device, ioctl)
        if not what.captures or what.driver in PROCESSORS:
            return None
        formats = v4l2_query.formats(device, ioctl)
    except OSError:
        return None
    csi = CSI_DRIVERS.get(what.driver)
    fault = f"a CSI camera, which gives raw sensor values here; set camera.source: {csi}" if csi else None
    return FoundCamera(source, what.card or what.driver, what.bus, formats, fault, number, csi)


def _label(root: Path, number: int) -> str:
    try:
        return (root / f"sys/class/video4linux/video{number}/name").read_text(errors="replace").strip()
    except OSError:
        return ""
