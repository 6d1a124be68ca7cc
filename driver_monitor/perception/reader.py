"""Defines `Reader`, a part that reads one thing from the picture of a face, and `FacePicture`, its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from driver_monitor.data.observation import FaceView, Light
from driver_monitor.imaging.frame import Image


@dataclass(frozen=True, slots=True, eq=False)
class FacePicture:
    """The input of each reader: the grey frame (H, W), the driver's face in it, the light, and the time in seconds."""

    grey: Image
    face: FaceView
    light: Light
    t: float


class Reader(Protocol):
    """Reads one thing from the picture of a face.

    `field`: the field of `Observation` that the answer fills. If `Observation` has no field of this name, the answer
    goes into `Observation.extra` under this name.
    """

    field: str

    def read(self, picture: FacePicture) -> object:
        """Return the answer, or None if there is none for this picture."""
