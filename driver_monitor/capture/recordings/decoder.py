"""Decodes one video stream with FFmpeg, in the order in which the frames are shown. Clips and URLs use it."""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from driver_monitor.capture.decoded_picture import REFUSE_DAMAGE, picture_of
from driver_monitor.capture.recordings.timeline import Timeline, plausible
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Image, YuvPicture

_log = logging.getLogger(__name__)

NOT_VIDEO = frozenset({"tty", "lavfi"})
"""FFmpeg formats that turn any text into pictures: a text file is not a clip."""
NO_TIMES = 0x80
"""FFmpeg's AVFMT_NOTIMESTAMPS: a raw stream (H.264, H.265, MJPEG). Stamps of such a stream are made up."""
DECODING_TIMES = frozenset({"avi"})
"""FFmpeg formats that store no time to show a frame, only an order to decode. A frame that left the decoder at the
n-th place is shown at the n-th time."""
MISSING_S = 1.0
"""A recording that ends earlier than announced by more than this was cut off. In a smaller gap there may be only
sound."""
STRICT_TRIES = 5
"""So many packets are decoded with `REFUSE_DAMAGE` and give no frame: then all its pictures have a fault that
FFmpeg can do without, and the option is given up (ours)."""
SQUARE = 0.02
"""Pixels whose width and height differ by no larger share are shown as they are (ours)."""
MAX_STRETCH = 8.0
"""A sample aspect ratio above this, or below its inverse, is a damaged header (ours). Half-D1 has 2.2."""
FAULTS = (av.FFmpegError, OSError)
"""What opening and reading a container raise."""
OLD_PYAV = int(av.__version__.partition(".")[0]) < 19
"""Whether PyAV is older than 19. There, metadata that is not UTF-8 is an error. PyAV 19 has its own fraction class."""


def open_container(where: str, **options: Any) -> InputContainer:
    """Open `where`, a file or URL; `options` go to `av.open`. Raises `av.FFmpegError`, `OSError` or `ValueError`."""
    if OLD_PYAV:
        options["metadata_errors"] = "replace"
    container: InputContainer = av.open(where, **options)
    return container


class Decoded(NamedTuple):
    """A decoded picture. `t`: seconds since the first one. `sequence`: its number among all decoded frames, from 0.

    `stamp`: its time in units of the stream, None: it has none. `key`: decoding can begin with it.
    """

    picture: Image | YuvPicture
    t: float
    sequence: int
    stamp: int | None
    key: bool


class Decoder:
    """Decodes one video track of a container; cover pictures are ignored. `close` closes the container too.

    `every`: return every Nth frame. `fps`: frames per second if the stream gives no rate. `track`: number of the video
    track, from 1; None: the first, and if there are more, the log says so. `where`: the name of the source in errors.
    `threads`: with more than one, decoding takes 2 to 8 % more processor time, which other jobs then lack; 0: FFmpeg
    decides.

    `decoded`: number of frames decoded, returned or not. `damaged`: number of undecodable packets and, of MJPEG, of
    pictures with damaged parts; they are skipped. `total`: number of frames that the container announces, or None.
    `timed`: the container has time stamps. `rate`: frames per second, from the stream or from `fps`; None: not known.
    `uses_fps`: `fps` is used. The constructor raises `SourceError` if there is no such track, or no decoder for it.
    """

    def __init__(
        self,
        container: InputContainer,
        where: str,
        every: int = 1,
        fps: float | None = None,
        track: int | None = None,
        threads: int = 1,
    ) -> None:
        self._container, self._where, self._every = container, where, every
        try:
            stream = _picture_stream(container, where, track)
        except BaseException:
            container.close()
            raise
        stream.codec_context.thread_count = threads
        self.timed = not container.format.flags & NO_TIMES
        self._by_decoding = container.format.name in DECODING_TIMES
        own = _own_rate(stream, self.timed)
        self.rate = own or fps
        self.uses_fps = own is None and fps is not None
        base = _fraction(stream.time_base) or Fraction(1, av.time_base)
        self._timeline = Timeline(base, self.rate)
        self._stretch = _stretch(stream)
        self._stream = stream
        self._frames = self._decode(stream)
        self.decoded = self.damaged = 0
        self.total = stream.frames or None
        self._duration_s = container.duration / av.time_base if container.duration else None
        self._waiting: VideoFrame | None = None
        self._fault: av.FFmpegError | OSError | None = None

    @property
    def duration_s(self) -> float | None:
        """Length that the container announces, seconds. None: not announced, or wrong because time stamps jumped."""
        return None if self._timeline.jumped else self._duration_s

    def missing(self, last_t: float, fault: str | None = None) -> str | None:
        """Return a line that says what the decoded stream lacks at its end; None: nothing, or no frame was decoded.

        `last_t`: seconds, time of the last frame. `fault`: reason why the container could not be read further.
        """
        faults = [fault] if fault else []
        if self.damaged:
            faults.append(f"{self.damaged} damaged packets left out")
        duration = self.duration_s
        if self.total is not None and self.decoded < self.total:
            faults.append(f"{self.total} frames were announced")
        elif self.total is None and duration is not None and duration - last_t > MISSING_S:
            faults.append(f"{duration:.1f} s were announced")
        if not faults or not self.decoded:
            return None
        return f"{self._where}: ends after {self.decoded} frames: {'; '.join(faults)}"

    def next(self) -> Decoded | None:
        """Return the next picture that `every` selects, turned as the container says; None at the end.

        Raises `av.FFmpegError` if the container cannot be read, `SourceError` if a picture is too small or too large.
        """
        while (frame := self._take()) is not None:
            sequence = self.decoded
            self.decoded += 1
            t = self._timeline.at(self._stamp(frame), self._stamp(self._waiting))
            if sequence % self._every == 0:
                picture = picture_of(frame, self._where, self._stretch)
                return Decoded(picture, t, sequence, self._stamp(frame), frame.key_frame)
        return None

    def seek(self, stamp: int) -> None:
        """Go to the last key frame at or before `stamp`, as the container has it. `next` returns what comes then.

        From then on, `t` and `sequence` mean nothing. Raises `av.FFmpegError` or `OSError`.
        """
        self._frames.close()
        self._waiting = self._fault = None
        self._container.seek(stamp, stream=self._stream)
        self._frames = self._decode(self._stream)

    def next_or_fault(self) -> tuple[Decoded | None, str | None]:
        """Return what `next` returns, and None; or None and the reason why the container cannot be read further."""
        try:
            return self.next(), None
        except FAULTS as error:
            return None, reason(error)

    def _take(self) -> VideoFrame | None:
        """Return the next frame. Of a recording, also decode the frame after it, for the time line."""
        frame, self._waiting = self._waiting or self._decoded(), None
        if frame is not None and self.timed and self._duration_s is not None:
            try:
                self._waiting = self._decoded()
            except FAULTS as error:
                self._fault = error
        return frame

    def _decoded(self) -> VideoFrame | None:
        if self._fault is not None:
            fault, self._fault = self._fault, None
            raise fault
        return next(self._frames, None)

    def _stamp(self, frame: VideoFrame | None) -> int | None:
        if frame is None or not self.timed:
            return None
        return frame.dts if self._by_decoding else frame.pts

    def close(self) -> None:
        """Release the decoder. Must not be called while another thread is in `next`."""
        self._frames.close()
        self._container.close()

    def _decode(self, stream: VideoStream) -> Generator[VideoFrame, None, None]:
        context: VideoCodecContext = stream.codec_context
        if context.name == "mjpeg":
            context.options = {**context.options, **REFUSE_DAMAGE}
        strict = context.name == "mjpeg"
        for packet in self._packets(stream):
            try:
                for frame in context.decode(packet):
                    strict = False
                    yield frame
            except av.error.EOFError:
                return
            except av.FFmpegError:
                self.damaged += 1
                if strict and self.damaged == STRICT_TRIES:
                    context = VideoCodecContext.create("mjpeg", "r")

    def _packets(self, stream: VideoStream) -> Iterator[Packet[VideoStream]]:
        while True:
            try:
                yield from self._container.demux(stream)
            except IndexError:
                # PyAV fails on a packet of a stream that appeared after opening. Another call skips this packet.
                continue
            return


