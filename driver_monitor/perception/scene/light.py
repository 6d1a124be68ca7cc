"""Light that does not flicker: a judgement of the picture counts when it has lasted. Pure."""

from __future__ import annotations

from driver_monitor.data.observation import Light

HOLD_S = 1.0
"""Headlights and bridges pass in less; nothing that depends on the light needs to know sooner."""


class LightFilter:
    """Changes its mind about the light only when the pictures have said so for `HOLD_S`; the first one is believed."""

    def __init__(self) -> None:
        self._light: Light | None = None
        self._other: tuple[Light, float] | None = None

    def update(self, light: Light, t: float) -> Light:
        """Take what the picture at `t` seconds looks like, and return what the light is taken for."""
        if self._light is None or light == self._light:
            self._light, self._other = light, None
            return light
        if self._other is None or self._other[0] != light or t < self._other[1]:
            self._other = light, t
        elif t - self._other[1] >= HOLD_S:
            self._light, self._other = light, None
        return self._light
