"""Reads a clip as a source of frames, in the order shown, for replays or instead of a camera."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from driver_monitor.capture.camera import Clock, GuardedCamera, RecordingFacts, Wait
from driver_monitor.capture.recordings.pacing import Pacing, RealTimePacer, SlowCheck
from driver_monitor.capture.recordings.timeline import DEFAULT_RATE
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame

if TYPE_CHECKING:  # FFmpeg's libraries are large, and a daemon with a camera needs none
    from driver_monitor.capture.recordings import decoder

_log = logging.getLogger(__name__)


class ClipCamera(GuardedCamera):
    """Reads a clip with FFmpeg. The time `t` of a frame counts from the clip's first frame.

    `pace`: "fast" returns frames as fast as they are decoded and reads no clock (`t_mono` None). "real_time" returns
    each frame at its time in the clip. `every`: return every Nth frame; skipped frames are numbered too.
    `fps`, `track`: see `Decoder`. The log says if the rate is unknown, `fps` is not used, or frames come too slowly.
    If the clip is cut off or damaged, the frames that can be decoded are returned. After the last one, `warning` and
    the log say what is missing. Otherwise `warning` is None. The constructor raises `SourceError` if the file is
    missing or not a video, or no frame of it can be decoded. `read` raises it if a picture is too small or too large.
    """

    def __init__(
        self,
        path: Path,
        *,
        pace: Pacing = "fast",
        every: int = 1,
        fps: float | None = None,
        track: int | None = None,
        monotonic: Clock = time.monotonic,
        wait: Wait | None = None,
    ) -> None:
        self._where = str(path)
        self._decoder = open_clip(path, every, fps, track)
        self._slow = SlowCheck(self._where)
        total = self._decoder.total
        super().__init__(path.name, live=False, frames=None if total is None else -(-total // every))
        self.warning: str | None = None
        self._pacer = RealTimePacer(monotonic, wait or self._closed.wait) if pace == "real_time" else None
        self._ended, self._last_t = False, 0.0
        try:
            self._ahead = self._next()
            if self._ahead is None:
                raise SourceError(f"{path}: no frame can be decoded: damaged or cut off; copy it again")
        except SourceError:
            self.close()
            raise
        self._check_rate(fps)

    def facts(self) -> RecordingFacts:
        """See `Camera.facts`."""
        decoder = self._decoder
        rate, rest = decoder.rate, (decoder.total, decoder.decoded, decoder.damaged)
        if rate is not None:
            return RecordingFacts(rate, "option" if decoder.uses_fps else "stream", *rest)
        return RecordingFacts(None, None, *rest) if decoder.timed else RecordingFacts(DEFAULT_RATE, "assumed", *rest)

    def _check_rate(self, fps: float | None) -> None:
        if fps is not None and not self._decoder.uses_fps:
            _log.warning("%s: has a frame rate of its own; --fps is not used", self._where)
        if self._decoder.rate is None and not self._decoder.timed:
            _log.warning(
                "%s: its frame rate is unknown, so %g frames a second are assumed; if that is wrong, all times are; "
                "give the rate with --fps",
                self._where, DEFAULT_RATE,
            )  # fmt: skip

    def _read(self) -> Frame | None:
        frame, self._ahead = self._ahead or self._next(), None
        if frame is None or self._pacer is None:
            return frame
        return Frame(frame.picture, frame.t, frame.sequence, frame.source, self._pacer.wait_until(frame.t))

    def _next(self) -> Frame | None:
        if self._ended:
            return None
        decoded, fault = self._decoder.next_or_fault()
        self.damaged = self._decoder.damaged
        if decoded is None:
            self._end(fault)
            return None
        self._last_t = decoded.t
        self._slow.update(decoded.t)
        return Frame(decoded.picture, decoded.t, decoded.sequence, self.name)

    def _end(self, fault: str | None) -> None:
        self._ended = True
        self._slow.judge()
        self.warning = self._decoder.missing(self._last_t, fault)
        if self.warning is not None:
            _log.warning("%s", self.warning)

    def _release(self) -> None:
        self._decoder.close()


def open_clip(path: Path, every: int = 1, fps: float | None = None, track: int | None = None) -> decoder.Decoder:
    """Return a decoder at the first frame of a clip; for the arguments see `Decoder`. Raises `SourceError`."""
    from driver_monitor.capture.recordings import decoder

    try:
        check_clip(path)
        # With "file:", a colon in a name does not start a protocol. With the whitelist, a playlist uses no network.
        container = decoder.open_container(f"file:{path}", options={"protocol_whitelist": "file"})
    except (*decoder.FAULTS, ValueError) as error:
        why = (
            f"{path}: cannot be opened as a video ({decoder.reason(error)}): damaged, cut off, or another kind of file"
        )
        raise SourceError(f"{why}; convert it to MP4 or copy it again") from error
    return decoder.Decoder(container, str(path), every, fps, track)


def check_clip(path: Path) -> None:
    """Raise `SourceError` unless `path` is a readable regular file that is not empty. The file is not opened."""
    if path.is_dir():
        raise SourceError(f"{path}: is a folder, not a clip")
    if not path.exists():
        raise SourceError(f"{path}: no such file; check the path")
    if not path.is_file():
        raise SourceError(f"{path}: is not a regular file; give a video file")
    if not os.access(path, os.R_OK):
        raise SourceError(f"{path}: may not be read by this user; check its permissions")
    if path.stat().st_size == 0:
        raise SourceError(f"{path}: is empty; copy it again")
