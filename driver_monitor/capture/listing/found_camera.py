"""Defines what the list of cameras holds: one found camera, and what of it is told to people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from driver_monitor.capture.listing.v4l2_query import PixelFormat


@dataclass(frozen=True, slots=True)
class FoundCamera:
    """One camera of this machine.

    `source`: what `camera.source` must say to use it. `name`: for people. `bus`: where it is connected. `formats`: what
    it gives; empty if it does not tell. `fault`: why it cannot be used as it is, with what to do; None: it can.
    `number`: the number of a V4L2 device, or of a CSI camera in the list of its program. `csi`: the kind of source that
    reads this CSI camera, `rpicam` or `nvargus`; None: not a CSI camera.
    """

    source: str
    name: str
    bus: str = ""
    formats: tuple[PixelFormat, ...] = ()
    fault: str | None = None
    number: int = 0
    csi: str | None = None

    def format_words(self) -> Iterator[str]:
        """Yield one text for each format: `MJPG 640x480 at 30, 15; 1280x720 at 30`."""
        for form in self.formats:
            sizes = []
            for size in form.sizes:
                rates = ", ".join(f"{rate:g}" for rate in size.rates)
                sizes.append(f"{size.width}x{size.height}{f' at {rates}' if rates else ''}")
            yield f"{form.name} {'; '.join(sizes)}".strip()
