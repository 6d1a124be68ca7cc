"""Looks away that add up, looks into the lap, and what the car's speed changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.config.profiles import load_profile
from driver_monitor.data.alert import AlertEvent
from driver_monitor.errors import ConfigError
from driver_monitor.rules.engine import Engine
from driver_monitor.rules.profile import Profile
from driver_monitor.state.gaze.glances import RESET_S
from tests.timeline import (
    Stretch,
    alerts,
    attentive,
    away,
    film,
    lap,
    no_camera,
    no_face,
    raised,
    shut,
    states,
    unreadable,
)

PERIOD = 1 / 20


def looks(count: int, seconds: float, between: float) -> list[Stretch]:
    return [attentive(5), *[part for _ in range(count) for part in (away(seconds), attentive(between))]]


def when(rule: str, found: Sequence[tuple[str, float]]) -> float | None:
    return next((t for name, t in found if name == rule), None)


def test_ok__five_looks_at_the_telephone_are_repeated_glances_when_the_tenth_second_is_full() -> None:
    found = raised(film(looks(6, 2.2, 1.0)))
    assert [rule for rule, _ in found] == ["repeated_glances"]
    # 4 x 2.2 s, then 1.2 s of the fifth: 5 + 4 x 3.2 + 1.2
    assert when("repeated_glances", found) == pytest.approx(19.0, abs=2 * PERIOD + 0.05)


def test_ok__just_under_ten_seconds_in_all_is_nothing() -> None:
    assert raised(film(looks(4, 2.45, 1.0))) == []


def test_ok__two_seconds_on_the_road_make_a_new_beginning_and_less_do_not() -> None:
    assert raised(film(looks(6, 2.2, RESET_S + 0.1))) == []
    assert when("repeated_glances", raised(film(looks(8, 2.2, RESET_S - 0.15)))) is not None


def test_ok__what_is_older_than_half_a_minute_is_forgotten() -> None:
    # 2 s away in every 3.9: at no time more than 9 s away in 30 s would need longer pauses; these are 1.2 in 3.1.
    assert raised(film(looks(20, 1.0, 1.9))) == raised(film(looks(20, 1.0, 1.9), fps=10))
    assert when("repeated_glances", raised(film(looks(20, 0.8, 1.9)))) is None


def test_ok__mirror_checks_in_a_quiet_minute_are_nothing() -> None:
    mirrors = [away(0.8, yaw=45.0), attentive(3), away(0.6, yaw=-30.0, pitch=8.0), attentive(3)]
    assert raised(film([attentive(5), *mirrors * 8])) == []


def test_ok__eyes_that_cannot_be_read_do_not_hide_the_head_that_looks_away() -> None:
    hidden = [part for _ in range(5) for part in (Stretch(2.2, yaw=40.0, reason="sunglasses"), unreadable(1.0))]
    assert when("repeated_glances", raised(film([attentive(5), *hidden, *looks(2, 2.2, 1.0)[1:]]))) is not None


def test_ok__an_unknown_gaze_neither_counts_nor_resets() -> None:
    last = states(film([attentive(5), away(2), attentive(0.5), no_face(4), attentive(1)]))[-1]
    assert last.gaze.glances.away_s == pytest.approx(2.0, abs=0.1)
    assert last.gaze.glances.coverage == pytest.approx((5 + 2 + 0.5 + 1) / 30, abs=0.01)


def test_ok__the_telephone_in_the_lap_is_warned_of_in_time_at_two_speeds() -> None:
    for speed, at, latest in ((60.0, 3.4, 4.0), (30.0, 5.9, 6.5)):
        drive = [attentive(20, speed_kmh=speed), lap(8, speed_kmh=speed), attentive(5, speed_kmh=speed)]
        found = raised(film(drive), "eu_addw")
        first = found[0][1] - 20
        assert at - 0.05 <= first <= at + PERIOD + 0.05
        assert first < latest
        short = [attentive(20, speed_kmh=speed), lap(at - 0.15, speed_kmh=speed), attentive(5, speed_kmh=speed)]
        assert raised(film(short), "eu_addw") == []


def test_ok__a_car_that_crawls_is_not_asked_for_the_lap() -> None:
    drive = [attentive(20, speed_kmh=15.0), lap(12, speed_kmh=15.0)]
    assert raised(film(drive), "eu_addw") == []


def test_ok__without_a_speed_the_car_is_taken_to_drive() -> None:
    assert raised(film([attentive(20), lap(4.2)]), "eu_addw")[0][0] == "addw_fast"


def test_ok__in_the_dark_the_driver_is_given_a_second_and_a_half_more() -> None:
    dark: dict[str, Any] = {"light": "dark", "speed_kmh": 60.0}
    found = raised(film([attentive(20, **dark), lap(8, **dark)]), "eu_addw")
    assert found[0][1] - 20 == pytest.approx(4.9, abs=PERIOD + 0.05)


def test_ok__a_look_over_the_shoulder_is_not_into_the_lap() -> None:
    fast: dict[str, Any] = {"speed_kmh": 60.0}
    assert raised(film([attentive(20, **fast), lap(6, yaw=70.0, **fast)]), "eu_addw") == []


def phases(drive: list[Stretch], rule: str) -> list[tuple[str, str]]:
    return [(event.phase, event.level) for event in alerts(film(drive)) if event.rule == rule]


def test_ok__at_a_long_red_light_nothing_is_worse_than_information() -> None:
    red = [attentive(5, speed_kmh=0.0), shut(8, speed_kmh=0.0), attentive(5, speed_kmh=0.0)]
    assert {event.level for event in alerts(film(red))} == {"info"}


def test_ok__a_sleeper_whose_car_begins_to_roll_is_woken() -> None:
    rolling = [attentive(5, speed_kmh=0.0), shut(6, speed_kmh=0.0), shut(3, speed_kmh=12.0)]
    assert phases(rolling, "sleep") == [("raised", "info"), ("escalated", "critical")]


def test_ok__whose_car_comes_to_a_stand_hears_less_and_the_alert_stays() -> None:
    engine = Engine(load_profile("default")[0])
    drive = [attentive(5, speed_kmh=90.0), shut(4, speed_kmh=90.0), shut(2, speed_kmh=0.0)]
    verdicts = [engine.update(state) for state in states(film(drive))]
    assert [verdicts[int(t * 20)].level for t in (8.9, 10.0)] == ["critical", "info"]
    assert "sleep" in verdicts[-1].active


OWN = """\
name: own
rules:
  - id: away
    when: {signal: gaze.away_s, at_least: 1.0}
    clear: {signal: gaze.away_s, at_most: 0.0}
    clear_for_s: 0.2
    lock: {after_s: 4, clear_for_s: 3}
    level: warning
    message: Look ahead
    clause: none
