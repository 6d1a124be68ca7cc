"""Defines the driver state: all that is known of the driver at one time. `state` makes it; the rules judge it.

Pure data. None means *unknown*, never zero, unless the class gives it another meaning. Times are in seconds, angles in
degrees, shares and probabilities from 0 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from driver_monitor.data.observation import EyeReason, FaceReason, FaceView, HeadPose, Light, VehicleData
from driver_monitor.frozen import fast_dataclass
from driver_monitor.timing.cadence import TimeStep

CameraVerdict = Literal["ok", "lost", "frozen", "covered", "turned_away", "out_of_focus", "vibrating"]
"""The state of the camera, judged over time (`state.visibility.camera_judge`). With the last two there is a picture."""
EyesVerdict = Literal["open", "closed", "unknown"]
GazeZone = Literal["road", "down", "left", "right", "up", "unknown"]
OffRoad = Literal["down", "left", "right", "up"]
"""The side of a look-away: every zone except the road."""
Movement = Literal["owl", "lizard"]
"""What makes a look-away: the head makes at least half of its angle (owl), or less (lizard). Words of Euro NCAP."""
GazeRegion = Literal["road", "instruments", "console", "lap", "rear_mirror", "left_mirror", "right_mirror"]
"""Parts of the car, finer than zones (`state.gaze.regions`)."""
FurtherTarget = Literal["wheel", "window", "passenger", "glovebox", "footwell", "roof", "rear"]
"""What lies in a direction in which there is no region (`state.gaze.targets`). `window`: on the driver's side.
`passenger`: the passenger's face or window, which lie in one direction."""
GazeTarget = Literal[
    "road", "instruments", "console", "lap", "rear_mirror", "left_mirror", "right_mirror",
    "wheel", "window", "passenger", "glovebox", "footwell", "roof", "rear",
]  # fmt: skip
"""What the driver looks at: a region or a further target."""
GazeTask = Literal["driving", "other"]
"""Whether a target belongs to driving (mirrors, instruments) or not."""
LookMovement = Literal["owl", "lizard", "lean"]
"""As `Movement`; `lean`: the head has left its usual place (`state.gaze.head_place`)."""
GazeSource = Literal["head", "eyes+head"]
GazeReason = Literal["no_picture", "no_face", "pose", "eyes_closed"]
"""Why the gaze is unknown."""
Cover = Literal["sunglasses", "glare", "occluded", "dark"]
"""What hides both eyes: the reasons in `EyeReason` without "no_face", "pose" and "blur"."""
HeldReason = Literal["unseen", "unclear", "never_free", "usual", "lost"]
"""Why it is unknown whether something is held in a place. "unseen": the place is out of sight and was free before, or
was never seen. "unclear": the probability is neither high nor low. "never_free": it was there from the start on, as a
headset may be. "usual": it has been there for so long that it is usual for this driver. "lost": it was there before the
place went out of sight. All but "unseen" stay, out of sight too, until a look shows something else."""
Side = Literal["left", "right"]
"""A side of the driver's own body."""
Degraded = Literal[
    "sunglasses",
    "glare",
    "pose",
    "occluded",
    "dark",
    "blur",
    "covered",
    "frozen",
    "turned",
    "no_camera",
    "no_face",
    "turned_away",
    "out_of_focus",
    "vibrating",
]
"""Why the driver is not seen fully. A lost camera or a turned picture counts at once, no face after 2 s, no readable
eye after 3 s."""


@fast_dataclass(frozen=True, slots=True)
class EyesState:
    """Both eyes together, and each eye. Openness: 1 is this driver's normal opening, 0 is shut, 1.5 is the maximum.

    `state`: "closed" from an openness of 0.2 until it is above 0.4. `openness`: of both; `left`, `right`: of each eye;
    None while unknown. `reason`: why `state` is "unknown", else None. `closed_s`: length of the present closure, 0.0
    without one, None while unknown. `reopening`: the eyes seem open, but for under 0.1 s; `closed_s` stands still.
    `p_closed`: probability that the eyes are closed in this frame. `lowered`: whether a slit of the eyeballs is visible
    between low or narrow lids (`state` is then "open"). `p_closure`: probability that the present closure is one, from
    all of its frames; None without one. `shut_s`: how long the eyes have been closed, or so low that they may be
    closed; 0.0 when not. `rising`: they seem open, but for under 0.25 s; `shut_s` stands still. All but `rising`: None
    while unknown.
    """

    state: EyesVerdict
    openness: float | None
    left: float | None
    right: float | None
    reason: EyeReason | None
    closed_s: float | None
    reopening: bool
    p_closed: float | None = None
    lowered: bool | None = None
    p_closure: float | None = None
    shut_s: float | None = None
    rising: bool = False


