"""Openness is this driver's own, and a closure is one closure at every frame rate."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from driver_monitor.data.observation import EyesView, EyeView
from driver_monitor.state.eyes.eye_baseline import BOUNDS, EyeBaseline
from driver_monitor.state.eyes.eyelids import CLOSED_AT, Eyelids, fuse
from driver_monitor.timing.cadence import Cadence, TimeStep
from tests.timeline import Stretch, alerts, attentive, film, no_camera, no_face, shut, states, unreadable


@pytest.mark.parametrize("fps", [10, 15, 20, 30])
@pytest.mark.parametrize("opening", [0.65, 0.9, 1.3])
def test_ok__any_drivers_open_eye_reads_as_one_after_half_a_second(opening: float, fps: float) -> None:
    last = states(film([attentive(1.0, opening=opening)], fps))[-1]
    assert last.eyes.openness == pytest.approx(1.0, abs=0.04)


def test_ok__narrow_eyes_below_the_prior_are_open_not_shut() -> None:
    seen = states(film([attentive(3, opening=0.4, p_closed=0.1)]))
    assert {state.eyes.state for state in seen} == {"open"}


def test_ok__a_first_look_with_wide_eyes_is_unlearned() -> None:
    seen = states(film([attentive(1.0, opening=1.5), attentive(20, opening=0.75)]))
    assert seen[30].eyes.openness == pytest.approx(0.5, abs=0.05)
    assert seen[-1].eyes.openness == pytest.approx(1.0, abs=0.05)


def test_ok__sleeping_lowering_and_turning_teach_nothing() -> None:
    drive = [attentive(5), shut(30), attentive(20, opening=0.3, p_closed=0.4), attentive(30, opening=0.6, yaw=40)]
    assert states(film([*drive, attentive(0.5)]))[-1].eyes.openness == pytest.approx(1.0, abs=0.03)


def test_ok__after_the_first_minute_lids_that_sink_are_reported_and_not_learned() -> None:
    drive = [attentive(70), attentive(600, opening=0.7)]
    assert states(film(drive, 10))[-1].eyes.openness == pytest.approx(0.7 / 0.85, abs=0.02)


def test_ok__baseline_stays_within_its_bounds_whatever_it_is_taught() -> None:
    for opening in (0.05, 2.4):
        baseline = EyeBaseline()
        for k in range(200):
            baseline.learn(TimeStep(k * 0.05, 0.05, 0.05), opening)
        assert BOUNDS[0] <= baseline.value <= BOUNDS[1]


@given(st.floats(0, 3), st.floats(0, 1))
def test_ok__neither_lids_nor_net_alone_shut_an_eye_that_the_other_sees_open(lids: float, p_closed: float) -> None:
    openness = fuse(lids, p_closed)
    assert 0 <= openness <= 1.5
    if p_closed < 0.1 or (lids > 0.9 and p_closed < 0.6):
        assert openness > CLOSED_AT
    if p_closed > 0.8 and lids < 0.5:
        assert openness <= CLOSED_AT


@given(st.floats(0, 1.5), st.floats(0, 1.5), st.floats(0, 1))
def test_ok__lids_further_apart_never_close_the_eye(one: float, other: float, p_closed: float) -> None:
    assert fuse(max(one, other), p_closed) >= fuse(min(one, other), p_closed) - 1e-9


@given(st.floats(0, 2), st.floats(0, 1), st.floats(0, 1))
def test_ok__a_net_that_leans_to_closed_never_opens_the_eye(lids: float, one: float, other: float) -> None:
    assert fuse(lids, max(one, other)) <= fuse(lids, min(one, other)) + 1e-9


def test_ok__looking_down_with_lids_low_is_not_closed_when_the_net_sees_the_eye() -> None:
    seen = states(film([attentive(2), attentive(3, opening=0.15, p_closed=0.1, pitch=-20)]))
    assert {state.eyes.state for state in seen} == {"open"}


def test_ok__one_hidden_eye_is_enough_to_go_on() -> None:
    hidden = EyeView(None, None, "occluded")
    lids = Eyelids()
    cadence, last = Cadence(), None
    for k in range(30):
        step = cadence.step(k / 20)
        assert step is not None
        last = lids.update(step, EyesView(hidden, EyeView(0.02, 0.99)), None, may_learn=True)
    assert last is not None
    assert (last.state, last.left, last.reason) == ("closed", None, None)
    assert last.closed_s == pytest.approx(29 / 20)


def both(left: EyeView, right: EyeView) -> float | None:
    step = Cadence().step(0.0)
    assert step is not None
    return Eyelids().update(step, EyesView(left, right), None, may_learn=False).openness


def test_ok__two_eyes_are_heard_before_they_are_judged() -> None:
    shut_surely, shut_hardly = EyeView(0.05, 0.98), EyeView(0.3, 0.45)
    assert fuse(0.3, 0.45) > CLOSED_AT
    together = both(shut_surely, shut_hardly)
    assert together is not None
    assert together <= CLOSED_AT


def test_ok__a_wink_is_no_closure() -> None:
    openness = both(EyeView(0.05, 0.97), EyeView(1.0, 0.03))
    assert openness is not None
    assert openness > CLOSED_AT


@pytest.mark.parametrize("fps", [7, 10, 15, 20, 30, 60])
def test_ok__a_closure_lasts_as_long_at_every_frame_rate(fps: float) -> None:
    seen = states(film([attentive(2.013), shut(2.5), attentive(1)], fps))
    longest = max(state.eyes.closed_s or 0.0 for state in seen)
    assert longest == pytest.approx(2.5, abs=1 / fps + 0.05)


def test_ok__half_open_lids_do_not_end_a_closure_and_do_not_begin_one() -> None:
    half = attentive(0.5, opening=0.4, p_closed=0.5)
    seen = states(film([attentive(2), half, shut(1), half, shut(1), attentive(1)]))
    assert [state.eyes.state for state in seen[40:50]] == ["open"] * 10
    assert max(state.eyes.closed_s or 0.0 for state in seen) == pytest.approx(2.5, abs=0.06)


@pytest.mark.parametrize(("fps", "noise"), [(10, 0.1), (20, 0.05), (20, 0.1), (30, 0.1)])
def test_ok__a_wrong_frame_or_two_do_not_split_a_closure(fps: float, noise: float) -> None:
    seen = states(film([attentive(2), shut(1), attentive(noise), shut(1)], fps))
    assert seen[-1].eyes.closed_s == pytest.approx(2.0 - noise, abs=2 / fps + 0.01)


@pytest.mark.parametrize("missing", [unreadable(0.1), no_face(0.1), no_camera(0.1)])
def test_ok__a_frame_or_two_that_cannot_be_read_are_like_frames_not_taken(missing: Stretch) -> None:
    seen = states(film([attentive(2), shut(0.5), missing, shut(0.5)]))
    assert {state.eyes.closed_s for state in seen if state.eyes.state == "unknown"} == {None}
    assert seen[-1].eyes.closed_s == pytest.approx(1.05)


def test_ok__a_short_unreadable_time_neither_counts_nor_resets() -> None:
    seen = states(film([attentive(2), shut(0.6), unreadable(0.4), shut(0.3)]))
    during = [state.eyes for state in seen if state.eyes.state == "unknown"]
    assert {eyes.closed_s for eyes in during} == {None}
    assert seen[-1].eyes.closed_s == pytest.approx(0.8, abs=0.01)


def test_ok__a_long_unreadable_time_is_unknown_and_begins_anew() -> None:
    seen = states(film([attentive(2), shut(0.9), unreadable(0.7), shut(0.3)]))
    assert seen[71].eyes.closed_s is None
    assert seen[71].eyes.reason == "sunglasses"
    # A tenth of a second to believe it, and the first frame opens no interval.
    assert seen[-1].eyes.closed_s == pytest.approx(0.15, abs=0.01)


def test_ok__a_glimpse_of_the_lid_between_reflections_is_no_closure() -> None:
    seen = states(film([attentive(2), unreadable(0.1), shut(0.05), unreadable(0.1), attentive(0.5)]))
    assert "closed" not in {state.eyes.state for state in seen}
    assert {state.eyes.openness for state in seen if state.eyes.state == "unknown"} == {None}
    assert seen[-1].eyes.state == "open"


def test_ok__eyes_that_stay_shut_behind_reflections_are_believed() -> None:
    seen = states(film([attentive(2), *[unreadable(0.05), shut(0.05)] * 6, shut(1)]))
    assert seen[-1].eyes.state == "closed"
    assert seen[-1].eyes.closed_s is not None
    assert seen[-1].eyes.closed_s > 1


def test_fail__numbers_that_are_none_are_an_unreadable_eye() -> None:
    for stretch in (Stretch(1, opening=math.nan, p_closed=0.9), Stretch(1, opening=0.0, p_closed=math.nan)):
        last = states(film([stretch]))[-1]
        assert (last.eyes.state, last.eyes.closed_s, last.eyes.reason) == ("unknown", None, "blur")


def test_ok__lids_that_flicker_are_not_one_closure_of_a_second() -> None:
    for closed, opened in ((3, 1), (4, 1), (5, 2)):
        flicker = [part for _ in range(40) for part in (shut(closed / 30), attentive(opened / 30))]
        seen = states(film([attentive(2), *flicker, attentive(1)], fps=30))
        assert max(state.eyes.closed_s or 0.0 for state in seen) < 0.9


def test_ok__a_wrong_frame_in_twenty_does_not_split_a_closure_of_seconds() -> None:
    seen = states(film([attentive(2), *[shut(0.95), attentive(0.05)] * 4, shut(0.5)]))
    assert seen[-1].eyes.closed_s == pytest.approx(4.1, abs=0.1)


@pytest.mark.parametrize("fps", [10.0, 20.0, 30.0])
@pytest.mark.parametrize("wrong", [10, 12, 20])
def test_ok__a_sleeper_stays_asleep_when_one_frame_in_ten_is_read_wrongly(fps: float, wrong: int) -> None:
    frames = film([attentive(3), shut(20)], fps=fps)
    open_eye = film([attentive(1)], fps=fps)[0].eyes
    seen = [
        replace(frame, eyes=open_eye) if frame.t > 3 and number % wrong == 0 else frame
        for number, frame in enumerate(frames)
    ]
    events = alerts(seen)
    slept = [event for event in events if event.rule == "sleep"]
    assert [event.phase for event in slept] == ["raised"]
    assert slept[0].t < 3 + 3.0 + 1.5
    assert not [event for event in events if event.phase == "cleared" and event.t > 6]
