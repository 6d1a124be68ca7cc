"""Reads a camera through V4L2, such as a USB camera (UVC), colour or infrared."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.capture.camera import Clock, GuardedCamera
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError
from driver_monitor.imaging import picture
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.imaging.library_messages import collect_decoder_messages, damage

STAMP_AGE_S = 1.0
"""A time stamp older than this or in the future is not on the monotonic clock; then the time of the read is used."""
CSI_HINT = (
    "a Raspberry Pi CSI camera is not a V4L2 camera: run `rpicam-vid -t 0 --inline --listen -o tcp://127.0.0.1:8888` "
    "and give tcp://127.0.0.1:8888 as the source"
)


class V4l2Camera(GuardedCamera):
    """Reads a V4L2 camera, given by number or device path. Links such as /dev/v4l/by-id/... are followed.

    Size, rate and pixel format are requests: the driver uses what it supports. With `GREY` and `Y16`, frames are grey,
    and a camera that gives another format raises `SourceError`. Y16 is scaled by the bit depth of the brightest value
    so far (10 bits for an OV9281). So the first frames of a dark cabin may be brighter than later ones.
    `damaged`: number of MJPEG pictures that were damaged in part.
    `t_mono`: the driver's time stamp if it is on the monotonic clock, else the time of the read. The constructor raises
    `SourceError` if the camera is missing or cannot be opened, `read` if no frame comes: OpenCV waits up to 10 s.
    """

    def __init__(
        self,
        source: str,
        config: CameraConfig,
        *,
        opener: Callable[[int], cv2.VideoCapture] = lambda number: cv2.VideoCapture(number, cv2.CAP_V4L2),
        root: Path = Path("/"),
        monotonic: Clock = time.monotonic,
    ) -> None:
        number = device_number(source, root)
        super().__init__(f"camera {number}", live=True, frames=None)
        self._monotonic = monotonic
        with picture.quiet_opencv():
            self._device = opener(number)
            if not self._device.isOpened():
                self._device.release()
                raise SourceError(
                    f"{self.name}: /dev/video{number} gives no pictures: it is in use by another program, or is not a "
                    f"camera; {_available(root)}; {CSI_HINT}"
                )
            _configure(self._device, config)
            self._check_format(config)
        self._grey = config.pixel_format in ("GREY", "Y16")
        self._bits, self._sequence = 8, 0
        self.damaged = 0
        self._start: float | None = None

    def _read(self) -> Frame:
        with picture.quiet_opencv():
            ok, now = self._device.grab(), self._monotonic()
            stamp = self._device.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
            t_mono = stamp if 0.0 <= now - stamp <= STAMP_AGE_S else now
            with collect_decoder_messages() as messages:
                ok, pixels = self._device.retrieve() if ok else (False, None)
        self.damaged += damage(messages) is not None
        if not ok or pixels is None or pixels.size == 0:
            raise SourceError(f"{self.name}: gives no more pictures; check its cable and power")
        image = self._image(np.asarray(pixels))
        self._start = t_mono if self._start is None else self._start
        frame = Frame(image, max(0.0, t_mono - self._start), self._sequence, self.name, t_mono)
        self._sequence += 1
        return frame

    def _check_format(self, config: CameraConfig) -> None:
        """Raise `SourceError` if grey is requested and another raw format comes: its bytes are not grey levels."""
        given = int(self._device.get(cv2.CAP_PROP_FOURCC))
        if config.pixel_format in ("GREY", "Y16") and given not in (0, _fourcc(config.pixel_format)):
            self._device.release()
            name = given.to_bytes(4, "little", signed=given < 0).decode("ascii", "replace").strip()
            raise SourceError(
                f"{self.name}: does not support {config.pixel_format}, it gives {name}; set camera.pixel_format to auto"
            )

    def _image(self, pixels: NDArray[Any]) -> Image:
        if not self._grey:
            return picture.as_image(pixels)
        size = (int(self._device.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(self._device.get(cv2.CAP_PROP_FRAME_WIDTH)))
        values = _raw_grey(pixels, size)
        if values is None:
            raise SourceError(f"{self.name}: does not give the requested grey format; set camera.pixel_format to auto")
        if values.dtype == np.uint8:
            return picture.as_image(values)
        self._bits = max(self._bits, picture.depth_bits(int(values.max())))
        return picture.to_8_bit(values, self._bits)

    def _release(self) -> None:
        self._device.release()


def _configure(device: cv2.VideoCapture, config: CameraConfig) -> None:
    if config.pixel_format != "auto":
        device.set(cv2.CAP_PROP_FOURCC, _fourcc(config.pixel_format))
    if config.pixel_format in ("GREY", "Y16"):
        # By default OpenCV converts grey to BGR, and keeps only the lower 8 of 16 bits.
        device.set(cv2.CAP_PROP_CONVERT_RGB, 0)
    device.set(cv2.CAP_PROP_FRAME_WIDTH, config.width)
    device.set(cv2.CAP_PROP_FRAME_HEIGHT, config.height)
    device.set(cv2.CAP_PROP_FPS, config.fps)


def _fourcc(pixel_format: str) -> int:
    return int.from_bytes(pixel_format.ljust(4).encode("ascii"), "little")


def _raw_grey(pixels: NDArray[Any], size: tuple[int, int]) -> NDArray[Any] | None:
    """Return (H, W) uint8 or uint16; None: another format. `size`: (H, W). OpenCV >= 4.10 may give one row of bytes."""
    area = size[0] * size[1]
    if pixels.ndim == 3 and pixels.shape[2] == 3:
        return pixels[:, :, 0]
    flat = np.ascontiguousarray(pixels).reshape(-1)
    if flat.dtype == np.uint8 and flat.size == 2 * area:
        flat = flat.view("<u2")
    if flat.dtype not in (np.uint8, np.uint16) or flat.size != area:
        return None
    return flat.reshape(size)


def device_number(source: str, root: Path) -> int:
    """Return the N of /dev/videoN for `source`, N or a path. Raises `SourceError` if missing or not permitted."""
    path = root / "dev" / f"video{source}" if source.isdecimal() else root / source.lstrip("/")
    device = f"/{path.relative_to(root)}"
    if not path.exists():
        raise SourceError(f"{device}: no such camera; {_available(root)}; check its cable; {CSI_HINT}")
    match = re.fullmatch(r"video(\d+)", path.resolve().name)
    if match is None:
        raise SourceError(f"{device}: is not a V4L2 camera; {_available(root)}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise SourceError(
            f"{device}: this user may not open it; add the user to the group video: "
            "`sudo usermod -aG video $USER`, then log in again"
        )
    return int(match[1])


def _available(root: Path) -> str:
    """Return the V4L2 devices (at most 16) with their names, as text for an error."""
    devices = sorted((root / "dev").glob("video*"), key=lambda path: (len(path.name), path.name))
    if not devices:
        return "this machine has no V4L2 cameras"
    return "found: " + ", ".join(f"/dev/{device.name}{_label(root, device.name)}" for device in devices[:16])


def _label(root: Path, device: str) -> str:
    try:
        return f" ({(root / 'sys/class/video4linux' / device / 'name').read_text().strip()})"
    except OSError:
        return ""
