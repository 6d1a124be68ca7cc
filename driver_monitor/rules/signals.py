"""The names that profiles may use: every quantity of the driver's state a rule can look at."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from driver_monitor.data.alert import Value
from driver_monitor.data.driver_state import (
    Cover,
    Degraded,
    DriverState,
    EyesVerdict,
    GazeRegion,
    GazeZone,
    Movement,
    OffRoad,
)
from driver_monitor.data.observation import EXPRESSIONS, CameraState, Light
from driver_monitor.state.sleepiness.nods import WINDOW_S as NOD_WINDOW_S

Kind = Literal["number", "bool", "text"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One quantity: how it is read from the state, None meaning unknown.

    `unit` and `meaning` stand in the profile's JSON Schema. `low`, `high`: the range a threshold can sensibly lie in;
    `choices`: the values of a text. `window_s` and `coverage` tell over what time it was measured, `interval` what it
    may be as far as is known, where that applies; they go into an alert's evidence. `returning`: whether a time stands
    still because what it times seems to be over, which is not yet sure.
    """

    read: Callable[[DriverState], Value]
    unit: str
    meaning: str
    kind: Kind = "number"
    low: float = 0.0
    high: float = float("inf")
    choices: tuple[str, ...] = ()
    window_s: Callable[[DriverState], float] | None = None
    coverage: Callable[[DriverState], float] | None = None
    interval: Callable[[DriverState], tuple[float, float] | None] | None = None
    returning: Callable[[DriverState], bool] | None = None


def _perclos_window(state: DriverState) -> float:
    return state.perclos.window_s


def _perclos_coverage(state: DriverState) -> float:
    return state.perclos.coverage


def _glances_window(state: DriverState) -> float:
    return state.gaze.glances.window_s


def _glances_coverage(state: DriverState) -> float:
    return state.gaze.glances.coverage


def _glances_interval(state: DriverState) -> tuple[float, float] | None:
    glances = state.gaze.glances
    return None if glances.away_s is None else (glances.away_s, glances.most_s)


def _kss_interval(state: DriverState) -> tuple[float, float] | None:
    return (state.drowsiness.low, state.drowsiness.high) if state.drowsiness else None


def _text(read: Callable[[DriverState], Value], meaning: str, choices: tuple[str, ...]) -> Signal:
    return Signal(read, "", meaning, "text", choices=choices)


SIGNALS: dict[str, Signal] = {
    "face.present": Signal(lambda s: s.face is not None, "", "the driver's face is in the picture", "bool"),
    "face.absent_s": Signal(lambda s: s.face_absent_s, "s", "how long there has been no face"),
    "camera.state": _text(lambda s: s.camera, "whether the camera gives usable pictures", get_args(CameraState)),
    "camera.fault_s": Signal(lambda s: s.camera_fault_s, "s", "how long there has been no usable picture"),
    "light": _text(lambda s: s.light, "light in the picture", get_args(Light)),
    "degraded": _text(lambda s: s.degraded or "no", "why the system is blind, or no", ("no", *get_args(Degraded))),
    "occlusion.mouth": Signal(
        lambda s: s.occlusion.mouth if s.occlusion else None, "", "a mask or a hand covers the mouth", "bool"
    ),
    "occlusion.eyes": _text(
        lambda s: (s.occlusion.eyes or "no") if s.occlusion else None,
        "what covers both eyes, or no",
        ("no", *get_args(Cover)),
    ),
    "eyes.state": _text(
        lambda s: None if s.eyes.state == "unknown" else s.eyes.state,
        "eyes open or closed",
        tuple(name for name in get_args(EyesVerdict) if name != "unknown"),
    ),
    "eyes.openness": Signal(
        lambda s: s.eyes.openness, "", "openness, 1 for this driver's normal opening", low=0.0, high=1.5
    ),
    "eyes.closed_s": Signal(
        lambda s: s.eyes.closed_s,
        "s",
        "how long the eyes have been closed, 0 when open",
        returning=lambda s: s.eyes.reopening,
    ),
    "eyes.unread_s": Signal(lambda s: s.unread_s, "s", "how long the eyes could not be read"),
    "blinks.per_min": Signal(
        lambda s: s.blink_rate, "1/min", "blinks a minute", window_s=_perclos_window, coverage=_perclos_coverage
    ),
    "perclos.value": Signal(
        lambda s: s.perclos.value,
        "",
        "share of time with the eyes at least 80 % closed, blinks not counted",
        high=1.0,
        window_s=_perclos_window,
        coverage=_perclos_coverage,
        interval=lambda s: (s.perclos.low, s.perclos.high),
    ),
    "perclos.coverage": Signal(
        lambda s: s.perclos.coverage, "", "share of the window in which the eyes could be read", high=1.0
    ),
    "head.yaw": Signal(
        lambda s: s.head.yaw if s.head else None, "deg", "head turn, + to the driver's left", low=-180, high=180
    ),
    "head.pitch": Signal(lambda s: s.head.pitch if s.head else None, "deg", "head nod, + up", low=-180, high=180),
    "head.roll": Signal(
        lambda s: s.head.roll if s.head else None, "deg", "head tilt, + to the driver's right", low=-180, high=180
    ),
    "gaze.yaw": Signal(lambda s: s.gaze.yaw, "deg", "gaze from straight ahead, + left", low=-180, high=180),
    "gaze.pitch": Signal(lambda s: s.gaze.pitch, "deg", "gaze from straight ahead, + up", low=-180, high=180),
    "gaze.zone": _text(
        lambda s: None if s.gaze.zone == "unknown" else s.gaze.zone,
        "where the driver looks",
        tuple(name for name in get_args(GazeZone) if name != "unknown"),
    ),
    "gaze.away_s": Signal(
        lambda s: s.gaze.away.seconds,
        "s",
        "how long the gaze has been off the road, 0 on it",
        returning=lambda s: s.gaze.away.returning,
    ),
    "gaze.down_s": Signal(
        lambda s: s.gaze.away.down_s,
        "s",
        "how long the gaze has been low before the driver (area 3)",
        returning=lambda s: s.gaze.away.rising,
    ),
    "gaze.side": _text(
        lambda s: s.gaze.away.side, "side on which the look away under way leaves the road", get_args(OffRoad)
    ),
    "gaze.movement": _text(
        lambda s: s.gaze.away.movement,
        "what makes most of the look away under way: the head (owl) or the eyes (lizard)",
        get_args(Movement),
    ),
    "gaze.road_s": Signal(lambda s: s.gaze.glances.road_s, "s", "how long the gaze has been on the road, 0 when not"),
    "gaze.glances_s": Signal(
        lambda s: s.gaze.glances.away_s,
        "s",
        "time away from the road in the window, since it was last kept on the road for 2 s",
        window_s=_glances_window,
        coverage=_glances_coverage,
        interval=_glances_interval,
    ),
    "gaze.glances": Signal(
        lambda s: s.gaze.glances.count,
        "",
        "looks away that make up that time",
        window_s=_glances_window,
        coverage=_glances_coverage,
    ),
    "gaze.region": _text(lambda s: s.gaze.region, "part of the car the driver looks at", get_args(GazeRegion)),
    "mouth.opening": Signal(lambda s: s.mouth.opening, "", "inner-lip gap over mouth width", high=2.0),
    "mouth.yawning": Signal(lambda s: s.mouth.yawning, "", "a yawn is under way", "bool"),
    "mouth.yawns": Signal(lambda s: s.mouth.yawns, "", "yawns in the window", window_s=lambda s: s.mouth.yawn_window_s),
    "head.nods": Signal(lambda s: s.nods, "", "nods in the last five minutes", window_s=lambda _: NOD_WINDOW_S),
    "vehicle.speed_kmh": Signal(lambda s: s.vehicle.speed_kmh, "km/h", "speed, unknown where the car is silent"),
    "vehicle.ignition": Signal(lambda s: s.vehicle.ignition, "", "the ignition is on", "bool"),
    "drowsiness.kss": Signal(
        lambda s: s.drowsiness.kss if s.drowsiness else None,
        "KSS",
        "Karolinska sleepiness",
        low=1.0,
        high=9.0,
        interval=_kss_interval,
    ),
    "emotion.label": _text(
        lambda s: s.emotion.label if s.emotion else None,
        "smoothed expression",
        (*EXPRESSIONS, "positive", "negative", "uncertain"),
    ),
    "emotion.intensity": Signal(
        lambda s: s.emotion.intensity if s.emotion else None, "", "how far the expression is from neutral", high=1.0
    ),
    "emotion.held_s": Signal(
        lambda s: s.emotion.held_s if s.emotion else None, "s", "how long the expression has been shown"
    ),
    "emotion.distress_s": Signal(
        lambda s: s.emotion.distress_s if s.emotion else None, "s", "how long anger or fear has been shown, 0 when not"
    ),
}
"""Every signal by its dotted name."""

