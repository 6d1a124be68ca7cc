"""Each look away has a side and a movement, and what was not seen makes the sums less sure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.data.driver_state import DriverState, Glance
from driver_monitor.state.gaze.looks_away import GazeSample, LookAwayTimers
from driver_monitor.timing.cadence import Cadence
from tests.timeline import Stretch, alerts, attentive, away, film, no_camera, no_face, shut, states, unreadable


def lizard(seconds: float, iris_yaw: float = 45.0) -> Stretch:
    """The head stays, the eyes go."""
    return attentive(seconds, iris_yaw=iris_yaw)


def ended(drive: list[Stretch], fps: float = 20.0) -> list[Glance]:
    return [state.gaze.away.ended for state in states(film(drive, fps)) if state.gaze.away.ended is not None]


@pytest.mark.parametrize("fps", [8.0, 20.0, 30.0])
def test_ok__owls_and_lizards_are_reported_apart(fps: float) -> None:
    glances = ended([attentive(5), away(1.2, yaw=-40.0), attentive(2), lizard(0.9), attentive(2)], fps)
    assert [(glance.side, glance.movement) for glance in glances] == [("right", "owl"), ("left", "lizard")]
    assert [glance.duration_s for glance in glances] == pytest.approx([1.2, 0.9], abs=1 / fps + 0.05)


def test_ok__without_irises_only_the_head_can_be_seen_to_look_away() -> None:
    assert [g.movement for g in ended([attentive(5), attentive(1, yaw=40.0, iris_yaw=None), attentive(1)])] == ["owl"]


def test_ok__the_side_is_where_most_of_the_look_went() -> None:
    drive = [attentive(5), away(0.4, yaw=-40.0), away(1.5, yaw=10.0, pitch=-35.0), away(0.3, yaw=-40.0), attentive(1)]
    assert [glance.side for glance in ended(drive)] == ["down"]


def test_ok__the_frame_that_passes_on_the_way_does_not_name_the_side() -> None:
    seen = states(film([attentive(5), away(0.05, pitch=-35.0, yaw=0.0), away(0.1, yaw=-45.0)]))
    assert seen[-1].gaze.away.side == "right"


def test_ok__a_look_that_was_forgotten_does_not_lend_its_side_to_the_next() -> None:
    frames = [
        frame for frame in film([attentive(5), away(6), attentive(2), away(1, yaw=-45.0)]) if not 11 < frame.t < 13
    ]
    assert states(frames)[-1].gaze.away.side == "right"


def test_ok__one_look_of_more_than_half_a_minute_is_one() -> None:
    glances = states(film([attentive(70), away(45)], 10))[-1].gaze.glances
    assert glances.count == 1
    assert glances.away_s == pytest.approx(30.0, abs=0.1)


def test_ok__a_return_too_short_to_see_anything_ends_no_look() -> None:
    assert len(ended([attentive(5), away(1), attentive(0.15), away(1), attentive(1)])) == 1


def test_ok__eyes_that_only_pass_by_are_no_glance() -> None:
    assert ended([attentive(5), away(0.05), attentive(1)], fps=30.0) == []


def test_ok__a_look_whose_end_was_not_seen_is_not_reported_as_one_that_ended() -> None:
    assert ended([attentive(5), away(1), no_camera(3), attentive(2)]) == []


def test_ok__there_is_no_side_while_there_is_no_look() -> None:
    seen = states(film([attentive(5), away(1), no_camera(0.6), attentive(1)]))
    sides = {state.gaze.away.side for state in seen if not state.gaze.away.seconds}
    assert sides == {None}


def test_ok__the_alert_says_where_the_driver_looks() -> None:
    reported = [event for event in alerts(film([attentive(5), away(3.5, yaw=-45.0), attentive(1)])) if event.t < 8.5]
    assert [event.message for event in reported] == ["Eyes off the road for 3.0 s (right)"]
    assert reported[0].evidence.measured["gaze.side"] == "right"


def test_ok__glances_that_were_not_seen_widen_the_sum() -> None:
    last = states(film([attentive(5), away(2), attentive(0.5), no_face(4), attentive(1)]))[-1]
    assert last.gaze.glances.away_s == pytest.approx(2.0, abs=0.1)
    assert last.gaze.glances.most_s == pytest.approx(6.0, abs=0.2)
    assert states(film([attentive(5), no_face(4), attentive(3)]))[-1].gaze.glances.most_s == 0.0


def test_ok__perclos_says_what_it_may_be_in_the_time_that_was_not_read() -> None:
    drive = [attentive(30), shut(3), attentive(12), unreadable(15)]
    perclos = states(film(drive))[-1].perclos
    assert perclos.value == pytest.approx(3 / 45, abs=0.003)
    assert (perclos.low, perclos.high) == pytest.approx((3 / 60, 18 / 60), abs=0.003)


def test_ok__a_look_at_area_3_is_timed_also_where_the_gaze_is_not_off_the_road() -> None:
    timers, cadence = LookAwayTimers(), Cadence()
    for number in range(21):
        step = cadence.step(number / 20)
        assert step is not None
        look, _ = timers.update(step, GazeSample(off_road=False, in_area_3=True))
    assert look.seconds == 0.0
    assert look.down_s == pytest.approx(1.0, abs=0.06)


ACTS: tuple[Callable[[float], Stretch], ...] = (shut, away, attentive, no_face, no_camera, unreadable)
stretches = st.tuples(st.sampled_from(ACTS), st.floats(0.1, 15)).map(lambda drawn: drawn[0](drawn[1]))


@settings(max_examples=30, deadline=None)
@given(st.lists(stretches, min_size=1, max_size=8), st.sampled_from([7.0, 20.0]))
def test_ok__every_value_lies_in_its_interval(drive: list[Stretch], fps: float) -> None:
    for state in states(film([attentive(2), *drive], fps)):
        assert _within(state)


def _within(state: DriverState) -> bool:
    perclos, glances, drowsiness = state.perclos, state.gaze.glances, state.drowsiness
    return (
        0.0 <= perclos.low <= perclos.high <= 1.0
        and (perclos.value is None or perclos.low - 1e-9 <= perclos.value <= perclos.high + 1e-9)
        and (glances.away_s is None or glances.away_s <= glances.most_s + 1e-9 <= glances.window_s + 1e-6)
        and (drowsiness is None or drowsiness.low <= drowsiness.kss <= drowsiness.high)
    )