@fast_dataclass(frozen=True, slots=True)
class RepeatedGlances:
    """The look-aways in the last `window_s`. A time of 2 s on the road sets sum and count to 0 (`state.gaze.glances`).

    `away_s`: sum of the look-aways, None while the gaze is unknown. Unknown time is not added and does not reset the
    sum. `most_s`: the sum if the gaze was away in all unknown time. `count`: number of look-aways. `road_s`: how long
    the gaze has been on the road, 0.0 while away, None while unknown. `coverage`: known share of the window.
    """

    away_s: float | None
    most_s: float
    count: int
    road_s: float | None
    coverage: float
    window_s: float


@fast_dataclass(frozen=True, slots=True)
class Glance:
    """One look-away that has ended. It lasted at least `state.gaze.regions.DWELL_S` (0.1 s), and its side was seen.

    `side`, `movement`: the ones that lasted longest within the glance.
    """

    duration_s: float
    side: OffRoad
    movement: Movement


@fast_dataclass(frozen=True, slots=True)
class LookAway:
    """The present look-away (`state.gaze.looks_away`).

    `seconds`: how long the gaze has been off the road. `down_s`: how long it has been more than 25 degrees down, within
    55 to each side (area 3 of EU 2023/2590 and a margin). Both: 0.0 when not so, None if unknown. They go on for up to
    3.5 s after a turning face is lost, or while its eyes read as closed; the zone is then unknown. `side`, `movement`:
    the ones that lasted longest so far, None if never visible or `seconds` is 0.0 or None. `ended`: the glance that
    ended with this frame, else None. `returning`, `rising`: the gaze seems back on the road, or out of area 3, but for
    less than 0.25 s; `seconds` or `down_s` stands still.
    """

    seconds: float | None
    down_s: float | None
    side: OffRoad | None
    movement: Movement | None
    ended: Glance | None
    returning: bool
    rising: bool


@fast_dataclass(frozen=True, slots=True)
class TargetLook:
    """The present look away from the road ahead, and the repeated ones, by target (`state.gaze.target_looks`).

    Unlike in `LookAway`, the instruments and the wheel are not the road ahead. `off_s`: how long the gaze has been off
    the road ahead; 0.0 when it is not, None while unknown. `target`, `task`, `movement`: those of most of this time,
    None when `off_s` is 0.0 or None, or if never visible. `returning`: the gaze seems ahead again, but for less than
    0.25 s; `off_s` stands still. `looks`: as the repeated glances, for these looks. `other_s`: the part of
    `looks.away_s` that was spent on targets that do not belong to driving, None while the gaze is unknown.
    """

    off_s: float | None
    target: GazeTarget | None
    task: GazeTask | None
    movement: LookMovement | None
    returning: bool
    looks: RepeatedGlances
    other_s: float | None


@fast_dataclass(frozen=True, slots=True)
class Gaze:
    """Where the driver looks. `yaw` (+ left), `pitch` (+ up): degrees from this driver's learned straight ahead.

    `reason`: why the gaze is unknown, else None. With a reason, `zone` is "unknown", and `yaw`, `pitch`, `region` and
    `source` are None. `region`: the part of the car, None also outside all parts. `source`: "head" if no iris is seen.
    `uncertainty_deg`: how far the true straight ahead may be from the learned one, to the side or up and down; 0 when
    that one alone is plausible. `zone` and `away`: the gaze is off the road if it is so for each plausible one.
    `target`: the region, or the further target where there is no region; None while the gaze is unknown. `target_p`:
    share of the directions within the error of the measurement that have the same target; None also for low lids.
    """

    yaw: float | None
    pitch: float | None
    zone: GazeZone
    region: GazeRegion | None
    source: GazeSource | None
    reason: GazeReason | None
    away: LookAway
    glances: RepeatedGlances
    uncertainty_deg: float
    target: GazeTarget | None
    target_p: float | None
    look: TargetLook


@fast_dataclass(frozen=True, slots=True)
class Mouth:
    """The mouth and its yawns. `opening` (as in `FaceView`) and `yawning`: None while unknown, as when it is covered.

    `yawns`: yawns in the last `yawn_window_s`. A yawn is 1.5 s of a wide open mouth, at least 15 s after the last yawn.
    """

    opening: float | None
    yawning: bool | None
    yawns: int
    yawn_window_s: float


@fast_dataclass(frozen=True, slots=True)
class Occlusion:
    """What covers mouth and eyes. An answer changes after about a second; the first counts at once.

    `mouth`: whether a mask or hand covers it, None if unknown. `eyes`: what hides both, None if nothing or unknown.
    """

    mouth: bool | None
    eyes: Cover | None