RETURNING = {name: signal.returning for name, signal in SIGNALS.items() if signal.returning is not None}
"""Those that may stand still because what they time seems to be over."""
WINDOWED = frozenset(name for name, signal in SIGNALS.items() if signal.window_s is not None)
"""Those measured over a window."""

EXPRESSION_PREFIX = "emotion."


def rests_on_expression(name: str) -> bool:
    """Tell whether the signal called `name` says what the face expresses: to the law an inference of emotion."""
    return name.startswith(EXPRESSION_PREFIX)


RULE_PREFIX, HELD_SUFFIX = "rule.", ".held_s"
"""`rule.<id>.held_s`: for how long, since another rule was raised, its clearing has been known not to hold, seconds;
0 while that rule is not active, unknown while that cannot be told. "No return within 3 s of a warning" is said so."""


def held_rule(name: str) -> str | None:
    """Return the rule that a `rule.<id>.held_s` signal speaks of, None for other names."""
    if name.startswith(RULE_PREFIX) and name.endswith(HELD_SUFFIX):
        return name[len(RULE_PREFIX) : -len(HELD_SUFFIX)] or None
    return None


_HELD = Signal(lambda _: None, "s", "how long another rule's alert has gone without a return")


def find(name: str) -> Signal | None:
    """Return the signal of that name, None when there is none."""
    return _HELD if held_rule(name) else SIGNALS.get(name)


def described() -> str:
    """Return every name with its meaning and unit, for people who write profiles."""
    entries = {**SIGNALS, f"{RULE_PREFIX}<id>{HELD_SUFFIX}": _HELD}
    return "; ".join(
        f"{name}: {signal.meaning}" + (f", {signal.unit}" if signal.unit else "") for name, signal in entries.items()
    )


def read_all(state: DriverState, names: Iterable[str]) -> dict[str, Value]:
    """Return the present value of each signal in `names`, None where it is unknown."""
    return {name: SIGNALS[name].read(state) for name in names}


def doubtful(state: DriverState) -> frozenset[str]:
    """Return the signals that must not decide now: times that stand still, and windows while nobody is visible."""
    returning = frozenset(name for name, is_returning in RETURNING.items() if is_returning(state))
    return returning | past(state)


def past(state: DriverState) -> frozenset[str]:
    """Return the signals that were measured over a window, if there is no face: the seat may be empty by now."""
    return WINDOWED if state.face is None else frozenset()
