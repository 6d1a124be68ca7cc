"""Reads single pictures, and folders of pictures as sources of frames."""

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

from driver_monitor.capture.camera import Clock, GuardedCamera, RecordingFacts, Wait
from driver_monitor.capture.decoded_picture import JpegDecoder
from driver_monitor.capture.recordings.pacing import Pacing, RealTimePacer, SlowCheck
from driver_monitor.errors import SourceError
from driver_monitor.imaging import picture
from driver_monitor.imaging.frame import Frame, Image
from driver_monitor.imaging.library_messages import collect_decoder_messages, damage

_log = logging.getLogger(__name__)

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm", ".ppm"})
"""Endings of picture files. Other files in a folder (labels, notes) are ignored."""
MAX_BYTES = 200_000_000
"""A larger file is refused (ours): the largest accepted picture has 150 MB uncompressed (`picture.MAX_PIXELS`)."""
JPEG_BEGIN, JPEG_END = b"\xff\xd8", b"\xff\xd9"
"""The markers SOI and EOI (ITU-T T.81, table B.1)."""
LARGE_JPEG_BYTES = 4_000_000
"""A larger JPEG file may hold more pixels than fit in memory, so its size in pixels is checked before decoding."""


class FolderCamera(GuardedCamera):
    """Plays a folder of pictures as a clip of `fps` frames per second, in natural order of their names (2 before 10).

    `pace`: as in `ClipCamera`. `every`: return every Nth picture; skipped ones are numbered and keep their time. So are
    unreadable pictures, which the log names. The constructor raises `SourceError` if the folder is unreadable or has no
    pictures, `read` at the end if no picture was readable.
    """

    def __init__(
        self,
        folder: Path,
        fps: float,
        *,
        pace: Pacing = "fast",
        every: int = 1,
        monotonic: Clock = time.monotonic,
        wait: Wait | None = None,
    ) -> None:
        self._files = list(enumerate(list_images(folder)))[::every]
        super().__init__(folder.name or str(folder), live=False, frames=len(self._files))
        self._folder, self._fps, self._next = folder, fps, 0
        self._slow = SlowCheck(str(folder))
        self._pacer = RealTimePacer(monotonic, wait or self._closed.wait) if pace == "real_time" else None

    def _read(self) -> Frame | None:
        while self._next < len(self._files):
            sequence, path = self._files[self._next]
            self._next += 1
            try:
                image = read_image(path)
            except SourceError as error:
                self.damaged += 1
                _log.warning("%s; this picture is left out", error)
                continue
            t = sequence / self._fps
            self._slow.update(t)
            return Frame(image, t, sequence, self.name, self._pacer.wait_until(t) if self._pacer else None)
        self._slow.judge()
        if self.damaged == len(self._files):
            raise SourceError(f"{self._folder}: no picture in this folder can be read; copy it again")
        return None

    def facts(self) -> RecordingFacts:
        """See `Camera.facts`."""
        return RecordingFacts(self._fps, "option", len(self._files), self._next, self.damaged)


def list_images(folder: Path) -> list[Path]:
    """Return picture paths, 2 before 10, none hidden. Raises `SourceError` if none is found or on read errors."""
    try:
        found = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
    except OSError as error:
        raise SourceError(f"{folder}: cannot read this folder: {error.strerror}; check the path") from error
    if not found:
        raise SourceError(f"{folder}: no pictures in this folder; it should hold {', '.join(sorted(SUFFIXES))} files")
    return sorted(found, key=_natural)


def read_image(path: Path) -> Image:
    """Read one picture as an `Image`: uint8, grey or BGR, upright, without alpha.

    A 16-bit picture is scaled to 8 bits by the bit depth that its brightest value needs. Raises `SourceError` for every
    fault, such as a missing file, a wrong size or a damaged part: decoders fill it with grey or with stripes, which
    must not be taken for a driver. Not found: lost details of a progressive JPEG, and wrong values in BMP, PGM and PPM.
    """
    data = _read_bytes(path)
    _check_header_size(data, path)
    is_jpeg = data[:2].tobytes() == JPEG_BEGIN
    if is_jpeg and data.tobytes().rfind(JPEG_END) < 0:
        raise SourceError(f"{path}: this JPEG is cut off; copy it again")
    pixels, messages = _decode(data, cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    if pixels is None:
        raise SourceError(f"{path}: is not a picture, or is damaged; give a PNG or JPEG")
    fault = damage(messages)
    if fault is None and is_jpeg and JpegDecoder().damaged(data.tobytes()):
        fault = "a part of the JPEG is damaged"
    if fault is not None:
        raise SourceError(f"{path}: only partly readable ({fault}); copy it again")
    height, width = pixels.shape[:2]
    picture.check_size(width, height, str(path))
    if pixels.dtype == np.uint16:
        return picture.to_8_bit(pixels, picture.depth_bits(int(pixels.max())))
    if pixels.dtype != np.uint8:
        raise SourceError(f"{path}: has {pixels.dtype} values; save it with 8 or 16 bits per channel")
    return picture.as_image(pixels)


def _read_bytes(path: Path) -> NDArray[np.uint8]:
    try:
        if path.exists() and not path.is_dir() and not path.is_file():
            # Reading a pipe or a device may never end.
            raise SourceError(f"{path}: is not a regular file; give a PNG or JPEG")
        if path.is_file() and path.stat().st_size > MAX_BYTES:
            raise SourceError(f"{path}: too large: more than {MAX_BYTES // 1_000_000} MB; scale it down")
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read: {error.strerror}; check the path") from error
    if not data.size:
        raise SourceError(f"{path}: is empty; copy it again")
    return data


def _check_header_size(data: NDArray[np.uint8], path: Path) -> None:
    """Check the size of a PNG or a large JPEG before decoding: it could fill the memory. Raises `SourceError`."""
    if data[:8].tobytes() == b"\x89PNG\r\n\x1a\n" and data.size >= 24:
        width, height = struct.unpack(">II", data[16:24].tobytes())
        picture.check_size(width, height, str(path))
    elif data[:2].tobytes() == JPEG_BEGIN and data.size > LARGE_JPEG_BYTES:
        small, _ = _decode(data, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        if small is not None:
            picture.check_size(small.shape[1] * 8, small.shape[0] * 8, str(path))


def _decode(data: NDArray[np.uint8], flags: int) -> tuple[NDArray[Any] | None, list[str]]:
    """Return the pixels, None if they cannot be decoded, and the decoder's messages. `flags`: of `cv2.imdecode`."""
    with picture.quiet_opencv(), collect_decoder_messages() as messages:
        try:
            pixels: NDArray[Any] | None = cv2.imdecode(data, flags)
        except (cv2.error, MemoryError):
            pixels = None
    return pixels, messages


def _natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
