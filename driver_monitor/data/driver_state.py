"""The driver over time: what `state` concludes from observations, and all that rules and outputs may look at.

Pure data. None always means *unknown*: it is never a zero, never "attentive" and never "asleep".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from driver_monitor.data.observation import (
    CameraState,
    EyeReason,
    FaceReason,
    FaceView,
    HeadPose,
    Light,
    VehicleData,
)
from driver_monitor.timing.cadence import TimeStep

EyesVerdict = Literal["open", "closed", "unknown"]
GazeZone = Literal["road", "down", "left", "right", "up", "unknown"]
OffRoad = Literal["down", "left", "right", "up"]
"""Side on which the gaze leaves the road: the zones without the road."""
Movement = Literal["owl", "lizard"]
"""What makes a look away, for the most part: the head (owl), or the eyes while the head stays (lizard; Euro NCAP)."""
GazeRegion = Literal["road", "instruments", "console", "lap", "rear_mirror", "left_mirror", "right_mirror"]
"""Parts of the car, finer than zones (`state.regions`)."""
GazeSource = Literal["head", "eyes+head"]
GazeReason = Literal["no_picture", "no_face", "pose", "eyes_closed"]
"""Why the gaze cannot be told."""
Cover = Literal["sunglasses", "glare", "occluded", "dark"]
"""What hides both eyes: those of the reasons why an eye cannot be read that something before or around it causes."""
Degraded = Literal[
    "sunglasses", "glare", "pose", "occluded", "dark", "blur", "covered", "frozen", "no_camera", "no_face"
]


@dataclass(frozen=True, slots=True)
class EyesState:
    """Openness is 1 for this driver's normal opening, 0 shut.

    `closed_s`: how long the present closure has lasted, 0.0 with open eyes, None while the eyes cannot be read. While
    they seem to be opening it stands still (`reopening`), until that is sure.
    """

    state: EyesVerdict
    openness: float | None
    left: float | None
    right: float | None
    reason: EyeReason | None
    closed_s: float | None
    reopening: bool


@dataclass(frozen=True, slots=True)
class RepeatedGlances:
    """Looks away since the driver last kept the gaze on the road (`state.glances`), at most those within `window_s`.

    `away_s`: their sum. Time in which the gaze is unknown neither counts nor resets: `most_s` is what the sum would be
    had all of it been away, and `coverage` the share of the window in which it was known. `count`: how many there were.
    `road_s`: how long the gaze has now been on the road, 0.0 while away. `away_s` and `road_s` are None while the gaze
    is unknown.
    """

    away_s: float | None
    most_s: float
    count: int
    road_s: float | None
    coverage: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Glance:
    """A look away from the road, whole: how long, on which side for most of the time, and with what.

    A gaze that only passes (`regions.DWELL_S`) is none.
    """

    duration_s: float
    side: OffRoad
    movement: Movement


@dataclass(frozen=True, slots=True)
class LookAway:
    """The look away that is under way (`state.looks_away`).

    `seconds`: how long the gaze has been off the road, 0.0 on the road, None while unknown. It counts on for a short
    time, with the zone unknown, when the face was lost in a turn to the side. `down_s`: how long it has been in EU
    2023/2590's area 3, low before the driver, by the same rules. `side`, `movement`: where and with what for most of
    it, None while there is none or it is not seen. `ended`: the look that ended with this frame. While the gaze seems
    to come back the times stand still, until that is sure: `returning` to the road, `rising` out of area 3.
    """

    seconds: float | None
    down_s: float | None
    side: OffRoad | None
    movement: Movement | None
    ended: Glance | None
    returning: bool
    rising: bool


@dataclass(frozen=True, slots=True)
class Gaze:
    """Where the driver looks relative to the learned straight-ahead, degrees; None where it cannot be told.

    `region`: the part of the car it falls on, None outside of all. `source`: whether the irises could be told or the
    head alone speaks, None exactly when `reason` says why there is no gaze. `away`: the look away that is under way;
    `glances`: those of late.
    """

    yaw: float | None
    pitch: float | None
    zone: GazeZone
    region: GazeRegion | None
    source: GazeSource | None
    reason: GazeReason | None
    away: LookAway
    glances: RepeatedGlances


@dataclass(frozen=True, slots=True)
class Mouth:
    """`opening` as in `FaceView.mouth_opening`; `yawns`: yawns ended or confirmed within `yawn_window_s`.

    `yawning` is None where the mouth cannot be seen: behind a mask or a hand there is neither a yawn nor none.
    """

    opening: float | None
    yawning: bool | None
    yawns: int
    yawn_window_s: float


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What covers the face for some time now (`state.occlusion`).

    `mouth`: whether a mask or a hand hides it, None where that is not told. `eyes`: what hides both, None if nothing.
    """

    mouth: bool | None
    eyes: Cover | None


@dataclass(frozen=True, slots=True)
class ExpressionState:
    """Smoothed over time. `label`: one of `observation.EXPRESSIONS`, "positive", "negative", or "uncertain".

    `distress_s`: how long a negative high-arousal expression (anger, fear) has been held, None when unknown.
    `intensity`: how far from neutral, 1 - p(neutral). `held_s`: seconds since the onset of this label, None while
    uncertain. `flash`: an expression that came and went within `state.flashes.FLASH_S`, told for a moment
    afterwards; it is never the label.
    """

    label: str
    p: Mapping[str, float]
    distress_s: float | None
    intensity: float | None = None
    held_s: float | None = None
    flash: str | None = None


@dataclass(frozen=True, slots=True)
class Blink:
    """One movement of the lids down and up again, whole or partial (`state.blinks`).

    `t`: when it ended; `duration_s` from the last frame with lids up to the first with lids up again; `amplitude` and
    `lowest` in openness; `closing_per_s`, `opening_per_s`: mean speed of the lids, openness a second.
    """

    t: float
    duration_s: float
    amplitude: float
    closing_per_s: float
    opening_per_s: float
    lowest: float


@dataclass(frozen=True, slots=True)
class Perclos:
    """Share of readable time with the eyes at least 80 % closed, blinks of normal length not counted (P80).

    `coverage`: share of the window in which the eyes could be read; below a half, `value` is None. `low`, `high`: what
    it would be had the eyes been open, had they been shut, in all of the window that could not be read.
    """

    value: float | None
    low: float
    high: float
    coverage: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Drowsiness:
    """Karolinska sleepiness 1 to 9 with an interval, and the reason in words."""

    kss: float
    low: float
    high: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class DriverState:
    """Everything known of the driver at time `t` (seconds since the source's first frame).

    `step`: the time since the previous frame.
    `blink`: the one that ended with this frame. `nods`: those of the last five minutes (`state.nods`). `blink_rate`:
    blinks a minute of readable time over the PERCLOS window, None below half coverage. `face_absent_s` and
    `camera_fault_s`: how long there has been no face, no usable picture; 0.0 when all is well. `unread_s`: how long the
    eyes could not be read. `degraded`: why the system is partly or wholly blind. `occlusion`: what covers the face,
    None where that is unknown.
    """

    t: float
    step: TimeStep
    camera: CameraState
    light: Light
    face: FaceView | None
    face_reason: FaceReason | None
    eyes: EyesState
    head: HeadPose | None
    gaze: Gaze
    mouth: Mouth
    emotion: ExpressionState | None
    perclos: Perclos
    blink_rate: float | None
    drowsiness: Drowsiness | None
    degraded: Degraded | None
    face_absent_s: float
    camera_fault_s: float
    unread_s: float
    occlusion: Occlusion | None
    blink: Blink | None
    nods: int
    vehicle: VehicleData
