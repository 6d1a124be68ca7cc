"""Single pictures and folders of them."""

from __future__ import annotations

import logging
import re
import struct
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from driver_monitor.capture.camera import Clock, GuardedCamera, Wait
from driver_monitor.capture.recordings import decoder_noise
from driver_monitor.capture.recordings.pacing import Pace, RealTime
from driver_monitor.errors import SourceError
from driver_monitor.imaging import picture
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.imaging.picture import quiet_opencv

_log = logging.getLogger(__name__)

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})
"""What a folder replay takes for pictures; other files beside them (labels, notes) are left alone."""
MAX_BYTES = 200_000_000
"""The largest picture we accept has 150 MB uncompressed."""
LARGE_JPEG_BYTES = 4_000_000
"""From this size on a JPEG may hold more pixels than fit in memory: its size is looked at first."""


class FolderCamera(GuardedCamera):
    """A folder of pictures as a clip of `fps` frames a second, in natural order of their names (2 before 10).

    Raises `SourceError`: no such folder, no pictures in it, or, while reading, the picture that cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        fps: float,
        *,
        pace: Pace = "fast",
        every: int = 1,
        monotonic: Clock = time.monotonic,
        wait: Wait | None = None,
    ) -> None:
        self._files = list(enumerate(list_images(folder)))[::every]
        super().__init__(folder_name(folder), live=False, frames=len(self._files))
        self._fps = fps
        self._pacer = RealTime(monotonic, wait or self._closed.wait) if pace == "real_time" else None
        self._given = 0

    def _read(self) -> Frame | None:
        if self._given == len(self._files):
            return None
        sequence, path = self._files[self._given]
        self._given += 1
        image = read_image(path)
        t = sequence / self._fps
        return Frame(image, t, sequence, self.name, self._pacer.release(t) if self._pacer else None)

    def _release(self) -> None:
        """Nothing is held open between two pictures."""


def folder_name(folder: Path) -> str:
    """Return a folder's name for people."""
    return folder.name or str(folder)


def list_images(folder: Path) -> list[Path]:
    """Return the pictures in `folder` in natural order. Raises `SourceError` if there are none."""
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"{folder}: cannot read this folder: {error.strerror}; check the path") from error
    if not found:
        raise SourceError(f"{folder}: no pictures in this folder; it should hold {', '.join(sorted(SUFFIXES))} files")
    return sorted(found, key=_natural)


def read_image(path: Path) -> Image:
    """Read one picture as an `Image`: uint8, grey stays grey, everything else BGR, upright, without alpha.

    16-bit pictures keep the upper eight bits of the depth they use. Raises `SourceError`.
    """
    data = _read_bytes(path)
    _check_announced_size(data, path)
    if data[:2].tobytes() == b"\xff\xd8" and data.tobytes().rfind(b"\xff\xd9") < 0:
        raise SourceError(f"{path}: this JPEG is cut off; copy it again")
    pixels, complaints = _decode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if pixels is None:
        raise SourceError(f"{path}: is not a picture that can be read, or is damaged; give a PNG or JPEG")
    damage = [line for line in complaints if "warning" not in line.casefold()]
    if damage:
        _log.warning("%s: read as far as it goes (%s); copy it again", path, damage[0])
    height, width = pixels.shape[:2]
    picture.check_size(width, height, str(path))
    if pixels.dtype == np.uint16:
        return picture.to_8_bit(pixels, picture.depth_bits(int(pixels.max())))
    if pixels.dtype != np.uint8:
        raise SourceError(f"{path}: holds {pixels.dtype} values; save it with 8 or 16 bits a channel")
    return picture.as_image(pixels)


def _read_bytes(path: Path) -> NDArray[np.uint8]:
    try:
        if path.exists() and not path.is_dir() and not path.is_file():
            # a pipe or a device might never come to its end
            raise SourceError(f"{path}: is not a regular file; give a PNG or JPEG")
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path}: more than {MAX_BYTES // 1_000_000} MB is too large for a picture")
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    if not data.size:
        raise SourceError(f"{path}: is empty; copy it again")
    return data


def _check_announced_size(data: NDArray[np.uint8], path: Path) -> None:
    """Refuse a picture that would fill the memory before it is decoded."""
    if data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and data.size >= 24:
        width, height = struct.unpack(">II", data[16:24].tobytes())
        picture.check_size(width, height, str(path))
    elif data[:2].tobytes() == b"\xff\xd8" and data.size > LARGE_JPEG_BYTES:
        small, _ = _decode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        if small is not None:
            picture.check_size(small.shape[1] * 8, small.shape[0] * 8, str(path))


def _decode(data: NDArray[np.uint8], flags: int) -> tuple[NDArray[Any] | None, list[str]]:
    """Return the pixels, None if there are none, and what the decoder had to say."""
    with quiet_opencv(), decoder_noise.caught() as complaints:
        try:
            pixels: NDArray[Any] | None = cv2.imdecode(data, flags)
        except (cv2.error, MemoryError):
            pixels = None
    return pixels, complaints


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
