"""What must hold on any drive: the frame rate does not matter, and what is not seen makes no alert."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from driver_monitor.observation import Observation
from driver_monitor.rules.alert import AlertEvent
from tests.timeline import Stretch, alerts, attentive, away, film, no_camera, no_face, observe, shut, unreadable

SAFETY = {"microsleep", "sleep", "long_distraction", "unresponsive"}
THRESHOLDS = (1.0, 3.0, 4.0, 5.0, 6.0)
"""Durations at which the default profile takes a step in a closure or a look away."""


def clear_of_thresholds(margin: float) -> st.SearchStrategy[float]:
    lengths = st.floats(0.65, 8.0).map(lambda seconds: round(seconds, 2))
    return lengths.filter(lambda seconds: all(abs(seconds - limit) > margin for limit in THRESHOLDS))


def drives(margin: float) -> st.SearchStrategy[list[Stretch]]:
    """Attentive stretches with closures and looks away in between, none near a threshold."""
    act = st.one_of(
        clear_of_thresholds(margin).map(shut),
        st.tuples(clear_of_thresholds(margin), st.sampled_from([-50.0, 45.0])).map(lambda drawn: away(*drawn)),
    )
    pair = st.tuples(act, st.floats(2.0, 5.0).map(lambda seconds: attentive(round(seconds, 2))))
    return st.lists(pair, min_size=1, max_size=3).map(
        lambda pairs: [attentive(3), *(stretch for both in pairs for stretch in both)]
    )


def of_safety(frames: list[Observation]) -> list[AlertEvent]:
    return [event for event in alerts(frames) if event.rule in SAFETY]


@settings(max_examples=40, deadline=None)
@given(drives(0.5), st.floats(5, 60), st.floats(0, 0.35), st.integers(0, 99))
def test_ok__any_frame_rate_and_jitter_give_the_same_alerts(
    drive: list[Stretch], fps: float, jitter: float, seed: int
) -> None:
    reference = of_safety(film(drive, 60))
    sampled = of_safety(film(drive, fps, jitter, seed))
    assert [(event.rule, event.level, event.phase) for event in sampled] == [
        (event.rule, event.level, event.phase) for event in reference
    ]
    for one, other in zip(sampled, reference, strict=True):
        # A frame may come late by the jitter on top of its period. "No return within 3 s of a warning" is counted
        # from the warning as given, so two periods add up in it; so they do where a clearing must be held.
        periods = 2 if one.rule == "unresponsive" else 1
        assert abs(one.t - other.t) <= periods * (1 + 2 * jitter) / fps + 0.05 + 1 / 60


Damage = st.tuples(st.floats(0, 30), st.floats(0.05, 4), st.sampled_from(["drop", "nan", "repeat", "back", "blind"]))


def damaged(frames: list[Observation], start: float, seconds: float, kind: str) -> list[Observation]:
    kept = []
    for frame in frames:
        if not start <= frame.t < start + seconds:
            kept.append(frame)
        elif kind == "nan":
            nothing = Stretch(1, opening=math.nan, p_closed=math.nan, yaw=math.nan, pitch=math.nan, mouth=math.nan)
            kept.append(observe(frame.t, nothing))
        elif kind == "repeat":
            kept += [frame] * 3
        elif kind == "back":
            kept += [frame, replace(frame, t=frame.t - 1.0)]
        elif kind == "blind":
            kept.append(observe(frame.t, no_camera(1)))
    return kept


@settings(max_examples=50, deadline=None)
@given(drives(0.05), st.sampled_from([10, 20, 30]), st.lists(Damage, min_size=1, max_size=3))
def test_ok__gaps_nan_and_repeats_never_make_an_alert(
    drive: list[Stretch], fps: int, damage: list[tuple[float, float, str]]
) -> None:
    frames = film(drive, fps)
    whole = of_safety(frames)
    for start, seconds, kind in damage:
        frames = damaged(frames, start, seconds, kind)
    for event in of_safety(frames):
        if event.phase == "raised":
            alike = [other for other in whole if other.rule == event.rule and other.phase == "raised"]
            assert any(other.t <= event.t + 0.2 for other in alike), event


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([shut, away, attentive, no_face, no_camera, unreadable]),
            st.floats(0.1, 12).map(lambda seconds: round(seconds, 2)),
        ),
        min_size=1,
        max_size=8,
    ),
    st.sampled_from([8, 15, 30]),
)
def test_ok__every_alert_is_cleared_or_still_active_and_time_goes_forward(
    acts: list[tuple[object, float]], fps: int
) -> None:
    drive = [act(seconds) for act, seconds in acts]  # type: ignore[operator]
    events = alerts(film([attentive(2), *drive, attentive(3)], fps))
    assert [event.t for event in events] == sorted(event.t for event in events)
    by_episode: dict[int, list[AlertEvent]] = {}
    for event in events:
        by_episode.setdefault(event.episode, []).append(event)
    for life in by_episode.values():
        phases = [event.phase for event in life]
        assert phases[0] == "raised"
        assert phases.count("raised") == 1
        assert "cleared" not in phases[:-1]
        if life[0].rule in SAFETY - {"unresponsive"}:
            assert phases[-1] == "cleared"


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from([no_face, no_camera, unreadable]), st.floats(0.1, 15)),
        min_size=1,
        max_size=6,
    ),
    st.floats(5, 60),
)
def test_ok__unknown_alone_never_raises_sleep_or_distraction(acts: list[tuple[object, float]], fps: float) -> None:
    drive = [attentive(2), *(act(seconds) for act, seconds in acts)]  # type: ignore[operator]
    assert of_safety(film(drive, fps)) == []


def looks_away(margin: float) -> st.SearchStrategy[list[Stretch]]:
    """Looks away with short returns; their sum is clear of ten seconds, and none is long enough for another rule."""
    look = st.floats(0.9, 2.6).map(lambda seconds: round(seconds, 2))
    pause = st.floats(0.8, 1.4).map(lambda seconds: round(seconds, 2))
    drawn = st.lists(st.tuples(look, pause), min_size=2, max_size=7)
    clear = drawn.filter(lambda pairs: all(abs(sum(a for a, _ in pairs[:k]) - 10) > margin for k in range(9)))
    return clear.map(
        lambda pairs: [attentive(4), *(part for a, b in pairs for part in (away(a), attentive(b))), attentive(4)]
    )


@settings(max_examples=40, deadline=None)
@given(looks_away(1.2), st.floats(8, 60), st.floats(0, 0.3), st.integers(0, 99))
def test_ok__glances_add_up_to_the_same_at_any_frame_rate(
    drive: list[Stretch], fps: float, jitter: float, seed: int
) -> None:
    told = [
        [(event.rule, event.phase) for event in alerts(film(drive, *sampling)) if event.rule == "repeated_glances"]
        for sampling in ((60.0,), (fps, jitter, seed))
    ]
    assert told[0] == told[1]
    total = sum(part.seconds for part in drive if part.yaw)
    assert bool(told[0]) == (total > 10)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from([no_face(3), no_camera(3), unreadable(3), no_face(1), no_camera(0.4)]), max_size=8))
def test_ok__unknown_input_alone_never_makes_a_safety_alert(blind: list[Stretch]) -> None:
    frames = film([attentive(3), *blind, attentive(2)])
    found = {event.rule for event in alerts(frames)}
    assert found <= {"no_face", "eyes_unreadable", "camera_fault"}
