"""Cameras that a test drives step by step through queues, and a clock."""

from __future__ import annotations

import queue
import threading
from contextlib import closing

from driver_monitor.capture.camera import Camera, SourceInfo
from driver_monitor.capture.grabber import (
    UNKNOWN,
    Grabber,
)
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame, Image
from tests.capture.clips import picture_of

LONG_S = 10.0
"""Longer than any test takes: waiting so long for something means that it never comes."""


class Clock:
    def __init__(self) -> None:
        self.now = 500.0

    def __call__(self) -> float:
        return self.now


class Shutter(Camera):
    """A live camera that takes a picture when the test says so."""

    def __init__(self) -> None:
        self.name = "shutter"
        self.live = True
        self.frames: int | None = None
        self.orders: queue.Queue[Frame | Exception | None] = queue.Queue()
        self.waiting = threading.Semaphore(0)
        self.taken = 0
        self.closed = threading.Event()

    def read(self) -> Frame | None:
        self.waiting.release()
        order = self.orders.get()
        if isinstance(order, Exception):
            raise order
        return order

    def close(self) -> None:
        self.closed.set()
        self.orders.put(None)

    def ready(self) -> None:
        """Wait until the grabber has dealt with everything before and waits for the next picture."""
        assert self.waiting.acquire(timeout=LONG_S)

    def shoot(self, image: Image | None = None, t_mono: float | None = None) -> None:
        picture = picture_of(self.taken % 25) if image is None else image
        self.orders.put(Frame(picture, 0.0, self.taken, self.name, t_mono))
        self.taken += 1
        self.ready()

    def fail(self) -> None:
        self.orders.put(SourceError("shutter: pulled out"))


class Garage:
    """Opens one camera after another; an exception in the list is a camera that cannot be opened."""

    def __init__(self, *cameras: Camera | Exception) -> None:
        self.cameras = list(cameras)
        self.clock = Clock()
        self.pauses: list[float] = []

    def open(self) -> Camera:
        camera = self.cameras.pop(0)
        if isinstance(camera, Exception):
            raise camera
        return camera

    def grabber(self, lost_after_s: float = 0.5, expected: SourceInfo | None = None) -> closing[Grabber]:
        """`expected`: the camera is opened by the thread."""
        eager, expected = expected is None, expected or UNKNOWN
        return closing(Grabber(self.open, lost_after_s, self.clock, self.pause, eager=eager, expected=expected))

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.now += seconds
