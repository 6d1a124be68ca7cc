"""Gives tests and experiments a camera without hardware, with given pictures, times and faults."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from driver_monitor.capture.camera import Camera, Clock
from driver_monitor.errors import SourceError
from driver_monitor.imaging.frame import Frame, Image

Fault = Literal["lost", "frozen", "hang"]


class FakeCamera(Camera):
    """A camera without hardware. Each read returns the next of `images` at once, as a frame.

    `images`: a list, or a function of the sequence number. `times`: a list of the frames' `t` in seconds, or a number:
    frames per second. The source ends with the shorter list. Without any list it never ends.
    `faults`: a fault for some sequence numbers. "lost" raises `SourceError`, "frozen" returns the last picture again,
    "hang" blocks until `close`. `live`: True sets `t_mono` from `monotonic`, False leaves it None.
    """

    def __init__(
        self,
        images: Sequence[Image] | Callable[[int], Image],
        times: Sequence[float] | float = 30.0,
        *,
        faults: Mapping[int, Fault] | None = None,
        live: bool = True,
        name: str = "fake camera",
        monotonic: Clock = time.monotonic,
    ) -> None:
        self.name, self.live = name, live
        lengths = [len(part) for part in (images, times) if isinstance(part, Sequence)]
        self.frames = min(lengths) if lengths else None
        self._images, self._times = images, times
        self._faults = dict(faults or {})
        self._monotonic = monotonic
        self._closed = threading.Event()
        self._sequence = 0
        self._last: Image | None = None

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed.is_set()

    def read(self) -> Frame | None:
        """See `Camera.read`."""
        sequence = self._sequence
        if self.closed or sequence == self.frames:
            return None
        self._sequence += 1
        fault = self._faults.get(sequence)
        if fault == "lost":
            raise SourceError(f"{self.name}: lost at frame {sequence} (simulated)")
        if fault == "hang":
            self._closed.wait()
            return None
        if fault != "frozen" or self._last is None:
            self._last = self._images(sequence) if callable(self._images) else self._images[sequence]
        t = self._times[sequence] if isinstance(self._times, Sequence) else sequence / self._times
        return Frame(self._last.copy(), t, sequence, self.name, self._monotonic() if self.live else None)

    def close(self) -> None:
        """See `Camera.close`."""
        self._closed.set()
