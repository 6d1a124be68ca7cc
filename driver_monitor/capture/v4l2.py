"""Reads a camera through V4L2, such as a USB camera (UVC), colour or infrared."""

from __future__ import annotations

import logging
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
from driver_monitor.capture.decoded_picture import JpegDecoder
from driver_monitor.capture.exposure import set_exposure, warn_once
from driver_monitor.config.camera_device import camera_device
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import AbsentError, SourceError
from driver_monitor.imaging import picture
from driver_monitor.imaging.frame import Frame, Image, YuvPicture

_log = logging.getLogger(__name__)

STAMP_AGE_S = 1.0
"""A time stamp older than this or in the future is not on the monotonic clock; then the time of the read is used."""
MOST_DAMAGED = 60
"""So many damaged pictures in a row, 2 s at 30 frames a second, are a fault of the camera (ours)."""
JPEG_FORMATS = frozenset(int.from_bytes(name, "little") for name in (b"MJPG", b"JPEG"))
CSI_HINT = "a camera on the board's own connector (CSI) is not a V4L2 camera: set camera.source to rpicam or nvargus"


class V4l2Camera(GuardedCamera):
    """Reads a V4L2 camera, given by number or device path. Links such as /dev/v4l/by-id/... are followed.

    Size, rate and pixel format are requests: the driver uses what it supports. With `GREY` and `Y16`, frames are grey,
    and a camera that gives another format raises `SourceError`. Y16 is scaled by the bit depth of the brightest value
    so far (10 bits for an OV9281). So the first frames of a dark cabin may be brighter than later ones.
    Of an MJPG camera, damaged pictures are left out and counted in `damaged`; the log says it once.
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
            for refused in set_exposure(self._device, config):
                warn_once(f"{self.name}: {refused}")
            self._jpeg = JpegDecoder() if self._gives_jpeg() else None
        self._grey = config.pixel_format in ("GREY", "Y16")
        self._bits, self._sequence = 8, 0
        self._start: float | None = None

    def _read(self) -> Frame | None:
        for _ in range(MOST_DAMAGED):
            if self._closed.is_set():
                return None
            pixels, t_mono = self._grab()
            sequence, self._sequence = self._sequence, self._sequence + 1
            image = self._image(pixels)
            if image is not None:
                self._start = t_mono if self._start is None else self._start
                return Frame(image, max(0.0, t_mono - self._start), sequence, self.name, t_mono)
            self.damaged += 1
            if self.damaged == 1:
                _log.warning("%s: gives damaged pictures, which are left out; check its cable", self.name)
        raise SourceError(f"{self.name}: gives only damaged pictures; check its cable, or set camera.pixel_format")

    def _grab(self) -> tuple[NDArray[Any], float]:
        """Return the pixels of the next picture and its time, monotonic seconds. Raises `SourceError` if none comes."""
        pixels: Any = None
        with picture.quiet_opencv():
            try:
                ok, now = self._device.grab(), self._monotonic()
                stamp = self._device.get(cv2.CAP_PROP_POS_MSEC) / 1000.0
                ok, pixels = self._device.retrieve() if ok else (False, None)
            except (cv2.error, MemoryError):
                ok = False
        if not ok or pixels is None or pixels.size == 0:
            raise SourceError(f"{self.name}: gives no more pictures; check its cable and power")
        return np.asarray(pixels), stamp if 0.0 <= now - stamp <= STAMP_AGE_S else now

    def _check_format(self, config: CameraConfig) -> None:
        """Raise `SourceError` if grey is requested and another raw format comes: its bytes are not grey levels."""
        given = int(self._device.get(cv2.CAP_PROP_FOURCC))
        if config.pixel_format in ("GREY", "Y16") and given not in (0, _fourcc(config.pixel_format)):
            self._device.release()
            name = given.to_bytes(4, "little", signed=given < 0).decode("ascii", "replace").strip()
            raise SourceError(
                f"{self.name}: does not support {config.pixel_format}, it gives {name}; set camera.pixel_format to auto"
            )

    def _image(self, pixels: NDArray[Any]) -> Image | YuvPicture | None:
        """Return the picture; None if it is damaged. Raises `SourceError` if it has another form than expected."""
        if self._jpeg is not None and not _is_picture(pixels):
            return self._jpeg.decode(pixels.tobytes(), self.name)
        if self._grey:
            size = (int(self._device.get(cv2.CAP_PROP_FRAME_HEIGHT)), int(self._device.get(cv2.CAP_PROP_FRAME_WIDTH)))
            values = _raw_grey(pixels, size)
            if values is None:
                raise SourceError(
                    f"{self.name}: does not give the requested grey format; set camera.pixel_format to auto"
                )
            pixels = values
        if pixels.dtype == np.uint16 and pixels.size:
            self._bits = max(self._bits, picture.depth_bits(int(pixels.max())))
            pixels = picture.to_8_bit(pixels, self._bits)
        return picture.camera_picture(pixels, self.name)

    def _gives_jpeg(self) -> bool:
        """Return whether the camera gives JPEG pictures, and ask OpenCV for them as they are."""
        given = int(self._device.get(cv2.CAP_PROP_FOURCC))
        return given in JPEG_FORMATS and self._device.set(cv2.CAP_PROP_CONVERT_RGB, 0)

    def _release(self) -> None:
        self._device.release()


def _is_picture(pixels: NDArray[Any]) -> bool:
    """Return whether `pixels` are a picture already, not the bytes of a JPEG in one row."""
    return pixels.ndim > 2 or (pixels.ndim == 2 and pixels.shape[0] > 1)


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
    """Return the N of /dev/videoN for `source`, N or a path. Raises `SourceError`, `AbsentError` if it may come."""
    path = root / (camera_device(source) or source).lstrip("/")
    device = f"/{path.relative_to(root)}"
    if not path.exists():
        raise AbsentError(f"{device}: no such camera; {_available(root)}; check its cable; {CSI_HINT}")
    match = re.fullmatch(r"video(\d+)", path.resolve().name)
    if match is None:
        raise SourceError(f"{device}: is not a V4L2 camera; {_available(root)}")
    if not os.access(path, os.R_OK | os.W_OK):
        raise AbsentError(
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