def _picture_stream(container: InputContainer, where: str, track: int | None) -> VideoStream:
    if container.format.name in NOT_VIDEO:
        raise SourceError(f"{where}: is text, not a video; give a video file")
    tracks = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not container.streams:
        raise SourceError(f"{where}: holds no stream at all: cut off or damaged; copy it again")
    if not tracks:
        raise SourceError(f"{where}: has no picture, only sound or text; give a file with a video stream")
    if track is not None and track > len(tracks):
        raise SourceError(f"{where}: has no video track {track}, only {len(tracks)}; change camera.track or --track")
    stream = tracks[(track or 1) - 1]
    if stream.codec_context is None:
        raise SourceError(f"{where}: no decoder for its picture stream; convert it to H.264 (MP4)")
    if track is None and len(tracks) > 1:
        sizes = ", ".join(f"{number}: {one.width}x{one.height}" for number, one in enumerate(tracks, 1))
        _log.warning(
            "%s: has %d video tracks (%s); track 1 is watched; choose with camera.track or --track",
            where, len(tracks), sizes,
        )  # fmt: skip
    return stream


def _own_rate(stream: VideoStream, timed: bool) -> float | None:
    """Return the frames per second that the stream gives; None if it gives none, or not a `plausible` one.

    `timed`: the container has stamps. A raw stream has a rate only in its own header (H.264 and H.265: VUI).
    """
    rates = (stream.average_rate, stream.guessed_rate) if timed else (stream.codec_context.framerate,)
    rate = next((rate for value in rates if (rate := _fraction(value))), None)
    return float(rate) if rate and plausible(float(rate)) else None


def _stretch(stream: VideoStream) -> tuple[float, float]:
    """Return the factors of width and height that make the pixels square. One is 1, so that no pixel is lost."""
    ratio = _fraction(stream.sample_aspect_ratio)
    if not ratio or not 1 / MAX_STRETCH <= ratio <= MAX_STRETCH or abs(ratio - 1) <= SQUARE:
        return 1.0, 1.0
    return (float(ratio), 1.0) if ratio > 1 else (1.0, float(1 / ratio))


def _fraction(value: Any) -> Fraction | None:
    """Return a fraction of any PyAV version as Python's; None if it is missing or its denominator is 0."""
    return Fraction(value.numerator, value.denominator) if value is not None and value.denominator else None


def reason(error: Exception) -> str:
    """Return FFmpeg's text for `error`, or ours for a timeout or if it has none. No URL: it may hold a password."""
    if isinstance(error, av.error.ExitError):
        return "no answer in time"
    return str(getattr(error, "strerror", None) or "cannot be decoded").rstrip(".").lower()
