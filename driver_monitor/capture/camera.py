"""What every source of frames offers, and the one way in which all of them are read and closed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import NamedTuple, Protocol, TypeVar

from driver_monitor.imaging.frame import Frame

Clock = Callable[[], float]
"""`time.monotonic`, or a test's own: seconds."""
Wait = Callable[[float], object]
"""Waits for so many seconds, or less if the source is closed."""


class Expected(NamedTuple):
    """What can be told of a source before it is open: its `Camera.name`, and whether it is (most likely) live."""

    name: str
    live: bool


_Camera = TypeVar("_Camera", bound="Camera")


class Camera(Protocol):
    """A source of frames: a camera, a clip, a folder of images, a stream.

    `name`: for people, and `Frame.source`. `live`: a live source may be reopened when it fails; any other one ends.
    `frames`: how many frames `read` will give in all, as far as the source says so, else None.
    """

    name: str
    live: bool
    frames: int | None

    def read(self) -> Frame | None:
        """Wait for the next frame; None at the end of a finite source and after `close`.

        Raises `SourceError` when the source fails: a live one may be reopened.
        """

    def close(self) -> None:
        """Let go of the source; may be called twice, and from another thread while a read is under way."""

    def __enter__(self: _Camera) -> _Camera:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class GuardedCamera(Camera):
    """Base of the real sources: `close` never pulls the device from under a read and never waits for one.

    Decoders and V4L2 crash the process when they are freed while another thread is inside them. So whoever comes
    last, the closer or the reader that was under way, releases the device. Subclasses write `_read` and `_release`.
    """

    def __init__(self, name: str, *, live: bool, frames: int | None) -> None:
        self.name = name
        self.live = live
        self.frames = frames
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
        if not self._busy.acquire(blocking=False):
            return
        try:
            if not self._released:
                self._released = True
                self._release()
        finally:
            self._busy.release()

    def _read(self) -> Frame | None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError
