"""Every number in the file of the profile `euro_ncap`: told at the number, silent just before it.

The rules get the values of the signals themselves, so each edge is exact. `test_euro_ncap.py` and `test_boundaries.py`
judge the same rules on drives, through the tracker.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from driver_monitor.config.profiles import parse_profile, read_profile
from driver_monitor.data.driver_state import DriverState, Drowsiness, Held, ObjectsState
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.timing.cadence import TimeStep
from tests.timeline import attentive, film, states

FRAME = 0.125
"""Frame period, seconds. Sums of it are exact."""
BIT = 0.001
"""How far before its number a signal is, in its unit."""
Values = dict[str, Any]
Story = list[tuple[float, Values]]
"""Parts: seconds from the first to the last frame of the part (0: one frame), and the values that are not `CALM`."""
CALM: Values = {
    "closed": 0.0, "p": None, "past_yawn": 0.0, "shut": 0.0, "off": 0.0, "task": None, "other": 0.0, "total": 0.0,
    "count": 0, "ahead": 2.0, "kss": 1.0, "absent": 0.0, "fault": 0.0, "poor": 0.0, "unread": 0.0, "speed": 20.0,
    "phone": 0.0, "phone_reason": None,
}  # fmt: skip
AT: dict[str, tuple[float, Values]] = {
    "microsleep": (0.0, {"closed": 1.0, "p": 0.6, "past_yawn": 1.0}),
    "sleep": (0.0, {"closed": 3.0, "p": 0.6}),
    "eyes_closed_or_lowered": (0.0, {"shut": 3.0}),
    "long_look_other": (0.0, {"off": 3.0, "task": "other"}),
    "long_look_driving": (0.0, {"off": 3.5, "task": "driving"}),
    "repeated_looks_other": (0.0, {"other": 10.0, "count": 2}),
    "repeated_looks": (0.0, {"total": 10.0, "count": 2}),
    "phone": (0.0, {"phone": 3.0}),
    "unresponsive": (0.0, {"off": 6.0}),
    "sleepiness": (5.0, {"kss": 7.0 + BIT, "speed": 50.0}),
    "no_face": (1.0, {"absent": 7.0, "fault": 1.0 - BIT}),
    "eyes_unreadable": (1.0, {"unread": 5.0, "absent": 1.0 - BIT}),
    "camera_fault": (0.0, {"fault": 1.0}),
    "camera_poor": (0.0, {"poor": 1.0}),
}
"""By rule: for how long, and at which values, its alert is raised. Each number is exactly at its edge."""
CLEAR_S = {
    "microsleep": 2.0, "sleep": 2.0, "eyes_closed_or_lowered": 1.0, "long_look_other": 1.0, "long_look_driving": 1.0,
    "repeated_looks_other": 0.0, "repeated_looks": 0.0, "unresponsive": 2.0, "sleepiness": 5.0, "no_face": 0.5,
    "eyes_unreadable": 1.0, "camera_fault": 1.0, "camera_poor": 5.0, "phone": 1.0,
}  # fmt: skip
"""By rule: after how many seconds without its cause its alert ends."""


class Edge(NamedTuple):
    """`event`: rule, phase and level that come `times` times at the number (`over`), and fewer before it (`under`)."""

    event: str
    under: Story
    over: Story
    times: int = 1


def on(rule: str, seconds: float | None = None, **other: Any) -> tuple[float, Values]:
    wait_s, values = AT[rule]
    return wait_s if seconds is None else seconds, {**values, **other}


def rises(rule: str, **under: Any) -> Edge:
    return Edge(f"{rule} raised", [on(rule, **under)], [on(rule)])


def waits(rule: str) -> Edge:
    return Edge(f"{rule} raised", [on(rule, AT[rule][0] - FRAME)], [on(rule)])


def ends(rule: str, over: Values | None = None, **under: Any) -> Edge:
    """The alert ends; it does not with the values `under`."""
    return Edge(f"{rule} cleared", [on(rule), (CLEAR_S[rule], under)], [on(rule), (CLEAR_S[rule], over or {})])


def lasts(rule: str, over: Values | None = None) -> Edge:
    """The alert ends after its time and not one frame before."""
    quiet = over or {}
    return Edge(f"{rule} cleared", [on(rule), (CLEAR_S[rule] - FRAME, quiet)], [on(rule), (CLEAR_S[rule], quiet)])


def again(rule: str, cooldown_s: float) -> Edge:
    """The cause is back one frame after the end of the alert, and stays until the cool-down is over."""
    once: Story = [on(rule), (CLEAR_S[rule], {})]
    back_s = cooldown_s - FRAME
    return Edge(f"{rule} raised", [*once, on(rule, back_s - FRAME)], [*once, on(rule, back_s)], times=2)


def unanswered(rule: str) -> Edge:
    """Three seconds without a return after the alert of `rule`."""
    return Edge("unresponsive raised", [on(rule, 3.0 - FRAME)], [on(rule, 3.0)])


def open_alert(rule: str, **under: Any) -> Edge:
    """An unresponsive driver looks ahead, and the alert of `rule` has no return with the values `under`."""
    first = on("unresponsive", **AT[rule][1])
    return Edge("unresponsive cleared", [first, (2.0, under)], [first, (2.0, {})])


EDGES: dict[str, Edge] = {
    "standstill.below_kmh 5": Edge(
        "camera_fault raised warning", [on("camera_fault", speed=5.0 - BIT)], [on("camera_fault", speed=5.0)]
    ),
    "microsleep.when eyes.closed_s at_least 1": rises("microsleep", closed=1.0 - BIT),
    "microsleep.when eyes.p_closure at_least 0.6": rises("microsleep", p=0.6 - BIT),
    "microsleep.when eyes.closed_past_yawn_s at_least 1": rises("microsleep", past_yawn=1.0 - BIT),
    "microsleep.from_kmh 20": rises("microsleep", speed=20.0 - BIT),
    "microsleep.clear eyes.closed_s at_most 0": ends("microsleep", closed=BIT),
    "microsleep.clear look.off_s at_most 0": ends("microsleep", off=BIT),
    "microsleep.clear_for_s 2": lasts("microsleep"),
    "sleep.when eyes.closed_s at_least 3": rises("sleep", closed=3.0 - BIT),
    "sleep.when eyes.p_closure at_least 0.6": rises("sleep", p=0.6 - BIT),
    "sleep.from_kmh 20": rises("sleep", speed=20.0 - BIT),
    "sleep.clear eyes.closed_s at_most 0": ends("sleep", closed=BIT),
    "sleep.clear look.off_s at_most 0": ends("sleep", off=BIT),
    "sleep.clear_for_s 2": lasts("sleep"),
    "eyes_closed_or_lowered.when eyes.closed_or_lowered_s at_least 3": rises("eyes_closed_or_lowered", shut=3.0 - BIT),
    "eyes_closed_or_lowered.when rule.microsleep.held_s at_most 0": rises(
        "eyes_closed_or_lowered", **AT["microsleep"][1]
    ),
    "eyes_closed_or_lowered.when rule.sleep.held_s at_most 0": rises("eyes_closed_or_lowered", **AT["sleep"][1]),
    "eyes_closed_or_lowered.from_kmh 20": rises("eyes_closed_or_lowered", speed=20.0 - BIT),
    "eyes_closed_or_lowered.clear eyes.closed_or_lowered_s at_most 0": ends("eyes_closed_or_lowered", shut=BIT),
    "eyes_closed_or_lowered.clear_for_s 1": lasts("eyes_closed_or_lowered"),
    "long_look_other.when look.off_s at_least 3": rises("long_look_other", off=3.0 - BIT),
    "long_look_other.from_kmh 20": rises("long_look_other", speed=20.0 - BIT),
    "long_look_other.clear look.off_s at_most 0": ends("long_look_other", off=BIT),
    "long_look_other.clear_for_s 1": lasts("long_look_other"),
    "long_look_driving.when look.off_s at_least 3.5": rises("long_look_driving", off=3.5 - BIT),
    "long_look_driving.when rule.long_look_other.held_s at_most 0": rises("long_look_driving", task="other"),
    "long_look_driving.from_kmh 20": rises("long_look_driving", speed=20.0 - BIT),
    "long_look_driving.clear look.off_s at_most 0": ends("long_look_driving", off=BIT),
    "long_look_driving.clear_for_s 1": lasts("long_look_driving"),
    "repeated_looks_other.when look.other_s at_least 10": rises("repeated_looks_other", other=10.0 - BIT),
    "repeated_looks_other.when look.count at_least 2": rises("repeated_looks_other", count=1),
    "repeated_looks_other.from_kmh 20": rises("repeated_looks_other", speed=20.0 - BIT),
    "repeated_looks_other.clear look.ahead_s at_least 2": ends("repeated_looks_other", ahead=2.0 - BIT),
    "repeated_looks.when look.total_s at_least 10": rises("repeated_looks", total=10.0 - BIT),
    "repeated_looks.when look.count at_least 2": rises("repeated_looks", count=1),
    "repeated_looks.when rule.repeated_looks_other.held_s at_most 0": rises("repeated_looks", other=10.0),
    "repeated_looks.from_kmh 20": rises("repeated_looks", speed=20.0 - BIT),
    "repeated_looks.clear look.ahead_s at_least 2": ends("repeated_looks", ahead=2.0 - BIT),
    "phone.when phone.at_ear_s at_least 3": rises("phone", phone=3.0 - BIT),
    "phone.from_kmh 20": rises("phone", speed=20.0 - BIT),
    "phone.clear phone.at_ear_s at_most 0": ends("phone", phone=BIT),
    "phone.clear_for_s 1": lasts("phone"),
    "unresponsive.when eyes.closed_s at_least 6": Edge(
        "unresponsive raised", [(0.0, {"closed": 6.0 - BIT, "p": 0.0})], [(0.0, {"closed": 6.0, "p": 0.0})]
    ),
    "unresponsive.when look.off_s at_least 6": rises("unresponsive", off=6.0 - BIT),
    "unresponsive.when rule.microsleep.held_s at_least 3": unanswered("microsleep"),
    "unresponsive.when rule.eyes_closed_or_lowered.held_s at_least 3": unanswered("eyes_closed_or_lowered"),
    "unresponsive.when rule.long_look_other.held_s at_least 3": unanswered("long_look_other"),
    "unresponsive.when rule.long_look_driving.held_s at_least 3": unanswered("long_look_driving"),
    "unresponsive.from_kmh 20": rises("unresponsive", speed=20.0 - BIT),
    "unresponsive.clear rule.microsleep.held_s at_most 0": open_alert("microsleep", closed=BIT),
    "unresponsive.clear rule.sleep.held_s at_most 0": open_alert("sleep", closed=BIT),
    "unresponsive.clear rule.eyes_closed_or_lowered.held_s at_most 0": open_alert("eyes_closed_or_lowered", shut=BIT),
    "unresponsive.clear look.off_s at_most 0": ends("unresponsive", off=BIT),
    "unresponsive.clear_for_s 2": lasts("unresponsive"),
    "sleepiness.when drowsiness.kss above 7": rises("sleepiness", kss=7.0),
    "sleepiness.for_s 5": waits("sleepiness"),
    "sleepiness.from_kmh 50": rises("sleepiness", speed=50.0 - BIT),
    "sleepiness.clear drowsiness.kss below 6": ends("sleepiness", {"kss": 6.0 - BIT}, kss=6.0),
    "sleepiness.clear_for_s 5": lasts("sleepiness", {"kss": 6.0 - BIT}),
    "sleepiness.cooldown_s 60": again("sleepiness", 60.0),
    "no_face.when face.absent_s at_least 7": rises("no_face", absent=7.0 - BIT),
    "no_face.when camera.fault_s below 1": rises("no_face", fault=1.0),
    "no_face.for_s 1": waits("no_face"),
    "no_face.clear face.absent_s at_most 0": ends("no_face", absent=BIT),
    "no_face.clear_for_s 0.5": lasts("no_face"),
    "no_face.escalate.after_s 10": Edge(
        "no_face escalated warning", [on("no_face", 11.0 - FRAME)], [on("no_face", 11.0)]
    ),
    "eyes_unreadable.when eyes.unread_s at_least 5": rises("eyes_unreadable", unread=5.0 - BIT),
    "eyes_unreadable.when face.absent_s below 1": rises("eyes_unreadable", absent=1.0),
    "eyes_unreadable.for_s 1": waits("eyes_unreadable"),
    "eyes_unreadable.clear eyes.unread_s at_most 0": ends("eyes_unreadable", unread=BIT),
    "eyes_unreadable.clear_for_s 1": lasts("eyes_unreadable"),
    "camera_fault.when camera.fault_s at_least 1": rises("camera_fault", fault=1.0 - BIT),
    "camera_fault.clear camera.fault_s at_most 0": ends("camera_fault", fault=BIT),
    "camera_fault.clear_for_s 1": lasts("camera_fault"),
    "camera_fault.cooldown_s 5": again("camera_fault", 5.0),
    "camera_poor.when camera.poor_s at_least 1": rises("camera_poor", poor=1.0 - BIT),
    "camera_poor.clear camera.poor_s at_most 0": ends("camera_poor", poor=BIT),
    "camera_poor.clear_for_s 5": lasts("camera_poor"),
    "camera_poor.cooldown_s 10": again("camera_poor", 10.0),
}
"""By number in the file: the edge that shows it. A number that is new or changed fails a test below."""


def document() -> dict[str, Any]:
    """The shipped file."""
    found: dict[str, Any] = yaml.safe_load(read_profile("euro_ncap")[0])
    return found


def numbers(part: Any, place: str = "") -> Iterator[tuple[str, dict[str, Any], str]]:
    """Yield for each number its place and value as in `EDGES`, the mapping that has it, and its key there."""
    if isinstance(part, list):
        for each in part:
            yield from numbers(each, each.get("id", place))
    elif isinstance(part, dict):
        name = f"{place} {part['signal']} " if "signal" in part else f"{place}." if place else ""
        for key, value in part.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                yield f"{name}{key} {value:g}", part, key
            inside = place if key in ("all", "any", "rules") else f"{name}{key}"
            yield from numbers(value, inside)


def eased(place: str) -> Profile:
    """The profile with a number that is easier to reach."""
    whole = document()
    [(part, key)] = [(part, key) for name, part, key in numbers(whole) if name == place]
    part[key] = part[key] + 2.5 if key in ("at_most", "below") else part[key] / 2
    return parse_profile(yaml.safe_dump(whole), Path("eased.yaml"))[0]


def frames(story: Story) -> Iterator[DriverState]:
    """The states of `story`: a driver who is seen well, with the values of the story."""
    calm = states(film([attentive(1.0)]))[-1]
    number = 0
    for seconds, values in story:
        for _ in range(round(seconds / FRAME) + 1):
            step = TimeStep(number * FRAME, FRAME if number else 0.0, FRAME if number else 0.0)
            yield shown(replace(calm, t=step.t, step=step), {**CALM, **values})
            number += 1


def shown(calm: DriverState, now: Values) -> DriverState:
    glances = replace(calm.gaze.look.looks, away_s=now["total"], count=now["count"], road_s=now["ahead"])
    look = replace(calm.gaze.look, off_s=now["off"], task=now["task"], other_s=now["other"], looks=glances)
    return replace(
        calm,
        eyes=replace(calm.eyes, closed_s=now["closed"], p_closure=now["p"], shut_s=now["shut"]),
        past_yawn_s=now["past_yawn"],
        gaze=replace(calm.gaze, look=look),
        drowsiness=Drowsiness(now["kss"], now["kss"], now["kss"], "as told"),
        face_absent_s=now["absent"],
        camera_fault_s=now["fault"],
        camera_poor_s=now["poor"] or 0.0,
        unread_s=now["unread"],
        vehicle=replace(calm.vehicle, speed_kmh=now["speed"]),
        objects=ObjectsState(Held(now["phone"], reason=now["phone_reason"]), None, Held(0.0), Held(0.0), None, None),
    )


def comes(edge: Edge, story: Story, profile: Profile) -> bool:
    engine = Engine(profile)
    events = [event for state in frames(story) for event in engine.update(state).events]
    return sum(f"{e.rule} {e.phase} {e.level}".startswith(edge.event) for e in events) >= edge.times


def test_ok__every_number_in_the_file_has_an_edge() -> None:
    assert sorted(EDGES) == sorted(place for place, _, _ in numbers(document()))


@pytest.mark.parametrize("place", EDGES)
def test_ok__at_its_number_an_alert_comes_or_ends_and_not_before(place: str) -> None:
    edge, profile = EDGES[place], parse_profile(*read_profile("euro_ncap"))[0]
    assert not comes(edge, edge.under, profile)
    assert comes(edge, edge.over, profile)


@pytest.mark.parametrize("place", EDGES)
def test_ok__each_edge_shows_its_own_number_and_no_other(place: str) -> None:
    """With that one number eased, what was just before it is told."""
    assert comes(EDGES[place], EDGES[place].under, eased(place))
