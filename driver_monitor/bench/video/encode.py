"""Encodes pictures with their times as an MP4 file, with FFmpeg."""

from __future__ import annotations

from fractions import Fraction
from types import TracebackType
from typing import BinaryIO

import av
import cv2
import numpy as np
from av.container import OutputContainer
from av.video.stream import VideoStream

from driver_monitor.errors import OutputError
from driver_monitor.imaging.frame import Image

TICKS = 60_000
"""Units of a time stamp in a second: the times of usual rates are exact, others good to 9 microseconds. MPEG-4 part 2
has at most 65,535."""
CODECS: dict[str, dict[str, str]] = {
    # One thread: the same clip gives the same bytes on machines with other numbers of cores, and `--jobs` fills them.
    "libx264": {"preset": "veryfast", "crf": "23", "threads": "1"},
    "mpeg4": {"b": "4000000", "threads": "1"},
}
"""Encoders in order of preference, with their options. PyAV's wheels for x86-64 and aarch64 have both; a PyAV that was
built with an FFmpeg without GPL parts has only the second one."""
COMMENT = "Shows a person: pass it on only with that person's consent"


class Mp4Writer:
    """Writes one video without sound into a file. `rate`: usual frames per second; the times are those of the frames.

    The first frame sets the size. `close`, or leaving the `with` block, writes what is still in the encoder. Raises
    `OSError` from the file, `OutputError` if FFmpeg has no encoder or refuses the pictures.
    """

    def __init__(self, file: BinaryIO, rate: float) -> None:
        self._container: OutputContainer = av.open(file, "w", format="mp4")
        self._container.metadata["comment"] = COMMENT
        self._rate = Fraction(rate).limit_denominator(1001)
        self._stream: VideoStream | None = None
        self._last = -1

    def __enter__(self) -> Mp4Writer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None:
            self.close()

    def write(self, picture: Image, t: float) -> None:
        """Encode a BGR `picture` (H, W, 3), H and W even. `t`: its time, seconds, not before that of the last one."""
        if self._stream is None:
            self._stream = self._open(picture.shape[1], picture.shape[0])
        # OpenCV does it in an eighth of the time of FFmpeg.
        planes = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        # Two frames of one time are both kept: every frame of the clip is in the video.
        self._last = frame.pts = max(round(t * TICKS), self._last + 1)
        frame.time_base = Fraction(1, TICKS)
        self._mux(frame)

    def close(self) -> None:
        """Encode what is left and complete the file."""
        if self._stream is not None:
            self._mux(None)
        self._container.close()

    def _open(self, width: int, height: int) -> VideoStream:
        name = next((name for name in CODECS if name in av.codecs_available), None)
        if name is None:
            raise OutputError(f"video: this PyAV has no encoder {' or '.join(CODECS)}; install PyAV's own wheel")
        stream = self._container.add_stream(name, rate=self._rate, options=CODECS[name])
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        return stream

    def _mux(self, frame: av.VideoFrame | None) -> None:
        assert self._stream is not None
        try:
            packets = self._stream.encode(frame)
        except av.FFmpegError as error:
            raise OutputError(f"video: cannot encode a frame: {error.strerror}; omit --video") from error
        self._container.mux(packets)
