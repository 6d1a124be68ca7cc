"""A lap over all targets: head, eyes and a body that leans, at two speeds, after 15 s and 60 s of attentive driving."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from driver_monitor.bench.spot_check import LIMITS, Segment, lap, looked, raised
from driver_monitor.config.profiles import known
from tests.timeline import shipped

FPS = 10.0
TOLD_S = 4.0
"""A long look is told within 3 to 4 s (Euro NCAP Driver Engagement v1.1, as reported), at every speed from 20 km/h."""
DRIVING = {
    "instruments": (0.0, -21.0), "inner mirror": (-38.0, 10.0), "driver's mirror": (45.0, -10.0),
    "passenger's mirror": (-65.0, -8.0),
}  # fmt: skip
OTHERS = {
    "lap": (0.0, -48.0), "screen": (-33.0, -28.0), "left of the wheel's rim": (20.0, -17.0),
    "right of the wheel's rim": (-20.0, -17.0), "side window": (75.0, 5.0), "passenger": (-84.0, 0.0),
    "glovebox": (-55.0, -35.0), "footwell": (45.0, -50.0), "roof": (0.0, 38.0), "back seats": (-110.0, 0.0),
}  # fmt: skip
PLACES = {**DRIVING, **OTHERS}
EYES_REACH_DEG = 50.0
"""People seldom turn the eyes further than this without the head."""
HEADS = {"owl": 1.0, "lizard": 0.4, "lean": 1.0}
"""Share of the look that the head turns."""


def segments(movement: str) -> dict[str, Segment]:
    """The looks at all places with this movement. Eyes alone reach the nearer ones only."""
    reached = {
        name: place
        for name, place in PLACES.items()
        if movement != "lizard" or max(abs(place[0]), abs(place[1])) < EYES_REACH_DEG
    }
    lean = 1.5 if movement == "lean" else 0.0
    return {name: Segment(0.0, *place, head=HEADS[movement], lean=lean) for name, place in reached.items()}


@pytest.mark.parametrize("between_s", [15.0, 60.0])
@pytest.mark.parametrize("speed", LIMITS)
@pytest.mark.parametrize("movement", HEADS)
def test_ok__each_target_is_told_in_time_by_its_task(movement: str, speed: float, between_s: float) -> None:
    found = looked(shipped("euro_ncap"), speed, segments(movement), FPS, between_s)
    assert [look.place for look in found] == list(segments(movement))
    assert len(found) >= 7
    for look in found:
        rule, least = ("long_look_driving", 3.5) if look.place in DRIVING else ("long_look_other", 3.0)
        assert look.alerts[0] == rule, look
        assert look.warned_s is not None, look
        assert least <= look.warned_s < TOLD_S, look
        assert look.between == [], look


@pytest.mark.parametrize("movement", HEADS)
def test_ok__the_alert_says_what_moves(movement: str) -> None:
    drive = [Segment(60.0)]
    for place in segments(movement).values():
        drive += [replace(place, seconds=4.0), Segment(15.0)]
    texts = [event.message for event in raised(drive, shipped("euro_ncap"), FPS)]
    assert len(texts) == len(segments(movement))
    assert [text for text in texts if not text.endswith(f", {movement})")] == []


def attentive(seconds: float) -> Iterator[Segment]:
    """Driving in which nothing is looked at for longer than 1.6 s, after so many seconds ahead, at two speeds."""
    for speed in LIMITS:
        yield Segment(seconds, speed=speed)
        yield from (replace(part, speed=speed) for part in lap())


@pytest.mark.parametrize("seconds", [15.0, 60.0])
@pytest.mark.parametrize("profile", known())
def test_ok__the_attentive_lap_is_silent_under_every_profile(profile: str, seconds: float) -> None:
    assert [event.rule for event in raised(list(attentive(seconds)), shipped(profile), FPS)] == []


@pytest.mark.parametrize("name", PLACES)
def test_ok__a_glance_of_a_second_and_a_half_at_any_target_is_silent(name: str) -> None:
    drive = [Segment(20.0), *[Segment(1.5, *PLACES[name]), Segment(2.4)] * 4]
    assert [event.rule for event in raised(drive, shipped("euro_ncap"), FPS)] == []
