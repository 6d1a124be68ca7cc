"""Small pictures of the last two seconds before each alert. Only `replay --report --pictures` takes any."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np

from driver_monitor.bench.replays.writers import ReplayedFrame
from driver_monitor.imaging.frame import Image

EVERY_S = 0.5
BEFORE = 4
"""Pictures before the one of the alert: they show the last two seconds."""
WIDTH = 240
"""Pixels. Ours: eyelids can just be seen, and a picture has about 6 kB."""
QUALITY = 75
"""Of a JPEG, 0 to 100."""
MOST_ALERTS = 200
"""Only this many alerts get pictures, about 40 kB each: a page of more than 10 MB opens slowly."""


@dataclass(frozen=True, slots=True)
class AlertPicture:
    """A small picture before an alert. `t`: its time, seconds."""

    t: float
    jpeg: bytes


class AlertPictures:
    """Keeps the pictures that lead to each alert. `taken`: id of an alert that was raised or escalated -> pictures.

    Only alerts that went through the privacy filter get any.
    """

    def __init__(self) -> None:
        self.taken: dict[str, list[AlertPicture]] = {}
        self._last: deque[AlertPicture] = deque(maxlen=BEFORE)

    def write(self, frame: ReplayedFrame) -> None:
        """See `RunWriter`."""
        if frame.picture is None:
            return
        t = frame.result.observation.t
        wanted = [str(alert["id"]) for alert in frame.alerts if alert.get("phase") in ("raised", "escalated")]
        if wanted and len(self.taken) < MOST_ALERTS:
            now = AlertPicture(t, _jpeg(frame.picture.image))
            self.taken |= {one: [*self._last, now] for one in wanted}
        if not self._last or t - self._last[-1].t >= EVERY_S - 1e-6:
            self._last.append(AlertPicture(t, _jpeg(frame.picture.image)))


def _jpeg(image: Image) -> bytes:
    height, width = image.shape[:2]
    size = (min(WIDTH, width), max(1, round(height * min(WIDTH, width) / width)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return np.asarray(data).tobytes()
