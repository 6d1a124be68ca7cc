"""Yawns, blindness, drowsiness, and time that never runs backwards."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from driver_monitor.data.driver_state import ExpressionState
from driver_monitor.data.observation import Expression, EyeReason, Light
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.state.tracker import StateTracker
from driver_monitor.timing.cadence import TimeStep
from tests.timeline import Stretch, attentive, film, no_camera, no_face, observe, shut, states, unreadable, yawn


@pytest.mark.parametrize("fps", [10, 15, 20, 30])
def test_ok__each_yawn_is_counted_once(fps: float) -> None:
    seen = states(film([attentive(2), yawn(3), attentive(14), yawn(2), attentive(1)], fps))
    assert seen[-1].mouth.yawns == 2
    assert any(state.mouth.yawning for state in seen)
    assert not seen[-1].mouth.yawning


def test_ok__talking_laughing_and_singing_are_no_yawns() -> None:
    syllables = [attentive(0.3, mouth=0.7), attentive(0.3, mouth=0.2)] * 40
    notes = [attentive(1.2, mouth=0.8), attentive(0.4, mouth=0.3)] * 10
    assert states(film([*syllables, *notes]))[-1].mouth.yawns == 0


def test_ok__a_yawn_is_forgotten_after_five_minutes() -> None:
    assert states(film([yawn(3), attentive(297)], 10))[-1].mouth.yawns == 1
    assert states(film([yawn(3), attentive(300)], 10))[-1].mouth.yawns == 0


@pytest.mark.parametrize("reason", ["sunglasses", "glare", "pose", "occluded", "dark", "blur"])
def test_ok__unreadable_eyes_are_reported_with_their_reason_within_the_ten_seconds(reason: EyeReason) -> None:
    seen = states(film([attentive(2), unreadable(5, reason)]))
    reported = next(state.t for state in seen if state.degraded)
    assert seen[-1].degraded == reason
    assert reported - 2.0 == pytest.approx(3.0, abs=0.06)


def test_ok__glimpses_past_sunglasses_are_not_sight() -> None:
    seen = states(film([unreadable(1.0), attentive(0.1)] * 6))
    assert seen[-1].degraded == "sunglasses"
    assert seen[-1].unread_s > 6


@pytest.mark.parametrize(
    ("stretch", "reported"),
    [
        (no_face(4), "no_face"),
        (no_face(4, "dark"), "dark"),
        (no_face(4, "covered"), "covered"),
        (no_camera(0.1), "no_camera"),
        (no_camera(0.6, "frozen"), "frozen"),
        (no_camera(1.6, "covered"), "covered"),
    ],
)
def test_ok__blindness_has_a_name(stretch: Stretch, reported: str) -> None:
    last = states(film([attentive(2), stretch]))[-1]
    assert last.degraded == reported
    assert last.eyes.state == "unknown"
    assert last.gaze.zone == "unknown"


def test_ok__a_short_turn_of_the_head_is_not_degraded() -> None:
    assert all(state.degraded is None for state in states(film([attentive(2), no_face(1.5), attentive(1)])))


def test_ok__drowsiness_is_unknown_first_then_grows_with_perclos_and_says_why() -> None:
    assert states(film([attentive(20)]))[-1].drowsiness is None
    awake, sleepy = states(film([attentive(60)]))[-1], states(film([attentive(8), shut(1.2)] * 7))[-1]
    assert awake.drowsiness
    assert sleepy.drowsiness
    assert awake.drowsiness.kss < 4
    assert sleepy.drowsiness.kss > 7
    assert sleepy.drowsiness.low <= sleepy.drowsiness.kss <= sleepy.drowsiness.high <= 9
    assert "14%" in sleepy.drowsiness.reason


def test_ok__time_never_runs_backwards_and_a_repeated_frame_counts_once() -> None:
    frames = film([attentive(2), shut(0.8), attentive(1)])
    stuttering = [again for frame in frames for again in (frame, frame, replace(frame, t=frame.t - 0.7))]
    plain = states(frames)
    stuttered = states(stuttering)
    assert [state.t for state in stuttered] == [state.t for state in plain for _ in range(3)]
    assert [state.eyes for state in stuttered[::3]] == [state.eyes for state in plain]


@pytest.mark.parametrize("t", [math.nan, math.inf, -math.inf])
def test_fail__a_time_that_is_no_number_changes_nothing(t: float) -> None:
    tracker = StateTracker()
    before = tracker.update(observe(1.0, Stretch(1)))
    assert tracker.update(observe(t, shut(1))) is before
    assert tracker.update(observe(1.05, Stretch(1))).t == 1.05
    assert StateTracker().update(observe(t, Stretch(1))).t == 0.0


def test_ok__a_single_still_is_judged_against_the_population() -> None:
    state = StateTracker().update(observe(0.0, Stretch(1, opening=0.8)))
    assert (state.eyes.state, state.eyes.openness, state.eyes.closed_s) == ("open", 0.8, 0.0)


class Recorder(ExpressionTracker):
    """An expression smoother that remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[float, bool]] = []

    def update(
        self, step: TimeStep, light: Light, expression: Expression | None, valid: bool
    ) -> ExpressionState | None:
        self.calls.append((step.t, valid))
        return ExpressionState("neutral", {"neutral": 1.0}, 0.0) if valid else None


def test_ok__a_yawn_is_not_judged_as_an_expression() -> None:
    recorder = Recorder()
    tracker = StateTracker(recorder)
    states = [tracker.update(frame) for frame in film([attentive(1), yawn(3), attentive(1)])]
    assert any(state.mouth.yawning for state in states)
    assert [valid for _, valid in recorder.calls] == [not state.mouth.yawning for state in states]


def test_ok__the_expression_smoother_gets_every_frame_and_knows_whether_there_is_a_face() -> None:
    recorder = Recorder()
    tracker = StateTracker(recorder)
    seen = [tracker.update(frame) for frame in film([attentive(0.1), no_face(0.1)])]
    assert recorder.calls == [(0.0, True), (0.05, True), (0.1, False), (0.15, False)]
    assert [state.emotion is not None for state in seen] == [True, True, False, False]
