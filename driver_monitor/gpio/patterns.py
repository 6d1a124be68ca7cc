"""Defines the patterns of buzzer and LED at each level, and plays them. No clock is read: time is an argument."""

from __future__ import annotations

from dataclasses import dataclass

from driver_monitor.data.alert import LEVELS, Level


@dataclass(frozen=True, slots=True)
class Pattern:
    """Durations of on, off, on, off ... in seconds, repeated. One entry: always on. No entry: always off."""

    seconds: tuple[float, ...] = ()

    def at(self, elapsed: float) -> tuple[bool, float | None]:
        """Return whether the pin is on `elapsed` seconds after the start, and seconds to its change (None: never)."""
        if len(self.seconds) < 2:
            return bool(self.seconds), None
        # Plus 1 ns: a call exactly at a change must return the new state in spite of rounding.
        phase = (elapsed + 1e-9) % sum(self.seconds)
        end = 0.0
        for index, length in enumerate(self.seconds):
            end += length
            if phase < end:
                return index % 2 == 0, max(end - phase, 1e-6)
        return False, self.seconds[-1]


OFF = Pattern()
STEADY = Pattern((1.0,))
SLOW_BLINK = Pattern((1.0, 1.0))
"""0.5 Hz, the slow flash of IEC 60073 (0.4 to 0.8 Hz). It does not draw the eyes from the road."""
FAST_BLINK = Pattern((0.2, 0.2))
"""2.5 Hz, the normal flash of IEC 60073 (1.4 to 2.8 Hz), below the limit of 3 flashes a second of WCAG 2.3.1."""
DOUBLE_BEEPS = Pattern((0.12, 0.12, 0.12, 1.14))
"""Two short pulses every 1.5 s. Seat belts and parking aids use single beeps, and the pause leaves time to react.
The next level is faster, because faster pulses sound more urgent (Edworthy, Loxley and Dennis, Human Factors 33(2),
1991)."""
FAST_BEEPS = Pattern((0.1, 0.1))
"""5 pulses a second without a pause. Small active buzzers rise slowly and cannot do faster pulses; pulses wake a
driver better than a steady tone."""

LED: dict[Level | None, Pattern] = {None: OFF, "info": SLOW_BLINK, "warning": FAST_BLINK, "critical": STEADY}
"""The LED at each level (None: no alert). Steady at critical: eyes that open for a moment must see it lit."""
BUZZER: dict[Level | None, Pattern] = {None: OFF, "info": OFF, "warning": DOUBLE_BEEPS, "critical": FAST_BEEPS}
"""Buzzer at each level. EU 2023/2590 requires a visual plus an acoustic or haptic warning. Info is silent (ours)."""
ORDER: tuple[Level | None, ...] = (None, *LEVELS)
"""The levels from None (no alert) to the worst."""


@dataclass(frozen=True, slots=True)
class PinStates:
    """Whether buzzer and LED are on, and the seconds until one of them changes (None: when the level changes)."""

    buzzer: bool
    led: bool
    for_s: float | None


class PatternPlayer:
    """Turns levels into pin states over time.

    `max_buzz_s`: seconds after which the buzzer is off. A worse level restarts this time, and so does a silent level.
    """

    def __init__(self, max_buzz_s: float) -> None:
        self._max_buzz_s = max_buzz_s
        self._level: Level | None = None
        self._since = 0.0
        self._buzz_since: float | None = None

    def level(self, level: Level | None, now: float) -> None:
        """Set the worst active level at `now`, in seconds. A new level starts its pattern; an equal one is ignored."""
        if level == self._level:
            return
        worse = ORDER.index(level) > ORDER.index(self._level)
        self._level, self._since = level, now
        if BUZZER[level] is OFF:
            self._buzz_since = None
        elif worse or self._buzz_since is None:
            self._buzz_since = now

    def states(self, now: float) -> PinStates:
        """Return what is on at `now`, and for how long."""
        led, led_for = LED[self._level].at(now - self._since)
        buzzer, buzzer_for = False, None
        if self._buzz_since is not None and (left := self._buzz_since + self._max_buzz_s - now) > 1e-6:
            buzzer, change = BUZZER[self._level].at(now - self._since)
            buzzer_for = left if change is None else min(change, left)
        return PinStates(buzzer, led, min((s for s in (led_for, buzzer_for) if s is not None), default=None))
