"""Decodes one video stream with FFmpeg, in the order in which the frames are shown. Clips and URLs use it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.plane import VideoPlane
from av.video.stream import VideoStream

from driver_monitor.capture.recordings.timeline import Timeline
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Image, YuvPicture, rotate
from driver_monitor.imaging.picture import as_image, check_size

NOT_VIDEO = frozenset({"tty", "lavfi"})
"""FFmpeg formats that turn any text into pictures: a text file is not a clip."""
PLANAR = frozenset(f"yuv{range_}{size}p" for range_ in ("", "j") for size in ("420", "422", "444"))
"""FFmpeg formats with planes of 8 bits. The first plane is the grey picture."""
FULL_RANGE = 2
"""FFmpeg's AVCOL_RANGE_JPEG: grey levels 0 to 255, as in `yuvj` formats. Others: 16 is black and 235 is white."""
_STRETCHED = np.clip(np.round((np.arange(256) - 16) * 255 / 219), 0, 255).astype(np.uint8)
OLD_PYAV = int(av.__version__.partition(".")[0]) < 19
"""Whether PyAV is older than 19. There, metadata that is not UTF-8 is an error. PyAV 19 has its own fraction class."""


def open_container(where: str, **options: Any) -> InputContainer:
    """Open `where`, a file or URL; `options` go to `av.open`. Raises `av.FFmpegError`, `OSError` or `ValueError`."""
    if OLD_PYAV:
        options["metadata_errors"] = "replace"
    container: InputContainer = av.open(where, **options)
    return container


class Decoded(NamedTuple):
    """A decoded picture. `t`: seconds since the first one. `sequence`: its number among all decoded frames, from 0."""

    picture: Image | YuvPicture
    t: float
    sequence: int


class Decoder:
    """Decodes the first video stream of a container; cover pictures are ignored. `close` closes the container too.

    `every`: return every Nth frame. `where`: the name of the source in errors. `decoded`: number of frames decoded,
    returned or not. `damaged`: number of undecodable packets, which are skipped. `total`: number of frames that the
    container announces, or None. The constructor raises `SourceError` if there is no such stream, or no decoder for it.
    """

    def __init__(self, container: InputContainer, where: str, every: int = 1) -> None:
        self._container, self._where, self._every = container, where, every
        try:
            stream = _picture_stream(container, where)
        except BaseException:
            container.close()
            raise
        rate = _fraction(stream.average_rate) or _fraction(stream.guessed_rate)
        base = _fraction(stream.time_base) or Fraction(1, av.time_base)
        self._timeline = Timeline(base, float(rate) if rate else None)
        self._frames = self._decode(stream)
        self.decoded = self.damaged = 0
        self.total = stream.frames or None
        self._duration_s = container.duration / av.time_base if container.duration else None

    @property
    def duration_s(self) -> float | None:
        """Length that the container announces, seconds. None: not announced, or wrong because time stamps jumped."""
        return None if self._timeline.jumped else self._duration_s

    def next(self) -> Decoded | None:
        """Return the next picture that `every` selects, turned as the container says; None at the end.

        Raises `av.FFmpegError` if the container cannot be read, `SourceError` if a picture is too small or too large.
        """
        for frame in self._frames:
            sequence = self.decoded
            self.decoded += 1
            t = self._timeline.at(frame.pts)
            if sequence % self._every == 0:
                return Decoded(self._picture(frame), t, sequence)
        return None

    def _picture(self, frame: VideoFrame) -> Image | YuvPicture:
        check_size(frame.width, frame.height, self._where)
        # The display matrix counts counter-clockwise.
        degrees = round(-frame.rotation / 90) * 90 % 360
        grey = len(frame.format.components) == 1 and not frame.format.has_palette

        def converted() -> Image:
            return as_image(frame.to_ndarray(format="gray" if grey else "bgr24"))

        if frame.format.name not in PLANAR:
            return rotate(converted(), degrees)
        y, u, v = (_plane(plane) for plane in frame.planes)
        if frame.color_range != FULL_RANGE and not frame.format.name.startswith("yuvj"):
            y = np.asarray(cv2.LUT(y, _STRETCHED), np.uint8)
        picture = YuvPicture(y, u, v, converted)
        return picture.rotated(degrees) if degrees else picture

    def close(self) -> None:
        """Release the decoder. Must not be called while another thread is in `next`."""
        self._frames.close()
        self._container.close()

    def _decode(self, stream: VideoStream) -> Generator[VideoFrame, None, None]:
        for packet in self._packets(stream):
            try:
                yield from packet.decode()
            except av.error.EOFError:
                return
            except av.FFmpegError:
                self.damaged += 1

    def _packets(self, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        while True:
            try:
                yield from self._container.demux(stream)
            except IndexError:
                # PyAV fails on a packet of a stream that appeared after opening. Another call skips this packet.
                continue
            return


def _picture_stream(container: InputContainer, where: str) -> VideoStream:
    if container.format.name in NOT_VIDEO:
        raise SourceError(f"{where}: is text, not a video; give a video file")
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            if stream.codec_context is None:
                raise SourceError(f"{where}: no decoder for its picture stream; convert it to H.264 (MP4)")
            return stream
    if not container.streams:
        raise SourceError(f"{where}: holds no stream at all: cut off or damaged; copy it again")
    raise SourceError(f"{where}: has no picture, only sound or text; give a file with a video stream")


def _plane(plane: VideoPlane) -> Image:
    rows = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    return np.ascontiguousarray(rows[: plane.height, : plane.width])


def _fraction(value: Any) -> Fraction | None:
    """Return a fraction of any PyAV version as Python's; None if it is missing or its denominator is 0."""
    return Fraction(value.numerator, value.denominator) if value is not None and value.denominator else None


def reason(error: Exception) -> str:
    """Return FFmpeg's text for `error`, or ours for a timeout or if it has none. No URL: it may hold a password."""
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or "cannot be decoded").rstrip(".").lower()
