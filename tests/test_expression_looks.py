"""When the expression net looks: rarely at rest, at every frame when the face moves, never more often on average."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from driver_monitor.data.observation import EXPRESSIONS, Expression
from driver_monitor.perception.expression.look_schedule import MOST_SAVED, SAVED_AT_FIRST, LookSchedule
from driver_monitor.perception.expression.movement import Movement
from driver_monitor.state.expression.expression_tracker import STALE_S, ExpressionTracker
from driver_monitor.timing.cadence import Cadence
from tests.mean_face import MEAN_FACE

Points = NDArray[np.float32]
Strength = Callable[[float], float]
"""How much of an expression the face shows at a time, 0 to 1."""

FACE = MEAN_FACE[:, :2] * (150, -150) + (320, 240)
MOUTH, BROWS, LIDS = slice(48, 60), slice(17, 27), [37, 38, 40, 41, 43, 44, 46, 47]


def smiling(strength: float) -> Points:
    """The mean face, 150 pixels between the outer corners of the eyes, with its lips drawn apart by a tenth of that."""
    points = FACE.copy()
    points[MOUTH, 0] += strength * 0.1 * 150 * (points[MOUTH, 0] - 320) / np.ptp(points[MOUTH, 0])
    points[MOUTH, 1] -= strength * 0.03 * 150
    return np.asarray(points, np.float32)


def noisy(points: Points, random: np.random.Generator) -> Points:
    """Landmarks as they tremble on a still face: a third of a pixel."""
    return np.asarray(points + random.normal(0, 0.3, points.shape), np.float32)


def frames(fps: float, seconds: float) -> Iterator[float]:
    return (i / fps for i in range(round(fps * seconds)))


def looks(fps: float, seconds: float, strength: Strength, rate_hz: float = 4.0) -> list[float]:
    """The times at which the schedule looks at a face that shows so much of a smile."""
    schedule, random, times = LookSchedule(rate_hz), np.random.default_rng(1), list[float]()
    for t in frames(fps, seconds):
        if schedule.due(t, noisy(smiling(strength(t)), random)):
            times.append(t)
            schedule.saw("happiness" if strength(t) > 0.6 else "neutral")
    return times


def talking(t: float) -> float:
    """Syllables, four a second, in sentences of three seconds. Each moves the lips as much as a smile."""
    return max(0.0, math.sin(8 * math.pi * t)) * (t % 4 < 3)


def flash(start: float, length: float) -> Strength:
    return lambda t: min(1.0, max(0.0, min(t - start, start + length - t) / 0.07 + 0.5))


@pytest.mark.parametrize("fps", [5, 10, 15, 24, 30, 60])
def test_ok__a_face_at_rest_is_looked_at_twice_a_second(fps: int) -> None:
    assert len(looks(fps, 20, lambda t: 0.0)) == pytest.approx(40, abs=2)


def test_ok__when_a_face_begins_to_smile_every_frame_is_looked_at() -> None:
    times = looks(30, 12, lambda t: float(np.clip((t - 10) / 0.1, 0, 1)))
    smile = [t for t in times if 10.0 <= t < 10.3]
    assert len(smile) >= 7
    assert len([t for t in times if t >= 11.1]) <= 2


def test_ok__sixty_frames_a_second_are_not_looked_at_twice_as_often() -> None:
    few, many = (
        len([t for t in looks(fps, 12, lambda t: float(np.clip((t - 10) / 0.1, 0, 1))) if t >= 10]) for fps in (30, 60)
    )
    assert many <= few + 3


@pytest.mark.parametrize("fps", [20, 24, 25, 30, 60])
def test_ok__a_talking_face_costs_no_more_than_the_mean_rate(fps: int) -> None:
    assert len(looks(fps, 60, talking)) <= 60 * 4.0 + SAVED_AT_FIRST


def moved(t: float) -> Points:
    """A head that turns in the picture, comes nearer and moves aside: a similarity."""
    angle, scale = 0.1 * math.sin(3 * t), 1 + 0.1 * math.sin(2 * t)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(scale * (smiling(0.0) - 300) @ turn.T + 300 + 40 * math.sin(t), np.float32)


def blinking(t: float) -> Points:
    """Eyes that shut for a fifth of a second, once a second."""
    points = smiling(0.0)
    points[LIDS, 1] += (6 if t % 1 < 0.2 else 0) * np.array([1, 1, -1, -1] * 2)
    return points


@pytest.mark.parametrize("face", [moved, blinking])
def test_ok__a_moving_head_and_a_blink_are_no_movement_of_the_face(face: Callable[[float], Points]) -> None:
    movement = Movement()
    assert not any(movement.update(t, face(t)) for t in frames(30, 10))


def raised(t: float) -> Points:
    points = smiling(0.0)
    points[BROWS, 1] -= 8 * float(np.clip((t - 5) / 0.1, 0, 1))
    return points


@pytest.mark.parametrize("fps", [5, 10, 30, 60])
def test_ok__brows_that_rise_are_a_movement(fps: int) -> None:
    movement = Movement()
    found = [t for t in frames(fps, 6) if movement.update(t, raised(t))]
    assert found
    assert 5.0 <= found[0] <= 5.0 + max(0.1, 1.01 / fps)


@pytest.mark.parametrize("size", [0.2, 1.0, 4.0])
def test_ok__a_near_face_and_a_far_one_move_alike(size: float) -> None:
    movement = Movement()
    assert [movement.update(t, (raised(t) * size).astype(np.float32)) for t in (4.8, 4.9, 5.0, 5.1)][-1]


def test_ok__what_is_usual_for_a_face_is_no_movement_any_more() -> None:
    movement = Movement()
    found = [t for t in frames(30, 60) if movement.update(t, smiling(talking(t)))]
    assert sum(t < 5 for t in found) > 3 * sum(t >= 55 for t in found)


def test_ok__a_clock_that_goes_back_starts_anew() -> None:
    movement, schedule = Movement(), LookSchedule(4.0)
    for t in (0.0, 0.1, 50.0, 3.0):
        assert not movement.update(t, smiling(1.0 if t == 3.0 else 0.0))
    assert [schedule.due(t, smiling(0.0)) for t in (100.0, 100.1, 2.0, 2.1)] == [True, False, True, False]


@pytest.mark.parametrize("t", [math.nan, math.inf])
def test_fail__a_time_that_is_none_is_never_due(t: float) -> None:
    schedule = LookSchedule(4.0)
    assert not schedule.due(t, smiling(0.0))
    assert schedule.due(0.0, smiling(0.0))


@pytest.mark.parametrize("rate_hz", [1.0, 1.5, 4.0, 30.0])
def test_ok__at_any_rate_a_face_at_rest_is_looked_at_before_it_is_forgotten(rate_hz: float) -> None:
    times = looks(30, 20, lambda t: 0.0, rate_hz)
    assert np.diff(times).max() < STALE_S / 1.5
    assert len(times) <= 20 * rate_hz + SAVED_AT_FIRST


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 60), st.integers(0, 2**32 - 1), st.floats(0, 1), st.sampled_from([1.0, 4.0, 10.0]))
def test_ok__whatever_the_face_does_it_is_not_looked_at_more_often_on_average(
    fps: int, seed: int, wild: float, rate_hz: float
) -> None:
    random, schedule = np.random.default_rng(seed), LookSchedule(rate_hz)
    times, now = list[float](), 0.0
    for i in range(10 * fps):
        now = i / fps
        if schedule.due(now, smiling(float(random.uniform(0, 1)) if random.random() < wild else 0.0)):
            times.append(now)
            schedule.saw(EXPRESSIONS[int(random.integers(8))])
    assert len(times) <= rate_hz * now + SAVED_AT_FIRST
    for i, t in enumerate(times):
        assert sum(t <= other <= t + 2 for other in times[i:]) <= MOST_SAVED + 2 * rate_hz + 1


def face_shows(strength: float, name: str) -> Expression:
    """The answer of the net: neutral, and the expression when more than two thirds of it are there."""
    sure = 0.9 if strength > 0.67 else 0.45 if strength > 0.4 else 0.02
    rest = (1 - sure) / 7
    p = dict.fromkeys(EXPRESSIONS, rest / 2) | {name: sure}
    return Expression(p | {"neutral": p["neutral"] + 1 - sum(p.values())})


def told(fps: float, seconds: float, strength: Strength, seed: int, speech: Strength = lambda t: 0.0) -> set[str]:
    """The flashes that the tracker tells of a face that the schedule looks at."""
    schedule, tracker, cadence = LookSchedule(4.0), ExpressionTracker(), Cadence()
    random, flashes = np.random.default_rng(seed), set[str]()
    for t in frames(fps, seconds):
        step = cadence.step(t)
        assert step is not None
        shown = None
        if schedule.due(t, noisy(smiling(max(strength(t), speech(t))), random)):
            shown = face_shows(strength(t), "happiness")
            schedule.saw(max(shown.p, key=lambda name: shown.p[name]))
        state = tracker.update(step, "day", shown, True)
        flashes |= {state.flash} if state and state.flash else set()
    return flashes


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_ok__nine_of_ten_flashes_of_a_fifth_of_a_second_and_more_are_found(fps: int) -> None:
    random = np.random.default_rng(3)
    lengths, starts = random.uniform(0.2, 0.45, 20), random.uniform(2, 3, 20)
    found = [
        told(fps, start + 1, flash(start, length), i) == {"happiness"}
        for i, (start, length) in enumerate(zip(starts, lengths, strict=True))
    ]
    assert sum(found) >= 18


def test_ok__a_flash_is_found_at_a_face_that_spoke_before() -> None:
    spoke: Strength = lambda t: talking(t) if t < 15 else 0.0  # noqa: E731
    found = [told(30, 24, flash(21 + 0.13 * i, 0.3), i, spoke) for i in range(4)]
    assert found.count({"happiness"}) == 4


@pytest.mark.parametrize("length", [0.05, 0.8, 1.0, 3.0])
def test_ok__what_is_shorter_or_longer_is_no_flash(length: float) -> None:
    for i in range(4):
        assert told(30, 12, flash(5 + 0.13 * i, length), i) == set()
