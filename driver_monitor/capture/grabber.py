"""The capture thread: keeps the newest frame only, counts what it dropped, and says what is wrong with the camera."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType

from driver_monitor.capture.camera import (
    Camera,
    Clock,
    SourceInfo,
    Wait,
)
from driver_monitor.capture.freeze import FreezeDetector
from driver_monitor.data.observation import CameraState
from driver_monitor.errors import DriverMonitorError, SourceError
from driver_monitor.imaging.frame import Frame

_log = logging.getLogger(__name__)

BACKOFF_S = (0.5, 10.0)
"""First and longest pause before a live camera is opened again; it doubles in between. USB takes about a second to
find a camera that was plugged in again, and ten seconds are what Euro NCAP allows for saying that one is blind."""
STUCK_AFTER_S = 11.0
"""A read or an open that takes longer never returns: OpenCV's V4L2 gives up by itself after 10 s."""
FIRST_FRAME_S = 3.0
"""Before its first frame a camera is not lost for so long: UVC cameras take one to three seconds to start their
stream, and an alert at every start would teach people not to listen."""
CLOSE_S = 0.9
"""`close` waits so long for the thread; one that hangs is left behind (it is a daemon thread)."""

UNKNOWN = SourceInfo("camera", live=True)
"""What a source counts as before it is open when nothing is known of it: a camera is tried again, which does no harm
to a recording."""


