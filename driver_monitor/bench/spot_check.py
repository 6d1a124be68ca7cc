"""The spot check of EU 2023/2590 and a lap of attentive driving, on synthetic gaze, through state and rules.

The driver looks at fourteen places low in front of him, at two speeds, with the head alone and with head and eyes. Each
look needs a warning before the regulation calls it missed (4.0 s from 50 km/h, 6.5 s from 20 km/h). Each look is
followed by 15 s of attentive driving, without an alert. A lap ends the check: 3.5 minutes of attentive driving with
mirrors, instruments, shoulder checks, blinks and talking, also without an alert. The check tests the policy: gaze has
no noise here. How well the camera measures gaze is scored elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from driver_monitor.config.profiles import known, load_profile
from driver_monitor.data.alert import AlertEvent
from driver_monitor.data.observation import Box, EyesView, EyeView, FaceView, HeadPose, Observation, VehicleData
from driver_monitor.messages.envelope import SCHEMA
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.state.gaze.irises import IRIS_NEUTRAL, IRIS_SHARE
from driver_monitor.state.tracker import StateTracker

PLACES = {
    "lap": (0.0, -48.0), "left knee": (25.0, -50.0), "right knee": (-25.0, -50.0), "left thigh": (15.0, -42.0),
    "right thigh": (-15.0, -42.0), "pedals": (0.0, -58.0), "door pocket": (50.0, -45.0), "seat edge": (-40.0, -52.0),
    "handbrake": (-48.0, -45.0), "cup holder": (-42.0, -40.0), "gear lever": (-38.0, -36.0),
    "telephone at the wheel": (0.0, -32.0), "telephone on the console": (-35.0, -32.0),
    "left of the wheel": (35.0, -33.0),
}  # fmt: skip
"""Yaw (+ left) and pitch (+ up) in degrees from straight ahead, spread over area 3. The choice is ours."""
LIMITS = {60.0: 4.0, 30.0: 6.5}
"""Tested speed in km/h -> time limit in seconds: a look without a warning before it is missed. EU 2023/2590, as
reported; 6.5 s and 30 km/h were not found by others."""
HEAD_SHARES = {1.0: "head", 0.5: "head and eyes"}
"""Share of a look that the head turns; the eyes turn the rest."""
BEFORE_S, LOOK_S, BETWEEN_S = 20.0, 8.0, 15.0
"""Seconds of attentive driving at first, of each look, and after it. Ours. One reader of EU 2023/2590 reports that the
driver must have been attentive for at least 60 s before the clock starts. 15 s was found nowhere."""
LATE_S = 0.5
"""A warning this long after the end of a look still belongs to it."""
FPS = 20.0
POINTS = np.zeros((70, 2), np.float32)


@dataclass(frozen=True)
class Segment:
    """A part of a drive: gaze in degrees, opening of lids and mouth, km/h (None: unknown). `head`: of `HEAD_SHARES`."""

    seconds: float
    yaw: float = 0.0
    pitch: float = 0.0
    lids: float = 1.0
    mouth: float = 0.05
    speed: float | None = 60.0
    head: float = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a place, and its alerts. `head`: share that the head turns. `limit_s`: time limit for a warning.

    `alerts`: rules that raised alerts in the look, or up to `LATE_S` after it. `warned_s`: seconds from the start of a
    look to the first alert, None without one. `between`: rules that raised alerts in the driving after the look.
    """

    place: str
    speed_kmh: float
    head: float
    limit_s: float
    warned_s: float | None
    alerts: Sequence[str]
    between: Sequence[str]

    @property
    def good(self) -> bool:
        """Whether the first alert came before `limit_s`, and none in the attentive driving after the look."""
        return self.warned_s is not None and self.warned_s < self.limit_s and not self.between


def see(t: float, eyes: EyesView, head: HeadPose, mouth: float | None, hidden: float | None = None) -> Observation:
    """Return what an ideal camera sees at `t`, by day. `hidden`: probability that the mouth is covered, if known."""
    return Observation(t, "ok", "day", FaceView(Box(0, 0, 200, 200), 0.99, POINTS, head, mouth, hidden), eyes)


def eye(opening: float) -> EyeView:
    """Return an eye with this `opening`. Its `p_closed` is 0.98 if `opening` is below 0.2, else 0.02."""
    return EyeView(opening, 0.98 if opening < 0.2 else 0.02)


