"""Filters the light: a new kind of light counts only after it has lasted `HOLD_S`. Pure."""

from __future__ import annotations

from driver_monitor.data.observation import Light

HOLD_S = 1.0
"""Seconds that a new light must last. Headlights and bridges pass in less. Nothing needs the light sooner."""


class LightFilter:
    """Filters the light (day, dark, ...): it changes after `HOLD_S` in which all pictures show the same other light."""

    def __init__(self) -> None:
        self._light: Light | None = None
        self._other: tuple[Light, float] | None = None

    def update(self, light: Light, t: float) -> Light:
        """Take the light of the picture at `t` seconds, and return the filtered light."""
        if self._light is None or light == self._light:
            self._light, self._other = light, None
            return light
        if self._other is None or self._other[0] != light or t < self._other[1]:
            self._other = light, t
        elif t - self._other[1] >= HOLD_S:
            self._light, self._other = light, None
        return self._light
