"""The light is what it has been for a while, not what one picture looks like."""

from __future__ import annotations

from driver_monitor.data.observation import Light
from driver_monitor.perception.scene.light import HOLD_S, LightFilter


def run(*told: tuple[float, Light]) -> list[Light]:
    light = LightFilter()
    return [light.update(said, t) for t, said in told]


def test_ok__the_first_picture_is_believed() -> None:
    assert run((0.0, "infrared")) == ["infrared"]


def test_ok__oncoming_headlights_for_a_moment_are_not_glare() -> None:
    assert run((0.0, "infrared"), (0.2, "glare"), (0.8, "glare"), (0.9, "infrared"))[-2:] == ["infrared"] * 2


def test_ok__a_tunnel_is_dark_once_it_has_lasted() -> None:
    assert run((0.0, "day"), (1.0, "dark"), (1.0 + HOLD_S, "dark")) == ["day", "day", "dark"]


def test_ok__flicker_between_two_others_is_neither() -> None:
    assert run((0.0, "day"), (0.5, "dark"), (1.0, "glare"), (1.6, "dark"), (2.2, "glare"))[-1] == "day"
