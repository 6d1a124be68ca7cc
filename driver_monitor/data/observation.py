"""What is seen in one frame, before time is taken into account: the seam between perception and state.

Pure data. Perception (`face`, `eyes`, `emotion`) fills it, `state` reads it, nothing else does. Left and right are
the driver's own. Angles in degrees, seen from the camera: yaw + to the driver's left, pitch + up, roll + to the
driver's right (COVESA VSS). Times in seconds, lengths in pixels, probabilities 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

EyeReason = Literal["no_face", "sunglasses", "glare", "pose", "occluded", "dark", "blur"]
"""Why an eye cannot be read."""
FaceReason = Literal["no_frame", "not_found", "dark", "covered"]
"""Why there is no face."""
Light = Literal["day", "infrared", "dark", "glare"]
CameraState = Literal["ok", "lost", "frozen", "covered"]

EXPRESSIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""The classes of FER+ (Barsoum et al., ICMI 2016), in the order of every array of probabilities."""


@dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in the frame; `x`, `y` its upper left corner, pixels. It may reach over the edge."""

    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True, slots=True)
class HeadPose:
    """Where the head points relative to the camera, degrees."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True, eq=False)
class FaceView:
    """The driver's face in one frame.

    `points`: (70, 2) float32, frame pixels: the 68 iBUG points, then two for the iris centres of the driver's right
    and left eye, which follow the head more than the eyes: gaze has irises of its own (`EyesView`). `score`:
    probability that it is a face. `mouth_opening`: inner-lip gap over mouth width, corrected for yaw; 0 closed, about
    0.1 to 0.4 talking, held above that a yawn (`state.yawns`). `mouth_hidden`: probability that a mask or a hand covers
    the mouth, None where that is not told. `others`: faces of other people seen when the picture was last looked
    through, seconds ago at most; None before the first time.
    """

    box: Box
    score: float
    points: NDArray[np.float32]
    head: HeadPose | None
    mouth_opening: float | None
    mouth_hidden: float | None = None
    others: int | None = None


@dataclass(frozen=True, slots=True)
class EyeView:
    """One eye in one frame.

    `opening`: lid opening as a share of a population's open eye: 0 shut, 1 a usual open eye, at most 2; not yet
    relative to this driver. `p_closed`: probability that the eye is at least 80 % closed. Both are None
    exactly when `reason` says why the eye cannot be read.
    """

    opening: float | None
    p_closed: float | None
    reason: EyeReason | None = None


@dataclass(frozen=True, slots=True)
class EyesView:
    """Both eyes, and how far the irises turn from straight ahead in the head's own frame, degrees (or None)."""

    left: EyeView
    right: EyeView
    iris_yaw: float | None = None
    iris_pitch: float | None = None


@dataclass(frozen=True, slots=True)
class Expression:
    """Class probabilities of one look at the face, keyed by `EXPRESSIONS`, summing to 1."""

    p: Mapping[str, float]


FASTEST_KMH = 400.0
"""No car on a road is faster. A higher speed is a fault of the sender."""


@dataclass(frozen=True, slots=True)
class VehicleData:
    """What the car says of itself: speed in km/h and whether the ignition is on; None where it does not say."""

    speed_kmh: float | None = None
    ignition: bool | None = None


UNKNOWN_VEHICLE = VehicleData()
"""A car that says nothing."""


@dataclass(frozen=True, slots=True)
class Observation:
    """Everything one frame shows, or, with `camera` not "ok", that there is none.

    `t`: seconds since the source's first frame. `face` is None exactly when `face_reason` says why; without a face
    there are no eyes. `expression` is there only in the frames in which the classifier ran. `extra`: answers of
    readers that have no field of their own yet, by reader; no trace keeps them.
    """

    t: float
    camera: CameraState
    light: Light
    face: FaceView | None
    eyes: EyesView | None
    expression: Expression | None = None
    face_reason: FaceReason | None = None
    vehicle: VehicleData = UNKNOWN_VEHICLE
    extra: Mapping[str, object] = field(default_factory=dict)
