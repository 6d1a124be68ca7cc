"""Defines the rows of the table, by topic. A row without `at` reads the path in `DriverState` that is its name."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import get_args

from driver_monitor.data import alert, driver_state, observation
from driver_monitor.data.driver_state import DriverState
from driver_monitor.signals.signal import JsonObject, Signal, private, public, shown
from driver_monitor.state.sleepiness.nods import WINDOW_S as NOD_WINDOW_S

_angle = partial(public, unit="deg", low=-180, high=180, digits=1)
_yes_no = partial(public, kind="bool")
_word, _shown_word = partial(public, kind="text"), partial(shown, kind="text")
_over_perclos = partial(public, window_s=attrgetter("perclos.window_s"), coverage=attrgetter("perclos.coverage"))
_over_glances = partial(
    public, window_s=attrgetter("gaze.glances.window_s"), coverage=attrgetter("gaze.glances.coverage")
)

_over_looks = partial(
    public, window_s=attrgetter("gaze.look.looks.window_s"), coverage=attrgetter("gaze.look.looks.coverage")
)


def _has_face(state: DriverState) -> bool:
    return state.face is not None


def _box(state: DriverState) -> list[float] | None:
    box = state.face.box if state.face else None
    return [round(value, 1) for value in (box.x, box.y, box.w, box.h)] if box else None


def _classes(state: DriverState) -> dict[str, float] | None:
    return {name: round(p, 3) for name, p in state.emotion.p.items()} if state.emotion else None


def _looks_interval(state: DriverState) -> tuple[float, float] | None:
    looks = state.gaze.look.looks
    return None if looks.away_s is None else (looks.away_s, looks.most_s)


def _glances_interval(state: DriverState) -> tuple[float, float] | None:
    glances = state.gaze.glances
    return None if glances.away_s is None else (glances.away_s, glances.most_s)


OBJECTS = (
    JsonObject("face", "the driver's face, from brows to chin"),
    JsonObject("occlusion", "what has covered the face for about a second", attrgetter("occlusion")),
    JsonObject("eyes", "the eyes in this frame"),
    JsonObject("perclos", "PERCLOS over the last minute"),
    JsonObject("blink", "the blink that ended with this frame, full or partial; else `null`", attrgetter("blink")),
    JsonObject("drowsiness", "the estimated sleepiness; `null` while unknown", attrgetter("drowsiness")),
    JsonObject("head", "head pose, seen from the camera; `null` while unknown", attrgetter("head")),
    JsonObject("gaze", "where the driver looks, from the learned straight ahead; `null` while unknown",
               lambda s: s.gaze.yaw is not None and s.gaze.pitch is not None),
    JsonObject("glances", "the present look-away and the repeated glances"),
    JsonObject("glance", "the glance that ended with this frame; else `null`", attrgetter("gaze.away.ended")),
    JsonObject("look", "the present look off the road ahead, and the repeated ones, by target"),
    JsonObject("mouth", "the mouth; `null` while it is turned away or hidden: a yawn is then unknown",
               lambda s: s.mouth.opening is not None),
    JsonObject("emotion", "what the face shows, not what is felt; `null` while unknown", attrgetter("emotion")),
    JsonObject("phone", "a telephone at the ear; `null` when nobody has looked for one", attrgetter("objects")),
    JsonObject("hand", "a hand on the face; `null` when nobody has looked for one", attrgetter("objects")),
    JsonObject("car", "what the car sends"),
)  # fmt: skip

_PICTURE = (
    shown("schema", "version of these fields", at=lambda _: None),
    shown("frame", "number of the decoded frame, from 0; not in `state/`", at=lambda _: None),
    shown("t", "time since the first frame", "s", digits=3),
    _yes_no("face.present", "the driver's face is in the picture", at=_has_face),
    _shown_word("face.reason", "why there is no face", at="face_reason", choices=get_args(observation.FaceReason),
                json_while=lambda s: s.face is None),
    shown("face.box", "left, top, width and height", "px", at=_box, kind="list", json_while=_has_face),
    shown("face.score", "probability that it is a face", high=1.0, digits=3, json_while=_has_face),
    shown("face.others", "other faces in the last search of the whole picture, every second, later every five; `null` "
          "before the first search", json_while=_has_face),
    public("face.absent_s", "how long there has been no face", "s", at="face_absent_s", json=None),
    _word("camera.state", "whether the camera gives usable pictures", at="camera", json=None,
          choices=get_args(driver_state.CameraVerdict)),
    public("camera.fault_s", "how long there has been no usable picture", "s", at="camera_fault_s", json=None),
    public("camera.poor_s", "how long the picture has been out of focus or shaking", "s", at="camera_poor_s",
           json=None),
    _word("light", "light in the whole picture", choices=get_args(observation.Light)),
    _word("degraded", "why the driver has not been fully visible for some seconds, or no",
          at=lambda s: s.degraded or "no", choices=("no", *get_args(driver_state.Degraded)), json_values={"no": None}),
    shown("rotate_to", "the `camera.rotate` that would make a turned picture upright; else `null`", "deg"),
    _yes_no("occlusion.mouth", "a mask or a hand covers the mouth"),
    _word("occlusion.eyes", "what covers both eyes, or no", choices=("no", *get_args(driver_state.Cover)),
          at=lambda s: (s.occlusion.eyes or "no") if s.occlusion else None, json_values={"no": None}),
)  # fmt: skip
_EYES = (
    _word("eyes.state", "eyes open or closed", choices=("open", "closed"), json_values={None: "unknown"},
          at=lambda s: None if s.eyes.state == "unknown" else s.eyes.state),
    public("eyes.openness", "openness, 1 for this driver's normal opening", high=1.5, digits=3),
    shown("eyes.left", "openness of the left eye", digits=3),
    shown("eyes.right", "openness of the right eye", digits=3),
    _shown_word("eyes.reason", "why both eyes cannot be read in this frame", choices=get_args(observation.EyeReason)),
    public("eyes.closed_s", "how long the eyes have been closed, 0 when open", "s", json=None,
           returning="eyes.reopening"),
    public("eyes.closed_past_yawn_s",
           "how long the eyes have been closed, yawns not counted, 0 when open; unknown in a yawn", "s",
           at="past_yawn_s", json=None, returning="eyes.reopening"),
    public("eyes.closed_or_lowered_s", "how long the eyes have been closed, or low enough to be, 0 when not", "s",
           at="eyes.shut_s", json=None, returning="eyes.rising"),
    public("eyes.p_closed", "probability that the eyes are closed in this frame", high=1.0, digits=3),
    public("eyes.p_closure", "probability that the present closure is one, from all of its frames; `null` without one",
           high=1.0, digits=3),
    _yes_no("eyes.lowered", "a slit of the eyeballs is visible between low or narrow lids"),
    public("eyes.unread_s", "how long the eyes could not be read", "s", at="unread_s", json=None),
    _over_perclos("perclos.value", "share of time with the eyes at least 80 % closed, blinks not counted", high=1.0,
                  digits=4, interval=lambda s: (s.perclos.low, s.perclos.high)),
    shown("perclos.low", "lowest possible value: eyes open in all time that was not readable", digits=4),
    shown("perclos.high",
          "highest possible value: eyes shut in all time that was not readable, and in closures that are not sure",
          digits=4),
    public("perclos.coverage", "share of the window in which the eyes could be read", high=1.0, digits=3),
    shown("perclos.window_s", "length of the window", "s"),
    _over_perclos("blinks.per_min", "blinks a minute", "1/min", at="blink_rate", json="blink_rate", digits=1),
    shown("blink.duration_s", "how long it lasted", "s", digits=3),
    shown("blink.amplitude", "how far the lids moved, in openness", digits=3),
    shown("blink.closing_per_s", "speed of the closing lids, in openness", "1/s", digits=2),
    shown("blink.opening_per_s", "speed of the opening lids, in openness", "1/s", digits=2),
    public("head.nods", "nods in the last five minutes", at="nods", json="nods", window_s=lambda _: NOD_WINDOW_S),
    public("drowsiness.kss", "Karolinska sleepiness", "KSS", low=1.0, high=9.0, digits=1,
           interval=lambda s: (s.drowsiness.low, s.drowsiness.high) if s.drowsiness else None),
    shown("drowsiness.low", "lower end of the interval", "KSS", low=1.0, high=9.0, digits=1),
    shown("drowsiness.high", "upper end of the interval", "KSS", low=1.0, high=9.0, digits=1),
    _shown_word("drowsiness.reason", "the reason in words"),
)  # fmt: skip
_GAZE = (
    _angle("head.yaw", "head turn, + to the driver's left"),
    _angle("head.pitch", "head nod, + up"),
    _angle("head.roll", "head tilt, + to the driver's right"),
    _angle("gaze.yaw", "gaze from straight ahead, + left"),
    _angle("gaze.pitch", "gaze from straight ahead, + up"),
    public("gaze.uncertainty_deg", "how far straight ahead may be from the learned one, 0 once it is certain", "deg",
           high=90.0, digits=1),
    _word("gaze.zone", "where the driver looks", choices=("road", *get_args(driver_state.OffRoad)),
          at=lambda s: None if s.gaze.zone == "unknown" else s.gaze.zone, json_values={None: "unknown"}),
    _word("gaze.region", "part of the car the driver looks at", choices=get_args(driver_state.GazeRegion)),
    _shown_word("gaze.source", "`head` when the irises are not visible", choices=get_args(driver_state.GazeSource)),
    _shown_word("gaze_reason", "why the gaze is unknown", at="gaze.reason", choices=get_args(driver_state.GazeReason)),
    public("gaze.away_s", "how long the gaze has been off the road, 0 on it", "s", at="gaze.away.seconds",
           json="glances.away_s", digits=3, returning="gaze.away.returning"),
    public("gaze.down_s", "how long the gaze has been in area 3, low in front of the driver", "s",
           at="gaze.away.down_s", json="glances.down_s", digits=3, returning="gaze.away.rising"),
    _word("gaze.side", "side on which most of the present look-away lies", at="gaze.away.side", json="glances.side",
          choices=get_args(driver_state.OffRoad)),
    _word("gaze.movement", "what moves most in the present look-away: the head (owl) or the eyes (lizard)",
          at="gaze.away.movement", json="glances.movement", choices=get_args(driver_state.Movement)),
    public("gaze.road_s", "how long the gaze has been on the road, 0 when not", "s", at="gaze.glances.road_s",
           json=None),
    _over_glances("gaze.glances_s", "time away from the road in the window, since it was last kept on the road for 2 s",
                  "s", at="gaze.glances.away_s", json="glances.total_s", digits=3, interval=_glances_interval),
    shown("glances.most_s", "highest possible `glances.total_s`: the gaze was away in all time in which it is unknown",
          "s", at="gaze.glances.most_s", digits=3),
    _over_glances("gaze.glances", "look-aways that make up that time", at="gaze.glances.count", json="glances.count"),
    shown("glances.window_s", "length of the window", "s", at="gaze.glances.window_s"),
    shown("glances.coverage", "share of the window in which the gaze is known", high=1.0, digits=3,
          at="gaze.glances.coverage"),
    shown("glance.duration_s", "how long it lasted", "s", at="gaze.away.ended.duration_s", digits=3),
    _shown_word("glance.side", "the side for most of the time", at="gaze.away.ended.side",
                choices=get_args(driver_state.OffRoad)),
    _shown_word("glance.movement", "the movement for most of the time", at="gaze.away.ended.movement",
                choices=get_args(driver_state.Movement)),
    _word("gaze.target", "what the driver looks at: a region, or what lies where there is none",
          choices=get_args(driver_state.GazeTarget)),
    public("gaze.target_p", "share of the directions within the error of the gaze that have this target", high=1.0,
           digits=3),
    public("look.off_s", "how long the gaze has been off the road ahead, also at the instruments; 0 ahead", "s",
           at="gaze.look.off_s", digits=3, returning="gaze.look.returning"),
    _word("look.target", "what most of the present look goes to", at="gaze.look.target",
          choices=get_args(driver_state.GazeTarget)),
    _word("look.task", "whether most of the present look belongs to driving (mirrors, instruments)",
          at="gaze.look.task", choices=get_args(driver_state.GazeTask)),
    _word("look.movement", "what moves most in the present look: head (owl), eyes (lizard), or the head leaves its "
          "usual place (lean)", at="gaze.look.movement", choices=get_args(driver_state.LookMovement)),
    public("look.ahead_s", "how long the gaze has been on the road ahead, 0 when not", "s",
           at="gaze.look.looks.road_s", digits=3),
    _over_looks("look.total_s", "time off the road ahead in the window, since it was last kept ahead for 2 s", "s",
                at="gaze.look.looks.away_s", digits=3, interval=_looks_interval),
    _over_looks("look.other_s", "the part of `look.total_s` at targets that do not belong to driving", "s",
                at="gaze.look.other_s", digits=3),
    _over_looks("look.count", "looks that make up `look.total_s`", at="gaze.look.looks.count"),
)  # fmt: skip
_EXPRESSION = (
    public("mouth.opening", "inner-lip gap over mouth width", high=2.0, digits=3),
    _yes_no("mouth.yawning", "a yawn is under way"),
    public("mouth.yawns", "yawns in the window", window_s=attrgetter("mouth.yawn_window_s")),
    private("emotion.label", "smoothed expression", kind="text",
            choices=(*observation.EXPRESSIONS, "positive", "negative", "uncertain")),
    private("emotion.p", "probability of each class, smoothed over 1.5 s", at=_classes, kind="map", rule=False),
    private("emotion.intensity", "how far the expression is from neutral", high=1.0, digits=3),
    private("emotion.held_s", "how long the expression has been shown", "s", digits=3),
    private("emotion.flash", "an expression that lasted half a second at most, shown for two seconds; never the label",
            kind="text", choices=tuple(name for name in observation.EXPRESSIONS if name != "neutral"), rule=False),
    private("emotion.distress_s", "how long anger or fear has been shown, 0 when not", "s", json=None),
)  # fmt: skip
OF_OBJECTS = (
    public("phone.at_ear_s", "how long a telephone has been at an ear, 0 when not", "s", at="objects.phone.seconds",
           digits=3, returning="objects.phone.standing"),
    _word("phone.side", "the driver's ear at which it is; `null` without one", at="objects.phone_side",
          choices=get_args(driver_state.Side)),
    _word("phone.reason", "why it is unknown whether a telephone is at an ear", at="objects.phone.reason",
          choices=get_args(driver_state.HeldReason)),
    public("hand.on_face_s", "how long a hand has been on the face, 0 when not", "s", at="objects.hand.seconds",
           digits=3, returning="objects.hand.standing"),
    _yes_no("mask", "a face mask is worn", at="objects.mask"),
    public("mouth.object_s", "how long an object (cup, cigarette) has been at the mouth, 0 when not", "s",
           at="objects.at_mouth.seconds", json="mouth_object_s", digits=3, returning="objects.at_mouth.standing"),
)  # fmt: skip
_CAR = (
    public("vehicle.speed_kmh", "speed, unknown where the car is silent", "km/h", json="car.speed_kmh", digits=1),
    _yes_no("vehicle.ignition", "the ignition is on", json="car.ignition"),
    _shown_word("attention", "one word for the driver, from the active rules", at=lambda _: None,
                choices=get_args(alert.Attention)),
    shown("alerts", "the active rules, worst first", at=lambda _: None, kind="list"),
)  # fmt: skip

TOPICS: dict[str, tuple[Signal, ...]] = {
    "Picture and face": _PICTURE,
    "Eyes and sleepiness": _EYES,
    "Head and gaze": _GAZE,
    "Mouth and expression": _EXPRESSION,
    "Hands and objects": OF_OBJECTS,
    "Car and rules": _CAR,
}
"""The rows of each topic. The topics are the headings of docs/signals.md."""
