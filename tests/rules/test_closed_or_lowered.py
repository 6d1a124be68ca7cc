"""What is surely closed is a microsleep; what may be a look into the lap is told by 3 s; a yawn is no microsleep."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.config.profiles import known
from driver_monitor.state.eyes.closure import SURE
from tests.timeline import Stretch, alerts, attentive, film, raised, shipped, shut, unreadable, yawn

RATES = pytest.mark.parametrize("fps", [5, 10, 20, 30, 60])
CLOSURE_RULES = {"microsleep", "sleep"}


def doubtful(seconds: float, **what: object) -> Stretch:
    """Eyes that are closed or lowered: the net cannot tell."""
    return attentive(seconds, opening=0.1, p_closed=0.45, p_lowered=0.5, **what)


@RATES
def test_ok__eyes_closed_or_lowered_are_told_by_three_seconds_in_words_that_fit(fps: float) -> None:
    events = alerts(film([attentive(5), doubtful(4), attentive(3)], fps))
    (told,) = (event for event in events if event.rule == "eyes_closed_or_lowered" and event.phase == "raised")
    assert told.t - 5 == pytest.approx(3.0, abs=1 / fps + 0.05)
    assert told.message.startswith("Eyes closed or lowered for 3.")
    assert not CLOSURE_RULES & {event.rule for event in events}
    assert sum(event.phase == "cleared" for event in events) == sum(event.phase == "raised" for event in events)


@RATES
def test_ok__a_closure_that_is_not_sure_is_no_microsleep_and_no_sleep(fps: float) -> None:
    unsure = attentive(7, opening=0.1, p_closed=0.23)
    rules = dict(raised(film([attentive(5), unsure, attentive(3)], fps)))
    assert not CLOSURE_RULES & rules.keys()
    assert rules["eyes_closed_or_lowered"] - 5 == pytest.approx(3.0, abs=1 / fps + 0.05)
    assert rules["unresponsive"] - 5 == pytest.approx(6.0, abs=2 / fps + 0.1)


@RATES
def test_ok__a_sure_closure_has_no_alert_about_lowered_eyes(fps: float) -> None:
    rules = dict(raised(film([attentive(5), shut(5), attentive(3)], fps)))
    assert set(rules) == {"microsleep", "sleep", "unresponsive"}


def test_ok__doubt_that_becomes_certain_becomes_sleep() -> None:
    rules = dict(raised(film([attentive(5), doubtful(3.2), shut(4), attentive(3)])))
    assert rules["eyes_closed_or_lowered"] == pytest.approx(8.0, abs=0.1)
    assert rules["sleep"] == pytest.approx(11.2, abs=0.2)


def test_ok__a_glance_into_the_lap_and_surely_lowered_eyes_are_silent() -> None:
    lowered = attentive(5, opening=0.2, p_closed=0.05, p_lowered=0.9)
    assert raised(film([attentive(5), doubtful(2), attentive(3), lowered, attentive(3)])) == []


@RATES
def test_ok__eyes_closed_in_a_yawn_are_no_microsleep_unless_they_outlast_it_by_a_second(fps: float) -> None:
    before, wide = attentive(5), yawn(1)
    within = [before, wide, shut(1.8, mouth=0.9), shut(0.5), attentive(3)]
    assert raised(film(within, fps)) == []
    beyond = [before, wide, shut(1.5, mouth=0.9), shut(1.4), attentive(3)]
    rules = dict(raised(film(beyond, fps)))
    assert rules["microsleep"] - 7.5 == pytest.approx(1.0, abs=2 / fps + 0.05)


@RATES
def test_ok__eyes_that_close_as_a_yawn_begins_are_no_microsleep(fps: float) -> None:
    assert raised(film([attentive(5), shut(2.2, mouth=0.9), attentive(3)], fps)) == []


@RATES
def test_ok__three_seconds_of_closed_eyes_are_sleep_also_in_a_yawn(fps: float) -> None:
    rules = dict(raised(film([attentive(5), yawn(1), shut(4, mouth=0.9), attentive(3)], fps)))
    assert rules["sleep"] - 6 == pytest.approx(3.0, abs=1 / fps + 0.05)


def test_ok__a_yawn_does_not_clear_a_microsleep_that_is_active() -> None:
    events = alerts(film([attentive(5), shut(1.5), shut(1.2, mouth=0.9), attentive(3)]))
    (cleared,) = (event for event in events if event.rule == "microsleep" and event.phase == "cleared")
    assert cleared.t >= 7.7


@RATES
@pytest.mark.parametrize("opening", [0.35, 0.6, 0.9])
def test_ok__a_sleeper_whose_mouth_hangs_open_is_told_by_three_seconds(opening: float, fps: float) -> None:
    rules = dict(raised(film([attentive(20, mouth=0.1), shut(8, mouth=opening)], fps)))
    assert rules["sleep"] - 20 <= 3.0 + 1 / fps + 0.05


def test_ok__words_spoken_with_closed_eyes_delay_a_microsleep_by_a_few_tenths_at_most() -> None:
    words = [shut(0.25, mouth=0.6), shut(0.25, mouth=0.15)] * 4
    rules = dict(raised(film([attentive(5), *words, attentive(3)])))
    assert rules["microsleep"] - 5 <= 1.4


@pytest.mark.parametrize("hidden", [unreadable(0.3), unreadable(1.5)])
def test_ok__eyes_that_cannot_be_read_do_not_make_closed_or_lowered_eyes(hidden: Stretch) -> None:
    drive = [attentive(5), doubtful(1.4), hidden, doubtful(1.4), attentive(3)]
    assert "eyes_closed_or_lowered" not in dict(raised(film(drive)))


@pytest.mark.parametrize("profile", known())
def test_ok__the_profiles_and_the_state_mean_the_same_by_sure(profile: str) -> None:
    limits = {
        leaf.threshold
        for rule in shipped(profile).rules
        for leaf in rule.when.leaves()
        if leaf.signal == "eyes.p_closure"
    }
    assert limits <= {SURE}


@settings(max_examples=20, deadline=None)
@given(st.floats(5, 60), st.floats(0.4, 9).filter(lambda s: all(abs(s - limit) > 0.3 for limit in (3, 3.5, 4, 6))))
def test_ok__closed_or_lowered_eyes_give_the_same_alerts_at_any_frame_rate(fps: float, seconds: float) -> None:
    drive = [attentive(5), doubtful(round(seconds, 3)), attentive(4)]
    found, reference = (sorted(rule for rule, _ in raised(film(drive, rate))) for rate in (fps, 30.0))
    assert found == reference
    assert ("eyes_closed_or_lowered" in found) == (seconds > 3)


@settings(max_examples=20, deadline=None)
@given(st.floats(10, 60), st.floats(0.05, 0.8), st.sampled_from([0.01, 0.5, 0.99]))
def test_ok__one_odd_frame_changes_no_verdict(fps: float, when: float, odd: float) -> None:
    """A closure of 2 s, and one frame of it that says something else."""
    plain = film([attentive(5), shut(2), attentive(3)], fps)
    first = next(k for k, frame in enumerate(plain) if frame.t > 5.2 + when)
    other = [*plain]
    other[first] = replace(plain[first], eyes=film([attentive(1, opening=0.05, p_closed=odd)])[0].eyes)
    rules = [[rule for rule, _ in raised(frames)] for frames in (plain, other)]
    assert rules[0] == rules[1]