def observations(drive: Sequence[Segment], fps: float) -> Iterator[Observation]:
    """Yield what an ideal camera sees of a drive, `fps` times a second."""
    ends = np.cumsum([segment.seconds for segment in drive])
    for k in range(int(ends[-1] * fps)):
        segment = drive[int(np.searchsorted(ends, k / fps + 1e-9, side="right"))]
        lids, turn = eye(segment.lids), (1 - segment.head) / IRIS_SHARE
        eyes = EyesView(lids, lids, turn * segment.yaw, IRIS_NEUTRAL[1] + turn * segment.pitch)
        head = HeadPose(segment.head * segment.yaw, segment.head * segment.pitch, 0.0)
        yield replace(see(k / fps, eyes, head, segment.mouth), vehicle=VehicleData(segment.speed))


def raised(drive: Sequence[Segment], profile: Profile, fps: float = FPS) -> list[AlertEvent]:
    """Return the alerts that `profile` raises in a drive, without their escalations and ends."""
    state, engine = StateTracker(), Engine(profile)
    events = (event for seen in observations(drive, fps) for event in engine.update(state.update(seen)).events)
    return [event for event in events if event.phase == "raised"]


def check(profile: Profile, fps: float = FPS) -> list[Look]:
    """Simulate a look for each speed of `LIMITS`, share of `HEAD_SHARES` and place of `PLACES`. Return the looks."""
    looks = []
    for speed, head in product(LIMITS, HEAD_SHARES):
        drive = [Segment(BEFORE_S, speed=speed)]
        for yaw, pitch in PLACES.values():
            drive += [Segment(LOOK_S, yaw, pitch, speed=speed, head=head), Segment(BETWEEN_S, speed=speed)]
        events = raised(drive, profile, fps)
        for index, place in enumerate(PLACES):
            start = BEFORE_S + index * (LOOK_S + BETWEEN_S)
            own = [event for event in events if 0 <= event.t - start < LOOK_S + LATE_S]
            after = [event.rule for event in events if LOOK_S + LATE_S <= event.t - start < LOOK_S + BETWEEN_S]
            warned = round(own[0].t - start, 2) if own else None
            looks.append(Look(place, speed, head, LIMITS[speed], warned, [event.rule for event in own], after))
    return looks


def lap() -> list[Segment]:
    """Return 3.5 minutes of attentive driving. The gaze leaves the road for at most 1.6 s at a time."""
    drive = [Segment(8.0)]
    for k in range(12):
        shoulder = Segment(1.6, 75.0 if k % 4 == 0 else -65.0, -5.0)
        drive += [
            Segment(0.15, lids=0.0), Segment(3.0), Segment(0.7, 45.0, -8.0), Segment(2.5), Segment(0.6, -38.0, 10.0),
            Segment(2.2), Segment(0.5, 0.0, -21.0), Segment(0.15, lids=0.0), Segment(2.4, mouth=0.2 + 0.05 * (k % 3)),
            shoulder if k % 2 else Segment(0.8, -33.0, -26.0), Segment(3.5),
        ]  # fmt: skip
    return drive


def spot_check(profile: str | None) -> dict[str, Any]:
    """Run looks and lap under `profile` and return the JSON object of `spot-check --json`.

    `profile` None: the looks run under eu_addw, the lap under every shipped profile. Raises `ConfigError`: bad profile.
    """
    looks = check(load_profile(profile or "eu_addw")[0])
    names = known() if profile is None else (profile,)
    laps = {name: [event.rule for event in raised(lap(), load_profile(name)[0])] for name in names}
    return {
        "schema": SCHEMA,
        "profile": profile or "eu_addw",
        "good": all(look.good for look in looks) and not any(laps.values()),
        "looks": [{**asdict(look), "good": look.good} for look in looks],
        "laps": laps,
    }


def sentences(result: dict[str, Any]) -> str:
    """Return the result as text: a table with a row per place, a line per lap, and the number of good looks."""
    columns, looks = list(product(LIMITS, HEAD_SHARES)), result["looks"]
    rows = {
        "": [f"{speed:.0f} km/h" for speed, _ in columns],
        "looks with": [HEAD_SHARES[head] for _, head in columns],
        "limit": [f"{LIMITS[speed]:.2f}" for speed, _ in columns],
        **{place: [_cell(look) for look in looks if look["place"] == place] for place in PLACES},
    }
    lines = [f"spot check, profile {result['profile']}: seconds from the start of a look to the warning"]
    lines += [f"{name:<26}" + "".join(f"{cell:>16}" for cell in cells) for name, cells in rows.items()]
    for name, rules in result["laps"].items():
        lines.append(f"attentive driving, profile {name}: {', '.join(rules) or 'no alert'}")
    good = sum(look["good"] for look in looks)
    return "\n".join([*lines, f"{good} of {len(looks)} looks: warning in time and no other alert"])


def _cell(look: dict[str, Any]) -> str:
    warned = "none" if look["warned_s"] is None else f"{look['warned_s']:.2f}"
    return warned if look["good"] else f"{warned}, other alert" if look["between"] else f"{warned}, late"
