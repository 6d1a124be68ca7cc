"""Defines the interface of every source of frames, and a base class whose `close` is safe during a read."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal, NamedTuple, Protocol, TypeVar

from driver_monitor.imaging.frame import Frame

Clock = Callable[[], float]
"""Returns seconds: `time.monotonic`, or a fake clock in tests."""
Wait = Callable[[float], object]
"""Waits for a number of seconds, or until the source is closed."""


class SourceInfo(NamedTuple):
    """What is known of a source before it is open: `Camera.name` and `Camera.live` (for a URL a guess: True)."""

    name: str
    live: bool


class RecordingFacts(NamedTuple):
    """What a recording gave so far. `rate`: frames per second, None: not known; `rate_from`: where it comes from.

    `announced`: number of frames that the file announces, None: it does not. `decoded`: frames found, used or not.
    `damaged`: packets and pictures left out because they are damaged.
    """

    rate: float | None
    rate_from: Literal["stream", "option", "assumed"] | None
    announced: int | None
    decoded: int
    damaged: int


_Camera = TypeVar("_Camera", bound="Camera")


class Camera(Protocol):
    """A source of frames: a camera, a clip, a folder of images, a stream.

    `name`: for people; also `Frame.source`. `live`: True for a camera or stream, which is opened again when it fails.
    False for a recording, which ends. `frames`: number of frames that `read` should return in all (a damaged recording
    returns fewer). None: not known, or no end. `damaged`: number of pictures so far that were left out, because they or
    their packets were damaged. At the end of a `with` block the source is closed.
    """

    name: str
    live: bool
    frames: int | None
    damaged: int = 0

    def read(self) -> Frame | None:
        """Wait for the next frame and return it. None: the source has ended or is closed.

        Raises `SourceError` when the source fails.
        """

    def facts(self) -> RecordingFacts | None:
        """Return what a recording gave so far; None: this source is no recording, or does not know."""
        return None

    def close(self) -> None:
        """Release the source. May be called twice, and from another thread during a read."""

    def __enter__(self: _Camera) -> _Camera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class GuardedCamera(Camera):
    """Base of the real sources: `close` never waits for a read, and never releases the device during one.

    Decoders and V4L2 crash the process if they are released while another thread uses them. So during a read, `close`
    only sets a flag. At its end, the read releases the device and returns None. Subclasses define `_read`, `_release`.
    """

    def __init__(self, name: str, *, live: bool, frames: int | None) -> None:
        self.name, self.live, self.frames = name, live, frames
        self._closed = threading.Event()
        self._busy = threading.Lock()
        self._released = False

    def read(self) -> Frame | None:
        """See `Camera.read`."""
        try:
            with self._busy:
                frame = None if self._closed.is_set() else self._read()
        finally:
            if self._closed.is_set():
                self._release_unless_busy()
        return None if self._closed.is_set() else frame

    def close(self) -> None:
        """See `Camera.close`."""
        self._closed.set()
        self._release_unless_busy()

    def _release_unless_busy(self) -> None:
        if self._busy.acquire(blocking=False):
            try:
                if not self._released:
                    self._released = True
                    self._release()
            finally:
                self._busy.release()

    def _read(self) -> Frame | None:
        raise NotImplementedError

    def _release(self) -> None:
        """Close the device. Called at most once. By default: do nothing."""
