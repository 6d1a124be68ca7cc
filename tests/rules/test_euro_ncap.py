"""The profile `euro_ncap` (2026) on drives: just below a limit nothing is told, just above it is.

`test_euro_ncap_edges.py` has each number of the file, exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from driver_monitor.config.profiles import parse_profile
from driver_monitor.data.alert import AlertEvent, Verdict
from driver_monitor.data.driver_state import DriverState, Drowsiness
from driver_monitor.errors import ConfigError
from driver_monitor.rules.engine import Engine
from driver_monitor.state.tracker import StateTracker
from driver_monitor.state.visibility.degraded import EYES_HEAL_S, FACE_HEAL_S
from tests.timeline import Stretch, attentive, film, no_camera, no_face, shipped, shut, states, unreadable

FPS = 10.0
SLACK = 0.17
"""A period, the 50 ms at the start of a look, and rounding."""
MINUTE = 60.0
PLACES = {
    "instruments": (0.0, -21.0), "inner mirror": (-38.0, 10.0), "door mirror": (45.0, -10.0),
    "passenger's mirror": (-65.0, -8.0), "screen": (-33.0, -28.0), "lap": (0.0, -48.0),
    "above the wheel": (22.0, -17.0), "passenger": (-84.0, 0.0),
    "side window": (75.0, 5.0), "glovebox": (-55.0, -35.0), "back seats": (-110.0, 0.0),
}  # fmt: skip
DRIVING = ("instruments", "inner mirror", "door mirror", "passenger's mirror")


def at(place: str, seconds: float, **what: object) -> Stretch:
    yaw, pitch = PLACES[place]
    return attentive(seconds, yaw=yaw, pitch=pitch, **what)


def drive(*parts: Stretch, speed: float | None = 60.0, ignition: bool | None = True) -> list[DriverState]:
    """The states of a minute of attentive driving and of `parts`."""
    stretches = [replace(part, speed_kmh=speed, ignition=ignition) for part in (attentive(MINUTE), *parts)]
    return states(film(stretches, FPS))


def judged(seen: Sequence[DriverState]) -> list[AlertEvent]:
    engine = Engine(shipped("euro_ncap"))
    return [event for state in seen for event in engine.update(state).events]


def told(*parts: Stretch, speed: float | None = 60.0) -> list[tuple[str, float]]:
    """Rule of each alert, and seconds from the end of the first minute until it was raised."""
    return [(e.rule, round(e.t - MINUTE, 2)) for e in judged(drive(*parts, speed=speed)) if e.phase == "raised"]


def ended(rule: str, *parts: Stretch) -> list[float]:
    events = judged(drive(*parts))
    return [round(e.t - MINUTE, 2) for e in events if e.phase == "cleared" and e.rule == rule]


# Long looks


@pytest.mark.parametrize("place", PLACES)
def test_ok__a_long_look_is_told_by_its_target_at_its_limit_and_not_before(place: str) -> None:
    rule, limit = ("long_look_driving", 3.5) if place in DRIVING else ("long_look_other", 3.0)
    assert told(at(place, limit - SLACK), attentive(3)) == []
    [(first, t)] = told(at(place, limit + SLACK), attentive(3))
    assert (first, limit <= t <= limit + SLACK) == (rule, True)


def test_ok__instruments_stared_at_for_four_seconds_are_told_within_them() -> None:
    [(rule, t)] = told(at("instruments", 4.0), attentive(5))
    assert (rule, t < 4.0) == ("long_look_driving", True)
    [event] = [e for e in judged(drive(at("instruments", 4.0))) if e.phase == "raised"]
    assert event.message == "Eyes off the road ahead for 3.5 s (instruments, owl)"


@pytest.mark.parametrize("pitch", [-14.0, -17.0, -20.0])
def test_ok__a_telephone_above_the_wheel_is_told(pitch: float) -> None:
    for yaw in (-20.0, 0.0, 20.0):
        [(_, t)] = told(attentive(4.2, yaw=yaw, pitch=pitch), attentive(3))
        assert t <= 4.0


def test_fail__a_telephone_before_the_windscreen_lies_where_the_road_is() -> None:
    assert told(attentive(8, yaw=10.0, pitch=-8.0), attentive(3)) == []


def test_ok__leaning_to_the_glovebox_is_told_as_a_lean() -> None:
    [event] = [e for e in judged(drive(at("glovebox", 3.5, lean=1.5), attentive(4))) if e.phase == "raised"]
    assert event.message == "Eyes off the road ahead for 3.0 s (glovebox, lean)"


def test_ok__leaning_out_of_the_picture_is_told_too() -> None:
    assert told(at("glovebox", 1.0, lean=1.5), no_face(2.3))[0][0] == "long_look_other"


def test_ok__only_the_eyes_move_is_a_lizard() -> None:
    seen = drive(attentive(3.8, pitch=-6.0, yaw=0.0), attentive(4))
    assert [e for e in judged(seen) if e.phase == "raised"] == []
    # The irises turn 40 degrees, of which 0.7 count.
    [event] = [e for e in judged(drive(attentive(3.6, iris_yaw=45.0), attentive(4))) if e.phase == "raised"]
    assert event.message.endswith("(window, lizard)") or event.message.endswith("(left_mirror, lizard)")


def test_ok__a_look_that_moves_from_the_instruments_to_a_screen_is_one_look() -> None:
    [(rule, t)] = told(at("instruments", 1.7), at("screen", 2.2), attentive(3))
    assert (rule, t <= 3.7) in (("long_look_other", True), ("long_look_driving", True))


# Repeated looks


def looks(place: str, count: int, seconds: float, ahead_s: float = 1.0) -> list[Stretch]:
    return [part for _ in range(count) for part in (at(place, seconds), attentive(ahead_s))]


@pytest.mark.parametrize(("place", "rule"), [("screen", "repeated_looks_other"), ("door mirror", "repeated_looks")])
def test_ok__looks_of_ten_seconds_in_half_a_minute_are_told_by_their_task(place: str, rule: str) -> None:
    assert told(*looks(place, 4, 2.4), attentive(3)) == []
    assert [name for name, _ in told(*looks(place, 5, 2.3), attentive(3))] == [rule]


def test_ok__looks_at_mirrors_and_a_screen_add_up() -> None:
    mixed = [part for place in ("screen", "door mirror") * 3 for part in looks(place, 1, 2.0)]
    assert [name for name, _ in told(*mixed, attentive(3))] == ["repeated_looks"]


def test_ok__two_seconds_ahead_reset_the_sum_and_a_little_less_does_not() -> None:
    assert told(*looks("screen", 6, 2.4, 2.2)) == []
    assert [name for name, _ in told(*looks("screen", 6, 2.4, 1.6))] == ["repeated_looks_other"]


# Eyes


@pytest.mark.parametrize(("rule", "limit"), [("microsleep", 1.0), ("sleep", 3.0), ("unresponsive", 4.0)])
def test_ok__closed_eyes_are_told_at_their_limits(rule: str, limit: float) -> None:
    assert rule not in dict(told(shut(limit - SLACK), attentive(4)))
    assert dict(told(shut(limit + SLACK), attentive(4)))[rule] == pytest.approx(limit, abs=SLACK)


def test_ok__eyes_closed_or_lowered_are_told_after_three_seconds() -> None:
    low = {"opening": 0.1, "p_closed": 0.23}
    assert told(attentive(3.0 - SLACK, **low), attentive(4)) == []
    assert "eyes_closed_or_lowered" in dict(told(attentive(3.0 + SLACK, **low), attentive(4)))


def test_ok__an_unsure_closure_is_no_microsleep() -> None:
    assert told(attentive(2.0, opening=0.1, p_closed=0.23), attentive(4)) == []


# Unresponsive


@pytest.mark.parametrize("place", ["screen", "instruments"])
def test_ok__no_return_within_three_seconds_of_a_warning_is_unresponsive(place: str) -> None:
    assert "unresponsive" not in dict(told(at(place, 6.0 - SLACK), attentive(4)))
    assert dict(told(at(place, 6.0 + SLACK), attentive(4)))["unresponsive"] == pytest.approx(6.0, abs=SLACK)


# Ends


@pytest.mark.parametrize(
    ("rule", "part", "ahead_s"),
    [
        ("long_look_other", at("screen", 4.0), 1.0),
        ("long_look_driving", at("instruments", 4.0), 1.0),
        ("microsleep", shut(2.0), 2.0),
        ("sleep", shut(3.5), 2.0),
        ("unresponsive", at("screen", 7.0), 2.0),
    ],
)
def test_ok__an_alert_ends_after_its_time_ahead(rule: str, part: Stretch, ahead_s: float) -> None:
    assert ended(rule, part, attentive(ahead_s - 0.1), at("lap", 2.0)) == []
    [t] = ended(rule, part, attentive(4))
    assert ahead_s <= t - part.seconds <= ahead_s + 0.25 + SLACK


def test_ok__open_eyes_that_look_into_the_lap_do_not_end_a_microsleep() -> None:
    assert ended("microsleep", shut(1.5), at("lap", 2.5)) == []


# Speeds


@pytest.mark.parametrize("part", [shut(1.5), shut(4.5), at("lap", 3.4), at("instruments", 3.9), at("screen", 7.0)])
def test_ok__from_twenty_and_where_the_car_is_silent_all_is_told_and_below_nothing(part: Stretch) -> None:
    assert told(part, attentive(3), speed=19.9) == []
    assert told(part, attentive(3), speed=20.0) == told(part, attentive(3), speed=None) != []


@pytest.mark.parametrize("speed", [0.0, 10.0, 60.0])
def test_ok__what_the_system_cannot_see_is_told_at_any_speed(speed: float) -> None:
    for part in (unreadable(11.0), no_face(11.0), no_camera(11.0)):
        assert [t < 10.0 for _, t in told(part, attentive(3), speed=speed)] == [True]


def test_ok__one_minute_at_ten_is_enough_to_measure_wherever_the_camera_is() -> None:
    for aside in (-40.0, -20.0, 0.0, 30.0, 40.0):
        ahead = [attentive(MINUTE, yaw=aside, speed_kmh=10.0), attentive(1, yaw=aside, speed_kmh=20.0)]
        seen = states(film([*ahead, attentive(4.2, yaw=aside, pitch=-22.0, speed_kmh=20.0)], FPS))
        assert [event.rule for event in judged(seen)] == ["long_look_driving"]


# Sleepiness


def sleepy(kss: float, seconds: float, speed: float | None, then: float = 5.0) -> list[AlertEvent]:
    """The alerts of a driver with this sleepiness for `seconds`, and then with `then`."""
    engine, tracker = Engine(shipped("euro_ncap")), StateTracker()
    events: list[AlertEvent] = []
    for frame in film([attentive(seconds + 8.0, speed_kmh=speed)], FPS):
        state = tracker.update(frame)
        level = kss if state.t < seconds else then
        drowsiness = Drowsiness(level, level - 1, min(level + 1, 9.0), "PERCLOS")
        events += engine.update(replace(state, drowsiness=drowsiness)).events
    return events


def test_ok__sleepiness_above_seven_is_told_from_fifty_once_it_lasts() -> None:
    assert sleepy(7.0, 12, 60.0) == []
    assert sleepy(7.01, 4.8, 60.0) == []
    assert sleepy(7.01, 12, 49.9) == []
    for speed in (50.0, None):
        assert [(e.rule, e.phase) for e in sleepy(7.01, 12, speed)] == [
            ("sleepiness", "raised"),
            ("sleepiness", "cleared"),
        ]


def test_ok__sleepiness_of_six_does_not_end_it() -> None:
    assert [e.phase for e in sleepy(7.5, 6, 60.0, then=6.0)] == ["raised"]
    assert [e.phase for e in sleepy(7.5, 6, 60.0, then=5.99)] == ["raised", "cleared"]


# Occlusions


def test_ok__a_second_occlusion_half_a_minute_after_the_first_is_told_within_ten_seconds() -> None:
    for part in (unreadable(11.0), no_face(11.0), no_camera(11.0)):
        found = told(part, attentive(30.0), part, attentive(2))
        assert len(found) == 2
        assert found[0][1] < 10.0
        assert found[1][1] - 41.0 < 10.0


def test_ok__below_walking_pace_a_lost_camera_is_information_and_from_five_a_warning() -> None:
    for speed, level in ((4.9, "info"), (5.0, "warning"), (None, "warning")):
        assert [e.level for e in judged(drive(no_camera(2.0), speed=speed)) if e.phase == "raised"] == [level]


def test_ok__a_lost_face_becomes_a_warning_ten_seconds_after_its_alert_unless_the_car_stands() -> None:
    def levels(seconds: float, speed: float) -> list[str]:
        return [e.level for e in judged(drive(no_face(seconds), speed=speed)) if e.phase != "cleared"]

    assert levels(18.0 - SLACK, 5.0) == levels(18.0 + SLACK, 4.9) == ["info"]
    assert levels(18.0 + SLACK, 5.0) == ["info", "warning"]


@pytest.mark.parametrize(
    ("rule", "part", "sight_s"),
    [("no_face", no_face(9.0), 0.5), ("eyes_unreadable", unreadable(7.0), 1.0), ("camera_fault", no_camera(2.0), 1.0)],
)
def test_ok__an_alert_about_sight_ends_once_sight_lasts(rule: str, part: Stretch, sight_s: float) -> None:
    assert ended(rule, part, attentive(sight_s - 0.1), part) == []
    [t] = ended(rule, part, attentive(3))
    assert sight_s <= t - part.seconds <= sight_s + max(FACE_HEAL_S, EYES_HEAL_S) + SLACK


def test_ok__a_camera_that_is_lost_again_is_told_five_seconds_after_the_last_alert_and_not_before() -> None:
    once = (no_camera(2.0), attentive(2.0))
    [over] = ended("camera_fault", *once)
    still = over + 5.0 - 4.0
    assert len(told(*once, no_camera(still - SLACK), attentive(1))) == 1
    assert [rule for rule, _ in told(*once, no_camera(still + SLACK), attentive(1))] == ["camera_fault"] * 2


# Acknowledgement


def pressed(
    parts: Sequence[Stretch], at_s: float, ignition: bool | None = True, off: tuple[float, float] = (0.0, 0.0)
) -> list[Verdict]:
    """The verdicts of a drive in which the driver presses the button at `at_s` and the ignition is off during `off`."""
    engine, found, done = Engine(shipped("euro_ncap")), [], False
    for state in drive(*parts, ignition=ignition):
        t = state.t - MINUTE
        if off[0] <= t < off[1]:
            state = replace(state, vehicle=replace(state.vehicle, ignition=False))  # noqa: PLW2901
        found.append(engine.update(state))
        if t >= at_s and not done:
            engine.acknowledge()
            done = True
    return found


TWICE = (at("screen", 5.0), attentive(5), at("screen", 5.0), attentive(3))


def signs(found: list[Verdict], start: float, end: float) -> set[object]:
    """What buzzer and LED show from `start` to `end` seconds after the first minute."""
    return {one.sign for one in found[round((MINUTE + start) * FPS) : round((MINUTE + end) * FPS)]}


def test_ok__after_an_acknowledgement_the_next_long_look_is_silent_and_still_reported() -> None:
    found = pressed(TWICE, 3.5)
    assert signs(found, 3.6, 18) == {None}
    assert [e.phase for one in found for e in one.events] == ["raised", "cleared"] * 2


def test_ok__without_an_acknowledgement_the_next_long_look_sounds() -> None:
    assert signs(pressed(TWICE, 99.0), 13.5, 15.0) != {None}


def test_ok__a_new_journey_sounds_again() -> None:
    assert signs(pressed(TWICE, 3.5, off=(8.0, 9.0)), 13.5, 15.0) != {None}


def test_ok__a_car_that_is_silent_about_its_ignition_mutes_only_the_present_alert() -> None:
    found = pressed(TWICE, 3.5, ignition=None)
    assert signs(found, 3.6, 6) == {None}
    assert signs(found, 13.5, 15.0) != {None}


@pytest.mark.parametrize("part", [shut(2.0), shut(5.0), at("screen", 8.0)])
def test_ok__nothing_mutes_closed_eyes_or_an_unresponsive_driver(part: Stretch) -> None:
    found = pressed((at("screen", 4.0), attentive(5), part), 3.5)
    assert signs(found, 9.0, 9.0 + part.seconds) != {None}


def test_ok__an_acknowledged_microsleep_does_not_mute_the_next_one() -> None:
    found = pressed((shut(2.0), attentive(5), shut(2.0)), 1.5)
    assert signs(found, 1.6, 5) == {None}
    assert signs(found, 8.5, 9.0) != {None}


MUTED = """
name: mine
rules:
  - id: mine
    when: {signal: gaze.away_s, at_least: 1.0}
    clear: {signal: gaze.away_s, at_most: 0.0}
    level: warning
    mute: true
    message: away
    clause: ours
