"""The light changes only after it has lasted for `HOLD_S`, not with one picture."""

from __future__ import annotations

from driver_monitor.data.observation import Light
from driver_monitor.perception.scene.light import HOLD_S, LightFilter


def run(*samples: tuple[float, Light]) -> list[Light]:
    light_filter = LightFilter()
    return [light_filter.update(light, t) for t, light in samples]


def test_ok__the_first_picture_counts_at_once() -> None:
    assert run((0.0, "infrared")) == ["infrared"]


def test_ok__oncoming_headlights_for_a_moment_are_not_glare() -> None:
    assert run((0.0, "infrared"), (0.2, "glare"), (0.8, "glare"), (0.9, "infrared"))[-2:] == ["infrared"] * 2


def test_ok__a_tunnel_is_dark_once_it_has_lasted() -> None:
    assert run((0.0, "day"), (1.0, "dark"), (1.0 + HOLD_S, "dark")) == ["day", "day", "dark"]


def test_ok__flicker_between_two_kinds_changes_nothing() -> None:
    assert run((0.0, "day"), (0.5, "dark"), (1.0, "glare"), (1.6, "dark"), (2.2, "glare"))[-1] == "day"
