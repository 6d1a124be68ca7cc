"""Observations for the verdicts on camera and light: a face of a given place, width and direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from driver_monitor.data.observation import (
    Box,
    CameraState,
    EyeReason,
    EyesView,
    EyeView,
    FaceLight,
    FaceReason,
    FaceView,
    HeadPose,
    Light,
    Observation,
)
from tests.faces import points

SIZE = (640, 480)
WELL_LIT = FaceLight(150.0, 60.0, 0.0, 150.0, 150.0)


def face(
    width: float = 170.0,
    middle: tuple[float, float] = (320.0, 240.0),
    yaw: float | None = 0.0,
    pitch: float = 0.0,
    others: int | None = 0,
) -> FaceView:
    """A face of this width, in pixels; `yaw` None: its direction is unknown."""
    box = Box(middle[0] - width / 2, middle[1] - width / 2, width, width)
    head = None if yaw is None else HeadPose(yaw, pitch, 0.0)
    return FaceView(box, 0.99, points(), head, 0.0, others=others)


def eyes(left: EyeReason | None = None, right: EyeReason | None = None) -> EyesView:
    """Both eyes; a reason: that eye cannot be read."""
    return EyesView(_eye(left), _eye(right))


def _eye(reason: EyeReason | None) -> EyeView:
    return EyeView(1.0, 0.01) if reason is None else EyeView(None, None, reason)


def watching(view: FaceView, both: EyesView | None = None, light: Light = "day", grey: bool = False) -> Observation:
    """An observation of this face, well lit."""
    return Observation(0.0, "ok", light, view, both or eyes(), grey=grey, face_light=WELL_LIT)


def nobody(reason: FaceReason = "not_found", camera: CameraState = "ok", light: Light = "day") -> Observation:
    """An observation without a face."""
    return Observation(0.0, camera, light, None, None, face_reason=reason)


def second(*seen: Observation) -> Sequence[Observation]:
    """These observations, repeated to a second of eight."""
    return [replace(seen[index % len(seen)], t=index / 8) for index in range(8)]