"""


def test_fail__mute_without_anything_to_acknowledge() -> None:
    with pytest.raises(ConfigError, match="mute needs the profile's acknowledge"):
        parse_profile(MUTED, Path("mine.yaml"))
    assert parse_profile(MUTED + "acknowledge: info\n", Path("mine.yaml"))[0].rules[0].mute


def test_ok__an_alert_acknowledged_while_parked_mutes_no_worse_one_on_the_road() -> None:
    text = MUTED + "acknowledge: warning\nstandstill: {below_kmh: 5, level: info}\n"
    engine, shown = Engine(parse_profile(text, Path("mine.yaml"))[0]), []
    for state in drive(at("passenger", 2.0), attentive(3), at("passenger", 2.0), attentive(3), at("passenger", 2.0)):
        t = state.t - MINUTE
        parked = t < 9.0
        shown.append(engine.update(replace(state, vehicle=replace(state.vehicle, speed_kmh=0.0 if parked else 60.0))))
        if 1.5 <= t < 1.6:
            engine.acknowledge()
    assert [(e.phase, e.level) for one in shown for e in one.events if e.phase != "cleared"] == [
        ("raised", "info"), ("raised", "info"), ("raised", "warning"),
    ]  # fmt: skip
    assert signs(shown, 1.6, 9.0) == {None}
    assert shown[-1].sign is not None


@pytest.mark.parametrize("key", ["attention: asleep", "attention: unresponsive", "attention: drowsy", "kind: sleep"])
def test_fail__mute_of_what_is_no_distraction(key: str) -> None:
    text = MUTED.replace("mute: true", f"mute: true\n    {key}") + "acknowledge: critical\n"
    with pytest.raises(ConfigError, match="mute is for looks away"):
        parse_profile(text, Path("mine.yaml"))
