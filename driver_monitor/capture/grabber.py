"""Reads a camera in a thread: keeps only the newest frame, counts dropped frames, and reports the camera state."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable

from driver_monitor.capture.camera import Camera, Clock, SourceInfo, Wait
from driver_monitor.data.observation import CameraState
from driver_monitor.errors import DriverMonitorError, SourceError
from driver_monitor.imaging.frame import Frame
from driver_monitor.threads.worker import Worker

_log = logging.getLogger(__name__)

BACKOFF_S = (0.5, 10.0)
"""First and longest pause before a live camera is opened again. The pause doubles each time. USB finds a camera again
after about 1 s; Euro NCAP allows 10 s to report that it cannot see (as reported)."""
STUCK_AFTER_S = 11.0
"""A read or an open that takes longer counts as hanging for ever: OpenCV's V4L2 gives up after 10 s."""
FIRST_FRAME_S = 3.0
"""Without a first frame, a camera is not "lost" before this time. UVC cameras need one to three seconds to start their
stream. An alert at every start would teach people to ignore alerts."""
CLOSE_S = 0.4
"""Time limit of `close`. After it, a thread that hangs is left running; it is a daemon thread, and releases the camera
itself when its driver answers. A reload closes a camera within 0.5 s of the live loop's time."""

UNKNOWN = SourceInfo("camera", live=True)
"""What to expect of a source before it is open, if nothing is known. To open a recording again does no harm."""


