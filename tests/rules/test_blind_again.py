"""Each time that the system cannot see the driver, it says so within ten seconds: no cool-down hides the next time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from driver_monitor.config.profiles import known
from driver_monitor.rules.engine import Engine
from tests.timeline import Stretch, attentive, film, no_camera, no_face, shipped, states, unreadable

BLIND = ("no_face", "eyes_unreadable", "camera_fault")
WITHIN_S = 10.0
"""Longest time from an occlusion to its alert (Euro NCAP Safe Driving v10.4, as reported)."""
Events = list[tuple[str, str, float]]
"""Rule, phase and time of the alerts about a system that cannot see."""


def told(*drive: Stretch) -> Iterator[Events]:
    """Yield the events of each shipped profile."""
    seen = states(film(drive, 10.0))
    for profile in known():
        engine = Engine(shipped(profile))
        events = [event for state in seen for event in engine.update(state).events]
        yield [(event.rule, event.phase, event.t) for event in events if event.rule in BLIND]


def raised(events: Events) -> list[float]:
    return [t for _, phase, t in events if phase == "raised"]


def active(events: Events, t: float) -> set[str]:
    """The rules whose alert is active at `t`."""
    last = {rule: phase for rule, phase, at in events if at <= t}
    return {rule for rule, phase in last.items() if phase != "cleared"}


def by_hand(seconds: float) -> Stretch:
    return unreadable(seconds, "occluded")


def lens_covered(seconds: float) -> Stretch:
    return no_camera(seconds, "covered")


OCCLUSIONS: Sequence[Callable[[float], Stretch]] = (unreadable, by_hand, no_face, lens_covered)


@pytest.mark.parametrize("occlusion", OCCLUSIONS)
@pytest.mark.parametrize("sight_s", [2.5, 8.0])
def test_ok__each_occlusion_is_told_within_ten_seconds_as_the_first_was(
    occlusion: Callable[[float], Stretch], sight_s: float
) -> None:
    for events in told(attentive(5), *[occlusion(11.0), attentive(sight_s)] * 3):
        assert len(raised(events)) == 3
        for number, t in enumerate(raised(events)):
            assert 0 < t - (5.0 + number * (11.0 + sight_s)) < WITHIN_S


@pytest.mark.parametrize("sight_s", [0.5, 3.0])
@pytest.mark.parametrize("first", OCCLUSIONS)
def test_ok__an_occlusion_of_another_kind_is_told_as_well(first: Callable[[float], Stretch], sight_s: float) -> None:
    for second in OCCLUSIONS:
        for events in told(attentive(3), first(11.0), attentive(sight_s), second(11.0)):
            assert active(events, 14.0 + sight_s + WITHIN_S)


def test_ok__half_a_minute_after_sunglasses_a_hand_before_the_eyes_is_told() -> None:
    for events in told(attentive(3), unreadable(12.0), attentive(30.0), by_hand(12.0), attentive(3)):
        assert [phase for _, phase, _ in events] == ["raised", "cleared"] * 2
        assert events[2][2] - 45.0 < WITHIN_S


def test_ok__at_a_red_light_the_next_occlusion_is_told_too() -> None:
    drive = [attentive(3), unreadable(11.0), attentive(6), unreadable(11.0), attentive(3)]
    for events in told(*[replace(part, speed_kmh=0.0) for part in drive]):
        assert [phase for _, phase, _ in events] == ["raised", "cleared"] * 2


def test_ok__sight_that_flickers_makes_one_alert_and_not_many() -> None:
    """A short view past the edge of sunglasses does not end the alert, so it is not raised again."""
    for events in told(attentive(3), unreadable(8.0), *[attentive(1.0), unreadable(3.0)] * 8, attentive(3)):
        assert events == [("eyes_unreadable", "raised", events[0][2]), ("eyes_unreadable", "cleared", events[1][2])]
    for events in told(attentive(3), no_face(10.0), *[attentive(0.5), no_face(3.0)] * 8, attentive(3)):
        own = [phase for rule, phase, _ in events if rule == "no_face"]
        assert own[0] == "raised"
        assert own.count("raised") == own.count("cleared") == 1


def test_ok__occlusions_that_come_and_go_are_told_at_most_once_in_seven_seconds() -> None:
    for events in told(attentive(3), *[unreadable(6.2), attentive(1.7)] * 4, attentive(3)):
        at = raised(events)
        assert len(at) == 4
        assert min(after - before for before, after in pairwise(at)) > 7.0
