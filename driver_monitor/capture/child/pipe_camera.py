"""Reads a camera through a program that writes pictures into a pipe: `rpicam`, `nvargus` or a command of the user."""

from __future__ import annotations

import time
from pathlib import Path
from typing import NoReturn

import numpy as np

from driver_monitor.capture.camera import Clock, GuardedCamera
from driver_monitor.capture.child.commands import command_of
from driver_monitor.capture.child.length_check import PAUSE_S, LengthCheck
from driver_monitor.capture.child.picture_clock import PictureClock
from driver_monitor.capture.child.picture_format import LONGEST_HEADER, MAGIC, PictureFormat, parse_header, square
from driver_monitor.capture.child.picture_times import FITTING, PictureTimes
from driver_monitor.capture.child.pipe_reader import PipeReader
from driver_monitor.capture.child.process import PATIENCE_S, ChildProcess
from driver_monitor.capture.decoded_picture import full_range
from driver_monitor.capture.exposure import warn_once
from driver_monitor.config.camera_program import CameraProgram
from driver_monitor.config.schema import CameraConfig
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame, Image, stretch

START_S = 8.0
"""Time limit for the first picture, with the header before it. A Raspberry Pi's camera starts within 2 s, a Jetson's
within 5 s (ours). It is less than the 11 s after which the daemon gives a read up (`grabber.STUCK_AFTER_S`)."""
LEAST_PERIODS = 2.0
"""A program hangs if it takes longer than `camera.lost_after_s` for a picture, and than so many of its periods. Of
these, at most `START_S` count: a stream may announce one picture an hour."""
PROOF_S = (0.5, 2.0)
"""Raw pictures are held back until their length is confirmed, at most for these times: as long as nothing speaks
against it, as for a program that writes without pauses; and as long as another length is suspected (ours)."""


