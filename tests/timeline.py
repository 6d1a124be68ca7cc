"""A fake drive for tests: stretches of what the driver does, sampled into observations at any frame rate."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache

from driver_monitor.bench import spot_check
from driver_monitor.config.profiles import load_profile
from driver_monitor.data.alert import AlertEvent, Verdict
from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import (
    CameraState,
    EyeReason,
    EyesView,
    EyeView,
    FaceReason,
    HeadPose,
    Light,
    ObjectsView,
    Observation,
    VehicleData,
)
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.state.tracker import StateTracker
from driver_monitor.timing.periodic import PeriodicTimer

LOOKS_PER_S = 3.0
"""How often the objects net looks."""


@dataclass(frozen=True)
class Stretch:
    """What is so for `seconds`. `opening`: lids against a population; `p_closed` None follows from the lids.

    `lean`: how far aside the driver leans, in widths of the face. `objects`: what the objects net sees in each look.
    """

    seconds: float
    opening: float = 1.0
    p_closed: float | None = None
    p_lowered: float | None = None
    reason: EyeReason | None = None
    yaw: float = 0.0
    pitch: float = 0.0
    mouth: float | None = 0.05
    mouth_hidden: float | None = None
    iris_yaw: float | None = 0.0
    face: bool = True
    face_reason: FaceReason = "not_found"
    camera: CameraState = "ok"
    light: Light = "day"
    speed_kmh: float | None = None
    ignition: bool | None = None
    lean: float = 0.0
    objects: ObjectsView | None = None


def attentive(seconds: float, **what: object) -> Stretch:
    return replace(Stretch(seconds), **what)  # type: ignore[arg-type]


def shut(seconds: float, **what: object) -> Stretch:
    return attentive(seconds, opening=0.05, **what)


def away(seconds: float, yaw: float = 40.0, pitch: float = 0.0) -> Stretch:
    return Stretch(seconds, yaw=yaw, pitch=pitch)


def lap(seconds: float, yaw: float = 10.0, pitch: float = -40.0, **what: object) -> Stretch:
    """A look at what lies low before the driver; the lids hide the irises."""
    return attentive(seconds, yaw=yaw, pitch=pitch, iris_yaw=None, **what)


def unreadable(seconds: float, reason: EyeReason = "sunglasses") -> Stretch:
    return Stretch(seconds, reason=reason)


def no_face(seconds: float, reason: FaceReason = "not_found") -> Stretch:
    return Stretch(seconds, face=False, face_reason=reason)


def no_camera(seconds: float, camera: CameraState = "lost") -> Stretch:
    return Stretch(seconds, face=False, face_reason="no_frame", camera=camera)


def yawn(seconds: float) -> Stretch:
    return Stretch(seconds, mouth=0.9)


def observe(t: float, stretch: Stretch) -> Observation:
    """One frame of `stretch`."""
    return replace(_seen(t, stretch), vehicle=VehicleData(stretch.speed_kmh, stretch.ignition))


def _seen(t: float, stretch: Stretch) -> Observation:
    if not stretch.face:
        return Observation(t, stretch.camera, stretch.light, None, None, None, stretch.face_reason)
    eye = EyeView(None, None, stretch.reason) if stretch.reason else spot_check.eye(stretch.opening)
    if stretch.p_closed is not None and stretch.reason is None:
        eye = replace(eye, p_closed=stretch.p_closed)
    if stretch.reason is None:
        eye = replace(eye, p_lowered=stretch.p_lowered)
    iris = (None, None) if stretch.iris_yaw is None else (stretch.iris_yaw, 0.0)
    head = HeadPose(stretch.yaw, stretch.pitch, 0.0)
    eyes = EyesView(eye, eye, *iris)
    seen = spot_check.see(t, eyes, head, stretch.mouth, stretch.mouth_hidden, stretch.lean)
    return replace(seen, camera=stretch.camera, light=stretch.light, objects=stretch.objects)


def times(seconds: float, fps: float, jitter: float = 0.0, seed: int = 0) -> list[float]:
    """Frame times over `seconds`; `jitter`: how far each may be off, as a share of the period."""
    chance = random.Random(seed)
    count = int(seconds * fps + 1e-6)
    raw = [(k + (chance.uniform(-jitter, jitter) if k else 0.0)) / fps for k in range(count)]
    return [round(t, 6) for t in raw]


def film(
    stretches: Sequence[Stretch], fps: float = 20.0, jitter: float = 0.0, seed: int = 0, every: int = 1
) -> list[Observation]:
    """The drive as frames: each shows the stretch that its time falls into. About `LOOKS_PER_S` of them have a look."""
    ends, total = [], 0.0
    for stretch in stretches:
        total += stretch.seconds
        ends.append(total)
    frames, index, looks = [], 0, PeriodicTimer(1 / LOOKS_PER_S)
    for t in times(total, fps, jitter, seed)[::every]:
        while index < len(ends) - 1 and t >= ends[index] - 1e-6:
            index += 1
        seen = observe(t, stretches[index])
        frames.append(seen if seen.face is None or looks.due(t) else replace(seen, objects=None))
    return frames


def states(frames: Iterable[Observation]) -> list[DriverState]:
    tracker = StateTracker()
    return [tracker.update(frame) for frame in frames]


@cache
def shipped(name: str) -> Profile:
    return load_profile(name)[0]


def verdicts(frames: Iterable[Observation], profile: str = "default") -> list[Verdict]:
    engine = Engine(shipped(profile))
    return [engine.update(state) for state in states(frames)]


def alerts(frames: Iterable[Observation], profile: str = "default") -> list[AlertEvent]:
    return [event for verdict in verdicts(frames, profile) for event in verdict.events]


def raised(frames: Iterable[Observation], profile: str = "default") -> list[tuple[str, float]]:
    """Rule and time of every alert raised."""
    return [(event.rule, round(event.t, 3)) for event in alerts(frames, profile) if event.phase == "raised"]


def story(frames: Iterable[Observation]) -> list[tuple[str, str]]:
    """Rule and phase of every alert, in order."""
    return [(event.rule, event.phase) for event in alerts(frames)]
