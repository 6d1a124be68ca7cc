"""The night check: it asks for darkness first, then for the lamp, and is good only if the lamp lights the face."""

from __future__ import annotations

from dataclasses import replace

import pytest

from driver_monitor.data.observation import FaceLight, Light, Observation
from driver_monitor.installer.night import judge_night
from tests.installer.seen import face, nobody, second, watching


def lit(light: Light = "infrared", grey: bool = True, level: float = 150.0, around: float = 60.0) -> Observation:
    seen = watching(face(), light=light, grey=grey)
    return replace(seen, face_light=FaceLight(level, around, 0.0, level, level))


def test_ok__a_face_in_the_light_of_the_lamp_is_good() -> None:
    check = judge_night(second(lit()))
    assert check.state == "good"
    assert "at night" in check.words


@pytest.mark.parametrize("light", ["day", "glare"])
def test_ok__by_day_it_asks_for_darkness_and_judges_nothing(light: Light) -> None:
    check = judge_night(second(lit(light, grey=False)))
    assert check.state == "unknown"
    assert "Make the car dark" in check.words


def test_ok__a_dark_picture_asks_for_the_lamp() -> None:
    for seen in (nobody("dark", light="dark"), lit("dark", level=20.0)):
        check = judge_night(second(seen))
        assert check.state == "bad"
        assert "Switch the infrared lamp on" in check.words


def test_ok__a_black_picture_is_a_dark_car_too() -> None:
    assert "Switch the infrared lamp on" in judge_night(second(nobody("covered", "covered", "dark"))).words


def test_ok__a_lamp_that_hardly_reaches_the_face_is_bad() -> None:
    check = judge_night(second(lit(level=35.0, around=20.0)))
    assert check.state == "bad"
    assert "lamp" in check.words


def test_ok__a_grey_picture_whose_light_is_not_known_asks_for_a_proof() -> None:
    check = judge_night(second(lit(around=150.0)))
    assert check.state == "fair"
    assert "Cover the infrared lamp" in check.words


@pytest.mark.parametrize("camera", ["lost", "frozen"])
def test_ok__without_a_picture_nothing_is_judged(camera: str) -> None:
    assert judge_night([]).state == "unknown"
    assert judge_night(second(replace(nobody(), camera=camera))).state == "unknown"  # type: ignore[arg-type]
