"""Masks and sunglasses are worn for minutes: what covers the face is an answer that lasts, and hides what it hides."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from driver_monitor.data.driver_state import DriverState
from driver_monitor.data.observation import EXPRESSIONS, Expression, EyeReason
from driver_monitor.state.expression.expression_tracker import ExpressionTracker
from driver_monitor.state.tracker import StateTracker
from tests.timeline import Stretch, attentive, film, no_face, states, unreadable


def mouths(seen: list[DriverState]) -> list[bool | None]:
    return [None if state.occlusion is None else state.occlusion.mouth for state in seen]


def covers(seen: list[DriverState]) -> list[str | None]:
    return [None if state.occlusion is None else state.occlusion.eyes for state in seen]


@pytest.mark.parametrize("fps", [10, 20, 30])
def test_ok__a_mask_is_reported_within_a_second_and_stays(fps: int) -> None:
    drive = [attentive(3, mouth_hidden=0.05), attentive(20, mouth_hidden=0.95)]
    reported = mouths(states(film(drive, fps)))
    assert set(reported[: 3 * fps]) == {False}
    assert set(reported[4 * fps :]) == {True}


def test_ok__a_hand_that_passes_by_is_no_mask_and_a_doubtful_frame_changes_nothing() -> None:
    passing = [attentive(3, mouth_hidden=0.05), attentive(0.4, mouth_hidden=0.95), attentive(2, mouth_hidden=0.05)]
    assert set(mouths(states(film(passing)))) == {False}
    doubtful = [attentive(3, mouth_hidden=0.9), attentive(5, mouth_hidden=0.5), attentive(1, mouth_hidden=math.nan)]
    assert mouths(states(film(doubtful)))[60:100] == [True] * 40


def test_ok__behind_a_mask_there_is_neither_a_yawn_nor_none() -> None:
    seen = states(film([attentive(3, mouth_hidden=0.95), attentive(5, mouth_hidden=0.95, mouth=0.9)]))
    assert {(state.mouth.opening, state.mouth.yawning, state.mouth.yawns) for state in seen} == {(None, None, 0)}


def test_ok__a_mask_alone_is_not_degraded_and_the_eyes_are_read_on() -> None:
    last = states(film([attentive(12, mouth_hidden=0.95)]))[-1]
    assert (last.degraded, last.eyes.state, last.unread_s) == (None, "open", 0.0)


def test_ok__a_masked_face_has_no_expression() -> None:
    angry = Expression({name: 0.93 if name == "anger" else 0.01 for name in EXPRESSIONS})
    frames = [replace(frame, expression=angry) for frame in film([attentive(8, mouth_hidden=0.95)])]
    tracker = StateTracker(ExpressionTracker())
    assert {state.emotion is None for state in map(tracker.update, frames)} == {True}


def test_ok__without_a_net_that_tells_it_the_mouth_is_unknown_and_read_as_ever() -> None:
    seen = states(film([attentive(3), attentive(3, mouth=0.9)]))
    assert set(mouths(seen)) == {None}
    assert seen[-1].mouth.yawning


@pytest.mark.parametrize("reason", ["sunglasses", "glare", "occluded", "dark"])
def test_ok__what_covers_the_eyes_is_reported_and_does_not_flicker(reason: EyeReason) -> None:
    flicker = [unreadable(0.5, reason), attentive(0.15), unreadable(0.1, "blur")] * 20
    reported = covers(states(film([attentive(3), *flicker])))
    assert set(reported[:60]) == {None}
    assert set(reported[110:]) == {reason}


def test_ok__sunglasses_that_are_taken_off_are_gone_within_two_seconds() -> None:
    reported = covers(states(film([unreadable(30), attentive(3)])))
    assert reported[599] == "sunglasses"
    assert reported[640] is None


def test_ok__a_head_turned_aside_keeps_its_sunglasses_and_a_long_absence_forgets_them() -> None:
    seen = states(film([unreadable(5), unreadable(1.5, "pose"), no_face(3)]))
    assert covers(seen)[125] == "sunglasses"
    assert seen[-1].occlusion is None


def test_ok__an_eye_that_can_be_read_is_not_covered() -> None:
    assert set(covers(states(film([Stretch(3)])))) == {None}


def test_ok__the_first_picture_is_believed() -> None:
    (still,) = states(film([unreadable(0.05)]))
    assert covers([still]) == ["sunglasses"]
