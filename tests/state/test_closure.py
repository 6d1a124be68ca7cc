"""A closure carries the probability that it is one; lowered eyes are open; a yawn explains closed eyes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.data.driver_state import DriverState
from driver_monitor.state.eyes.closure import SURE, log_odds, probability
from driver_monitor.state.eyes.eyelids import CLOSED_AT, fuse
from tests.timeline import Stretch, attentive, film, no_face, shut, states, unreadable, yawn


def slit(seconds: float, closed: float = 0.15, lowered: float = 0.8, **what: object) -> Stretch:
    """Lids as low as in a closure; the net sees a slit of the eyeball."""
    return attentive(seconds, opening=0.1, p_closed=closed, p_lowered=lowered, **what)


def last(*parts: Stretch, fps: float = 20.0) -> DriverState:
    return states(film(parts, fps))[-1]


@pytest.mark.parametrize("fps", [5, 10, 20, 30, 60])
@pytest.mark.parametrize(("p_closed", "sure"), [(0.98, True), (0.8, True), (0.23, False)])
def test_ok__a_closure_is_as_sure_as_its_frames_at_every_frame_rate(p_closed: float, sure: bool, fps: float) -> None:
    state = last(attentive(3), attentive(1.5, opening=0.1, p_closed=p_closed), fps=fps)
    assert state.eyes.state == "closed"
    assert state.eyes.p_closure is not None
    assert (state.eyes.p_closure >= SURE) == sure


def test_ok__more_frames_make_a_closure_steadier_and_not_surer() -> None:
    drive = [attentive(3), attentive(0.5, opening=0.15, p_closed=0.4)]
    short, long = (last(*drive[:1], drive[1], attentive(s, opening=0.15, p_closed=0.4)) for s in (0.5, 5))
    assert short.eyes.state == long.eyes.state == "closed"
    assert short.eyes.p_closure == pytest.approx(long.eyes.p_closure, abs=0.02)


@pytest.mark.parametrize("odd", [0.01, 0.99])
def test_ok__one_frame_does_not_decide_what_a_closure_is(odd: float) -> None:
    plain = [attentive(3), attentive(2, opening=0.1, p_closed=0.9)]
    other = [attentive(3), attentive(1, opening=0.1, p_closed=0.9), attentive(0.05, opening=0.1, p_closed=odd)]
    other.append(attentive(0.95, opening=0.1, p_closed=0.9))
    assert last(*other).eyes.p_closure == pytest.approx(last(*plain).eyes.p_closure, abs=0.05)


@pytest.mark.parametrize("between", [attentive(1), unreadable(1), no_face(1)])
def test_ok__a_closure_does_not_inherit_the_probability_of_the_one_before(between: Stretch) -> None:
    low = attentive(1, opening=0.1, p_closed=0.3)
    alone = last(attentive(3), shut(1)).eyes.p_closure
    assert last(attentive(3), low, between, shut(1)).eyes.p_closure == pytest.approx(alone, abs=0.01)


def test_ok__without_a_closure_there_is_no_probability_of_one() -> None:
    assert last(attentive(2)).eyes.p_closure is None
    assert last(attentive(2), shut(1), attentive(1)).eyes.p_closure is None


def test_ok__lowered_eyes_are_open_and_lowered_and_a_trace_without_it_is_as_before() -> None:
    lowered = last(attentive(2), slit(2))
    assert (lowered.eyes.state, lowered.eyes.lowered) == ("open", True)
    assert last(attentive(2, p_lowered=0.0)).eyes.lowered is False
    assert last(attentive(2), shut(1, p_lowered=0.0)).eyes.lowered is False
    assert last(attentive(2)).eyes.lowered is None, "the net does not tell it"
    assert last(attentive(2), unreadable(1)).eyes.lowered is None
    assert last(attentive(2), attentive(2, opening=0.1, p_closed=0.95, p_lowered=0.0)).eyes.lowered is False


def test_ok__low_lids_do_not_make_a_slit_a_closed_eye() -> None:
    assert fuse(0.05, 0.3, 0.65) > CLOSED_AT
    assert fuse(0.05, 0.3) <= CLOSED_AT


@given(st.floats(0, 0.6), st.floats(0.01, 0.99), st.floats(0, 1), st.floats(0, 1))
def test_ok__with_low_lids_a_slit_that_is_more_probable_makes_the_eye_more_open(
    lids: float, p_closed: float, one: float, other: float
) -> None:
    less, more = sorted((one * (1 - p_closed), other * (1 - p_closed)))
    assert fuse(lids, p_closed, more) >= fuse(lids, p_closed, less) - 1e-6


def test_ok__eyes_that_may_be_closed_are_timed_beside_the_closure() -> None:
    state = last(attentive(3), slit(2, closed=0.45, lowered=0.5))
    assert state.eyes.state == "open"
    assert state.eyes.shut_s == pytest.approx(2.0, abs=0.1)
    assert last(attentive(3), slit(2, closed=0.05, lowered=0.9)).eyes.shut_s == 0.0
    assert last(attentive(3), shut(2)).eyes.shut_s == pytest.approx(2.0, abs=0.1)
    assert last(attentive(3), shut(2), unreadable(0.2)).eyes.shut_s is None


def test_ok__what_may_be_a_look_into_the_lap_is_a_look_down() -> None:
    state = last(attentive(5), slit(2, closed=0.45, lowered=0.5))
    assert (state.gaze.zone, state.gaze.away.side) == ("down", "down")
    assert state.gaze.away.seconds == pytest.approx(2.0 - 0.4, abs=0.15)
    sure = last(attentive(5), shut(2))
    assert (sure.gaze.zone, sure.gaze.reason) == ("unknown", "eyes_closed")


def test_ok__perclos_counts_sure_closures_and_shows_the_others_in_its_interval() -> None:
    doubt = attentive(1, opening=0.1, p_closed=0.23)
    unsure = last(*[attentive(9), doubt] * 6)
    assert any(state.eyes.state == "closed" for state in states(film([attentive(9), doubt])))
    assert unsure.perclos.value == 0.0
    assert unsure.perclos.low == 0.0
    assert unsure.perclos.high == pytest.approx(0.1, abs=0.03)
    sure = last(*[attentive(9), shut(1)] * 6)
    assert sure.perclos.value == pytest.approx(0.1, abs=0.02)
    assert sure.perclos.high == pytest.approx(0.1, abs=0.02)


@given(st.floats(-4.9, 4.9))
def test_ok__log_odds_and_probability_are_each_others_inverse(odds: float) -> None:
    assert log_odds(probability(odds)) == pytest.approx(odds, abs=1e-6)


@pytest.mark.parametrize("fps", [5, 10, 20, 30, 60])
def test_ok__closed_eyes_count_past_a_yawn_from_its_end(fps: float) -> None:
    drive = [attentive(5), yawn(1), shut(2.5, mouth=0.9), shut(2, mouth=0.05)]
    seen = states(film(drive, fps))
    assert seen[-1].eyes.closed_s == pytest.approx(4.5, abs=1 / fps + 0.05)
    assert seen[-1].past_yawn_s == pytest.approx(2.0, abs=2 / fps + 0.05)
    assert {state.past_yawn_s for state in seen if 7 < state.t < 8.4} == {None}


def test_ok__a_syllable_in_a_closure_takes_nothing_from_it() -> None:
    seen = states(film([attentive(3), shut(1), shut(0.4, mouth=0.7), shut(1)]))
    assert seen[-1].past_yawn_s == seen[-1].eyes.closed_s


def test_ok__a_mouth_that_hangs_open_is_not_a_yawn_for_ever() -> None:
    seen = states(film([attentive(3), shut(14, mouth=0.8)]))
    assert seen[-1].past_yawn_s is not None
    assert seen[-1].mouth.yawning is False


def test_ok__the_next_closure_after_a_yawn_counts_whole() -> None:
    seen = states(film([attentive(3), shut(3, mouth=0.9), attentive(1), shut(1.5)]))
    assert seen[-1].past_yawn_s == seen[-1].eyes.closed_s == pytest.approx(1.5, abs=0.1)


@pytest.mark.parametrize("light", ["day", "infrared"])
def test_ok__a_head_thrown_back_in_a_yawn_closes_eyes_that_are_read_badly(light: str) -> None:
    badly = {"opening": 0.6, "p_closed": 0.4, "light": light}
    drive = [attentive(5), attentive(0.6, mouth=0.9, pitch=12), attentive(2.4, mouth=0.9, pitch=18, **badly)]
    assert last(*drive).eyes.state == "closed"
    assert last(attentive(5), attentive(3, **badly)).eyes.state == "open"
    assert last(attentive(5), attentive(3, mouth=0.9, **badly)).eyes.state == "open"


def test_ok__open_eyes_and_slits_stay_what_they_are_when_the_head_is_thrown_back() -> None:
    back = {"mouth": 0.9, "pitch": 18.0}
    assert last(attentive(5), attentive(3, **back)).eyes.state == "open"
    assert last(attentive(5), slit(3, closed=0.2, lowered=0.75, **back)).eyes.state == "open"


@settings(max_examples=20, deadline=None)
@given(st.floats(5, 60), st.floats(0.45, 0.99), st.floats(0.6, 4))
def test_ok__what_a_closure_is_does_not_depend_on_the_frame_rate(fps: float, p_closed: float, seconds: float) -> None:
    drive = [attentive(3), attentive(seconds, opening=0.1, p_closed=p_closed)]
    one, other = last(*drive, fps=fps), last(*drive, fps=30)
    assert one.eyes.state == other.eyes.state
    if one.eyes.p_closure is not None and other.eyes.p_closure is not None:
        assert one.eyes.p_closure == pytest.approx(other.eyes.p_closure, abs=0.02)
