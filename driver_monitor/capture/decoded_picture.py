"""Makes pictures of FFmpeg's decoded frames: with square pixels, upright, and without a copy in colour until asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from driver_monitor.imaging.frame import Image, YuvPicture, rotate, stretch
from driver_monitor.imaging.picture import as_image, check_size

if TYPE_CHECKING:  # FFmpeg's libraries are large, and a camera without JPEG needs none
    from av.video.codeccontext import VideoCodecContext
    from av.video.frame import VideoFrame
    from av.video.plane import VideoPlane

PLANAR = frozenset(f"yuv{range_}{size}p" for range_ in ("", "j") for size in ("420", "422", "444"))
"""FFmpeg formats with planes of 8 bits. The first plane is the grey picture."""
FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG: grey levels 0 to 255, as in `yuvj` formats. Others: 16 is black and 235 is white."""
BLACK, WHITE = 16, 235
REFUSE_DAMAGE = {"err_detect": "explode"}
"""FFmpeg's option to refuse a damaged JPEG, and not to fill its missing part with grey. Stray bytes between the parts
of a JPEG, which many webcams write, are no damage."""


def picture_of(frame: VideoFrame, where: str, factors: tuple[float, float] = (1.0, 1.0)) -> Image | YuvPicture:
    """Return the picture of a decoded frame, upright. `factors`: multiply its width and height, for square pixels.

    Raises `SourceError`, which begins with `where`, if the picture is too small or too large.
    """
    check_size(frame.width, frame.height, where)
    # The display matrix counts counter-clockwise.
    degrees = round(-frame.rotation / 90) * 90 % 360
    grey = len(frame.format.components) == 1 and not frame.format.has_palette

    def converted() -> Image:
        return as_image(frame.to_ndarray(format="gray" if grey else "bgr24"))

    if frame.format.name not in PLANAR:
        return rotate(stretch(converted(), factors), degrees)
    y, u, v = (_plane(plane) for plane in frame.planes)
    full = frame.color_range == FULL_RANGE or frame.format.name.startswith("yuvj")
    # The colour planes stay the decoder's own memory: they are needed a few times a second only.
    grey_plane = np.ascontiguousarray(y) if full else full_range(y)
    return YuvPicture(grey_plane, u, v, converted).stretched(factors).rotated(degrees)


def full_range(grey: Image, into: Image | None = None) -> Image:
    """Return the grey plane (H, W) of a video whose black is 16 and white 235 with levels from 0 to 255.

    Levels outside of 16 to 235 become 0 and 255. `into`: gets the result; it may be `grey` itself.
    """
    gain = 255 / (WHITE - BLACK)
    # OpenCV's only single pass that multiplies, adds and then cuts off at 0: 2.3 times as fast as a table.
    return np.asarray(cv2.addWeighted(grey, gain, grey, 0.0, -BLACK * gain, dst=into), np.uint8)


class JpegDecoder:
    """Decodes the single JPEG pictures of a camera. FFmpeg does it in half of OpenCV's time, and writes no messages."""

    def __init__(self) -> None:
        self._codec = _jpeg_codec(REFUSE_DAMAGE)

    def decode(self, data: bytes, where: str) -> Image | YuvPicture | None:
        """Return the picture in `data`; None if it is damaged. `where`: as in `picture_of`, which may raise."""
        import av

        try:
            frames = self._codec.decode(av.Packet(data)) if data else []
        except av.FFmpegError:
            return None
        return picture_of(frames[0], where) if frames and isinstance(frames[0], av.VideoFrame) else None

    def damaged(self, data: bytes) -> bool:
        """Return whether a part of the JPEG in `data` is damaged: FFmpeg decodes it only if it may fill in grey.

        False for a file that FFmpeg cannot decode at all, such as a rare kind of JPEG. FFmpeg and libjpeg each find
        faults that the other one does not: a part filled with zeros, or one wrong bit.
        """
        return not _decodes(self._codec, data) and _decodes(_jpeg_codec({}), data)


def _jpeg_codec(options: dict[str, str]) -> VideoCodecContext:
    from av.video.codeccontext import VideoCodecContext

    codec = VideoCodecContext.create("mjpeg", "r")
    assert isinstance(codec, VideoCodecContext)
    codec.options = dict(options)
    return codec


def _decodes(codec: VideoCodecContext, data: bytes) -> bool:
    import av

    try:
        return bool(codec.decode(av.Packet(data)))
    except av.FFmpegError:
        return False


def _plane(plane: VideoPlane) -> Image:
    """Return a view of the plane (H, W). It keeps the decoded frame in memory."""
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    pixels: Image = rows[: plane.height, : plane.width]
    return pixels
