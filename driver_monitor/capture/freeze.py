"""Tells a frozen camera from a driver who sits still: a frozen picture does not change at all. Reads no clock."""

from __future__ import annotations

import zlib

from driver_monitor.imaging.frame import Frame, YuvPicture

FROZEN_AFTER_S = 1.0
"""A camera whose picture has not changed for longer is frozen (ours). Sensor noise makes any two pictures differ, but a
compressed stream of a scene without movement may repeat a picture for some frames between two key frames."""
STRIDE = 4
"""Only every fourth row and column is compared: 19,200 pixels at 640x480, in about 20 microseconds."""


class FreezeDetector:
    """Finds out whether the picture of a live camera has stayed exactly the same for longer than `FROZEN_AFTER_S`.

    Only every `STRIDE`th row and column is compared. A frame with the previous sequence number counts as unchanged. Not
    for recordings: they may contain a still picture on purpose. The caller checks for "covered" first: a covered lens
    may give black pictures that are all the same.
    """

    def __init__(self) -> None:
        self._sequence: int | None = None
        self._picture: tuple[int, tuple[int, ...]] | None = None
        self._changed_at: float = 0.0

    def update(self, frame: Frame, now: float) -> bool:
        """Return whether the camera is frozen. Call it once for every frame. `now`: when the frame came, seconds."""
        pixels = frame.picture.grey if isinstance(frame.picture, YuvPicture) else frame.picture
        picture = zlib.crc32(pixels[::STRIDE, ::STRIDE].tobytes()), pixels.shape
        if picture != self._picture and frame.sequence != self._sequence:
            self._changed_at = now
        self._picture, self._sequence = picture, frame.sequence
        return now - self._changed_at > FROZEN_AFTER_S