class Grabber:
    """Reads a camera in a thread of its own.

    The camera is opened by the constructor, so that a wrong source is told at once (`SourceError`), or, with `eager`
    off, by the thread: that takes up to 10 s, for which nobody waits. `name` and `live` are then as `expected` (see
    `open_source.check_source`) until it is open. A live camera that fails, also at that first opening, is opened again
    and again; its frames are numbered on, and their `t` is `t_mono` less the grabber's start. The frames of a
    recording are passed on as they are, and one that fails is a `failure`. So is whatever else goes wrong in the
    thread: `latest` raises it, so that the daemon goes down instead of looking at nothing.

    `start`: monotonic seconds from which a live camera's `t` counts; None: now. `wait`: the pause before a camera is
    opened again; for tests.
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
        self._open_camera = open_camera
        self._lost_after_s = lost_after_s
        self._monotonic = monotonic
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._changed = threading.Condition()
        self._pending: Frame | None = None
        self._finished = False
        self._failure: str | None = None
        self._captured = self._handed_out = self._dropped = self._reopened = 0
        self._frozen = False
        self._freeze = FreezeDetector()
        self._next_sequence = 0
        self._offset = 0
        self._last_t = 0.0
        self._faulted = False
        self._camera: Camera | None = None
        self._ever_open = False
        self.name, self.live = expected
        if eager:
            self._open()
        self._last_frame = monotonic()
        self._start = self._last_frame if start is None else start
        self._busy_since: float | None = None
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    def latest(self, timeout_s: float) -> Frame | None:
        """Wait up to `timeout_s` for a frame that was not handed out yet; None if there is none by then.

        Returns at once at the end of the source. Raises `SourceError` when the capture thread has failed.
        """
        with self._changed:
            self._changed.wait_for(self._has_news, timeout_s)
            if self._pending is None:
                if self._failure is not None:
                    raise SourceError(self._failure)
                return None
            frame, self._pending = self._pending, None
            self._handed_out += 1
            return frame

    @property
    def state(self) -> CameraState:
        """ "lost" without a frame for `lost_after_s`, "frozen" when the picture stands still, else "ok".

        A recording is never lost: it may hold a pause or few frames a second, and what fails it is a `failure`.
        Before the first frame a camera that has not faulted gets `FIRST_FRAME_S`.
        """
        with self._changed:
            if not self.live or (self._finished and self._failure is None):
                return "ok"
            starting = self._captured == 0 and not self._faulted
            patience = max(self._lost_after_s, FIRST_FRAME_S) if starting else self._lost_after_s
            if self._monotonic() - self._last_frame > patience:
                return "lost"
            return "frozen" if self._frozen else "ok"

    @property
    def ended(self) -> bool:
        """Whether a finite source has ended and its last frame was handed out."""
        with self._changed:
            return self._finished and self._pending is None and self._failure is None

    @property
    def failure(self) -> str | None:
        """What killed the capture thread, in one line, or None."""
        return self._failure

    @property
    def stuck(self) -> bool:
        """Whether the driver hangs in a read or an open of a live camera; only a new process can help then."""
        since = self._busy_since
        return self.live and since is not None and self._monotonic() - since > STUCK_AFTER_S

    @property
    def captured(self) -> int:
        """Frames read so far: those handed out, those dropped, and at most one that waits."""
        return self._captured

    @property
    def handed_out(self) -> int:
        """Frames that `latest` returned."""
        return self._handed_out

    @property
    def dropped(self) -> int:
        """Frames that a newer one replaced before anybody asked."""
        return self._dropped

    @property
    def reopened(self) -> int:
        """How often a live camera was opened again."""
        return self._reopened

    def close(self) -> None:
        """Stop within a second, even if the camera hangs; may be called twice."""
        self._closed.set()
        camera = self._camera
        if camera is not None:
            camera.close()
        with self._changed:
            self._changed.notify_all()
        if self._thread is not threading.current_thread():
            self._thread.join(CLOSE_S)
        if self._thread.is_alive():
            _log.warning("%s: hangs; its thread is left behind", self.name)

    def __enter__(self) -> Grabber:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _has_news(self) -> bool:
        return self._pending is not None or self._finished or self._closed.is_set()

    def _run(self) -> None:
        failure: str | None = None
        try:
            self._grab_until_closed()
        except DriverMonitorError as error:
            failure = str(error)
        except Exception as error:
            _log.exception("%s: the capture thread failed", self.name)
            failure = f"{self.name}: the capture thread failed: {type(error).__name__}: {error}; this is a bug"
        finally:
            self._busy_since = None
            with self._changed:
                self._finished = True
                self._failure = failure
                self._changed.notify_all()
            self._drop_camera()

    def _grab_until_closed(self) -> None:
        backoff, said = BACKOFF_S[0], ""
        while not self._closed.is_set():
            try:
                frame = self._read()
            except SourceError as error:
                if self._closed.is_set():
                    return
                if not self.live:
                    raise
                # A camera may stay away for hours: the journal hears of each fault once.
                _log.log(logging.DEBUG if str(error) == said else logging.WARNING, "%s", error)
                said = str(error)
                self._faulted = True
                self._drop_camera()
                self._wait(backoff)
                backoff = min(2 * backoff, BACKOFF_S[1])
                continue
            if frame is None:
                return
            if said:
                _log.warning("%s: gives pictures again", self.name)
            backoff, said = BACKOFF_S[0], ""
            self._keep(frame)

    def _read(self) -> Frame | None:
        """Read a frame, from a newly opened camera if there is none; None when all is over."""
        try:
            camera = self._camera
            if camera is None:
                self._busy_since = self._monotonic()
                camera = self._open()
                if self._closed.is_set():
                    return None
            self._busy_since = self._monotonic()
            frame = camera.read()
        finally:
            # a camera that is absent hangs nowhere: the pause before the next attempt is no time in the driver
            self._busy_since = None
        if frame is None and self.live and not self._closed.is_set():
            raise SourceError(f"{self.name}: stopped giving pictures")
        return frame

    def _open(self) -> Camera:
        camera = self._camera = self._open_camera()
        self.name, self.live = camera.name, camera.live
        self._reopened += self._ever_open
        self._ever_open = True
        self._offset = self._next_sequence
        self._freeze = FreezeDetector()
        return camera

    def _keep(self, frame: Frame) -> None:
        now = self._monotonic()
        frozen = self.live and self._freeze.update(frame, now)
        if self.live:
            frame = self._on_our_clock(frame, now)
        with self._changed:
            self._captured += 1
            self._dropped += self._pending is not None
            self._pending = frame
            self._last_frame = now
            self._frozen = frozen
            self._changed.notify_all()

    def _on_our_clock(self, frame: Frame, now: float) -> Frame:
        t_mono = now if frame.t_mono is None else frame.t_mono
        self._last_t = max(self._last_t, t_mono - self._start)
        sequence = self._offset + frame.sequence
        self._next_sequence = sequence + 1
        return dataclasses.replace(frame, t=self._last_t, t_mono=t_mono, sequence=sequence)

    def _drop_camera(self) -> None:
        camera, self._camera = self._camera, None
        if camera is not None:
            with contextlib.suppress(DriverMonitorError):
                camera.close()
