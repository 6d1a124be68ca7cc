"""Defines the observation: what one frame shows, before time is taken into account. Pure data.

`perception` makes it, `state` reads it. Left and right are the driver's own. Angles are in degrees, from the
camera's axis: yaw + to the driver's left, pitch + up, roll + to the driver's right. COVESA VSS has the same signs, but
its angles are from the vehicle's axis: other numbers. Times are in seconds, lengths in pixels, probabilities from 0 to
1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from driver_monitor.frozen import fast_dataclass

EyeReason = Literal["no_face", "sunglasses", "glare", "pose", "occluded", "dark", "blur"]
"""Why an eye cannot be read."""
FaceReason = Literal["no_frame", "not_found", "dark", "covered", "turned"]
"""Why there is no face. "turned": the camera hangs upside down or sideways, and nobody is judged."""
Light = Literal["day", "infrared", "dark", "glare"]
CameraState = Literal["ok", "lost", "frozen", "covered"]

EXPRESSIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""The classes of FER+ (Barsoum et al., ICMI 2016), in the order of every array of probabilities."""


@fast_dataclass(frozen=True, slots=True)
class Box:
    """An upright rectangle in pixels of the frame. `x`, `y`: its upper left corner. It may extend past the frame."""

    x: float
    y: float
    w: float
    h: float


@fast_dataclass(frozen=True, slots=True)
class HeadPose:
    """The direction of the head, seen from the camera, in degrees."""

    yaw: float
    pitch: float
    roll: float


@fast_dataclass(frozen=True, slots=True, eq=False)
class FaceView:
    """The driver's face in one frame. `score`: probability that it is a face. `head`: None while unknown.

    `points`: (70, 2) float32, in pixels of the frame: the 68 iBUG points, then the iris centres of the driver's right
    and left eye. These irises move with the head more than with the eyes; for gaze use those of `EyesView`.
    `mouth_opening`: gap of the inner lips over mouth width, corrected for yaw; None without `head` or beyond 60 degrees
    of yaw; 0 is closed, 0.1 to 0.4 is talking, more for some time is a yawn (`state.sleepiness.yawns`). `mouth_hidden`:
    probability that a mask or hand covers the mouth, None if unknown. `others`: number of other faces in the last
    search of the whole picture, some seconds ago at most; None before the first search.
    """

    box: Box
    score: float
    points: NDArray[np.float32]
    head: HeadPose | None
    mouth_opening: float | None
    mouth_hidden: float | None = None
    others: int | None = None


@fast_dataclass(frozen=True, slots=True)
class EyeView:
    """One eye in one frame. `opening` and `p_closed` are None exactly when there is a `reason`.

    `opening`: how far the lids are open: 0 is shut, 1 is the average person's open eye, 2 is the maximum. `p_closed`:
    probability that the eye is at least 80 % closed. `p_lowered`: probability that its lids are so low or narrow that
    only a slit of the eyeball is visible; None if unknown, as in a trace of an older version. The probability of open
    is what remains: 1 - `p_closed` - `p_lowered`.
    """

    opening: float | None
    p_closed: float | None
    reason: EyeReason | None = None
    p_lowered: float | None = None


@fast_dataclass(frozen=True, slots=True)
class EyesView:
    """Both eyes in one frame; left and right are the driver's own.

    `iris_yaw`, `iris_pitch`: turn of the irises relative to the head, degrees, + to the left and up; None is unknown.
    `iris_weight`: how far this turn can be trusted, above 0 (hardly) to 1 (fully). It means nothing without a turn.
    """

    left: EyeView
    right: EyeView
    iris_yaw: float | None = None
    iris_pitch: float | None = None
    iris_weight: float = 1.0


@fast_dataclass(frozen=True, slots=True)
class FaceLight:
    """How the light lies on the face: grey levels, 0 to 255 (`perception.scene.face_light`).

    `mean`: of the face. `around`: of the rest of the picture, None if the face fills it. `clipped`: share of the face's
    pixels that are blown out. `left`, `right`: of its two halves, None if the head is turned.
    """

    mean: float
    around: float | None
    clipped: float
    left: float | None
    right: float | None


@fast_dataclass(frozen=True, slots=True)
class SceneView:
    """How the picture compares with what the camera showed while a face was followed (`perception.scene.watch`).

    `match`: how well the edges of the cabin agree, 1 is equal, 0 is another scene. `hidden`: share of the learned edges
    that are not there any more. `sharpness`: of the picture by itself, logarithm (base 2) of fine over coarse detail.
    `blur`: how often the fine detail has halved against its best. Each is None while it cannot be told.
    """

    match: float | None
    hidden: float | None
    sharpness: float | None
    blur: float | None


@fast_dataclass(frozen=True, slots=True)
class Shake:
    """How the picture shakes: half of the difference of two shifts of the whole picture between frames in a row.

    `x` right, `y` down, as shares of the picture's width. 0: it stands still, or moves on steadily.
    """

    x: float
    y: float


@fast_dataclass(frozen=True, slots=True)
class Expression:
    """Class probabilities from one run of the expression net, by the names in `EXPRESSIONS`. Their sum is 1."""

    p: Mapping[str, float]


@fast_dataclass(frozen=True, slots=True)
class ObjectsView:
    """What one look of the objects net shows at the driver's face: calibrated probabilities, each None if unknown.

    `phone_left`, `phone_right`: a telephone held at this ear; left and right are the driver's own. `hand`: a hand on
    the face. `at_mouth`: an object at the mouth, such as a cup or a cigarette; a mask is none. `mask`: a face mask
    over the mouth. `mouth_hidden`: mask, hand or object hides most of the mouth.
    """

    phone_left: float | None
    phone_right: float | None
    hand: float | None
    at_mouth: float | None
    mask: float | None
    mouth_hidden: float | None


FASTEST_KMH = 400.0
"""Highest possible speed of a car on a road. A higher one is a fault of the sender. Ours."""


@fast_dataclass(frozen=True, slots=True)
class VehicleData:
    """What the car sends: speed in km/h, and whether the ignition is on. None is unknown."""

    speed_kmh: float | None = None
    ignition: bool | None = None


UNKNOWN_VEHICLE = VehicleData()
"""A car that sends nothing."""


@fast_dataclass(frozen=True, slots=True)
class Observation:
    """Everything that one frame shows. `t`: seconds since the first frame of the source.

    `camera`: if it is not "ok", the picture is not used and `face` is None. `face`: None exactly when there is a
    `face_reason`; `eyes` and `expression` are then None, too. `expression`: also None when its net did not run.
    `rotate_to`: the value of `camera.rotate` that would make a turned picture upright; None if it is not turned.
    `bridged`: frames between the last observation and this one repeated its picture, and were left out.
    `extra`: answers of readers that have no field of their own yet, by `Reader.field`. No trace keeps them. `grey`:
    whether the picture has no colours; None before the first judgement. `face_light`, `scene`,
    `shake`, `objects`: also None when not measured in this frame.
    """

    t: float
    camera: CameraState
    light: Light
    face: FaceView | None
    eyes: EyesView | None
    expression: Expression | None = None
    face_reason: FaceReason | None = None
    vehicle: VehicleData = UNKNOWN_VEHICLE
    rotate_to: int | None = None
    bridged: bool = False
    extra: Mapping[str, object] = field(default_factory=dict)
    grey: bool | None = None
    face_light: FaceLight | None = None
    scene: SceneView | None = None
    shake: Shake | None = None
    objects: ObjectsView | None = None