@fast_dataclass(frozen=True, slots=True)
class Held:
    """For how long something has been held in one place (`state.objects.held_meter`).

    `seconds`: 0.0 when not, None while unknown. `standing`: the time stands still, because a look has missed the thing
    or the place cannot be seen. `reason`: why `seconds` is None, else None.
    """

    seconds: float | None
    standing: bool = False
    reason: HeldReason | None = None


@fast_dataclass(frozen=True, slots=True)
class ObjectsState:
    """What has been at the driver's face: answers of the looks of the objects net over time (`state.objects`).

    `phone`: a telephone at an ear, `phone_side`: at which one, None without one. `hand`: a hand on the face.
    `at_mouth`: an object at the mouth. `mask`: whether a face mask is worn; an answer takes about 3 s.
    `mouth_hidden`: whether mask, hand or object hides most of the mouth; an answer changes after about a second. Both:
    None if unknown.
    """

    phone: Held
    phone_side: Side | None
    hand: Held
    at_mouth: Held
    mask: bool | None
    mouth_hidden: bool | None


@fast_dataclass(frozen=True, slots=True)
class ExpressionState:
    """The expression, smoothed over time. `p`: smoothed probability of each class in `observation.EXPRESSIONS`.

    `label`: a class, "negative" (unclear which) or "uncertain"; in infrared or dark light "neutral", "positive" or
    "uncertain". `distress_s`: how long anger or fear has been shown, 0.0 when not. `intensity`: 1 - p(neutral). Both
    are None in infrared or dark light, and before the net has run for half a second. `held_s`: seconds since `label`
    last changed, None while "uncertain". `flash`: an expression that ended in the last 2 s and lasted half a second at
    most (`state.expression.flashes`), else None. It does not depend on `label`.
    """

    label: str
    p: Mapping[str, float]
    distress_s: float | None
    intensity: float | None = None
    held_s: float | None = None
    flash: str | None = None


@fast_dataclass(frozen=True, slots=True)
class Blink:
    """One movement of the lids down and up, full or partial (`state.eyes.blinks`).

    `t`: when it ended. `duration_s`: from the last frame before the lids sink to the first in which they are up again.
    `lowest`: least openness. `amplitude`: openness at the start minus `lowest`. `closing_per_s`, `opening_per_s`: mean
    speeds of the lids, in openness per second.
    """

    t: float
    duration_s: float
    amplitude: float
    closing_per_s: float
    opening_per_s: float
    lowest: float


@fast_dataclass(frozen=True, slots=True)
class Perclos:
    """Share of readable time in the last `window_s` with the eyes at least 80 % closed (P80), without normal blinks.

    `value`: None while `coverage`, the share of the window in which the eyes could be read, is below one half.
    `low`, `high`: the value if the eyes were open, or shut, in all time that could not be read. `high` also has the
    closures that are not sure (`state.eyes.closure`); `value` and `low` do not.
    """

    value: float | None
    low: float
    high: float
    coverage: float
    window_s: float


@fast_dataclass(frozen=True, slots=True)
class Drowsiness:
    """Sleepiness as `kss` on the Karolinska scale, 1 to 9. `low`, `high`: its interval. `reason`: what it rests on."""

    kss: float
    low: float
    high: float
    reason: str


@fast_dataclass(frozen=True, slots=True, eq=False)
class DriverState:
    """Everything known of the driver at time `t`, in seconds since the first frame of the source.

    `step`: the time since the previous frame. `face`: None without a face; `face_reason` is then the cause, else None.
    `blink_rate`: blinks per minute of readable time in the PERCLOS window; None while the coverage is below one half.
    `degraded`: why the driver is not fully visible, else None. No face counts after 2 s, no readable eye after 3 s.
    `face_absent_s`, `camera_fault_s`, `unread_s`: how long there has been no face, no usable picture, no readable eye;
    0.0 when not missing. `head`, `emotion` (expression), `drowsiness`, `occlusion`: None while unknown. `blink`: the
    blink that ended with this frame, else None. `nods`: number of nods in the last five minutes. `rotate_to`: the
    value of `camera.rotate` that would make a turned picture upright, None if the picture is not turned.
    `past_yawn_s`: length of the present closure without the time of a yawn; 0.0 without a closure, None in a yawn or
    while unknown. `camera_poor_s`: how long the picture has been out of focus or shaking, 0.0 when not. `objects`: None
    before the first look of the objects net, and 10 s after the last.
    """

    t: float
    step: TimeStep
    camera: CameraVerdict
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
    rotate_to: int | None = None
    past_yawn_s: float | None = None
    camera_poor_s: float = 0.0
    objects: ObjectsState | None = None
