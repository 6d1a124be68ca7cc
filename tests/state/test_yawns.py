"""A yawn opens the mouth once, wide, for seconds. Talk, song, laughter and a mouth that is always open are none."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.state.sleepiness.yawns import YawnCounter
from driver_monitor.timing.cadence import Cadence
from tests.timeline import Stretch, attentive, film, shut, states, yawn

RATES = pytest.mark.parametrize("fps", [5, 10, 20, 30, 60])


def course(*levels: float, seconds: float = 0.2) -> list[Stretch]:
    """A mouth that has each of these openings for some time."""
    return [attentive(seconds, mouth=level) for level in levels]


def yawns(parts: list[Stretch], fps: float = 20.0) -> int:
    return states(film(parts, fps))[-1].mouth.yawns


SLOW = course(0.16, 0.2, 0.3, 0.45, 0.55, 0.62, 0.7, 0.75, 0.78, 0.8, 0.8, 0.78, 0.75, 0.72, 0.7, 0.6, 0.4, 0.2, 0.1)
NARROW = course(0.15, 0.2, 0.3, 0.34, 0.36, 0.4, 0.45, 0.47, 0.45, 0.47, 0.47, 0.43, 0.44, 0.41, 0.38, 0.3, 0.2, 0.1)


@RATES
@pytest.mark.parametrize("parts", [SLOW, NARROW])
def test_ok__a_slow_opening_and_a_plateau_are_a_yawn_at_every_frame_rate(parts: list[Stretch], fps: float) -> None:
    assert yawns([attentive(4), *parts, attentive(2)], fps) == 1


@RATES
def test_ok__a_yawn_of_two_seconds_with_closed_eyes_is_found(fps: float) -> None:
    parts = [*course(0.2, 0.35), shut(1.3, mouth=0.55), *course(0.35, 0.2)]
    assert yawns([attentive(4), *parts, attentive(2)], fps) == 1
    awake = [*course(0.2, 0.35), attentive(1.1, mouth=0.55), *course(0.35, 0.2)]
    assert yawns([attentive(4), *awake, attentive(2)], fps) == 0


@RATES
@pytest.mark.parametrize("usual", [0.3, 0.36, 0.42])
def test_ok__a_person_whose_mouth_is_open_when_talking_does_not_yawn(usual: float, fps: float) -> None:
    talk = course(usual, usual + 0.12, usual - 0.1, usual + 0.08, usual + 0.15, usual - 0.05, seconds=0.25) * 40
    assert yawns([attentive(2), *talk], fps) == 0


@RATES
def test_ok__a_mouth_that_looks_open_from_the_first_frame_on_is_no_yawn(fps: float) -> None:
    assert yawns([attentive(30, mouth=0.45)], fps) == 0
    assert yawns([yawn(3), attentive(3)], fps) == 1


@RATES
def test_ok__talk_that_begins_at_once_with_wide_vowels_is_no_yawn(fps: float) -> None:
    vowels = course(0.55, 0.3, 0.6, 0.25, 0.5, 0.35, 0.6, 0.3, seconds=0.3) * 10
    assert yawns([attentive(1), *vowels], fps) == 0


def test_ok__laughter_that_holds_the_mouth_half_open_is_no_yawn() -> None:
    assert yawns([attentive(3), *course(0.28, 0.31, 0.29, 0.3, seconds=1.0) * 3]) == 0


@RATES
def test_ok__a_hand_before_the_wide_mouth_is_part_of_the_yawn(fps: float) -> None:
    hand = attentive(1.5, mouth=0.5, mouth_hidden=0.95)
    parts = [*course(0.2, 0.35), attentive(1.3, mouth=0.55), hand, attentive(0.5, mouth=0.5), *course(0.3, 0.1)]
    assert yawns([attentive(4), *parts, attentive(2)], fps) == 1


def test_ok__a_hand_before_a_mouth_that_was_not_wide_is_no_yawn() -> None:
    assert yawns([attentive(4), attentive(4, mouth=0.7, mouth_hidden=0.95), attentive(2)]) == 0


def test_ok__a_mouth_that_hangs_open_all_the_time_yawns_once_at_most() -> None:
    assert yawns([attentive(3), attentive(60, mouth=0.7)]) == 1


def test_ok__a_yawn_is_found_while_it_lasts_and_is_over_when_the_mouth_is_shut() -> None:
    seen = states(film([attentive(4), *SLOW, attentive(2)]))
    found = [state.t for state in seen if state.mouth.yawning]
    assert 5.5 <= found[0] <= 6.5
    assert found[-1] <= 7.8


def counter_after(*openings: float | None, fps: float = 20.0) -> YawnCounter:
    counter, cadence = YawnCounter(), Cadence()
    for frame, opening in enumerate(openings):
        step = cadence.step(frame / fps)
        assert step is not None
        counter.update(step, opening)
    return counter


def test_ok__a_yawn_behind_a_hand_does_not_go_on_for_ever() -> None:
    wide = [0.1] * 20 + [0.8] * 40
    assert counter_after(*wide).under_way
    assert counter_after(*wide, *[None] * 40).under_way
    assert not counter_after(*wide, *[None] * 120).under_way


@pytest.mark.parametrize("odd", [math.nan, math.inf, None])
def test_ok__a_mouth_without_a_number_is_unknown_and_breaks_nothing(odd: float | None) -> None:
    counter = counter_after(*[0.1] * 20, *[0.8] * 20, odd, *[0.8] * 20)
    assert counter.under_way


@settings(max_examples=20, deadline=None)
@given(st.floats(5, 60), st.floats(2.0, 8.0), st.floats(0.5, 1.0))
def test_ok__every_wide_yawn_of_two_seconds_is_found_once_at_any_frame_rate(
    fps: float, seconds: float, wide: float
) -> None:
    parts = [attentive(4), *course(0.25, 0.4, 0.5), attentive(seconds, mouth=wide), *course(0.3, 0.1), attentive(2)]
    assert yawns(parts, fps) == 1


@settings(max_examples=20, deadline=None)
@given(st.floats(5, 60), st.lists(st.tuples(st.floats(0.12, 0.4), st.floats(0.3, 0.8)), min_size=4, max_size=30))
def test_ok__speech_in_syllables_is_never_a_yawn(fps: float, syllables: list[tuple[float, float]]) -> None:
    speech = [part for s, level in syllables for part in (attentive(s, mouth=level), attentive(0.25, mouth=0.12))]
    assert yawns([attentive(2), *speech], fps) == 0


def test_ok__a_yawn_needs_no_more_than_the_mouth() -> None:
    assert yawns([attentive(4), yawn(3), attentive(2)]) == 1
