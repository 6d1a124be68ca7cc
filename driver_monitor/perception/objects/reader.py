"""Reads what is at the driver's face, a few times a second."""

from __future__ import annotations

import cv2

from driver_monitor.data.observation import ObjectsView
from driver_monitor.perception.objects.net import ANSWERS, ObjectsNet, objects_crop
from driver_monitor.perception.objects.readable import readable
from driver_monitor.perception.reader import FacePicture
from driver_monitor.timing.periodic import PeriodicTimer

LOOKS_HZ = 3.0
"""Looks a second. A telephone stays at the ear for many seconds: ten looks in three of them are enough (ours)."""

LEAST_CONTRAST = 1.5
"""Least standard deviation of the crop, grey levels. Flatter ones, as behind a covered lens, show nothing: the net
would call an ear free. A face in a sixteenth of the light has 3 (ours)."""


class ObjectsReader:
    """Reads telephone, hand, object at the mouth and mask `LOOKS_HZ` times a second."""

    field = "objects"

    def __init__(self, net: ObjectsNet) -> None:
        self._net = net
        self._timer = PeriodicTimer(1.0 / LOOKS_HZ)

    def read(self, picture: FacePicture) -> ObjectsView | None:
        """Return the probabilities; each is None if this picture cannot tell it (`readable`). None: no look is due."""
        if not self._timer.due(picture.t):
            return None
        known = readable(picture)
        if not known:
            return ObjectsView(**dict.fromkeys(ANSWERS))
        crop = objects_crop(picture.grey, picture.face.points)
        # numpy takes ten times as long for the same number.
        if cv2.meanStdDev(crop)[1].item() < LEAST_CONTRAST:
            return ObjectsView(**dict.fromkeys(ANSWERS))
        (p,) = self._net.probabilities(crop[None]).tolist()
        answers = zip(ANSWERS, p, strict=True)
        # What is no probability, such as NaN, is unknown, too.
        return ObjectsView(**{name: value if name in known and 0 <= value <= 1 else None for name, value in answers})