"""


def own(tmp_path: Path, drive: list[Stretch], text: str = OWN) -> list[AlertEvent]:
    path = tmp_path / "own.yaml"
    path.write_text(text)
    engine = Engine(load_profile(str(path))[0])
    return [event for state in states(film(drive)) for event in engine.update(state).events]


def test_ok__who_did_not_react_has_to_look_ahead_for_longer(tmp_path: Path) -> None:
    ends = [event.t for event in own(tmp_path, [attentive(5), away(3), attentive(8)]) if event.phase == "cleared"]
    assert ends[0] == pytest.approx(8.2, abs=0.4)
    glance = [attentive(5), away(8), attentive(1), away(2), attentive(8)]
    reported = [(event.phase, event.t) for event in own(tmp_path, glance)]
    assert [phase for phase, _ in reported] == ["raised", "cleared"]
    assert reported[1][1] == pytest.approx(16 + 3.0, abs=0.4)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("lock: {after_s: 0, clear_for_s: 3}", "after_s"),
        ("from_kmh: -3", "from_kmh"),
        ("patience: {by_s: 1.5, when: {signal: lihgt, is: dark}}", "no such signal"),
        ("patience: {by_s: 1.5, when: {signal: rule.none.held_s, above: 1}}", "no rule none comes before it"),
    ],
)
def test_fail__a_wrong_gate_is_reported_with_its_line(tmp_path: Path, change: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=rf"own.yaml:\d+: .*{reason}"):
        own(tmp_path, [attentive(1)], OWN.replace("lock: {after_s: 4, clear_for_s: 3}", change))


speeds = st.one_of(st.none(), st.floats(0, 200))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(speeds, st.sampled_from([attentive(2), shut(2), away(4), unreadable(2)])), max_size=6))
def test_ok__the_speed_never_makes_an_alert_that_would_not_be_there_without_it(
    drive: list[tuple[float | None, Stretch]],
) -> None:
    with_speed = [attentive(part.seconds, **{**_fields(part), "speed_kmh": speed}) for speed, part in drive]
    assert {rule for rule, _ in raised(film(with_speed))} <= {rule for rule, _ in raised(film([p for _, p in drive]))}


def _fields(part: Stretch) -> dict[str, object]:
    return {name: getattr(part, name) for name in ("opening", "yaw", "pitch", "reason", "face")}


def test_ok__what_extends_a_profile_keeps_its_standstill() -> None:
    profile, _ = load_profile("fleet")
    assert isinstance(profile, Profile)
    assert profile.standstill is not None


def ruled(tmp_path: Path, change: str, drive: list[Stretch], head: str = "") -> list[AlertEvent]:
    """The alerts of `OWN` with its lock replaced."""
    return own(tmp_path, drive, OWN.replace("lock: {after_s: 4, clear_for_s: 3}", change) + head)


def test_ok__a_speed_that_wavers_about_the_gate_does_not_put_off_the_warning(tmp_path: Path) -> None:
    wavering = [away(1.45), away(0.05)] * 6
    drive = [
        attentive(5),
        *(attentive(p.seconds, yaw=40.0, speed_kmh=51.0 - 2 * (i % 2)) for i, p in enumerate(wavering)),
    ]
    assert ruled(tmp_path, "from_kmh: 50\n    for_s: 2", drive)[0].phase == "raised"


def test_ok__a_picture_that_is_lost_now_and_then_does_not_keep_an_alert_from_getting_worse(tmp_path: Path) -> None:
    hiding = [away(2.3), no_camera(0.7)] * 5
    events = ruled(tmp_path, "escalate: [{after_s: 4, level: critical}]", [attentive(5), *hiding])
    assert [event.phase for event in events] == ["raised", "escalated"]


def test_ok__what_was_due_at_a_stand_and_is_over_is_not_reported_when_the_car_rolls(tmp_path: Path) -> None:
    worse = "escalate: [{level: critical, when: {signal: eyes.closed_s, at_least: 1}}]"
    standing = [attentive(3), away(5), attentive(2, yaw=40.0, opening=0.05), away(2)]
    drive = [*(replace(part, speed_kmh=0.0) for part in standing), replace(away(3), speed_kmh=30.0)]
    events = ruled(tmp_path, worse, drive, "standstill: {below_kmh: 5, level: info}\n")
    assert [(event.phase, event.level) for event in events] == [("raised", "info"), ("escalated", "warning")]


def test_ok__a_parked_car_does_not_nag(tmp_path: Path) -> None:
    waiting = [attentive(5, speed_kmh=0.0), *[attentive(2, yaw=40.0, speed_kmh=0.0), attentive(2, speed_kmh=0.0)] * 6]
    head = "standstill: {below_kmh: 5, level: info}\n"
    events = ruled(tmp_path, "cooldown_s: 60", waiting, head)
    assert [event.phase for event in events] == ["raised", "cleared"]
