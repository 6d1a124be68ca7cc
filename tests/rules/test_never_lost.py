"""Drives in which a warning was lost or late, or came without a reason, and must not be again."""

from __future__ import annotations

import pytest

from tests.timeline import Stretch, alerts, attentive, film, no_face, shut, states, verdicts


def raised(*drive: Stretch, profile: str = "default", fps: float = 10.0) -> list[tuple[str, float]]:
    return [(event.rule, round(event.t, 1)) for event in alerts(film(drive, fps), profile) if event.phase == "raised"]


@pytest.mark.parametrize("camera", [25.0, -25.0, 30.0])
def test_ok__a_look_towards_the_camera_does_not_put_the_road_off_the_road(camera: float) -> None:
    mirror = [attentive(5, yaw=camera), attentive(0.7, yaw=camera - 30)]
    drive = [attentive(30, yaw=camera), attentive(8, yaw=camera * -0.3), *mirror * 10]
    assert not [t for rule, t in raised(*drive) if rule in ("long_distraction", "unresponsive") and t > 41.0]


@pytest.mark.parametrize("road_s", [0.5, 1.0, 3.0])
def test_ok__who_looks_into_the_lap_from_the_start_is_told(road_s: float) -> None:
    first = raised(attentive(road_s), attentive(20, pitch=-36.0, iris_yaw=None))[0]
    assert first[0] == "long_distraction"
    assert first[1] == pytest.approx(road_s + 3.0, abs=0.5)


def test_ok__a_sure_closure_does_not_end_with_a_look_down() -> None:
    drive = film([attentive(5), shut(2), attentive(3)], 20.0)
    assert not any(state.gaze.zone == "down" for state in states(drive))
    assert not any(state.gaze.away.ended for state in states(drive))


def test_ok__two_naps_are_two_times_no_response() -> None:
    drive = [attentive(10), shut(7), attentive(2.5), shut(7), attentive(3)]
    assert [rule for rule, _ in raised(*drive, fps=20.0)].count("unresponsive") == 2


@pytest.mark.parametrize("profile", ["default", "quiet"])
def test_ok__a_sleeper_whose_mouth_hangs_open_is_told_at_three_seconds(profile: str) -> None:
    alerts_of = raised(attentive(10), shut(8, mouth=0.5), profile=profile)
    assert min(t for rule, t in alerts_of if rule in ("sleep", "microsleep")) == pytest.approx(13.0, abs=0.2)


def test_ok__a_word_before_the_head_sinks_holds_back_no_alert() -> None:
    drive = [attentive(10), attentive(0.4, mouth=0.5), shut(2.5, mouth=None), attentive(2)]
    assert [rule for rule, _ in raised(*drive)] == ["microsleep"]


def test_ok__a_head_that_sinks_out_of_sight_with_low_lids_is_a_look_away() -> None:
    low = attentive(2.5, opening=0.3, p_closed=0.4)
    rule, t = raised(attentive(10), low, no_face(3))[0]
    assert rule in ("eyes_closed_or_lowered", "long_distraction")
    assert t < 14.0


def test_ok__eyes_that_may_be_closed_are_not_attentive() -> None:
    drive = film([attentive(10), attentive(2.5, opening=0.3, p_closed=0.4)], 10.0)
    assert {verdict.attention for verdict in verdicts(drive)[-15:]} == {"unknown"}
