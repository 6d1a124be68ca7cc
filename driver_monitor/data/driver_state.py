"""What is known of the driver at one time. `state` makes it; rules and outputs see nothing else of the driver.

Pure data. None means *unknown*. It is never zero, never "attentive" and never "asleep". Times are in seconds, angles in
degrees, shares and probabilities from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from driver_monitor.data.observation import CameraState, EyeReason, FaceReason, FaceView, HeadPose, Light, VehicleData
from driver_monitor.timing.cadence import TimeStep

EyesVerdict = Literal["open", "closed", "unknown"]
GazeZone = Literal["road", "down", "left", "right", "up", "unknown"]
OffRoad = Literal["down", "left", "right", "up"]
"""The side of a look-away: every zone except the road."""
Movement = Literal["owl", "lizard"]
"""What makes a look-away: the head makes at least half of its angle (owl), or less (lizard). Words of Euro NCAP."""
GazeRegion = Literal["road", "instruments", "console", "lap", "rear_mirror", "left_mirror", "right_mirror"]
"""Parts of the car, finer than zones (`state.gaze.regions`)."""
GazeSource = Literal["head", "eyes+head"]
GazeReason = Literal["no_picture", "no_face", "pose", "eyes_closed"]
"""Why the gaze is unknown."""
Cover = Literal["sunglasses", "glare", "occluded", "dark"]
"""What hides both eyes: the reasons in `EyeReason` without "no_face", "pose" and "blur"."""
Degraded = Literal[
    "sunglasses", "glare", "pose", "occluded", "dark", "blur", "covered", "frozen", "no_camera", "no_face"
]
"""Why the system cannot see the driver fully: a camera fault at once; no face or no readable eye after 2 or 3 s."""


@dataclass(frozen=True, slots=True)
class EyesState:
    """Both eyes together, and each eye. Openness: 1 is this driver's normal opening, 0 is shut.

    `openness`: of both together; `left`, `right`: of each eye; None while unknown. `reason`: why `state` is unknown,
    else None. `closed_s`: length of the present closure, 0.0 without one, None while unknown. `reopening`: the eyes
    seem to open, but this is not yet certain; `closed_s` stands still.
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
    """The look-aways in the last `window_s`, since the gaze last stayed on the road for 2 s (`state.gaze.glances`).

    `away_s`: their sum, None while the gaze is unknown. Unknown time is not added and does not reset the sum. `most_s`:
    the sum if the gaze was away in all unknown time. `count`: number of look-aways. `road_s`: how long the gaze has
    been on the road, 0.0 while away, None while unknown. `coverage`: share of the window in which the gaze is known.
    """

    away_s: float | None
    most_s: float
    count: int
    road_s: float | None
    coverage: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Glance:
    """One look-away that has ended. A gaze off the road for less than `state.gaze.regions.DWELL_S` is no glance.

    `side`, `movement`: the ones that lasted longest within the glance.
    """

    duration_s: float
    side: OffRoad
    movement: Movement


@dataclass(frozen=True, slots=True)
class LookAway:
    """The present look-away (`state.gaze.looks_away`).

    `seconds`: how long the gaze has been off the road, 0.0 on the road, None while unknown. The time also runs for up
    to 3.5 s after the face is lost in a turn; the zone is then unknown. `down_s`: how long the gaze has been in area 3
    of EU 2023/2590. `side`, `movement`: the ones that lasted longest so far, None without a look-away or if never
    visible. `ended`: the glance that ended with this frame, else None. `returning`, `rising`: the gaze seems to return
    to the road, or to leave area 3, but this is not yet certain; `seconds` or `down_s` stands still.
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
    """Where the driver looks, in degrees from this driver's learned straight ahead.

    `reason`: why the gaze is unknown; `yaw`, `pitch`, `region` and `source` are then None, else `reason` is. `region`:
    the part of the car, None also outside all parts. `source`: "head" when the irises are not visible.
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
    """The mouth and its yawns. `opening` (as in `FaceView`) and `yawning` are None while the mouth is hidden.

    `yawns`: number of yawns in the last `yawn_window_s`. Each counts from when the mouth has been wide open for 1.5 s.
    """

    opening: float | None
    yawning: bool | None
    yawns: int
    yawn_window_s: float


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What has covered the face for about a second (`state.visibility.occlusion`).

    `mouth`: whether a mask or a hand covers it, None if unknown. `eyes`: what covers both, None if nothing or unknown.
    """

    mouth: bool | None
    eyes: Cover | None


@dataclass(frozen=True, slots=True)
class ExpressionState:
    """The expression, smoothed over time. `p`: smoothed probability of each class.

    `label`: one of `observation.EXPRESSIONS`, "positive", "negative" or "uncertain". `distress_s`: how long anger or
    fear has been shown, 0.0 when not, None while unknown. `intensity`: 1 - p(neutral), None while unknown. `held_s`:
    seconds since this label began, None while "uncertain". `flash`: an expression that ended in the last 2 s and lasted
    half a second at most (`state.expression.flashes`), else None. It is found apart from the label.
    """

    label: str
    p: Mapping[str, float]
    distress_s: float | None
    intensity: float | None = None
    held_s: float | None = None
    flash: str | None = None


@dataclass(frozen=True, slots=True)
class Blink:
    """One movement of the lids down and up, full or partial (`state.eyes.blinks`).

    `t`: when it ended. `duration_s`: from the last frame before the lids sink to the first in which they are up again.
    `lowest`: least openness. `amplitude`: openness at the start minus `lowest`. `closing_per_s`, `opening_per_s`: mean
    speed, in openness a second.
    """

    t: float
    duration_s: float
    amplitude: float
    closing_per_s: float
    opening_per_s: float
    lowest: float


@dataclass(frozen=True, slots=True)
class Perclos:
    """Share of readable time in the last `window_s` with the eyes at least 80 % closed (P80), without normal blinks.

    `value`: None while `coverage`, the share of the window in which the eyes could be read, is below one half.
    `low`, `high`: the value if the eyes were open, or shut, in all time that could not be read.
    """

    value: float | None
    low: float
    high: float
    coverage: float
    window_s: float


@dataclass(frozen=True, slots=True)
class Drowsiness:
    """Sleepiness on the Karolinska scale, 1 to 9. `low`, `high`: its interval. `reason`: what it rests on, in words."""

    kss: float
    low: float
    high: float
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class DriverState:
    """Everything known of the driver at time `t`, in seconds since the first frame of the source.

    `step`: the time since the previous frame.
    `blink_rate`: blinks a minute of readable time in the PERCLOS window; None while the coverage is below one half.
    `degraded`: why the driver is not fully visible, None if visible. `face_absent_s`, `camera_fault_s`, `unread_s`: how
    long there has been no face, no usable picture, no readable eye; 0.0 when not missing. `head`, `emotion`,
    `drowsiness`, `occlusion` (what covers the face): None while unknown. `blink`: the blink that ended with this frame,
    else None. `nods`: number of nods in the last five minutes.
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