class Grabber:
    """Reads a camera in its own thread and keeps only the newest frame.

    With `eager`, the constructor opens the camera and raises `SourceError` if that fails. Otherwise the thread opens
    it, which takes up to 10 s. Until then `name` and `live` are those of `expected` (see `open_source.check_source`).

    If the thread cannot open or read a live camera, it tries again until `close`. The sequence numbers then go on
    increasing. A live camera's `t` is `t_mono` minus `start`. Frames of a recording are passed on unchanged.
    An error in a recording, or any other error in the thread, ends the thread: see `failure` and `latest`.

    `captured`: number of frames read. `handed_out`: how many of them `latest` returned. `dropped`: how many a newer
    frame replaced before that. `reopened`: how often a camera was opened again. `lost_after_s`: see `state`. `start`:
    monotonic seconds at which a live camera's `t` is 0; None: now. `wait`: the pause before reopening, for tests.
    """

    def __init__(
        self,
        open_camera: Callable[[], Camera],
        lost_after_s: float,
        monotonic: Clock = time.monotonic,
        wait: Wait | None = None,
        start: float | None = None,
        eager: bool = True,
        expected: SourceInfo = UNKNOWN,
    ) -> None:
        self._open_camera, self._lost_after_s, self._monotonic = open_camera, lost_after_s, monotonic
        self._worker = Worker("capture", self._grab_until_closed, wake=self._wake, ended=self._ended)
        self._wait = wait or self._worker.wait
        self._changed = threading.Condition()
        self.captured = self.handed_out = self.dropped = self.reopened = 0
        self.fault: str | None = None
        """Why a live camera gives no frames at present, in one line. None: it gives some, or has not answered yet."""
        self._camera: Camera | None = None
        self._damaged_before = 0
        self._pending: Frame | None = None
        self._finished = self._had_error = self._ever_open = False
        self._next_sequence = self._offset = 0
        self._last_t = 0.0
        self.name, self.live = expected
        if eager:
            self._open()
        self._last_frame = monotonic()
        self._start = self._last_frame if start is None else start
        self._busy_since: float | None = None
        self._worker.start()

    def latest(self, timeout_s: float) -> Frame | None:
        """Return the newest frame, each only once. Wait for it at most `timeout_s` seconds. None: no new frame came.

        After the source's end or `close`, do not wait. Raises `SourceError` if the thread failed and no frame is left.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._pending or self._finished or self._worker.closing, timeout_s)
            if self._pending is None:
                if self._finished and self.failure is not None:
                    raise SourceError(self.failure)
                return None
            frame, self._pending = self._pending, None
            self.handed_out += 1
            return frame

    @property
    def state(self) -> CameraState:
        """The camera state: "lost" if no frame came for `lost_after_s`, else "ok".

        Before the first frame and the first error, the limit is at least `FIRST_FRAME_S`. A recording is always "ok":
        it may contain pauses, and an error in it is a `failure`. After `close`: "ok". The pipeline finds other states.
        """
        with self._changed:
            if not self.live or (self._finished and self.failure is None):
                return "ok"
            starting = self.captured == 0 and not self._had_error
            limit = max(self._lost_after_s, FIRST_FRAME_S) if starting else self._lost_after_s
            return "lost" if self._monotonic() - self._last_frame > limit else "ok"

    @property
    def ended(self) -> bool:
        """Whether the source has ended or was closed without a `failure`, and no frame waits for `latest`."""
        with self._changed:
            return self._finished and self._pending is None and self.failure is None

    @property
    def damaged(self) -> int:
        """Number of damaged pictures that were left out, of this camera and of those before it was opened again."""
        camera = self._camera
        return self._damaged_before + (camera.damaged if camera is not None else 0)

    @property
    def failure(self) -> str | None:
        """Why the capture thread failed, in one line, or None."""
        return self._worker.failure

    @property
    def stuck(self) -> bool:
        """Whether a read or open of a live camera takes over `STUCK_AFTER_S`. Only a restart of the process helps."""
        since = self._busy_since
        return self.live and since is not None and self._monotonic() - since > STUCK_AFTER_S

    def close(self) -> None:
        """Close the camera and end the thread. A thread that hangs for `CLOSE_S` is left running, and logged."""
        if not self._worker.close(CLOSE_S):
            _log.warning("%s: does not answer; its thread is left running", self.name)

    def _wake(self) -> None:
        self._worker.woken.set()
        camera = self._camera
        if camera is not None:
            camera.close()
        with self._changed:
            self._changed.notify_all()

    def _ended(self) -> None:
        self._busy_since = None
        with self._changed:
            self._finished = True
            self._changed.notify_all()
        self._close_camera()

    def _grab_until_closed(self) -> None:
        backoff, reported = BACKOFF_S[0], ""
        while not self._worker.closing:
            try:
                frame = self._read()
            except SourceError as error:
                if self._worker.closing:
                    return
                if not self.live:
                    raise
                # A camera may be away for hours: each error is logged once.
                level = logging.DEBUG if str(error) == reported else logging.WARNING
                _log.log(level, "%s%s", error, "" if self._ever_open else "; the daemon waits for it")
                self.fault = reported = str(error)
                self._had_error = True
                self._close_camera()
                self._wait(backoff)
                backoff = min(2 * backoff, BACKOFF_S[1])
                continue
            if frame is None:
                return
            if reported:
                _log.warning("%s: delivers frames%s", self.name, " again" if self.captured else "")
            backoff, reported, self.fault = BACKOFF_S[0], "", None
            self._keep(frame)

    def _read(self) -> Frame | None:
        """Read a frame; open the camera first if necessary. None: the recording has ended, or the grabber is closed.

        Raises `SourceError` if the camera cannot be opened or read, or if a live one gives no frame.
        """
        try:
            camera = self._camera
            if camera is None:
                self._busy_since = self._monotonic()
                camera = self._open()
                if self._worker.closing:
                    return None
            self._busy_since = self._monotonic()
            frame = camera.read()
        finally:
            # The pause before the next attempt is not spent in the camera's driver.
            self._busy_since = None
        if frame is None and self.live and not self._worker.closing:
            raise SourceError(f"{self.name}: the camera delivers no frames any more")
        return frame

    def _open(self) -> Camera:
        camera = self._camera = self._open_camera()
        self.name, self.live = camera.name, camera.live
        self.reopened += self._ever_open
        self._ever_open = True
        self._offset = self._next_sequence
        return camera

    def _keep(self, frame: Frame) -> None:
        now = self._monotonic()
        if self.live:
            frame = self._with_daemon_time(frame, now)
        with self._changed:
            self.captured += 1
            self.dropped += self._pending is not None
            self._pending = frame
            self._last_frame = now
            self._changed.notify_all()

    def _with_daemon_time(self, frame: Frame, now: float) -> Frame:
        t_mono = now if frame.t_mono is None else frame.t_mono
        self._last_t = max(self._last_t, t_mono - self._start)
        sequence = self._offset + frame.sequence
        self._next_sequence = sequence + 1
        return dataclasses.replace(frame, t=self._last_t, t_mono=t_mono, sequence=sequence)

    def _close_camera(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            self._damaged_before += camera.damaged
            with contextlib.suppress(DriverMonitorError):
                camera.close()