class PipeCamera(GuardedCamera):
    """Starts the program of `source` and reads its pictures. Frames are grey (H, W).

    `t_mono`: of `rpicam` the time of the sensor, otherwise the time at which the picture began to arrive. The
    constructor raises `SourceError` if the program is missing. `read` raises it if the program gives no picture in
    time, ends, or gives pictures of another size than expected; `close` then ends the program. The capture thread opens
    a new camera, and so starts a new program.
    """

    def __init__(self, source: CameraProgram, config: CameraConfig, *, monotonic: Clock = time.monotonic) -> None:
        self._command = command_of(source, config)
        super().__init__(source.name, live=True, frames=None)
        if source.kind == "pipe" and config.exposure == "fixed":
            warn_once(f"{self.name}: camera.exposure has no effect on a command of your own; set it in the command")
        self._lost_after_s = config.lost_after_s
        self._clock, self._sequence, self._start = PictureClock(), 0, 0.0
        self._form = None if self._command.marked else self._command.expected
        self._length = LengthCheck(self._form.bytes) if self._form else None
        self._wrong_bytes: int | None = None
        self._hangs = False
        self._monotonic, self._start_by = monotonic, 0.0
        self._spare = bytearray()
        self._child = ChildProcess(self._command)
        self._times = PictureTimes(self._child.times) if self._command.times else None
        self._reader = PipeReader(self._child.pictures, PAUSE_S, self._paused, self._idle, monotonic=monotonic)

    @property
    def pid(self) -> int:
        """The number of the child process."""
        return self._child.pid

    @property
    def calls(self) -> int:
        """Number of reads from the pipe so far, for measurements."""
        return self._reader.calls

    def _read(self) -> Frame | None:
        self._child.trim()
        first = self._sequence == 0
        self._start_by = self._start_by or self._monotonic() + START_S
        form = self._form = self._form or self._read_header()
        if form is None:
            return None
        grey, t_mono = self._next(form, START_S, self._left_s()) if first else self._next(form, self._limit_s(form))
        if first and grey is not None:
            self._check_announced_size(form)
            begin = self._reader.first_byte
            while grey is not None and self._unproved(form, self._reader.first_byte - begin):
                self._clock.begin()
                grey, t_mono = self._next(form, self._limit_s(form))
            self._start = t_mono
        if grey is None:
            return None
        sequence, self._sequence = self._sequence, self._sequence + 1
        return Frame(_seen(grey, form), t_mono - self._start, sequence, self.name, t_mono)

    def _release(self) -> None:
        self._child.stop(0.0 if self._hangs else PATIENCE_S)

    def _limit_s(self, form: PictureFormat) -> float:
        """Return how long the next picture may take, seconds."""
        return max(self._lost_after_s, min(START_S, LEAST_PERIODS / form.rate) if form.rate else 0.0)

    def _left_s(self) -> float:
        """Return how long the first picture may still take, seconds."""
        return max(0.0, self._start_by - self._monotonic())

    def _next(self, form: PictureFormat, limit_s: float, left_s: float | None = None) -> tuple[Image | None, float]:
        """Return the grey plane of the next picture and its time, monotonic seconds. None: the camera is closed.

        `left_s`: what is left of `limit_s`; None: all.
        """
        grey: Image = np.empty((form.height, form.width), np.uint8)
        if not self._spare:
            self._spare = bytearray(len(form.mark) + form.colour_bytes)
        spare, begin = memoryview(self._spare), len(form.mark)
        parts = [part for part in (spare[:begin], grey.data.cast("B"), spare[begin:]) if part]
        got = self._reader.fill(parts, limit_s if left_s is None else left_s)
        if self._closed.is_set():
            return None, 0.0
        self._check_length(form)
        if got < form.bytes:
            self._fail(limit_s, f" after {got} of the {form.bytes} bytes of a {form.size} picture" if got else "")
        if spare[:begin] != form.mark:
            raise SourceError(
                f"{self.name}: its pictures are not as long as those of {form.size}, which its header gives; "
                f"{self._command.advice}"
            )
        own_s = self._times.next() if self._times else None
        return grey, self._clock.at(own_s, self._reader.first_byte)

    def _read_header(self) -> PictureFormat | None:
        """Return the form that the stream's first line gives; None: the camera is closed. Raises `SourceError`."""
        line, byte = b"", bytearray(1)
        while not line.endswith(b"\n") and len(line) < LONGEST_HEADER and MAGIC.startswith(line[: len(MAGIC)]):
            got = self._reader.fill([memoryview(byte)], self._left_s())
            if self._closed.is_set():
                return None
            if not got:
                self._fail(START_S, "")
            line += byte
        if not line.startswith(MAGIC) and self._reader.wait(PAUSE_S):
            more = bytearray(LONGEST_HEADER)
            line += more[: self._reader.fill([memoryview(more)], PAUSE_S)]
        form, asked = parse_header(line, self.name, self._command.hide_secrets), self._command.expected
        if asked is not None and asked.size != form.size:
            self._wrong_size(form.size, asked.size)
        return form

    def _check_announced_size(self, form: PictureFormat) -> None:
        """Raise `SourceError` if the program has said on stderr that its pictures have another size."""
        pattern = self._command.stream_size
        sizes = pattern.findall(self._child.written()) if pattern else []
        if sizes and (size := b"x".join(sizes[-1]).decode()) != form.size:
            self._wrong_size(size, form.size)

    def _wrong_size(self, given: str, asked: str) -> NoReturn:
        raise SourceError(
            f"{self.name}: gives pictures of {given}, not of {asked}; set camera.width and camera.height to a size "
            "that the camera has"
        )

    def _check_length(self, form: PictureFormat) -> None:
        if self._wrong_bytes is not None:
            self._check_announced_size(form)
            raise SourceError(
                f"{self.name}: gives pictures of {self._wrong_bytes} bytes{form.likely_size(self._wrong_bytes)}, but "
                f"those of {form.size} have {form.bytes}; name the size and the format that it gives"
            )

    def _check_number(self, form: PictureFormat) -> None:
        """Raise `SourceError` if times came for far more or far fewer pictures than were read: they have another size.

        On a computer with too much to do, the pauses do not show it.
        """
        ratio = self._times.per_picture if self._times is not None else None
        if ratio is not None and not FITTING[0] < ratio < FITTING[1]:
            raise SourceError(
                f"{self.name}: gives pictures of about {form.bytes / ratio:.0f} bytes, but those of {form.size} have "
                f"{form.bytes}; set camera.width and camera.height to a size that the camera has"
            )

    def _unproved(self, form: PictureFormat, held_s: float) -> bool:
        """Return whether raw pictures must still be held back, because they may have another length."""
        doubtful = self._times is not None and self._times.doubtful
        if self._length is None or held_s > PROOF_S[self._length.suspected or doubtful]:
            return False
        self._reader.wait(PAUSE_S)
        self._check_length(form)
        self._check_number(form)
        return not (self._length.confirmed or (self._times is not None and self._times.fitting))

    def _paused(self, offset: int) -> None:
        if self._length is not None and self._wrong_bytes is None:
            self._wrong_bytes = self._length.pause(offset)

    def _idle(self) -> bool:
        self._child.trim()
        return self._closed.is_set()

    def _fail(self, limit_s: float, where: str) -> NoReturn:
        """Raise `SourceError`: the program has ended, or hangs."""
        if self._reader.ended:
            what = f"{Path(self._command.program).name} {self._child.end_text(where)}"
        else:
            self._hangs = True
            what = f"gave no picture for {limit_s:g} s{where}, it is started again{self._child.said()}"
        raise SourceError(f"{self.name}: {what}; {self._command.advice}")


def _seen(grey: Image, form: PictureFormat) -> Image:
    """Return the picture with levels from 0 to 255 and square pixels."""
    if form.limited:
        full_range(grey, into=grey)
    return stretch(grey, square(form.aspect))
